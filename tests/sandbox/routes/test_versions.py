"""Versions of flows."""

from typing import Any

import pytest

from tests.sandbox.routes.conftest import STEP, TRIGGER, Client, echo_flow, problem, saved, started


def numbered(number: int) -> dict[str, Any]:
    return {TRIGGER: {"type": "appmixer.utils.http.WebhookTrigger", "label": f"Webhook {number}"}}


async def versions(client: Client, flow_id: str, **query: int) -> dict[str, Any]:
    answer = await client.get(f"/flows/{flow_id}/versions", params=query)
    listed: dict[str, Any] = answer.raise_for_status().json()
    return listed


async def descriptor(client: Client, flow_id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get(f"/flows/{flow_id}")).json()["flow"]
    return found


async def restored(client: Client, flow_id: str, version_id: str, query: str = "") -> Any:
    return await client.post(f"/flows/{flow_id}/versions/{version_id}/restore{query}")


async def test_a_kept_version_is_listed_and_restored(ann: Client) -> None:
    flow_id = await saved(ann, echo_flow())
    body = {"type": "manual", "label": "Works"}

    kept = (await ann.post(f"/flows/{flow_id}/versions", json=body)).json()
    await ann.put(f"/flows/{flow_id}", json={"flow": {}})
    answer = await restored(ann, flow_id, kept["versionId"])

    assert kept == {
        "versionId": kept["versionId"], "versionNumber": 1, "type": "manual", "label": "Works",
        "btime": "2026-01-31T08:00:00.000Z",
    }  # fmt: skip
    assert answer.status_code == 200
    assert await descriptor(ann, flow_id) == echo_flow()
    listed = await versions(ann, flow_id)
    assert listed["totalCount"] == 2  # the one that was kept had the descriptor before the change
    assert listed["items"][-1] == kept


async def test_every_change_of_the_descriptor_can_be_taken_back(ann: Client) -> None:
    flow_id = await saved(ann, numbered(0))
    await ann.put(f"/flows/{flow_id}", json={"flow": numbered(1)})
    await ann.put(f"/flows/{flow_id}", json={"flow": numbered(2)})

    newest, oldest = (await versions(ann, flow_id))["items"]
    await restored(ann, flow_id, oldest["versionId"])
    first = await descriptor(ann, flow_id)
    await restored(ann, flow_id, newest["versionId"])

    assert [newest["type"], oldest["type"]] == ["autosave", "autosave"]
    assert first == numbered(0)
    assert await descriptor(ann, flow_id) == numbered(1)


@pytest.mark.parametrize("body", [{"name": "B"}, {"flow": numbered(0)}])
async def test_what_does_not_change_the_descriptor_keeps_no_version(
    ann: Client, body: dict[str, Any]
) -> None:
    flow_id = await saved(ann, numbered(0))

    await ann.put(f"/flows/{flow_id}", json=body)

    assert await versions(ann, flow_id) == {"items": [], "totalCount": 0}


async def test_the_newest_fifty_of_each_type_are_kept_and_paged(ann: Client) -> None:
    flow_id = await saved(ann, numbered(0))
    await ann.post(f"/flows/{flow_id}/versions", json={"type": "manual", "label": "First"})
    for number in range(1, 54):
        await ann.put(f"/flows/{flow_id}", json={"flow": numbered(number)})

    page = await versions(ann, flow_id, limit=2, offset=1)
    last = await versions(ann, flow_id, limit=100, offset=49)

    assert page["totalCount"] == 51
    assert [one["versionNumber"] for one in page["items"]] == [52, 51]
    assert [one["versionNumber"] for one in last["items"]] == [4, 1]
    assert last["items"][-1]["label"] == "First"


async def test_a_running_flow_is_restored_by_force_only(ann: Client) -> None:
    flow_id = await started(ann, echo_flow())
    body = {"type": "manual"}
    version = (await ann.post(f"/flows/{flow_id}/versions", json=body)).json()
    other = {STEP: echo_flow()[TRIGGER]}
    await ann.put(f"/flows/{flow_id}?forceUpdate=true", json={"flow": other})

    refused = await restored(ann, flow_id, version["versionId"])
    forced = await restored(ann, flow_id, version["versionId"], "?forceUpdate=true")

    assert problem(refused)[0] == 400
    assert forced.status_code == 200
    assert (await ann.get(f"/flows/{flow_id}")).json()["stage"] == "running"
    assert (await ann.post(f"/flows/{flow_id}/components/{TRIGGER}")).status_code == 200


async def test_a_version_belongs_to_its_flow(ann: Client) -> None:
    flow_id, other_id = await saved(ann, echo_flow()), await saved(ann, {})
    version = (await ann.post(f"/flows/{flow_id}/versions", json={"type": "autosave"})).json()

    assert problem(await restored(ann, other_id, version["versionId"]))[0] == 404
    assert problem(await restored(ann, flow_id, "none"))[0] == 404
    assert await descriptor(ann, other_id) == {}


async def test_versions_go_with_their_flow(ann: Client) -> None:
    flow_id = await saved(ann, echo_flow())
    await ann.post(f"/flows/{flow_id}/versions", json={"type": "manual"})
    await ann.delete(f"/flows/{flow_id}")

    body = {"name": "Again", "flow": {}}
    await ann.put(f"/flows/{flow_id}", json=body)

    assert await versions(ann, flow_id) == {"items": [], "totalCount": 0}


@pytest.mark.parametrize("body", [{}, {"type": "auto"}, {"type": "manual", "label": "x" * 256}])
async def test_a_version_has_a_known_type_and_a_short_label(
    ann: Client, body: dict[str, Any]
) -> None:
    flow_id = await saved(ann, echo_flow())

    assert problem(await ann.post(f"/flows/{flow_id}/versions", json=body))[0] == 400
