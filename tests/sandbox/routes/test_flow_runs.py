"""Flows started, stopped and checked."""

from typing import Any

import pytest

from tests.sandbox.routes.conftest import STEP, TRIGGER, Client, echo_flow, problem, saved


def flow_with(**step: Any) -> dict[str, Any]:
    return echo_flow() | {STEP: {"type": "appmixer.utils.controls.Condition", **step}}


async def stage(client: Client, flow_id: str) -> str:
    return str((await client.get(f"/flows/{flow_id}")).json()["stage"])


async def test_a_flow_is_started_and_stopped_and_a_repetition_changes_nothing(ann: Client) -> None:
    flow_id = await saved(ann, echo_flow())

    for command, after in (("start", "running"), ("stop", "stopped")) * 2:
        for _ in range(2):
            answer = await ann.post(f"/flows/{flow_id}/coordinator", json={"command": command})

            assert answer.json() == {"flowId": flow_id}
            assert await stage(ann, flow_id) == after


async def test_the_other_dialects_paths_start_and_stop_too(ann: Client) -> None:
    flow_id = await saved(ann, echo_flow())

    await ann.put(f"/flows/{flow_id}/start")
    running = await stage(ann, flow_id)
    await ann.put(f"/flows/{flow_id}/stop")

    assert (running, await stage(ann, flow_id)) == ("running", "stopped")


async def test_every_unknown_type_is_told_and_names_like_it_for_the_first_ones(
    ann: Client,
) -> None:
    flow = {f"c{n}": {"type": f"appmixer.utils.http.Gett{n}"} for n in range(100)}
    flow_id = await saved(ann, flow)

    errors = (await ann.get(f"/flows/{flow_id}/validate")).json()["errors"]

    told = [error["message"] for one in errors for error in one["errors"]]
    unknown = [message for message in told if "has no component of the type" in message]
    assert len(unknown) == 100
    assert ["Did you mean" in message for message in unknown] == [True] * 20 + [False] * 80


async def test_a_stop_in_the_background_has_a_ticket_and_a_status(ann: Client) -> None:
    flow_id = await saved(ann, echo_flow())

    answer = await ann.post(
        f"/flows/{flow_id}/coordinator?background=true", json={"command": "stop"}
    )
    status = await ann.get(f"/flows/{flow_id}/coordinator/status")

    assert answer.json() == {"flowId": flow_id, "ticket": flow_id}
    assert status.json()["status"] == "completed"


@pytest.mark.parametrize("body", [{}, {"command": "pause"}, {"command": ["start"]}])
async def test_the_coordinator_knows_two_commands(ann: Client, body: dict[str, Any]) -> None:
    flow_id = await saved(ann, echo_flow())

    assert problem(await ann.post(f"/flows/{flow_id}/coordinator", json=body))[0] == 400


@pytest.mark.parametrize(
    ("descriptor", "part"),
    [
        ({TRIGGER: {"type": "a.b.c.Unknown"}}, "a.b.c.Unknown"),
        (flow_with(source={"in": {"nobody": ["out"]}}), "nobody"),
        (flow_with(source={"in": {TRIGGER: ["wrong"]}}), "wrong"),
        (
            flow_with(
                source={"in": {TRIGGER: ["request"]}},
                config={"transform": {"other": {TRIGGER: {"request": {"lambda": {}}}}}},
            ),
            "Malformed transformation",
        ),
    ],
)
async def test_a_flow_that_cannot_start_says_why(
    ann: Client, descriptor: dict[str, Any], part: str
) -> None:
    flow_id = await saved(ann, descriptor)

    refused = await ann.post(f"/flows/{flow_id}/coordinator", json={"command": "start"})
    checked = (await ann.get(f"/flows/{flow_id}/validate")).json()["errors"]

    status, message = problem(refused)
    assert status == 400
    assert part in message
    assert refused.json()["details"] == checked
    assert {one["componentId"] for one in checked} <= {"", *descriptor}
    assert all(error["message"] and error["keyword"] for error in checked[0]["errors"])
    assert await stage(ann, flow_id) == "stopped"


async def test_a_sound_flow_has_no_problems(ann: Client) -> None:
    flow_id = await saved(ann, echo_flow())

    assert (await ann.get(f"/flows/{flow_id}/validate")).json() == {"errors": []}
