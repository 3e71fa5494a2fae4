"""WebhookTrigger and Response: what a caller from outside gets."""

import json

import pytest

from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Sandbox, entry


async def test_a_webhook_tells_what_was_received_and_answers_with_it(sandbox: Sandbox) -> None:
    run = await sandbox.run({"hook": entry("http.WebhookTrigger")})

    answer = await run.call(
        "hook", {"total": 17}, method="PUT", query={"a": "1"}, headers={"x-trace": "5"}
    )

    assert answer.status == 200
    assert json.loads(answer.body) == {"total": 17}
    assert run.sent("hook", "request") == [
        {
            "method": "PUT",
            "hostname": "127.0.0.1",
            "headers": {"x-trace": "5"},
            "query": {"a": "1"},
            "data": {"total": 17},
        }
    ]


async def test_a_call_without_a_body_is_answered_without_one(sandbox: Sandbox) -> None:
    run = await sandbox.run({"hook": entry("http.WebhookTrigger")})

    answer = await run.call("hook", method="GET")

    assert (answer.status, answer.body) == (200, b"")


def answering(**fields: Json) -> dict[str, Json]:
    return {
        "hook": entry("http.WebhookTrigger", properties={"immediateResponse": False}),
        "response": entry("http.Response", ("hook", "request"), fields=fields),
    }


async def test_response_answers_the_call_that_began_it(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        answering(
            body="Order of {{{$.hook.request.data.total}}}",
            statusCode="201",
            headers='{"X-Order": 5}',
        )
    )

    answer = await run.call("hook", {"total": 17})

    assert (answer.status, answer.body) == (201, b"Order of 17")
    assert answer.headers["x-order"] == "5"


async def test_response_reads_json_text_when_it_is_said_to_be_json(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        answering(body='{ "total": 17 }', headers={"Content-type": "application/json"})
    )

    answer = await run.call("hook")

    assert answer.body == b'{"total":17}'
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize(
    "fields",
    [
        {"body": "{half", "headers": {"Content-type": "application/json"}},
        {"body": "a", "headers": "{half"},
        {"body": "a", "statusCode": "teapot"},
        {"body": "a", "statusCode": 99},
    ],
)
async def test_a_response_that_cannot_be_sent_is_an_error(
    sandbox: Sandbox, fields: dict[str, Json]
) -> None:
    run = await sandbox.run(answering(**fields))

    await run.call("hook", enqueue_only=True)

    assert len(run.errors("response")) == 1
    assert len(run.unprocessed()) == 1


async def test_the_legacy_webhook_answers_with_what_comes_back_to_it(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "hook": entry(
                "http.Webhook",
                ("make", "out", "response"),
                fields={"order": "{{{$.make.out.total}}}"},
            ),
            "make": entry(
                "controls.SetVariable",
                ("hook", "trigger"),
                fields={
                    "variables": {
                        "ADD": [
                            {
                                "name": "total",
                                "type": "number",
                                "number": "{{{$.hook.trigger.data.total}}}",
                            }
                        ]
                    }
                },
            ),
        }
    )

    answer = await run.call("hook", {"total": 17})

    assert json.loads(answer.body) == {"order": 17}
