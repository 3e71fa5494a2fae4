"""CallFlow, OnFlowCall and FlowCallOutput: one flow calls another and goes on with its result."""

from appmixer_mcp.sandbox import base62
from tests.sandbox.harness import Run, Sandbox, entry

OUTPUT = {
    "ADD": [
        {"name": "total", "type": "number", "value": "{{{$.called.out.input.total}}}"},
        {"name": "note", "type": "text", "value": "for {{{$.called.out.input.who}}}"},
    ]
}


async def callee(sandbox: Sandbox) -> Run:
    return await sandbox.run(
        {
            "called": entry(
                "subflows.OnFlowCall",
                properties={
                    "input": {"ADD": [{"name": "total", "type": "number"}, {"name": "who"}]}
                },
            ),
            "result": entry("subflows.FlowCallOutput", "called", fields={"output": OUTPUT}),
            "after": entry("filters.Identity", "result"),
        },
        name="Callee",
    )


async def caller(sandbox: Sandbox, flow_id: str, component_id: str = "called") -> Run:
    return await sandbox.run(
        {
            "hook": entry("http.WebhookTrigger", properties={"immediateResponse": False}),
            "call": entry(
                "subflows.CallFlow",
                ("hook", "request"),
                fields={
                    "flowId": flow_id,
                    "componentId": component_id,
                    "total": "{{{$.hook.request.data.total}}}",
                    "who": "Ann",
                },
            ),
            "answer": entry(
                "http.Response",
                "call",
                fields={"body": "{{{$.call.out.output.total}}} of {{{$.hook.request.data.total}}}"},
            ),
        },
        name="Caller",
    )


async def test_a_call_goes_on_with_what_the_other_flow_gives_back(sandbox: Sandbox) -> None:
    called = await callee(sandbox)
    calling = await caller(sandbox, called.flow_id)

    answer = await calling.call("hook", {"total": 17})

    assert answer.body == b"17 of 17"
    assert called.sent("called") == [
        {"callerId": calling.flow_id, "input": {"total": 17, "who": "Ann"}}
    ]
    assert calling.sent("call") == [{"output": {"total": 17, "note": "for Ann"}}]
    assert called.sent("after") == [{"output": {"total": 17, "note": "for Ann"}}]
    assert calling.topics() == []


async def test_calls_at_the_same_time_are_answered_each_with_its_own(sandbox: Sandbox) -> None:
    called = await callee(sandbox)
    calling = await caller(sandbox, called.flow_id)

    for total in range(5):
        await calling.call("hook", {"total": total}, enqueue_only=True)

    totals = [one["output"]["total"] for one in calling.sent("call")]
    bodies = [one["body"] for one in calling.received("answer")]
    assert sorted(totals) == list(range(5))
    assert sorted(bodies) == [f"{total} of {total}" for total in range(5)]


async def test_a_flow_that_does_not_run_cannot_be_called(sandbox: Sandbox) -> None:
    called = await callee(sandbox)
    await called.stop()
    calling = await caller(sandbox, called.flow_id)

    await calling.call("hook", {"total": 17}, enqueue_only=True)

    assert called.flow_id in calling.errors("call")[0]["message"]
    assert len(calling.unprocessed()) == 1
    assert calling.topics() == []


async def test_another_users_flow_cannot_be_called(sandbox: Sandbox) -> None:
    called = await callee(sandbox)
    with sandbox.database.transaction() as connection:
        connection.execute(
            "UPDATE flow SET user_id = '5f0000000000000000000002' WHERE flow_id = ?",
            (called.flow_id,),
        )
    calling = await caller(sandbox, called.flow_id)

    await calling.call("hook", {"total": 17}, enqueue_only=True)

    assert len(calling.unprocessed()) == 1
    assert called.sent("called") == []


async def test_who_calls_the_webhook_of_a_subflow_is_answered_with_its_output(
    sandbox: Sandbox,
) -> None:
    called = await callee(sandbox)

    answer = await called.call("called", {"payload": {"total": 3, "who": "Bob"}})

    assert answer.body == b'{"total":3,"note":"for Bob"}'
    assert called.sent("called")[0]["callerId"] is None


async def test_a_result_is_never_sent_to_an_address_outside(sandbox: Sandbox) -> None:
    called = await callee(sandbox)
    outside = "http://127.0.0.1:2200.example.com/flows/a/components/b?correlationId=c"

    await called.call(
        "called",
        {"callerWebhookUrl": outside, "payload": {"total": 3}},
        correlation_id=base62.encode(outside),
    )

    assert called.errors() == []
    assert called.sent("called")[0]["callerId"] is None
    assert len(called.sent("after")) == 1


async def test_strange_calls_of_its_webhook_do_no_harm(sandbox: Sandbox) -> None:
    called = await callee(sandbox)
    calling = await caller(sandbox, called.flow_id)
    strange: list[object] = [None, "x", [1], {"payload": 5}, {"correlationId": 5, "payload": [1]}]

    for data in strange:
        await calling.call("call", data, enqueue_only=True)
        await called.call("called", data, enqueue_only=True)

    assert calling.sent("call") == []
    assert all("'payload'" in error["message"] for error in calling.errors())
    assert len(called.sent("result")) == len(strange)
