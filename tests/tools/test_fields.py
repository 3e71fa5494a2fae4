"""Callers name the facts they want of each item of a list."""

import pytest

from appmixer_mcp.results import Outcome
from appmixer_mcp.selecting import Selectable
from appmixer_mcp.surface import load_toolsets
from appmixer_mcp.toolset import DESTROY, ToolContext, Toolset

from .conftest import FAILING

TAKING = {
    spec.name: spec
    for toolset in load_toolsets().values()
    for spec in toolset.tools
    if "fields" in spec.input_schema["properties"]
}


def selectable(spec):
    assert spec.selectable is not None
    return spec.selectable


def item_schema(spec):
    return spec.output_schema["properties"][selectable(spec).of]["items"]


async def test_items_have_only_what_was_asked_for_and_what_they_are_known_by(tools, webhook_flow):
    page = await tools("list_flows", fields=["stage"])

    assert page == {"items": [{"flow_id": webhook_flow, "stage": "stopped"}], "total": 1}


async def test_of_a_flow_the_facts_of_its_components_are_chosen(tools, webhook_flow):
    flow = await tools("get_flow", flow_id=webhook_flow, fields=["type"])

    assert flow["name"] == "Echo"
    assert flow["components"] == [
        {"component_id": "hook", "type": "appmixer.utils.http.WebhookTrigger"},
        {"component_id": "reply", "type": "appmixer.utils.http.Response"},
    ]


async def test_a_descriptor_that_is_to_be_edited_stays_whole(tools, webhook_flow):
    detail = {"flow_id": webhook_flow, "detail": "descriptor"}

    assert await tools("get_flow", **detail, fields=["type"]) == await tools("get_flow", **detail)


async def test_log_records_keep_what_get_log_needs(tools, tenant):
    flow_id = (await tools("create_flow", name="Broken", descriptor=FAILING))["flow_id"]
    await tools("start_flow", flow_id=flow_id)
    await tenant.engine.wait_idle()

    page = await tools("query_logs", flow_id=flow_id, severity="error", fields=["error"])

    (record,) = page["items"]
    assert record.keys() == {"log_id", "index", "error"}
    assert (await tools("get_log", log_id=record["log_id"], index=record["index"]))["record"]


async def test_more_items_fit_when_less_of_each_is_wanted(tools):
    store_id = (await tools("create_store", name="s"))["store_id"]
    for number in range(50):
        await tools("create_store_item", store_id=store_id, key=str(number), value="x" * 1_000)

    whole = await tools("list_store_records", store_id=store_id, limit=100)
    keys = await tools("list_store_records", store_id=store_id, limit=100, fields=["key"])

    assert "left_out" in whole
    assert "left_out" not in keys
    assert len(keys["items"]) == 50


async def test_a_field_that_items_do_not_have_is_refused_with_those_they_have(tools):
    for name, spec in TAKING.items():
        arguments = dict.fromkeys(spec.input_schema.get("required", ()), "x")

        said = await tools.refused(name, **arguments, fields=["colour"])

        assert "'colour'" in said
        for field in item_schema(spec)["properties"]:
            assert field in said


@pytest.mark.parametrize("name", TAKING)
def test_what_can_be_left_out_is_not_promised_by_the_schema(name):
    schema = item_schema(TAKING[name])
    always = selectable(TAKING[name]).always

    assert set(schema.get("required", ())) <= set(always) <= set(schema["properties"])


def test_a_tool_that_asks_first_cannot_take_fields_too():
    async def impact(ctx: ToolContext) -> None:
        """Ask nothing."""

    async def wipe(ctx: ToolContext) -> Outcome:
        """Destroy everything."""
        return Outcome(done=True, message="It is gone.")

    register = Toolset("tests", "").tool(
        "Wipe", DESTROY, preview=impact, selectable=Selectable(always=("id",))
    )

    with pytest.raises(TypeError, match="wipe has a preview"):
        register(wipe)
