"""What the one request path does when the tenant does not do what it should."""

import gzip
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING

import anyio
import httpx2
import pytest

from appmixer_mcp.api import AppmixerClient, FlowId, StoreId, TaskId
from appmixer_mcp.errors import (
    AppmixerError,
    NotFoundError,
    NotSignedInError,
    RateLimitedError,
    UnavailableError,
    UnexpectedAnswerError,
)

if TYPE_CHECKING:
    from .conftest import Backend

FLOW = FlowId("f1")
Method = Callable[[AppmixerClient], Awaitable[object]]


def read(client: AppmixerClient) -> Awaitable[object]:
    return client.flows.list_flows()


def post(client: AppmixerClient) -> Awaitable[object]:
    return client.flows.create_flow("Orders")


def put(client: AppmixerClient) -> Awaitable[object]:
    return client.flows.update_flow(FLOW, {"name": "New"})


def delete(client: AppmixerClient) -> Awaitable[object]:
    return client.flows.delete_flow(FLOW)


def ok(content: object = None) -> httpx2.Response:
    return httpx2.Response(200, json=[] if content is None else content)


def refused(status: int, message: str = "no", **headers: str) -> httpx2.Response:
    body = {"statusCode": status, "error": "Error", "message": message}
    return httpx2.Response(
        status, json=body, headers={name.replace("_", "-"): headers[name] for name in headers}
    )


def lost() -> Exception:
    return httpx2.ReadError("connection reset")


def unreachable() -> Exception:
    return httpx2.ConnectError("connection refused")


@pytest.mark.parametrize("status", [429, 502, 503, 504])
@pytest.mark.parametrize("method", [read, put, delete])
async def test_a_passing_failure_is_tried_three_times_in_all(
    method: Method, status: int, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(refused(status))

    with pytest.raises((RateLimitedError, UnavailableError)):
        await method(client)

    assert len(backend.sent) == 3
    assert len(backend.waits_s) == 2


async def test_a_second_try_can_succeed(backend: "Backend", client: AppmixerClient) -> None:
    backend.will(refused(503), lost(), ok([{"flowId": "f1"}]))

    flows = await client.flows.list_flows()

    assert [flow.flow_id for flow in flows] == ["f1"]
    assert client.requests_sent == 3


async def test_waits_grow_and_stay_short(backend: "Backend", client: AppmixerClient) -> None:
    backend.will(refused(503))

    for _ in range(20):
        with pytest.raises(UnavailableError):
            await read(client)

    assert max(backend.waits_s[0::2]) <= 0.25
    assert max(backend.waits_s[1::2]) <= 0.5
    assert len(set(backend.waits_s)) > 20  # jittered


@pytest.mark.parametrize("status", [500, 501, 400, 403, 404, 409])
async def test_a_lasting_failure_is_tried_once(
    status: int, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(refused(status))

    with pytest.raises(AppmixerError) as caught:
        await read(client)

    assert caught.value.status == status
    assert len(backend.sent) == 1


@pytest.mark.parametrize(
    "failure",
    [lost(), httpx2.RemoteProtocolError("half an answer"), *map(refused, [500, 502, 503, 504])],
    ids=["lost", "half", "500", "502", "503", "504"],
)
async def test_a_post_that_may_have_happened_is_not_repeated(
    failure: httpx2.Response | Exception, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(failure)

    with pytest.raises(UnavailableError, match="may have happened: look before") as caught:
        await post(client)

    assert caught.value.may_have_happened
    assert len(backend.sent) == 1


@pytest.mark.parametrize(
    "failure",
    [unreachable(), httpx2.ConnectTimeout("slow"), httpx2.PoolTimeout("busy")],
    ids=["refused", "slow", "busy"],
)
async def test_a_post_that_was_never_sent_is_repeated(
    failure: Exception, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(failure, failure, ok({"flowId": "f2"}))

    assert await client.flows.create_flow("Orders") == "f2"


async def test_a_backend_that_is_down_is_named_as_such_and_nothing_happened(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(unreachable())

    with pytest.raises(UnavailableError, match="Nothing was changed") as caught:
        await post(client)

    assert not caught.value.may_have_happened
    assert "APPMIXER_BASE_URL" in str(caught.value)


async def test_a_write_that_was_lost_once_may_have_happened_even_if_the_backend_is_down_now(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(lost(), unreachable(), unreachable())

    with pytest.raises(UnavailableError, match="may have happened") as caught:
        await put(client)

    assert caught.value.may_have_happened


async def test_a_read_never_may_have_happened(backend: "Backend", client: AppmixerClient) -> None:
    backend.will(lost())

    with pytest.raises(UnavailableError) as caught:
        await read(client)

    assert not caught.value.may_have_happened


async def test_a_delete_whose_answer_was_lost_is_done_when_nothing_is_there_any_more(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(lost(), refused(404))

    await client.flows.delete_flow(FLOW)

    assert len(backend.sent) == 2


async def test_a_delete_of_what_never_was_there_is_an_error(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(refused(503), refused(404))

    with pytest.raises(NotFoundError, match="list_flows"):
        await client.flows.delete_flow(FLOW)


async def test_a_refusal_after_a_lost_answer_says_that_the_call_may_have_happened(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(lost(), refused(400, "Cannot approve task, already approved"))

    with pytest.raises(AppmixerError, match=r"already approved.*earlier try.*may have happened"):
        await client.tasks.approve_task(TaskId("t1"))


async def test_retry_after_in_seconds_is_waited_for(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(refused(429, retry_after="7"), ok())

    await read(client)

    assert backend.waits_s == [7.0]


async def test_retry_after_as_a_date_is_waited_for(
    backend: "Backend", client: AppmixerClient
) -> None:
    soon = datetime.now(UTC) + timedelta(seconds=20)
    backend.will(refused(503, retry_after=format_datetime(soon, usegmt=True)), ok())

    await read(client)

    assert 10 < backend.waits_s[0] <= 20


@pytest.mark.parametrize(
    "nonsense", ["soon", "-5", "1.5e9", "٣", "Mon, 01 Jan 2024 00:00:00 +99999999999999999999"]
)
async def test_retry_after_that_cannot_be_read_is_ignored(
    nonsense: str, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(503, headers={b"retry-after": nonsense.encode()}), ok())

    await read(client)

    assert backend.waits_s[0] <= 0.25


async def test_a_longer_retry_after_is_left_to_the_caller(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(refused(429, retry_after="31"))

    with pytest.raises(RateLimitedError, match="again in 31 seconds") as caught:
        await read(client)

    assert caught.value.retry_after_s == 31
    assert len(backend.sent) == 1


async def test_a_post_over_the_limit_is_not_repeated_and_did_not_happen(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(refused(429, retry_after="2"))

    with pytest.raises(RateLimitedError) as caught:
        await post(client)

    assert caught.value.retry_after_s == 2
    assert len(backend.sent) == 1


def guarded(request: httpx2.Request) -> httpx2.Response:
    """Accept only the second token, which a sign-in gives out."""
    if request.url.path == "/user/auth":
        return ok({"token": "second-token"})
    if request.headers.get("authorization") != "Bearer second-token":
        return refused(401)
    return ok({"flowId": "f2"}) if request.method == "POST" else ok()


async def test_a_refused_token_is_renewed_and_the_call_repeated(backend: "Backend") -> None:
    client = backend.client(username="ada", password="secret")
    backend.will(guarded)

    assert await client.flows.create_flow("Orders") == "f2"

    assert backend.sent == ["POST /flows", "POST /user/auth", "POST /flows"]
    assert client.get("access_token") == "second-token"


async def test_without_a_token_the_first_call_signs_in(backend: "Backend") -> None:
    client = backend.client(access_token=None, username="ada", password="secret")
    backend.will(guarded)

    await read(client)

    assert backend.sent == ["POST /user/auth", "GET /flows"]


async def test_waiting_calls_share_one_renewal(backend: "Backend") -> None:
    client = backend.client(username="ada", password="secret")
    backend.will(guarded)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(client.flows.list_flows)

    assert backend.sent.count("POST /user/auth") == 1


async def test_waiting_calls_share_a_failed_renewal(backend: "Backend") -> None:
    client = backend.client(username="ada", password="wrong")
    all_waiting = anyio.Event()
    failures: list[AppmixerError] = []
    client.on("error", failures.append)

    async def answer(request: httpx2.Request) -> httpx2.Response:
        backend.requests.append(request)
        if request.url.path == "/user/auth":
            await all_waiting.wait()
        elif len(backend.requests) == 16:
            all_waiting.set()
        return refused(401)

    backend.answer = answer  # type: ignore[method-assign]  # this one has to wait
    client = backend.client(username="ada", password="wrong")
    client.on("error", failures.append)

    async def fail() -> None:
        with pytest.raises(NotSignedInError, match="password"):
            await read(client)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as group:
            for _ in range(16):
                group.start_soon(fail)

    assert backend.sent.count("POST /user/auth") == 1
    assert len(failures) == 16


async def test_a_token_that_is_refused_again_is_not_renewed_again(backend: "Backend") -> None:
    client = backend.client(username="ada", password="secret")

    def answer(request: httpx2.Request) -> httpx2.Response:
        return ok({"token": "new"}) if request.url.path == "/user/auth" else refused(401)

    backend.will(answer)

    with anyio.fail_after(5), pytest.raises(NotSignedInError, match="authenticate_user"):
        await read(client)

    assert backend.sent == ["GET /flows", "POST /user/auth", "GET /flows"]


async def test_without_a_password_a_refused_token_is_an_error_that_says_how_to_sign_in(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(refused(401, "Invalid JWT: key or signature is invalid"))

    with pytest.raises(NotSignedInError, match="APPMIXER_USERNAME") as caught:
        await read(client)

    assert caught.value.code == 401
    assert caught.value.upstream_message == "Invalid JWT: key or signature is invalid"
    assert backend.sent == ["GET /flows"]


@pytest.mark.parametrize(
    ("status", "text"), [(401, "refused the password of 'ada'"), (403, "not know the user 'ada'")]
)
async def test_a_failed_sign_in_says_what_is_wrong_and_changes_nothing(
    status: int, text: str, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(refused(status))

    with pytest.raises(NotSignedInError, match=text) as caught:
        await client.users.authenticate_user("ada", "secret")

    assert caught.value.code == status
    assert "secret" not in str(caught.value)
    assert client.get("access_token") == "first-token"
    assert len(backend.sent) == 1


async def test_a_lost_sign_in_is_not_said_to_have_changed_anything(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(lost())

    with pytest.raises(UnavailableError) as caught:
        await client.users.authenticate_user("ada", "secret")

    assert not caught.value.may_have_happened


async def test_a_call_under_way_stays_with_the_user_it_began_with(backend: "Backend") -> None:
    client = backend.client(username="ada", password="secret")
    tokens: list[str] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        tokens.append(request.headers.get("authorization", "none"))
        if request.url.path == "/user/auth":
            return ok({"token": "ada-token"})
        if len(tokens) == 1:
            client.set("access_token", "bobs-token")
            return refused(401)
        return ok()

    backend.will(answer)

    await read(client)
    await read(client)

    assert tokens == ["Bearer first-token", "none", "Bearer ada-token", "Bearer bobs-token"]


async def test_a_call_under_way_stays_with_the_tenant_it_began_with(backend: "Backend") -> None:
    client = backend.client()

    def answer(_: httpx2.Request) -> httpx2.Response:
        client.set("base_url", "http://other.test")
        return refused(503) if len(backend.sent) == 1 else ok()

    backend.will(answer)

    await read(client)

    assert {request.url.host for request in backend.requests} == {"tenant.test"}


async def test_the_user_of_a_token_that_no_longer_exists_has_to_sign_in(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(refused(404))

    with pytest.raises(NotSignedInError, match="no longer exists"):
        await client.users.get_user()


async def test_error_handlers_hear_of_each_failed_call_once(
    backend: "Backend", client: AppmixerClient
) -> None:
    failures: list[AppmixerError] = []
    client.on("error", failures.append)
    backend.will(refused(503))

    with pytest.raises(UnavailableError):
        await read(client)
    with pytest.raises(UnavailableError):
        await put(client)
    with pytest.raises(UnavailableError):
        await client.stores.get_store_record(StoreId("s"), "k")

    assert [failure.code for failure in failures] == [503, 503, 503]


async def test_a_redirect_within_the_same_host_is_followed_for_a_read(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(307, headers={"location": "/v2/flows?x=1"}), ok())

    await read(client)

    assert backend.sent == ["GET /flows", "GET /v2/flows?x=1"]
    assert backend.requests[1].headers["authorization"] == "Bearer first-token"


@pytest.mark.parametrize(
    "target",
    [
        "http://evil.test/flows",
        "https://tenant.test/flows",
        "http://tenant.test:8080/flows",
        "//evil.test/flows",
        "http://tenant.test@evil.test/",
        "file:///etc/passwd",
        "http://[",
    ],
)
async def test_a_redirect_to_another_host_is_refused_before_anything_is_sent_there(
    target: str, backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(302, headers={"location": target}))

    with pytest.raises(UnexpectedAnswerError, match="APPMIXER_BASE_URL"):
        await read(client)

    assert len(backend.sent) == 1


async def test_a_write_is_never_redirected(backend: "Backend", client: AppmixerClient) -> None:
    backend.will(httpx2.Response(308, headers={"location": "/v2/flows"}))

    with pytest.raises(UnexpectedAnswerError, match="no read"):
        await post(client)

    assert len(backend.sent) == 1


async def test_redirects_in_a_circle_end(backend: "Backend", client: AppmixerClient) -> None:
    backend.will(httpx2.Response(302, headers={"location": "/flows"}))

    with pytest.raises(UnexpectedAnswerError, match="circle"):
        await read(client)

    assert len(backend.sent) == 4


async def test_a_redirect_to_nowhere_is_an_error(
    backend: "Backend", client: AppmixerClient
) -> None:
    backend.will(httpx2.Response(304))

    with pytest.raises(UnexpectedAnswerError, match="nowhere"):
        await read(client)


async def test_a_compressed_answer_counts_as_large_as_it_unpacks(backend: "Backend") -> None:
    client = backend.client(max_answer_bytes=10_000)
    packed = gzip.compress(b"[" + b" " * 1_000_000 + b"]")
    backend.will(httpx2.Response(200, content=packed, headers={"content-encoding": "gzip"}))

    with pytest.raises(UnexpectedAnswerError, match="10,000 bytes"):
        await read(client)


async def test_a_compressed_answer_that_does_not_unpack_is_an_error(
    backend: "Backend", client: AppmixerClient
) -> None:
    def answer(_: httpx2.Request) -> httpx2.Response:
        stream = httpx2.ByteStream(b"not gzip")
        return httpx2.Response(200, stream=stream, headers={"content-encoding": "gzip"})

    backend.will(answer)

    with pytest.raises(UnexpectedAnswerError, match="decompressed"):
        await read(client)


async def test_nothing_secret_is_logged(
    backend: "Backend", caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    client = backend.client(username="ada", password="s3cret-password")
    backend.will(guarded)

    await client.tasks.list_tasks(secret="s3cret-of-task")

    assert "s3cret" not in caplog.text
    assert "token" not in caplog.text


async def test_each_request_says_who_asks(backend: "Backend", client: AppmixerClient) -> None:
    backend.will(ok())

    await read(client)

    assert backend.requests[0].headers["user-agent"].startswith("appmixer-mcp/")
