"""Versions of flows: listed, kept, restored."""

import httpx2
import pytest

from .conftest import ECHO, as_user, between, tools_on
from .serving_all import all_tools

ON_START = {"type": "appmixer.utils.controls.OnStart", "source": {}}
UNKNOWN = {"loop": ON_START | {"type": "appmixer.utils.controls.NoSuchComponent"}}


@pytest.fixture(scope="module")
async def tools(tmp_path_factory):
    async with all_tools(tmp_path_factory.mktemp("versions")) as tools:
        yield tools


async def components(tools, flow_id):
    shown = await tools("get_flow", flow_id=flow_id)
    return shown["stage"], sorted(one["component_id"] for one in shown["components"])


async def changed_flow(tools, first, second):
    """Return a flow that was `first`, kept as a version, and is `second`; and that version's id."""
    flow_id = (await tools("create_flow", name="Flow", descriptor=first))["flow_id"]
    kept = await tools("save_flow_version", flow_id=flow_id, label="First")
    await as_user(tools.tenant, "PUT", f"/flows/{flow_id}", {"flow": second})
    return flow_id, kept["version"]["version_id"]


async def test_a_version_is_kept_listed_and_restored(tools):
    flow_id, version_id = await changed_flow(tools, ECHO, {"a": ON_START})

    page = await tools("list_flow_versions", flow_id=flow_id)
    asked = await tools("restore_flow_version", flow_id=flow_id, version_id=version_id)
    untouched = await components(tools, flow_id)
    await tools("restore_flow_version", flow_id=flow_id, version_id=version_id, confirm=True)

    (listed,) = [one for one in page["items"] if one["version_id"] == version_id]
    assert (listed["label"], listed["kind"], page["total"]) == (
        "First",
        "manual",
        len(page["items"]),
    )
    assert "'First'" in asked["impact"][0]
    assert untouched == ("stopped", ["a"])
    assert await components(tools, flow_id) == ("stopped", ["hook", "reply"])


async def test_what_a_restored_version_replaced_comes_back_with_undo(tools):
    flow_id, version_id = await changed_flow(tools, ECHO, {"a": ON_START})
    restore = {"flow_id": flow_id, "version_id": version_id}
    done = await tools.confirmed("restore_flow_version", **restore)

    await tools.confirmed("undo_change", change_id=done["change_id"])

    assert await components(tools, flow_id) == ("stopped", ["a"])


async def test_a_running_flow_runs_on_with_the_version(tools):
    flow_id, version_id = await changed_flow(tools, ECHO, {"a": ON_START})
    await tools("start_flow", flow_id=flow_id)

    done = await tools.confirmed("restore_flow_version", flow_id=flow_id, version_id=version_id)

    assert done["stage"] == "running"
    assert await components(tools, flow_id) == ("running", ["hook", "reply"])


async def test_a_version_that_does_not_start_leaves_the_flow_running_as_it_was(tools):
    flow_id, version_id = await changed_flow(tools, UNKNOWN, {"a": ON_START})
    await tools("start_flow", flow_id=flow_id)
    restore = {"flow_id": flow_id, "version_id": version_id}
    await tools("restore_flow_version", **restore)

    said = await tools.refused("restore_flow_version", **restore, confirm=True)

    assert "runs again as it was" in said
    assert await components(tools, flow_id) == ("running", ["a"])


async def test_the_oldest_version_can_be_restored_though_no_further_one_is_kept(tools):
    flow_id, _ = await changed_flow(tools, {}, {"first": ON_START})
    for number in range(50):
        descriptor = {"flow": {f"c{number}": ON_START}}
        await as_user(tools.tenant, "PUT", f"/flows/{flow_id}", descriptor)
    page = await tools("list_flow_versions", flow_id=flow_id, limit=100)
    oldest = [one for one in page["items"] if one["kind"] == "autosave"][-1]

    await tools.confirmed("restore_flow_version", flow_id=flow_id, version_id=oldest["version_id"])

    assert await components(tools, flow_id) == ("stopped", ["first"])


async def test_an_unknown_version_and_an_unknown_flow_are_told_apart(tools):
    flow_id, _ = await changed_flow(tools, {}, {"a": ON_START})

    version = await tools.refused("restore_flow_version", flow_id=flow_id, version_id="0" * 24)
    flow = await tools.refused("list_flow_versions", flow_id="nowhere")

    assert "list_flow_versions" in version
    assert "list_flows" in flow


@pytest.mark.parametrize(
    ("tool", "more"),
    [
        ("list_flow_versions", {}),
        ("save_flow_version", {}),
        ("restore_flow_version", {"version_id": "v"}),
    ],
)
async def test_a_tenant_without_versions_says_so_and_what_to_do_instead(tool, more, tools):
    flow_id, _ = await changed_flow(tools, {}, {"a": ON_START})
    missing = httpx2.Response(404, json={"statusCode": 404, "error": "Not Found"})
    way = between(tools.tenant, lambda one: missing if "/versions" in one.url.path else None)

    async with tools_on(tools.tenant, transport=way) as older:
        said = await older.refused(tool, flow_id=flow_id, **more)

    assert "keeps no versions" in said
    assert "undo_change" in said
