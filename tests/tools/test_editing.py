"""edit_flow, as clients see it."""

import anyio
import httpx2
import pytest

from tests.tools.conftest import ECHO, as_user

CONDITION = "appmixer.utils.controls.Condition"
RESPONSE = "appmixer.utils.http.Response"
BIG = {"AND": [{"OR": [{"input": "{{Hook.request.data.n}}", "operator": ">", "value": 5}]}]}
SMALL_AND_LARGE = [
    {
        "op": "insert", "type": CONDITION, "component": "big", "label": "Large?",
        "from": "Hook", "to": "Reply", "out_port": "true", "fields": {"expression": BIG},
    },
    {
        "op": "add", "type": RESPONSE, "label": "No", "from": "big", "out_port": "false",
        "fields": {"body": "{{Hook.request.data.n}} is {{Hook.request.method | g_lowercase}}"},
    },
    {"op": "set", "component": "Reply", "fields": {"statusCode": 201}},
]  # fmt: skip


@pytest.fixture
async def edit(tools, webhook_flow):
    """Edits the flow as it is now, unless a version is given."""

    async def edit(*operations, refused=False, confirmed=False, **more):
        version = (await tools("get_flow", flow_id=webhook_flow, detail="summary"))["version"]
        call = (tools.refused if refused else tools.confirmed if confirmed else tools).__call__
        arguments = {"flow_id": webhook_flow, "base_version": version} | more
        return await call("edit_flow", **arguments, operations=list(operations))

    return edit


async def descriptor_of(tools, flow_id):
    return (await tools("get_flow", flow_id=flow_id, detail="descriptor"))["descriptor"]


async def test_an_edited_flow_does_what_the_operations_say(tools, edit, webhook_flow, tenant):
    result = await edit(*SMALL_AND_LARGE)

    assert sorted(result["ids"]) == ["No", "big"]
    assert result["version"] == (await tools("get_flow", flow_id=webhook_flow))["version"]
    assert "new_problems" not in result
    assert "+ 'Hook'.request -> 'Large?'.in" in result["diff"]
    await tools("start_flow", flow_id=webhook_flow)
    answers = []
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=tenant.app), base_url="http://127.0.0.1:2200"
    ) as http:
        for number in (9, 1):
            url = f"/flows/{webhook_flow}/components/hook"
            answer = await http.post(url, json={"n": number})
            answers.append((answer.status_code, answer.text))
    assert answers == [(201, '{"n":9}'), (200, "1 is post")]


async def test_what_is_newly_wrong_is_told_and_what_was_wrong_is_not(edit):
    first = await edit({"op": "add", "type": CONDITION, "label": "Loose", "component": "one"})
    second = await edit(
        {"op": "set", "component": "Reply", "fields": {"body": "{{Loose.true.x}}", "bdy": 1}}
    )

    assert "new_problems" not in first
    [problem] = second["new_problems"]
    assert (problem["component"], problem["field"]) == ("Reply", "body")
    assert "does not come before" in problem["problem"]
    assert "'bdy'" in second["warnings"][0]


async def test_an_edit_of_an_old_version_says_what_changed_since_and_by_whom(
    tools, edit, webhook_flow, tenant
):
    mine = await edit({"op": "rename", "component": "Reply", "label": "Answer"})
    entry = ECHO["hook"] | {"label": "Mine now"}
    theirs = {"flow": ECHO | {"hook": entry}}

    other_call = await edit(
        {"op": "remove", "component": "reply"}, refused=True, base_version="0" * 12
    )
    await as_user(tenant, "PUT", f"/flows/{webhook_flow}", theirs)
    other_user = await edit(
        {"op": "remove", "component": "reply"}, refused=True, base_version=mine["version"]
    )

    assert f"last changed from here by edit_flow ({mine['change_id']})" in other_call
    assert mine["version"] in other_call
    assert "last changed by somebody else, at 20" in other_user
    assert "label: 'Hook' -> 'Mine now'" in other_user
    assert "again with base_version" in other_user


async def test_of_two_edits_at_once_one_is_refused(tools, edit, webhook_flow):
    version = (await tools("get_flow", flow_id=webhook_flow))["version"]
    results = []

    async def rename(label):
        arguments = {"flow_id": webhook_flow, "base_version": version}
        operation = {"op": "rename", "component": "hook", "label": label}
        results.append(
            await tools.client.call_tool("edit_flow", arguments | {"operations": [operation]})
        )

    async with anyio.create_task_group() as group:
        group.start_soon(rename, "One")
        group.start_soon(rename, "Two")

    assert sorted(one.is_error for one in results) == [False, True]


async def test_an_edit_can_be_taken_back(tools, edit, webhook_flow):
    result = await edit(*SMALL_AND_LARGE)
    await tools.confirmed("undo_change", change_id=result["change_id"])

    assert await descriptor_of(tools, webhook_flow) == ECHO


async def test_an_edit_with_one_bad_operation_changes_nothing(tools, edit, webhook_flow):
    text = await edit(
        *SMALL_AND_LARGE, {"op": "connect", "from": "Hook", "to": "gone"}, refused=True
    )

    assert "Operation 4 (connect): The flow has no component 'gone'; it has 'Hook', 'Reply'" in text
    assert await descriptor_of(tools, webhook_flow) == ECHO


async def test_an_edit_that_changes_nothing_writes_nothing(edit):
    result = await edit({"op": "rename", "component": "Hook", "label": "Hook"})

    assert "like that already" in result["message"]
    assert "change_id" not in result


async def test_a_running_flow_is_edited_once_somebody_agreed(tools, edit, webhook_flow):
    await tools("start_flow", flow_id=webhook_flow)

    result = await edit(
        {"op": "set", "component": "Reply", "fields": {"statusCode": 202}}, confirmed=True
    )

    assert result["stage"] == "running"
