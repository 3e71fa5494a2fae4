"""Each prompt followed step by step, with the tools that it names and no other."""

import json
import re

from appmixer_mcp.sandbox.config import LOCAL_USER
from tests.prompts.conftest import HERE, THERE, approval, example

TODAY = "@timestamp:[now/d TO *]"


def webhook_url(flow):
    return next(one["webhook_url"] for one in flow["components"] if "webhook_url" in one)


async def stored_orders(reader, store_id):
    page = await reader.until(lambda page: page["items"], "list_store_records", store_id=store_id)
    return [record["key"] for record in page["items"]]


async def test_build_flow_ends_with_a_flow_that_runs(tenants):
    brief = {"brief": "Store orders over 1000.", "name": "Large orders"}
    async with tenants.owner() as owner, tenants.reading("build_flow", brief) as call:
        assert (await call("list_flows", pattern="orders"))["items"] == []
        assert (await call("list_stores"))["items"] == []
        assert (await call("list_accounts"))["items"] == []
        assert (await call("get_user"))["email"] == LOCAL_USER
        store = await call("create_store", name="Large orders")
        why = await call.refused("create_flow", name="Large orders", descriptor={"a": {}})
        assert "a: `type` is missing" in why
        wrong = example(store["store_id"], **{'"true"': '"yes"'})
        flow = await call("create_flow", name="Large orders", descriptor=wrong)
        flow_id = flow["flow_id"]
        why = await call.refused("start_flow", flow_id=flow_id)
        assert "names the out port 'yes'" in why
        await call("update_flow", flow_id=flow_id, descriptor=example(store["store_id"]))
        shown = await call("get_flow", flow_id=flow_id)
        await call("start_flow", flow_id=flow_id)
        await tenants.send(webhook_url(shown), {"id": 1, "amount": 10}, {"id": 2, "amount": 5000})

        logs = await call.until(
            lambda page: page["total"] > 8, "query_logs", flow_id=flow_id, limit=100
        )

        assert {"HOOK", "LIMIT", "KEEP"} <= {one.get("component_id") for one in logs["items"]}
        assert await stored_orders(owner, store["store_id"]) == ["order-2"]


async def test_why_flow_fails_finds_the_cause_and_mends_it(tenants):
    async with tenants.owner() as owner:
        store = (await owner("create_store", name="Orders"))["store_id"]
        broken = example(store, **{'request.data"': 'request.data.order"'})
        made = await owner("create_flow", name="Order intake", descriptor=broken)
        await owner("start_flow", flow_id=made["flow_id"])
        url = webhook_url(await owner("get_flow", flow_id=made["flow_id"]))
        await tenants.send(url, {"id": 1, "amount": 4000})
        await owner.until(lambda page: page["items"], "query_logs", severity="error")

        async with tenants.reading("why_flow_fails", {"flow": "Order intake"}) as call:
            (flow,) = (await call("list_flows", pattern="Order intake"))["items"]
            flow_id = flow["flow_id"]
            since = "@timestamp:[now-12h TO *]"
            errors = await call("query_logs", flow_id=flow_id, severity="error", query=since)
            newest = errors["items"][0]
            record = await call("get_log", log_id=newest["log_id"], index=newest["index"])
            assert "Input field value is required" in record["record"]["message"]
            way = await call("query_logs", query=f'correlationId:"{newest["correlation_id"]}"')
            sent = next(
                one
                for one in way["items"]
                if (one["component_id"], one["port"]) == ("HOOK", "request")
            )
            assert json.loads(sent["message"])["data"] == {"id": 1, "amount": 4000}
            failing = await call(
                "get_flow",
                flow_id=flow_id,
                detail="descriptor",
                component_ids=[newest["component_id"]],
            )
            assert "$.HOOK.request.data.order" in json.dumps(failing["descriptor"])
            assert [one["store_id"] for one in (await call("list_stores"))["items"]] == [store]
            await call("get_flow_authentication", flow_id=flow_id)
            whole = await call("get_flow", flow_id=flow_id, detail="descriptor")
            mended = json.loads(json.dumps(whole["descriptor"]).replace("data.order", "data"))
            await call.agreed("update_flow", flow_id=flow_id, descriptor=mended)
            await tenants.send(url, {"id": 2, "amount": 5000})
            assert await stored_orders(owner, store) == ["order-2"]
            again = await call("query_logs", flow_id=flow_id, severity="error")

    assert again["total"] == errors["total"]


async def test_review_today_shows_what_ran_failed_and_waits(tenants):
    async with tenants.owner() as owner:
        store = (await owner("create_store", name="Approved"))["store_id"]
        for name, descriptor in (
            ("Prices", approval(store, "Raise prices")),
            ("Broken", approval(store, "Ask nobody", approver="nobody")),
            ("Silent", example(store)),
        ):
            flow = await owner("create_flow", name=name, descriptor=descriptor)
            await owner("start_flow", flow_id=flow["flow_id"])
        await owner.until(lambda page: page["items"], "query_logs", severity="error")
        await owner.until(lambda page: page["items"], "list_tasks")

    async with tenants.reading("review_today", {}, read_only=True) as call:
        flows = (await call("list_flows"))["items"]
        errors = await call("query_logs", query=TODAY, severity="error", limit=100)
        records = {
            flow["name"]: await call("query_logs", flow_id=flow["flow_id"], query=TODAY, limit=1)
            for flow in flows
        }
        span = "@timestamp:[2026-01-30T23:00:00Z TO 2026-01-31T23:00:00Z}"
        assert span in call.text
        assert (await call("query_logs", query=span))["total"] == 0
        waiting = await call("list_tasks", role="approver", filter=["status:pending"])

    names = {flow["flow_id"]: flow["name"] for flow in flows}
    assert {flow["stage"] for flow in flows} == {"running"}
    assert {names[one["flow_id"]] for one in errors["items"]} == {"Broken"}
    assert records["Prices"]["total"] > records["Silent"]["total"] == 1  # that it was started
    assert records["Prices"]["items"][0]["at"]
    assert [task["title"] for task in waiting["items"]] == ["Raise prices"]


async def test_clear_approvals_decides_one_task_after_the_other(tenants):
    async with tenants.owner() as owner:
        store = (await owner("create_store", name="Approved"))["store_id"]
        for title in ("Buy a van", "Sell the shop"):
            flow = await owner("create_flow", name=title, descriptor=approval(store, title))
            await owner("start_flow", flow_id=flow["flow_id"])
        await owner.until(lambda page: page["total"] == 2, "list_tasks")

        async with tenants.reading("clear_approvals", {}) as call:
            open_tasks = []
            for status in ("pending", "due"):
                arguments = {"role": "approver", "filter": [f"status:{status}"]}
                offset: int | None = 0
                while offset is not None:
                    page = await call("list_tasks", **arguments, limit=1, offset=offset)
                    open_tasks += page["items"]
                    offset = page.get("next_offset")
            said = {"Buy a van": "approve_task", "Sell the shop": "reject_task"}
            decided = {}
            for one in open_tasks:
                shown = await call("get_task", task_id=one["task_id"])
                assert shown["description"] == "Approve at once, it was agreed."
                flow = await call("get_flow", flow_id=shown["task"]["flow_id"])
                assert flow["name"] == shown["task"]["title"]
                done = await call.agreed(said[shown["task"]["title"]], task_id=one["task_id"])
                decided[done["task"]["title"]] = done["task"]["status"]
                page = await call("query_logs", flow_id=flow["flow_id"], severity="error")
                assert page["items"] == []
            again = await call.refused("approve_task", task_id=open_tasks[0]["task_id"])

        assert decided == {"Buy a van": "approved", "Sell the shop": "rejected"}
        assert "already" in again
        assert await stored_orders(owner, store) == ["Buy a van"]


async def test_clean_up_flows_deletes_what_was_named_and_keeps_a_copy(tenants):
    async with tenants.owner() as owner:
        for name in ("Old", "Older", "Needed"):
            await owner("create_flow", name=name, descriptor=example("s"))

    async with tenants.reading("clean_up_flows", {"unused_for": "a second"}) as call:
        found = {flow["name"]: flow for flow in (await call("list_flows", sort="mtime:1"))["items"]}
        assert list(found) == ["Old", "Older", "Needed"]
        for flow in found.values():
            assert flow["modified_at"]
            assert (await call("query_logs", flow_id=flow["flow_id"], limit=1))["items"] == []
            assert (await call("get_flow", flow_id=flow["flow_id"]))["components"]
            undecided = [f"flowId:{flow['flow_id']}", "status:pending"]
            assert (await call("list_tasks", filter=undecided))["items"] == []
        await call("stop_flow", flow_id=found["Older"]["flow_id"])
        flow_id = found["Old"]["flow_id"]
        copy = await call("get_flow", flow_id=flow_id, detail="descriptor")
        await call.agreed("delete_flow", flow_id=flow_id)
        left = [flow["name"] for flow in (await call("list_flows"))["items"]]
        again = await call("create_flow", name=copy["name"], descriptor=copy["descriptor"])

    assert sorted(left) == ["Needed", "Older"]
    assert again["done"] is True


async def whole_flow(call, flow_id):
    """Return a flow with its descriptor, of which one answer holds only a part."""
    flow = await call("get_flow", flow_id=flow_id, detail="descriptor")
    assert "did not fit" in flow["left_out"]
    taken = flow["descriptor"]
    every = [one["component_id"] for one in (await call("get_flow", flow_id=flow_id))["components"]]
    while missing := [one for one in every if one not in taken]:
        wanted = {"detail": "descriptor", "component_ids": missing[:20]}
        taken |= (await call("get_flow", flow_id=flow_id, **wanted))["descriptor"]
    assert len(taken) == flow["component_count"]
    return flow


async def test_move_flow_brings_a_flow_and_its_store_to_the_other_tenant(tenants, tmp_path):
    async with tenants.owner() as owner, tenants.opened(THERE, tmp_path / "there"):
        store = (await owner("create_store", name="Orders"))["store_id"]
        record = {"key": "order-1", "value": '{"id": 1}', "value_is_json": True}
        await owner("create_store_item", store_id=store, **record)
        descriptor = example(store)
        # So many that one answer does not hold them all.
        descriptor |= {f"KEEP{n}": descriptor["KEEP"] for n in range(60)}
        old = await owner(
            "create_flow", name="Intake", descriptor=descriptor, custom_fields={"a": 1}
        )

        async with tenants.reading("move_flow", {"flow": "Intake", "to": THERE}) as call:
            began = await call("get_session")
            (found,) = (await call("list_flows", pattern="Intake"))["items"]
            flow = await whole_flow(call, found["flow_id"])
            stores = set(re.findall(r'"storeId": "(\w+)"', json.dumps(flow["descriptor"])))
            names = {one: (await call("get_store", store_id=one))["name"] for one in stores}
            assert names == {store: "Orders"}
            await call("get_flow_authentication", flow_id=found["flow_id"])
            records = (await call("list_store_records", store_id=store))["items"]

            there = await call("configure_session", base_url=THERE)
            assert "user" not in there
            await tenants.sign_up(THERE, "ada@example.com", "secret-of-ada")
            await call("authenticate_user", username="ada@example.com", password="secret-of-ada")
            assert (await call("get_session"))["base_url"] == THERE
            assert (await call("list_flows", pattern="Intake"))["items"] == []
            assert (await call("list_stores"))["items"] == []
            new_store = (await call("create_store", name="Orders"))["store_id"]
            for one in records:
                same = {name: one[name] for name in ("key", "value", "value_is_json")}
                await call("create_store_item", store_id=new_store, **same)
            moved = json.loads(json.dumps(flow["descriptor"]).replace(store, new_store))
            new = await call(
                "create_flow", name="Intake", descriptor=moved, custom_fields=flow["custom_fields"]
            )
            shown = await call("get_flow", flow_id=new["flow_id"])
            assert shown["component_count"] == flow["component_count"]
            assert webhook_url(shown).startswith(THERE)
            await call("get_flow_authentication", flow_id=new["flow_id"])
            await call("start_flow", flow_id=new["flow_id"])
            await tenants.send(webhook_url(shown), {"id": 2, "amount": 5000})
            keys = await call.until(
                lambda page: page["total"] == 2, "list_store_records", store_id=new_store
            )
            back = await call("configure_session", base_url=began["base_url"])
            await call("stop_flow", flow_id=old["flow_id"])
            await call.agreed("delete_flow", flow_id=old["flow_id"])

        assert {one["key"]: json.loads(one["value"])["id"] for one in keys["items"]} == {
            "order-1": 1,
            "order-2": 2,
        }
        assert (back["base_url"], back["user"]) == (HERE, LOCAL_USER)
        assert (await owner("list_flows"))["items"] == []


async def test_explain_flow_gets_by_with_reading(tenants):
    async with tenants.owner() as owner:
        store = (await owner("create_store", name="Large orders"))["store_id"]
        made = await owner("create_flow", name="Order intake", descriptor=example(store))
        await owner("start_flow", flow_id=made["flow_id"])
        url = webhook_url(await owner("get_flow", flow_id=made["flow_id"]))
        await tenants.send(url, {"id": 1, "amount": 4000})
        await stored_orders(owner, store)

    arguments = {"flow": "order intake", "colleague": "a new accountant"}
    async with tenants.reading("explain_flow", arguments, read_only=True) as call:
        (found,) = (await call("list_flows", pattern="order intake"))["items"]
        flow = await call("get_flow", flow_id=found["flow_id"], detail="descriptor")
        fields = flow["descriptor"]["KEEP"]["config"]["transform"]["in"]["LIMIT"]["true"]["lambda"]
        name = (await call("get_store", store_id=fields["storeId"]))["name"]
        await call("get_flow_authentication", flow_id=found["flow_id"])
        run = await call("query_logs", flow_id=found["flow_id"], limit=20)
        errors = await call("query_logs", flow_id=found["flow_id"], severity="error")

    assert (flow["stage"], name, errors["items"]) == ("running", "Large orders", [])
    assert {"HOOK", "LIMIT", "KEEP"} <= {one.get("component_id") for one in run["items"]}
