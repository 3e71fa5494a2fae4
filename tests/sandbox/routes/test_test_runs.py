"""Test runs as a client sees them: a stream of events, and nothing left behind."""

import json
from typing import Any

import httpx2
import pytest

from tests.sandbox.harness import entry
from tests.sandbox.routes.conftest import Client, problem, saved

SET = "appmixer.utils.controls.SetVariable"


def names(value: str) -> dict[str, Any]:
    return {"variables": {"ADD": [{"name": "n", "type": "text", "text": value}]}}


FLOW = {
    "start": entry("controls.OnStart", label="Start"),
    "name": entry("controls.SetVariable", "start", fields=names("{{{$.start.out.started}}}!")),
    "again": entry("controls.SetVariable", "name", fields=names("{{{$.name.out.n}}}?")),
}


def events(answer: httpx2.Response) -> list[tuple[str, dict[str, Any]]]:
    """Return the events of a stream: name and data."""
    assert answer.headers["content-type"].startswith("text/event-stream")
    found: list[tuple[str, dict[str, Any]]] = []
    for block in answer.text.replace("\r\n", "\n").strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if line[0] != ":")
        found.append((lines["event"], json.loads(lines["data"])))
    return found


def outputs_of(component_id: str, told: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Return what a component has sent."""
    return [
        data["data"]
        for name, data in told
        if name == "component:output" and data["componentId"] == component_id
    ]


async def run(client: Client, flow_id: str, **body: Any) -> list[tuple[str, dict[str, Any]]]:
    answer = await client.post(f"/flows/{flow_id}/test", json=body)
    return events(answer.raise_for_status())


async def test_a_test_run_tells_of_every_component_from_the_named_one_on(ann: Client) -> None:
    flow_id = await saved(ann, FLOW)

    told = await run(ann, flow_id, componentId="name", inputData={"in": names("hello")})

    assert [(name, data.get("componentId")) for name, data in told] == [
        ("test:start", None),
        ("component:start", "name"),
        ("component:output", "name"),
        ("component:done", "name"),
        ("component:start", "again"),
        ("component:output", "again"),
        ("component:done", "again"),
        ("test:done", None),
    ]
    assert told[2][1]["data"] == {"n": "hello"}
    assert told[5][1]["data"] == {"n": "hello?"}
    assert told[-1][1] == {"testRunId": told[0][1]["testRunId"], "status": "completed"}


async def test_a_test_run_leaves_no_log_and_does_not_start_the_flow(ann: Client) -> None:
    flow_id = await saved(ann, FLOW)

    await run(ann, flow_id, componentId="start")

    assert (await ann.get(f"/flows/{flow_id}")).json()["stage"] == "stopped"
    assert (await ann.get("/logs", params={"flowId": flow_id})).json()["hits"] == []


async def test_a_trigger_sends_a_sample_or_what_the_test_gives_it(ann: Client) -> None:
    flow_id = await saved(ann, FLOW)

    sample = await run(ann, flow_id, componentId="start")
    given = await run(ann, flow_id, componentId="start", payload={"started": "noon"})

    assert outputs_of("again", sample)[0]["n"].endswith("!?")
    assert outputs_of("again", given) == [{"n": "noon!?"}]


async def test_an_error_of_a_component_is_told_and_what_follows_it_does_not_run(
    ann: Client,
) -> None:
    flow = {
        **FLOW,
        "get": entry("storage.Get", "name", fields={"storeId": "none", "key": "k"}),
        "after": entry("controls.SetVariable", "get", fields=names("never")),
    }
    flow_id = await saved(ann, flow)

    told = await run(
        ann, flow_id, componentId="get", inputData={"in": {"storeId": "none", "key": "k"}}
    )

    errors = [data for name, data in told if name == "component:error"]
    assert [one["componentId"] for one in errors] == ["get"]
    assert "no data store" in errors[0]["error"]["message"]
    assert not any(data.get("componentId") == "after" for _, data in told)
    assert told[-1][0] == "test:done"


async def test_a_loop_without_end_is_ended(ann: Client) -> None:
    flow = {
        "start": entry("controls.OnStart"),
        "loop": entry(
            "filters.Equal", "start", ("loop", "equals"), fields={"sourceData": "", "value": ""}
        ),
    }
    flow_id = await saved(ann, flow)

    told = await run(
        ann, flow_id, componentId="loop", inputData={"in": {"sourceData": "", "value": ""}}
    )

    assert told[-1][0] == "test:error"
    assert "1000 messages" in told[-1][1]["message"]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"componentId": "nobody"}, "no component 'nobody'"),
        ({}, "componentId"),
        ({"componentId": "name", "options": {"timeout": 500_000}}, "timeout"),
    ],
)
async def test_a_test_run_that_cannot_be_is_refused_at_once(
    ann: Client, body: dict[str, Any], says: str
) -> None:
    flow_id = await saved(ann, FLOW)

    answer = await ann.post(f"/flows/{flow_id}/test", json=body)

    status, message = problem(answer)
    assert status == 400
    assert says in message


async def test_a_part_of_a_flow_that_is_not_complete_yet_can_be_tested(ann: Client) -> None:
    broken = {**FLOW, "draft": entry("storage.Get", "start", fields={"storeId": ""})}
    flow_id = await saved(ann, broken)

    told = await run(ann, flow_id, componentId="again", inputData={"in": names("x")})
    refused = await ann.post(f"/flows/{flow_id}/test", json={"componentId": "start"})

    assert told[-1][0] == "test:done"
    assert problem(refused)[0] == 400


async def test_a_component_is_called_outside_of_any_flow(ann: Client) -> None:
    answer = await ann.post(
        "/component/appmixer/utils/controls/SetVariable?outPort=out",
        json={"messages": {"in/variables": names("x")["variables"]}},
    )

    assert answer.raise_for_status().json() == {"n": "x"}


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/component/appmixer/utils/controls/Nothing", 404),
        ("/component/appmixer/utils/controls/SetVariable?outPort=none", 400),
    ],
)
async def test_a_call_of_what_is_not_there_is_refused(ann: Client, path: str, status: int) -> None:
    answer = await ann.post(path, json={})

    assert problem(answer)[0] == status


async def test_another_users_flow_cannot_be_tested(ann: Client, bob: Client) -> None:
    flow_id = await saved(ann, FLOW)

    answer = await bob.post(f"/flows/{flow_id}/test", json={"componentId": "name"})

    assert problem(answer)[0] == 404
