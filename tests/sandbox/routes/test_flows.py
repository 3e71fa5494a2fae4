"""Flows: listed, saved, copied, deleted."""

from datetime import timedelta
from typing import Any

import anyio
import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import (
    STEP,
    TRIGGER,
    Client,
    echo_flow,
    failing_flow,
    problem,
    saved,
    started,
)

CHOSEN = "99999999-9999-4999-8999-999999999999"


async def names(client: Client, **query: Any) -> list[str]:
    answer = await client.get("/flows", params=query)
    return [flow["name"] for flow in answer.raise_for_status().json()]


async def test_a_saved_flow_comes_back_as_it_was_sent(ann: Client) -> None:
    extra = {"description": "D", "customFields": {"a": {"b": 1}}, "thumbnail": "data:,x"}
    sent = {"name": "Žluť", "flow": failing_flow(), **extra}

    created = (await ann.post("/flows", json=sent)).json()
    shown = (await ann.get(f"/flows/{created['flowId']}")).json()

    assert {key: shown[key] for key in sent} == sent
    assert shown["flowId"] == shown["id"] == created["id"]
    assert shown["stage"] == "stopped"
    assert shown["btime"] == shown["mtime"] == "2026-01-31T08:00:00.000Z"


async def test_a_flow_needs_neither_name_nor_descriptor(ann: Client) -> None:
    created = (await ann.post("/flows")).json()

    assert created["name"]
    assert created["flow"] == {}


async def test_a_flow_is_an_automation_unless_it_says_otherwise(ann: Client) -> None:
    await saved(ann, echo_flow(), "Plain")
    await ann.post("/flows", json={"name": "Draft", "type": "integration-draft"})

    listed = (await ann.get("/flows")).json()

    types = {flow["name"]: flow["type"] for flow in listed}
    assert types == {"Plain": "automation", "Draft": "integration-draft"}
    assert await names(ann, filter="type:automation") == ["Plain"]


async def test_a_draft_may_have_loose_ends(ann: Client) -> None:
    draft = {STEP: {"type": "a.b.c.Unknown", "source": {"in": {"nobody": ["out"]}}}}

    assert (await ann.post("/flows", json={"flow": draft})).status_code == 200


@pytest.mark.parametrize(
    ("descriptor", "part"),
    [
        (None, "object"),
        ([], "object"),
        ({"a": 1}, "type"),
        ({"a": {}}, "type"),
        ({"a": {"type": "x"}}, "vendor.service.module.Component"),
        ({"a/b": {"type": "a.b.c.D"}}, "letters"),
        ({"a": {"type": "a.b.c.D", "colour": 1}}, "colour"),
        ({"a": {"type": "a.b.c.D", "source": {"in": ["x"]}}}, "source"),
    ],
)
async def test_what_is_no_map_of_components_is_not_saved(
    ann: Client, descriptor: object, part: str
) -> None:
    answer = await ann.post("/flows", json={"flow": descriptor})

    assert problem(answer)[0] == 400
    assert part in answer.json()["message"]
    assert answer.json()["details"][0]["errors"][0]["keyword"]
    assert await names(ann) == []


@pytest.mark.parametrize(
    "body",
    [
        {"name": 1},
        {"name": ""},
        {"customFields": []},
        {"description": {}},
        {"categories": [1]},
        {"type": "flow"},
    ],
)
async def test_a_field_of_the_wrong_type_is_named(ann: Client, body: dict[str, object]) -> None:
    status, message = problem(await ann.post("/flows", json=body))

    assert status == 400
    assert next(iter(body)) in message


async def test_a_descriptor_of_three_megabytes_is_too_large(ann: Client) -> None:
    big = {TRIGGER: {"type": "a.b.c.D", "label": "x" * 3_000_000}}

    assert problem(await ann.post("/flows", json={"flow": big}))[0] == 413
    assert await names(ann) == []


async def test_two_thousand_components_are_saved_started_and_copied(ann: Client) -> None:
    chain: dict[str, Any] = echo_flow()
    previous, port = TRIGGER, "request"
    for number in range(1_999):
        chain[f"step-{number}"] = {
            "type": "appmixer.utils.controls.Condition",
            "source": {"in": {previous: [port]}},
        }
        previous, port = f"step-{number}", "true"

    flow_id = await started(ann, chain)
    copy_id = (await ann.post(f"/flows/{flow_id}/clone")).json()["cloneId"]

    assert len((await ann.get(f"/flows/{copy_id}")).json()["flow"]) == 2_000


async def test_the_latest_change_is_listed_first(ann: Client, clock: ManualClock) -> None:
    first = await saved(ann, {}, "First")
    clock.turn(timedelta(seconds=1))
    await saved(ann, {}, "Second")
    clock.turn(timedelta(seconds=1))
    await ann.put(f"/flows/{first}", json={"description": "changed"})

    assert await names(ann) == ["First", "Second"]


async def test_flows_are_found_by_pattern_filter_and_sort(ann: Client) -> None:
    for name, category in (("Orders", "shop"), ("Old orders", "archive"), ("Health", "ops")):
        fields = {"category": category}
        await ann.post("/flows", json={"name": name, "customFields": fields})
    user_id = (await ann.get("/user")).json()["id"]

    assert await names(ann, pattern="order", sort="name:1") == ["Old orders", "Orders"]
    assert await names(ann, filter="customFields.category:ops") == ["Health"]
    assert await names(ann, filter=["name:~order", "customFields.category:!shop"]) == ["Old orders"]
    assert await names(ann, **{"filter[]": ["name:~o", "name:Orders"]}) == ["Orders"]
    assert len(await names(ann, filter=f"userId:{user_id}")) == 3
    assert await names(ann, filter=f"userId:!{user_id}") == []
    assert await names(ann, sort="name:-1", limit=1, offset=1) == ["Old orders"]
    assert (await ann.get("/flows/count", params={"pattern": "order"})).json() == {"count": 2}


async def test_a_flow_is_found_by_its_id(ann: Client) -> None:
    flow_id = await saved(ann, {}, "Mine")
    await saved(ann, {}, "Other")

    assert await names(ann, pattern=flow_id) == ["Mine"]


async def test_a_page_of_a_list_holds_the_descriptors_of_its_flows(ann: Client) -> None:
    for name in ("A", "B", "C"):
        await saved(ann, echo_flow() | {name: {"type": "appmixer.utils.http.Get"}}, name)
    by_type = {"filter": "flow.B.type:appmixer.utils.http.Get"}

    page = (await ann.get("/flows", params={"sort": "name:1", "limit": 2})).json()
    found = (await ann.get("/flows", params=by_type)).json()

    assert [sorted(flow["flow"]) for flow in page] == [[TRIGGER, "A"], [TRIGGER, "B"]]
    assert [flow["name"] for flow in found] == ["B"]
    assert (await ann.get("/flows/count", params=by_type)).json() == {"count": 1}


async def test_a_projection_keeps_or_drops_fields(ann: Client) -> None:
    flow_id = await saved(ann, echo_flow())

    kept = (await ann.get("/flows", params={"projection": "name"})).json()
    dropped = (await ann.get(f"/flows/{flow_id}", params={"projection": "-flow,-mtime"})).json()

    assert kept == [{"flowId": flow_id, "name": "Flow"}]
    assert not {"flow", "mtime"} & set(dropped)
    assert dropped["name"] == "Flow"


@pytest.mark.parametrize(
    "query",
    [
        {"limit": "many"}, {"limit": "-1"}, {"offset": "9" * 10}, {"sort": "name:up"},
        {"sort": ":1"}, {"filter": "name"}, {"filter": ":x"}, {"filter": ["name:!x"] * 51},
        {"sort": ["name:1"] * 11},
    ],
)  # fmt: skip
async def test_a_list_parameter_that_makes_no_sense_is_named(
    ann: Client, query: dict[str, Any]
) -> None:
    status, message = problem(await ann.get("/flows", params=query))

    assert status == 400
    assert next(iter(query)) in message


async def test_an_update_replaces_only_what_is_sent(ann: Client, clock: ManualClock) -> None:
    sent = {"name": "A", "flow": echo_flow(), "customFields": {"a": 1}, "description": "D"}
    flow_id = (await ann.post("/flows", json=sent)).json()["flowId"]
    clock.turn(timedelta(minutes=1))

    answer = await ann.put(f"/flows/{flow_id}", json={"name": "B", "customFields": {"b": 2}})

    shown = (await ann.get(f"/flows/{flow_id}")).json()
    assert answer.json()["result"] == "updated"
    assert shown["name"] == "B"
    assert shown["customFields"] == {"b": 2}
    assert shown["description"] == "D"
    assert shown["flow"] == echo_flow()
    assert shown["btime"] < shown["mtime"]


async def test_neither_stage_nor_owner_can_be_written(ann: Client) -> None:
    body = {"stage": "running", "userId": "x", "flowId": "y", "started": "z"}

    flow_id = (await ann.post("/flows", json=body)).json()["flowId"]
    await ann.put(f"/flows/{flow_id}", json=body)

    shown = (await ann.get(f"/flows/{flow_id}")).json()
    assert shown["stage"] == "stopped"
    assert shown["flowId"] == flow_id
    assert "started" not in shown


async def test_updating_an_unknown_flow_makes_none(ann: Client) -> None:
    assert problem(await ann.put("/flows/unknown", json={"name": "A"}))[0] == 404
    assert await names(ann) == []


async def test_a_running_flow_is_not_changed_without_force(ann: Client) -> None:
    flow_id = await started(ann, echo_flow())

    answer = await ann.put(f"/flows/{flow_id}", json={"flow": {}})

    assert problem(answer)[0] == 400
    assert (await ann.get(f"/flows/{flow_id}")).json()["flow"] == echo_flow()


@pytest.mark.parametrize("force", ["true", "1", "True"])
async def test_a_running_flow_goes_on_with_its_new_descriptor(ann: Client, force: str) -> None:
    flow_id = await started(ann, echo_flow())
    renamed = {STEP: echo_flow()[TRIGGER]}

    answer = await ann.put(
        f"/flows/{flow_id}", params={"forceUpdate": force}, json={"flow": renamed}
    )

    assert answer.status_code == 200
    assert (await ann.get(f"/flows/{flow_id}")).json()["stage"] == "running"
    assert (await ann.post(f"/flows/{flow_id}/components/{STEP}")).status_code == 200
    assert (await ann.post(f"/flows/{flow_id}/components/{TRIGGER}")).status_code == 404


async def test_a_running_flow_keeps_running_when_its_new_descriptor_cannot(ann: Client) -> None:
    flow_id = await started(ann, echo_flow())
    broken = {TRIGGER: {"type": "no.such.thing.Here"}}

    answer = await ann.put(f"/flows/{flow_id}?forceUpdate=true", json={"flow": broken})

    assert problem(answer)[0] == 400
    assert (await ann.post(f"/flows/{flow_id}/components/{TRIGGER}")).status_code == 200
    assert (await ann.get(f"/flows/{flow_id}")).json()["flow"] == echo_flow()


async def test_renaming_a_running_flow_does_not_interrupt_it(ann: Client) -> None:
    flow_id = await started(ann, echo_flow())
    before = (await ann.get(f"/flows/{flow_id}")).json()["started"]

    await ann.put(f"/flows/{flow_id}?forceUpdate=true", json={"name": "B"})

    after = (await ann.get(f"/flows/{flow_id}")).json()
    assert (after["name"], after["started"], after["stage"]) == ("B", before, "running")


async def test_a_flow_that_is_sent_as_a_whole_is_created_under_its_chosen_id(
    ann: Client, bob: Client
) -> None:
    body = {"name": "Chosen", "flow": echo_flow(), "type": "integration-draft"}

    created = await ann.put(f"/flows/{CHOSEN}", json=body)
    changed = await ann.put(f"/flows/{CHOSEN}", json={**body, "name": "Changed"})
    theirs = await bob.put(f"/flows/{CHOSEN}", json=body)

    assert created.json() == {"flowId": CHOSEN, "id": CHOSEN, "result": "updated"}
    assert changed.status_code == 200
    assert problem(theirs)[0] == 404
    assert await names(ann) == ["Changed"]
    assert await names(bob) == []


@pytest.mark.parametrize(
    ("flow_id", "body"),
    [(CHOSEN, {"name": "No flow"}), ("count", {"flow": {}}), ("a" * 24, {"flow": {}})],
)
async def test_nothing_else_is_created_by_an_update(
    ann: Client, flow_id: str, body: dict[str, Any]
) -> None:
    assert problem(await ann.put(f"/flows/{flow_id}", json=body))[0] == 404
    assert await names(ann) == []


async def test_a_field_that_is_sent_as_null_goes(ann: Client) -> None:
    sent = {"name": "A", "thumbnail": "data:,x", "description": "D"}
    flow_id = (await ann.post("/flows", json=sent)).json()["flowId"]

    await ann.put(f"/flows/{flow_id}", json={"thumbnail": None})

    shown = (await ann.get(f"/flows/{flow_id}")).json()
    assert "thumbnail" not in shown
    assert shown["description"] == "D"


async def test_a_deleted_flow_leaves_nothing_behind(ann: Client, tenant: Tenant) -> None:
    flow_id = await started(ann, failing_flow())
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()
    assert len((await ann.get("/unprocessed-messages")).json()) == 1

    answer = await ann.delete(f"/flows/{flow_id}")

    assert answer.json() == {"flowId": flow_id}
    assert problem(await ann.get(f"/flows/{flow_id}")) == (404, "Flow not found.")
    assert (await ann.get("/unprocessed-messages")).json() == []
    assert (await ann.get("/logs")).json()["hits"] == []
    assert problem(await ann.delete(f"/flows/{flow_id}"))[0] == 404


async def test_a_deleted_flow_answers_no_webhook(ann: Client) -> None:
    flow_id = await started(ann, echo_flow())

    await ann.delete(f"/flows/{flow_id}")

    assert problem(await ann.post(f"/flows/{flow_id}/components/{TRIGGER}"))[0] == 404
