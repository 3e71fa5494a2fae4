"""Writing flows: what is wrong, what can be used, what a try shows."""

import json

import httpx2

from .conftest import ECHO, FAILING

ERAS = ("auto",)
"""The tour of test_same_facts calls each of these tools in both eras."""

CRM = "acme.crm.contacts.Create"
CRM_MANIFEST = {
    "name": CRM, "label": "Create contact", "outPorts": ["out"], "auth": {"service": "acme:crm"},
    "inPorts": [{"name": "in", "schema": {"required": ["email"]},
                 "inspector": {"inputs": {"email": {"type": "text"}}}}],
}  # fmt: skip
BROKEN = {
    "hook": ECHO["hook"],
    "save": {
        "type": "appmixer.utils.storage.Set",
        "label": "Keep it",
        "source": {"in": {"hook": ["request"]}},
        "config": {
            "transform": {
                "in": {
                    "hook": {
                        "request": {
                            "type": "json2new",
                            "lambda": {"storeId": "s", "key": "{{{k}}}"},
                            "modifiers": {"key": {"k": {"variable": "$.hook.ghost.id"}}},
                        }
                    }
                }
            }
        },
    },
    "mail": {"type": "appmixer.utils.email.SendEmial", "source": {"in": {"save": ["out"]}}},
}


async def test_every_problem_is_told_with_its_component_field_and_mend(tools):
    flow_id = (await tools("create_flow", name="Broken", descriptor=BROKEN))["flow_id"]

    found = await tools("validate_flow", flow_id=flow_id)

    told = {(one.get("component"), one.get("field")): one for one in found["problems"]}
    assert found["problem_count"] == len(told) == 3
    assert "get_flow_variables" in told["Keep it", "key"]["mend"]
    assert "get_component" in told["Keep it", "value"]["mend"]
    assert "search_components" in told["SendEmial", None]["mend"]


async def test_variables_come_as_paths_and_expressions_with_what_the_last_run_had(tools, tenant):
    flow_id = (await tools("create_flow", name="Failing", descriptor=FAILING))["flow_id"]
    await tools("start_flow", flow_id=flow_id)
    await tenant.engine.wait_idle()

    found = await tools("get_flow_variables", flow_id=flow_id, component="Save", limit=1)

    (started,) = found["items"]
    assert started["variable"] == "$.start.out.started"
    assert started["expression"] == "{{OnStart.out.started}}"
    assert json.loads(started["sample"]).endswith("Z")
    assert found["next_offset"] == 1


async def test_what_a_run_brought_can_be_referred_to_though_no_schema_tells_of_it(
    tools, tenant, webhook_flow
):
    await tools("start_flow", flow_id=webhook_flow)
    sent = {"order": {"id": 7}, "password": "hidden-word", "a.b": 1}
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=tenant.app), base_url="http://127.0.0.1:2200"
    ) as http:
        await http.post(f"/flows/{webhook_flow}/components/hook", json=sent)
    await tenant.engine.wait_idle()

    found = await tools(
        "get_flow_variables", flow_id=webhook_flow, component="Reply", pattern="request.data."
    )

    samples = {one["expression"]: one.get("sample") for one in found["items"]}
    assert samples.keys() == {
        "{{Hook.request.data.order}}",
        "{{Hook.request.data.order.id}}",
        "{{Hook.request.data.password}}",
    }
    assert samples["{{Hook.request.data.order.id}}"] == "7"
    assert "hidden-word" not in json.dumps(found)


async def test_a_label_that_is_there_twice_is_not_used_in_an_expression(tools):
    twice = {one: entry | {"label": "Twin"} for one, entry in ECHO.items()}
    flow_id = (await tools("create_flow", name="Twins", descriptor=twice))["flow_id"]

    found = await tools("get_flow_variables", flow_id=flow_id, pattern="method")

    assert [one["expression"] for one in found["items"]] == ["{{hook.request.method}}"]
    assert "2 components" in await tools.refused(
        "get_flow_variables", flow_id=flow_id, component="Twin"
    )


async def test_a_test_run_shows_what_each_component_sent_and_why_one_failed(tools):
    flow_id = (await tools("create_flow", name="Failing", descriptor=FAILING))["flow_id"]

    found = await tools("test_flow", flow_id=flow_id)
    nothing = await tools("test_flow", flow_id=flow_id, component="Save")

    assert (found["completed"], found["failed"], found["never_ran"]) == (True, ["Save"], [])
    assert [one.get("port") for one in found["steps"]] == ["out", None]
    assert "no-such-store" in found["steps"][1]["error"]
    assert "inputs" in nothing["error"]
    assert (await tools("get_flow", flow_id=flow_id))["stage"] == "stopped"


async def test_what_a_test_run_shows_holds_no_secret(tools, webhook_flow):
    ran = await tools("test_flow", flow_id=webhook_flow, payload={"password": "hidden-word"})

    assert json.loads(ran["steps"][0]["data"])["method"] == "POST"
    assert "hidden-word" not in json.dumps(ran)


async def test_an_account_is_assigned_by_label_and_taken_away(tools):
    await tools.confirmed("publish_component", manifest=CRM_MANIFEST)
    descriptor = {"c": {"type": CRM, "label": "Contact", "source": {}}}
    flow_id = (await tools("create_flow", name="f", descriptor=descriptor))["flow_id"]
    account = await tools("create_account", service="acme:crm", token={"key": "k"})
    which = {"flow_id": flow_id, "component": "contact"}

    await tools("assign_account", **which, account_id=account["account_id"])
    used = await tools("list_account_flows", account_id=account["account_id"])
    await tools("assign_account", **which, account_id="")
    other = await tools("create_account", service="acme:mail", token={"key": "k"})
    said = await tools.refused("assign_account", **which, account_id=other["account_id"])

    assert "list_component_accounts" in said
    assert [one["flow_id"] for one in used["items"]] == [flow_id]
    assert not (await tools("list_account_flows", account_id=account["account_id"]))["items"]
    assert "no component" in await tools.refused(
        "assign_account", flow_id=flow_id, component="ghost", account_id="a"
    )


async def test_a_modifier_is_tried_on_a_value(tools):
    span = {"name": "g_addTimeSpan", "value": "2024-01-31", "hash_params": {"months": 1}}

    words = await tools("test_modifier", name="g_split", value="a,b", params=[","])
    second = await tools(
        "test_modifier", name="nthIndex", value="[4,5]", value_is_json=True, params=["1"]
    )
    later = await tools("test_modifier", **span)

    assert [json.loads(one["result"]) for one in (words, second, later)] == [
        ["a", "b"], 5, "2024-02-29T00:00:00.000Z",
    ]  # fmt: skip


async def test_modifiers_are_found_by_category_with_what_they_take(tools):
    found = {one["name"]: one for one in (await tools("list_modifiers", pattern="date"))["items"]}

    assert found["g_addTimeSpan"]["params"][0] == "#years"
    assert found["g_now"]["needs_no_variable"]
    assert "list_modifiers" in await tools.refused("test_modifier", name="g_parse", value="1")


async def test_the_guide_is_given_whole_or_by_section(tools):
    whole = await tools("get_flow_guide")
    part = await tools("get_flow_guide", section="wiring")

    assert part["text"] in whole["text"]
    assert part["text"].startswith("## Wiring")
    assert "How values travel" in await tools.refused("get_flow_guide", section="pricing")
