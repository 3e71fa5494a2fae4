"""Uptime and DynamicWebhook: triggers that call a remote service, here one on loopback."""

import json

import pytest

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Sandbox, entry
from tests.sandbox.loopback import Server, http_answer


@pytest.fixture
def sandbox(online: Sandbox) -> Sandbox:
    return online


async def test_uptime_tells_only_what_has_changed(sandbox: Sandbox, server: Server) -> None:
    server.answers = [http_answer(status, b"") for status in (200, 404, 503, 500, 200)]
    run = await sandbox.run(
        {"up": entry("http.Uptime", properties={"target": "http://shop.example/"})}
    )

    for _ in range(5):
        await run.turn(60)

    common = {"target": "http://shop.example/"}
    assert run.sent("up", "up") == [
        common | {"downTimeMs": 0, "downTimeText": "0 seconds", "statusCode": 200},
        common | {"downTimeMs": 120_000, "downTimeText": "2 minutes", "statusCode": 200},
    ]
    assert run.sent("up", "down") == [common | {"statusCode": 503}]


async def test_a_target_that_does_not_answer_is_down(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {"up": entry("http.Uptime", properties={"target": "http://nowhere.example/"})}
    )

    await run.turn(60)
    await run.turn(60)

    assert run.sent("up", "down") == [{"target": "http://nowhere.example/", "statusCode": None}]


async def test_a_target_that_may_not_be_reached_is_an_error(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {"up": entry("http.Uptime", properties={"target": "http://127.0.0.1:9/"})}
    )

    await run.turn(60)

    assert "APPMIXER_SANDBOX_EGRESS" in run.errors("up")[0]["message"]
    assert run.sent("up", "down") == []


PROPERTIES: dict[str, Json] = {
    "onStartRequestUrl": "http://shop.example/hooks",
    "onStartRequestHeaders": '{"Authorization": "Bearer s3cret"}',
    "onStartRequestBody": '{"url": "{$webhookUrl}"}',
    "onStopRequestUrl": "http://shop.example/hooks/{$response.body#/hook/ids/0}",
    "onStopRequestHeaders": '{"X-Trace": "{$response.header.X-Trace}"}',
}


async def test_a_dynamic_webhook_subscribes_and_unsubscribes(
    sandbox: Sandbox, server: Server
) -> None:
    made = http_answer(201, b'{"hook": {"ids": ["a/b 7"]}}', "application/json", X_Trace="t-1")
    server.answers = [made, http_answer(204, b"")]
    run = await sandbox.run({"hook": entry("http.DynamicWebhook", properties=PROPERTIES)})

    answer = await run.call("hook", {"total": 17})
    await run.stop()

    subscribed, unsubscribed = server.requests
    assert subscribed.startswith("POST /hooks HTTP/1.1\r\n")
    assert "authorization: Bearer s3cret\r\n" in subscribed
    assert json.loads(subscribed.partition("\r\n\r\n")[2]) == {
        "url": f"http://127.0.0.1:2200/flows/{run.flow_id}/components/hook"
    }
    assert json.loads(answer.body) == {"total": 17}
    assert run.sent("hook", "request")[0]["data"] == {"total": 17}
    assert unsubscribed.startswith("DELETE /hooks/a%2Fb%207 HTTP/1.1\r\n")
    assert "x-trace: t-1\r\n" in unsubscribed


async def test_a_subscription_that_is_refused_keeps_the_flow_from_starting(
    sandbox: Sandbox, server: Server
) -> None:
    server.answers = [http_answer(403, b"no")]
    run = sandbox.add({"hook": entry("http.DynamicWebhook", properties=PROPERTIES)})

    with pytest.raises(ComponentFailedError, match="status 403"):
        await run.start()

    assert run.stage == "stopped"


async def test_a_flow_stops_although_the_service_does_not_let_it_go(
    sandbox: Sandbox, server: Server
) -> None:
    server.answers = [http_answer(201, b"{}"), http_answer(500, b"")]
    run = await sandbox.run({"hook": entry("http.DynamicWebhook", properties=PROPERTIES)})

    await run.stop()

    assert run.stage == "stopped"
    assert "status 500" in run.errors("hook")[0]["message"]


@pytest.mark.parametrize(
    ("properties", "says"),
    [
        ({"onStartRequestMethod": "STEAL"}, "onStartRequestMethod"),
        ({"onStopRequestHeaders": "{half"}, "onStopRequestHeaders"),
    ],
)
async def test_requests_that_cannot_be_made_keep_the_flow_from_starting(
    sandbox: Sandbox, properties: dict[str, Json], says: str
) -> None:
    problems = sandbox.engine.validate(
        {"hook": entry("http.DynamicWebhook", properties=properties)}
    )

    assert says in problems[0].message
