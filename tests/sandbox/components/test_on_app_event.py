"""OnAppEvent: a flow that waits for the events of an app."""

from tests.sandbox.harness import USER_ID, Sandbox, entry

FLOW = {"event": entry("appevents.OnAppEvent", properties={"event": "order-paid"})}


async def test_an_event_of_its_name_triggers_the_flow(sandbox: Sandbox) -> None:
    run = await sandbox.run(FLOW)

    sandbox.engine.publish("event:order-paid", {"total": 17}, user_id=USER_ID)
    sandbox.engine.publish("event:order-lost", {"total": 5}, user_id=USER_ID)
    await run.idle()

    assert run.sent("event") == [{"data": {"total": 17}}]


async def test_a_stopped_flow_hears_nothing(sandbox: Sandbox) -> None:
    run = await sandbox.run(FLOW)
    await run.stop()

    triggered = sandbox.engine.publish("event:order-paid", {"total": 17}, user_id=USER_ID)
    await run.idle()

    assert triggered == []
    assert run.sent("event") == []


async def test_an_event_may_come_through_its_webhook(sandbox: Sandbox) -> None:
    run = await sandbox.run(FLOW)

    answer = await run.call("event", {"total": 17})

    assert answer.status == 200
    assert run.sent("event") == [{"data": {"total": 17}}]
