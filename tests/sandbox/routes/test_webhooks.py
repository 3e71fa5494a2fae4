"""The webhook URL of a component, as any caller sees it."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from tests.sandbox.routes.conftest import STEP, TRIGGER, Client, echo_flow, problem, saved, started


@pytest.fixture
def config(config: TenantConfig) -> TenantConfig:
    return replace(config, webhook_max_bytes=10_000)


@pytest.fixture
async def url(ann: Client) -> str:
    """The webhook of a running flow that answers with what it received."""
    return f"/flows/{await started(ann, echo_flow())}/components/{TRIGGER}"


def silent_flow(**answer: Any) -> dict[str, Any]:
    """Return a flow whose webhook answers as a Response says, or never when there is none."""
    trigger = echo_flow()[TRIGGER] | {"config": {"properties": {"immediateResponse": False}}}
    if not answer:
        return {TRIGGER: trigger}
    step = {
        "type": "appmixer.utils.http.Response",
        "source": {"in": {TRIGGER: ["request"]}},
        "config": {"transform": {"in": {TRIGGER: {"request": {"lambda": answer}}}}},
    }
    return {TRIGGER: trigger, STEP: step}


async def received(ann: Client) -> dict[str, Any]:
    """Return what the trigger of the flow has sent on."""
    hits = (await ann.get("/logs", params={"portType": "out"})).json()["hits"]
    content: dict[str, Any] = json.loads(hits[0]["msg"])
    return content


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_anybody_may_call_it_with_any_method(
    visitor: Client, ann: Client, url: str, method: str
) -> None:
    answer = await visitor.request(method, url, headers={"Authorization": "Bearer theirs"})

    assert answer.status_code == 200
    assert (await received(ann))["method"] == method


async def test_a_link_checker_sets_nothing_off(visitor: Client, ann: Client, url: str) -> None:
    assert (await visitor.head(url)).status_code == 404
    assert (await ann.get("/logs", params={"portType": "out"})).json()["hits"] == []


@pytest.mark.parametrize(
    ("content_type", "content", "data"),
    [
        ("application/json", b'{"id": 1}', {"id": 1}),
        ("application/vnd.x+json; charset=utf-8", b"[1]", [1]),
        ("application/x-www-form-urlencoded", b"a=1&b=x+y&a=2", {"a": ["1", "2"], "b": "x y"}),
        ("text/plain", "žluť".encode(), "žluť"),
        ("", b"{", "{"),
        ("application/octet-stream", b"\xff", "\ufffd"),
        ("application/json", b"", None),
    ],
)  # fmt: skip
async def test_the_flow_sees_the_parsed_body(
    ann: Client, url: str, content_type: str, content: bytes, data: object
) -> None:
    answer = await ann.post(url, content=content, headers={"Content-Type": content_type})

    assert answer.status_code == 200
    assert (await received(ann))["data"] == data


async def test_the_flow_sees_the_fields_of_a_form_and_what_files_there_were(
    visitor: Client, ann: Client, url: str
) -> None:
    await visitor.post(url, data={"a": "1"}, files={"f": ("x.txt", b"abc", "text/plain")})

    file = {"filename": "x.txt", "contentType": "text/plain", "size": 3}
    assert (await received(ann))["data"] == {"a": "1", "f": file}


async def test_the_flow_sees_query_and_headers(visitor: Client, ann: Client, url: str) -> None:
    await visitor.get(f"{url}?a=1&a=2&b=x%20y", headers={"X-Order": "7"})

    content = await received(ann)
    assert content["query"] == {"a": ["1", "2"], "b": "x y"}
    assert content["headers"]["x-order"] == "7"


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (b"{", "application/json"),
        (b"\xff=1", "application/x-www-form-urlencoded"),
        (b"x", "multipart/form-data"),
        (b"--b\r\nContent-Disposition: form-data\r\n\r\n", "multipart/form-data; boundary=b"),
    ],
)
async def test_a_body_that_is_not_what_it_says_is_refused(
    visitor: Client, ann: Client, url: str, content: bytes, content_type: str
) -> None:
    answer = await visitor.post(url, content=content, headers={"Content-Type": content_type})

    assert problem(answer)[0] == 400
    assert (await ann.get("/logs", params={"portType": "out"})).json()["hits"] == []


@pytest.mark.parametrize("charset", ["undefined", "punycode", "idna"])
async def test_a_form_in_an_odd_encoding_is_refused(
    visitor: Client, url: str, charset: str
) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nabc\r\n--x--\r\n'
    media_type = f"multipart/form-data; boundary=x; charset={charset}"

    answer = await visitor.post(url, content=body, headers={"Content-Type": media_type})

    assert problem(answer)[0] == 400


async def test_a_body_over_the_limit_is_refused(visitor: Client, ann: Client, url: str) -> None:
    answer = await visitor.post(url, content=b"x" * 10_001)
    within = await visitor.post(url, content=b"x" * 10_000)

    assert problem(answer)[0] == 413
    assert within.status_code == 200
    assert len((await ann.get("/logs", params={"portType": "out"})).json()["hits"]) == 1


async def test_the_limit_is_one_mebibyte() -> None:
    field = TenantConfig.__dataclass_fields__["webhook_max_bytes"]

    assert field.default == 1_048_576


async def test_the_flow_decides_on_status_headers_and_body(visitor: Client, ann: Client) -> None:
    flow = silent_flow(statusCode=418, body={"tea": True}, headers='{"X-Pot": "short"}')
    flow_id = await started(ann, flow)

    answer = await visitor.post(f"/flows/{flow_id}/components/{TRIGGER}")

    assert answer.status_code == 418
    assert answer.json() == {"tea": True}
    assert answer.headers["x-pot"] == "short"


async def test_an_answer_whose_status_allows_no_body_has_none(visitor: Client, ann: Client) -> None:
    flow = silent_flow(statusCode=204, body="Thank you")
    flow_id = await started(ann, flow)

    answer = await visitor.post(f"/flows/{flow_id}/components/{TRIGGER}")

    assert (answer.status_code, answer.content) == (204, b"")


async def test_with_enqueue_only_nobody_waits(visitor: Client, ann: Client) -> None:
    flow_id = await started(ann, silent_flow())

    answer = await visitor.post(f"/flows/{flow_id}/components/{TRIGGER}?enqueueOnly=true")

    assert (answer.status_code, answer.content) == (202, b"")


async def test_a_flow_that_does_not_answer_in_time_is_said_to_have_accepted(
    visitor: Client, ann: Client, clock: ManualClock
) -> None:
    flow_id = await started(ann, silent_flow())
    answers: list[tuple[int, str]] = []

    async def call() -> None:
        answer = await visitor.post(f"/flows/{flow_id}/components/{TRIGGER}")
        answers.append(problem(answer))

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(call)
            while (await ann.get("/logs", params={"portType": "out"})).json()["hits"] == []:
                await anyio.lowlevel.checkpoint()
            clock.turn(timedelta(seconds=10))

    assert answers[0][0] == 504
    assert "accepted" in answers[0][1]


async def test_the_caller_may_choose_the_correlation_id(
    visitor: Client, ann: Client, url: str
) -> None:
    await visitor.post(f"{url}?correlationId=order-7")
    refused = await visitor.post(f"{url}?correlationId={'x' * 501}")

    hits = (await ann.get("/logs", params={"query": "correlationId:order-7"})).json()["hits"]
    assert hits
    assert problem(refused)[0] == 400


async def test_where_no_webhook_listens_there_is_nothing(visitor: Client, ann: Client) -> None:
    stopped = await saved(ann, echo_flow())
    running = await started(ann, silent_flow(body="x"))

    answers = [
        await visitor.post(f"/flows/{stopped}/components/{TRIGGER}"),
        await visitor.post(f"/flows/{running}/components/unknown"),
        await visitor.post(f"/flows/{running}/components/{STEP}"),
        await visitor.post(f"/flows/unknown/components/{TRIGGER}"),
    ]

    assert [problem(answer)[0] for answer in answers] == [404] * 4
