"""The catalogue of modifiers over HTTP, and the try of a function."""

import sys

import pytest

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.evaluator import knows_javascript
from tests.sandbox.routes.conftest import Client, problem

needs_javascript = pytest.mark.skipif(not knows_javascript(), reason="mini-racer is not installed")


async def test_the_catalogue_tells_what_modifiers_take(ann: Client) -> None:
    catalogue = (await ann.get("/modifiers")).json()

    assert len(catalogue["modifiers"]) == 84
    assert catalogue["modifiers"]["g_stringify"] == {
        "name": "g_stringify",
        "label": "Stringify",
        "type": "modifier",
        "category": ["object", "list"],
        "arguments": [{"name": "space", "type": "number", "isHash": True, "isBlock": False}],
        "returns": {"type": "string"},
    }
    assert catalogue["modifiers"]["g_map"]["isBlock"] is True
    assert catalogue["modifiers"]["g_map"]["arguments"][0]["isBlock"] is True
    assert catalogue["modifiers"]["g_max"]["variableArguments"] is True
    assert catalogue["modifiers"]["g_now"]["type"] == "flow"
    assert catalogue["categories"]["object"] == {"label": "Object", "index": 1}
    assert catalogue["categories"]["math"]["index"] == 7


async def test_every_modifier_is_of_known_categories(ann: Client) -> None:
    catalogue = (await ann.get("/modifiers")).json()

    named = {name for one in catalogue["modifiers"].values() for name in one["category"]}
    assert named == set(catalogue["categories"])


@needs_javascript
@pytest.mark.parametrize(
    ("source", "arguments", "result"),
    [
        ("function (a, b) { return a + b; }", [1, 3], 4),
        ("(value, ...more) => ({value, more})", ["a", 1, [2]], {"value": "a", "more": [1, [2]]}),
        ("() => null", [], None),
    ],
)
async def test_a_function_is_called_with_the_arguments(
    ann: Client, source: str, arguments: list[Json], result: Json
) -> None:
    answer = await ann.post("/modifiers/test", json={"helperFn": source, "arguments": arguments})

    assert answer.status_code == 200
    assert answer.json() == result


@needs_javascript
@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("function () {}", 'The function returned "undefined"'),
        ("function (", "The function failed: SyntaxError"),
        ("1 + 1", "The function failed: TypeError: it is no function"),
        ("() => missing", "The function failed: ReferenceError: missing is not defined"),
        ("() => { const all = []; while (true) all.push([1, 2]); }", "too much memory"),
    ],
)
async def test_a_function_that_gives_nothing_is_a_bad_request(
    ann: Client, source: str, message: str
) -> None:
    answer = await ann.post("/modifiers/test", json={"helperFn": source, "arguments": []})

    status, said = problem(answer)
    assert status == 400
    assert message in said


async def test_without_an_interpreter_the_answer_says_how_to_get_one(
    ann: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "py_mini_racer", None)  # as if it were not installed

    answer = await ann.post("/modifiers/test", json={"helperFn": "() => 1", "arguments": []})

    status, said = problem(answer)
    assert status == 400
    assert "pip install 'appmixer-mcp[javascript]'" in said


@pytest.mark.parametrize("body", [{}, {"helperFn": 1, "arguments": []}, {"helperFn": "x"}, []])
async def test_a_bad_body_is_refused(ann: Client, body: Json) -> None:
    answer = await ann.post("/modifiers/test", json=body)

    assert problem(answer)[0] == 400


async def test_listing_and_trying_out_modifiers_need_a_token(visitor: Client) -> None:
    assert (await visitor.get("/modifiers")).status_code == 401
    assert (await visitor.post("/modifiers/test", json={})).status_code == 401


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("g_add", ["1", "2"], 3),
        ("g_addTimeSpan", ["2024-01-31", {"hash": {"months": 1}}], "2024-02-29T00:00:00.000Z"),
        ("g_pi", [None], 3.141592653589793),
    ],
)
async def test_a_modifier_is_tried_by_its_name(
    ann: Client, name: str, arguments: list[Json], result: Json
) -> None:
    answer = await ann.post("/modifiers/test", json={"helperFn": name, "arguments": arguments})

    assert answer.json() == result
