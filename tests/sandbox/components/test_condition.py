"""Condition and Switch: which port a message leaves from."""

import pytest

from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Run, Sandbox, entry

YES: Json = {"input": 1, "operator": "=", "value": 1}
NO: Json = {"input": 1, "operator": "=", "value": 2}


def expression(*groups: list[Json]) -> Json:
    return {"AND": [{"OR": group} for group in groups]}


async def run_condition(sandbox: Sandbox, fields: dict[str, Json]) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "if": entry("controls.Condition", "start", fields=fields),
        }
    )


async def run_switch(sandbox: Sandbox, fields: dict[str, Json]) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "switch": entry("controls.Switch5", "start", fields=fields),
        }
    )


def outcome(run: Run) -> list[bool]:
    assert not run.errors()
    return [True for _ in run.sent("if", "true")] + [False for _ in run.sent("if", "false")]


@pytest.mark.parametrize(
    ("item", "expected"),
    [
        ({"input": "1", "operator": "=", "value": 1}, True),
        ({"input": "a", "operator": "=", "value": "b"}, False),
        ({"input": True, "operator": "=", "value": "true"}, True),
        ({"input": False, "operator": "!=", "value": "true"}, True),
        ({"input": "10", "operator": ">", "value": "9"}, True),
        ({"input": 9, "operator": ">", "value": 9}, False),
        ({"input": 9, "operator": ">=", "value": 9}, True),
        ({"input": "2026-01-31", "operator": "<", "value": "2026-02-01"}, True),
        ({"input": 9, "operator": "<=", "value": 8}, False),
        ({"input": "apple", "operator": "<=", "value": "pear"}, False),
        ({"input": 9, "operator": "%", "divisor": 3}, True),
        ({"input": 9, "operator": "%", "divisor": 2}, False),
        ({"input": 9, "operator": "%", "divisor": 0}, False),
        ({"input": "", "operator": "empty"}, True),
        ({"input": 0, "operator": "empty"}, False),
        ({"input": [1], "operator": "notEmpty"}, True),
        ({"input": "Green TEA", "operator": "contains", "value": "tea"}, True),
        ({"input": ["a", "b"], "operator": "contains", "value": "c"}, False),
        ({"input": 5, "operator": "range", "rangeMin": 5, "rangeMax": 9}, True),
        (
            {
                "input": 5,
                "operator": "range",
                "rangeMin": 5,
                "rangeMax": 9,
                "exclusiveMin": True,
            },
            False,
        ),
        (
            {"input": 9, "operator": "range", "rangeMin": 5, "rangeMax": 9, "exclusiveMax": "true"},
            False,
        ),
        ({"input": 4, "operator": "range", "rangeMin": 5, "rangeMax": 9}, False),
        ({"input": "order 17", "operator": "regex", "regex": r"\d+"}, True),
        ({"input": "order", "operator": "regex", "regex": r"^\d+$"}, False),
    ],
)
async def test_an_operator_decides_the_port(
    sandbox: Sandbox, item: Json, *, expected: bool
) -> None:
    run = await run_condition(sandbox, {"expression": expression([item])})

    assert outcome(run) == [expected]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (expression([YES], [NO, YES]), True),
        (expression([YES], [NO, NO]), False),
        (expression(), True),
        (expression([]), False),
        (None, False),
    ],
)
async def test_every_and_group_needs_one_or_item_that_holds(
    sandbox: Sandbox, given: Json, *, expected: bool
) -> None:
    run = await run_condition(sandbox, {"expression": given})

    assert outcome(run) == [expected]


async def test_without_an_expression_the_condition_is_false(sandbox: Sandbox) -> None:
    run = await run_condition(sandbox, {})

    assert outcome(run) == [False]


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ({"input": 1, "operator": "~"}, "'~'"),
        ({"operator": "contains", "value": "tea"}, "needs an input"),
        ({"input": "a" * 1_000 + "b", "operator": "regex", "regex": "(a+)+$"}, "(a+)+$"),
        ({"input": "a", "operator": "regex", "regex": "("}, "no regular expression"),
    ],
)
async def test_a_condition_that_cannot_be_worked_out_fails_for_good(
    sandbox: Sandbox, item: Json, says: str
) -> None:
    run = await run_condition(sandbox, {"expression": expression([item])})

    assert says in run.errors("if")[0]["message"]
    assert len(run.unprocessed()) == 1
    assert run.queued() == []


@pytest.mark.parametrize("given", ["no JSON", {"OR": []}, {"AND": "x"}, {"AND": [{"AND": []}]}])
async def test_an_expression_of_another_shape_is_an_error_that_shows_the_right_one(
    sandbox: Sandbox, given: Json
) -> None:
    run = await run_condition(sandbox, {"expression": given})

    assert "'expression'" in run.errors("if")[0]["message"]
    assert len(run.unprocessed()) == 1


async def test_a_condition_sends_an_empty_object(sandbox: Sandbox) -> None:
    run = await run_condition(sandbox, {"expression": expression([YES])})

    assert run.sent("if", "true") == [{}]


async def test_the_first_expression_that_holds_decides_the_port_of_a_switch(
    sandbox: Sandbox,
) -> None:
    fields = {
        "expression1": expression([NO]),
        "expression3": expression([YES]),
        "expression4": expression([YES]),
    }

    run = await run_switch(sandbox, fields)

    assert run.sent("switch", "out3") == [{}]
    assert run.sent("switch", "out4") == run.sent("switch", "else") == []


async def test_a_switch_where_nothing_holds_goes_on_from_else(sandbox: Sandbox) -> None:
    run = await run_switch(sandbox, {"expression1": expression([NO])})

    assert run.sent("switch", "else") == [{}]
