"""The tools of the group flows."""

import httpx2
import pytest
from mcp import Client

from appmixer_mcp.options import ServerOptions
from appmixer_mcp.server import build_server

from .conftest import BASE_URL, ECHO, FAILING, Tools, as_user, session_on

TOOLSETS = ("sdk",)
UNKNOWN = "3f2b0e2c-0000-4000-8000-000000000000"


async def test_a_created_flow_is_listed_stopped(tools):
    created = await tools("create_flow", name="Orders", descriptor=ECHO)

    page = await tools("list_flows")

    assert page["total"] == 1
    assert page["items"][0]["flow_id"] == created["flow_id"]
    assert page["items"][0]["name"] == "Orders"
    assert page["items"][0]["stage"] == "stopped"
    assert "descriptor" not in page["items"][0]


async def test_an_empty_list_is_an_empty_page(tools):
    assert await tools("list_flows") == {"items": [], "total": 0}


async def test_a_list_can_be_paged_sorted_and_searched(tools):
    for name in ("alpha", "beta", "gamma"):
        await tools("create_flow", name=name)

    first = await tools("list_flows", sort="name:1", limit=2)
    last = await tools("list_flows", sort="name:1", limit=2, offset=first["next_offset"])
    found = await tools("list_flows", pattern="amm")

    assert [one["name"] for one in first["items"]] == ["alpha", "beta"]
    assert [one["name"] for one in last["items"]] == ["gamma"]
    assert (first["total"], last["total"], "next_offset" in last) == (3, 3, False)
    assert [one["name"] for one in found["items"]] == ["gamma"]


async def test_custom_fields_can_be_filtered_and_counted(tools):
    await tools("create_flow", name="a", custom_fields={"team": "sales"})
    await tools("create_flow", name="b", custom_fields={"team": "legal"})

    page = await tools("list_flows", filter=["customFields.team:sales"])

    assert [one["name"] for one in page["items"]] == ["a"]
    assert await tools("count_flows", filter=["customFields.team:!sales"]) == {"count": 1}


async def test_a_flow_is_shown_in_the_detail_that_was_asked_for(tools, webhook_flow):
    summary = await tools("get_flow", flow_id=webhook_flow, detail="summary")
    components = await tools("get_flow", flow_id=webhook_flow)
    whole = await tools("get_flow", flow_id=webhook_flow, detail="descriptor")
    part = await tools(
        "get_flow", flow_id=webhook_flow, detail="descriptor", component_ids=["reply", "ghost"]
    )

    assert summary["component_count"] == 2
    assert not {"components", "descriptor"} & set(summary)
    assert components["components"][1]["sources"] == ["hook.request -> in"]
    assert whole["descriptor"]["reply"]["config"] == ECHO["reply"]["config"]
    assert list(part["descriptor"]) == ["reply"]
    assert part["unknown_components"] == ["ghost"]


async def test_a_webhook_flow_answers_at_the_url_that_get_flow_gives(tools, tenant, webhook_flow):
    await tools("start_flow", flow_id=webhook_flow)
    shown = await tools("get_flow", flow_id=webhook_flow)
    url = shown["components"][0]["webhook_url"]

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=tenant.app)) as http:
        answer = await http.post(url, json={"hello": "there"})

    assert url.startswith(BASE_URL)
    assert answer.json() == {"hello": "there"}


async def test_starting_a_running_flow_and_stopping_a_stopped_one_change_nothing(
    tools, webhook_flow
):
    await tools("start_flow", flow_id=webhook_flow)
    assert (await tools("start_flow", flow_id=webhook_flow))["stage"] == "running"
    await tools("stop_flow", flow_id=webhook_flow)
    assert (await tools("stop_flow", flow_id=webhook_flow))["stage"] == "stopped"

    assert (await tools("get_flow", flow_id=webhook_flow))["stage"] == "stopped"


async def test_a_clone_has_its_own_id_and_component_ids(tools, webhook_flow):
    clone = await tools("clone_flow", flow_id=webhook_flow)

    shown = await tools("get_flow", flow_id=clone["flow_id"])

    assert clone["flow_id"] != webhook_flow
    assert not {one["component_id"] for one in shown["components"]} & set(ECHO)


async def test_deleting_shows_what_would_be_lost_and_changes_nothing_until_confirmed(
    tools, webhook_flow
):
    await tools("start_flow", flow_id=webhook_flow)

    preview = await tools("delete_flow", flow_id=webhook_flow)

    assert preview["done"] is False
    assert "'Echo' (running)" in preview["message"]
    assert any("2 components" in line for line in preview["impact"])
    assert "confirm=true" in preview["next_step"]
    assert (await tools("count_flows"))["count"] == 1

    deleted = await tools("delete_flow", flow_id=webhook_flow, confirm=True)

    assert deleted["done"] is True
    assert (await tools("count_flows"))["count"] == 0


async def test_confirming_at_once_only_shows_the_preview(tools, webhook_flow):
    assert (await tools("delete_flow", flow_id=webhook_flow, confirm=True))["done"] is False
    assert (await tools("count_flows"))["count"] == 1


async def test_a_flow_that_changed_after_the_preview_is_not_deleted(tools, webhook_flow):
    await tools("delete_flow", flow_id=webhook_flow)
    await tools("start_flow", flow_id=webhook_flow)

    answer = await tools("delete_flow", flow_id=webhook_flow, confirm=True)

    assert answer["done"] is False
    assert "changed" in answer["next_step"]


async def test_the_preview_counts_unprocessed_messages(tools, tenant):
    flow_id = (await tools("create_flow", name="Broken", descriptor=FAILING))["flow_id"]
    await tools("start_flow", flow_id=flow_id)
    await tenant.engine.wait_idle()

    preview = await tools("delete_flow", flow_id=flow_id)

    assert any("1 unprocessed message" in line for line in preview["impact"])


async def test_renaming_a_stopped_flow_asks_nothing(tools, webhook_flow):
    changed = await tools("update_flow", flow_id=webhook_flow, name="Echo 2")

    assert changed["done"] is True
    assert (await tools("get_flow", flow_id=webhook_flow))["name"] == "Echo 2"


async def test_removing_a_component_asks_and_names_it(tools, webhook_flow):
    preview = await tools("update_flow", flow_id=webhook_flow, descriptor={"hook": ECHO["hook"]})

    assert preview["done"] is False
    assert preview["impact"] == ["Removes the component 'Reply' ('reply')"]
    assert (await tools("get_flow", flow_id=webhook_flow))["component_count"] == 2


async def test_changing_more_than_half_of_the_components_asks(tools, webhook_flow):
    changed = {one: entry | {"label": "new"} for one, entry in ECHO.items()}

    preview = await tools("update_flow", flow_id=webhook_flow, descriptor=changed)

    assert preview["impact"] == ["Changes 2 of 2 components"]


async def test_changing_a_running_flow_asks_and_then_it_runs_on(tools, webhook_flow):
    await tools("start_flow", flow_id=webhook_flow)

    changed = await tools.confirmed("update_flow", flow_id=webhook_flow, name="Echo live")

    assert changed["stage"] == "running"
    shown = await tools("get_flow", flow_id=webhook_flow)
    assert (shown["name"], shown["stage"]) == ("Echo live", "running")


async def test_an_update_without_a_change_is_refused(tools, webhook_flow):
    assert "Nothing to change" in await tools.refused("update_flow", flow_id=webhook_flow)


async def test_an_unsound_descriptor_is_refused_with_every_problem_before_anything_is_sent(tools):
    unsound = {"a": {"type": "bad"}, "b": ECHO["reply"]}

    said = await tools.refused("create_flow", name="x", descriptor=unsound)

    assert "vendor.service.module.Component" in said
    assert "names the component 'hook'" in said
    assert (await tools("count_flows"))["count"] == 0


async def test_a_flow_that_cannot_start_says_what_is_wrong_with_it(tools):
    unknown = {"a": {"type": "appmixer.utils.controls.Teleport", "source": {}}}
    flow_id = (await tools("create_flow", name="x", descriptor=unknown))["flow_id"]

    said = await tools.refused("start_flow", flow_id=flow_id)

    assert "appmixer.utils.controls.Teleport" in said


async def test_a_misspelt_component_type_is_answered_with_the_nearest(tools):
    misspelt = {"a": {"type": "appmixer.utils.http.Webhooktriger", "source": {}}}
    flow_id = (await tools("create_flow", name="x", descriptor=misspelt))["flow_id"]

    said = await tools.refused("start_flow", flow_id=flow_id)

    assert "Did you mean appmixer.utils.http.WebhookTrigger" in said


async def test_a_descriptor_may_come_as_json_text(tools):
    created = await tools("create_flow", name="x", descriptor='{"a": {"type": "a.b.c.D"}}')

    shown = await tools("get_flow", flow_id=created["flow_id"])

    assert shown["components"][0]["type"] == "a.b.c.D"


async def test_a_long_descriptor_is_cut_and_the_rest_can_be_asked_for(tools):
    many = {
        f"c{n}": {"type": "appmixer.utils.controls.OnStart", "label": "x" * 100} for n in range(900)
    }
    flow_id = (await tools("create_flow", name="x", descriptor=many))["flow_id"]

    shown = await tools("get_flow", flow_id=flow_id, detail="descriptor")
    rest = await tools("get_flow", flow_id=flow_id, detail="descriptor", component_ids=["c899"])

    assert 0 < len(shown["descriptor"]) < 900
    assert "of 900 descriptor did not fit" in shown["left_out"]
    assert list(rest["descriptor"]) == ["c899"]


async def test_which_accounts_a_flow_needs_is_shown(tools, webhook_flow):
    shown = await tools("get_flow_authentication", flow_id=webhook_flow)

    assert shown == {"flow_id": webhook_flow, "components": {}, "services": {}}


@pytest.mark.parametrize(
    "name", ["get_flow", "start_flow", "stop_flow", "delete_flow", "clone_flow"]
)
@pytest.mark.parametrize("flow_id", [UNKNOWN, "../stores", "a%2fb", "a/../../user"])
async def test_an_id_that_is_not_a_flows_is_said_to_be_unknown(tools, name, flow_id):
    said = await tools.refused(name, flow_id=flow_id)

    assert repr(flow_id) in said
    assert "list_flows" in said


async def test_nobody_sees_or_touches_another_users_flow(tools, other_tools, webhook_flow):
    assert (await other_tools("list_flows"))["total"] == 0
    for name in ("get_flow", "start_flow", "delete_flow", "clone_flow"):
        assert "list_flows" in await other_tools.refused(name, flow_id=webhook_flow)
    assert (await tools("get_flow", flow_id=webhook_flow))["stage"] == "stopped"


async def test_a_flow_that_is_started_behind_a_change_is_not_changed_unasked(tenant):
    looks = 0

    async def starts_it_after_the_preview(scope, receive, send):
        nonlocal looks
        if scope["method"] == "GET" and scope["path"].startswith("/flows/"):
            looks += 1
            if looks == 3:  # after create_flow and the preview
                await as_user(tenant, "POST", f"{scope['path']}/coordinator", {"command": "start"})
        await tenant.app(scope, receive, send)

    transport = httpx2.ASGITransport(app=starts_it_after_the_preview)
    session = session_on(tenant, transport=transport)
    async with Client(build_server(ServerOptions(session=session))) as client:
        tools = Tools(client)
        flow_id = (await tools("create_flow", name="Before", descriptor=ECHO))["flow_id"]
        said = await tools.refused("update_flow", flow_id=flow_id, name="After")
        shown = await tools("get_flow", flow_id=flow_id)
    await session.aclose()

    assert "was started meanwhile" in said
    assert (shown["name"], shown["stage"]) == ("Before", "running")
