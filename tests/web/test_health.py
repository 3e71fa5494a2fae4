"""What the two health routes say, and how often they ask."""

from typing import Any

import anyio
import httpx2
import pytest
from starlette.applications import Starlette

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.web.health import health_routes


async def answers() -> None:
    """Stand for something that is there."""


async def fails() -> None:
    raise UnavailableError("http://10.1.2.3:2200 does not answer: it said secret things.")


async def hangs() -> None:
    await anyio.sleep_forever()


def client(checks: Any, **options: Any) -> httpx2.AsyncClient:
    app = Starlette(routes=health_routes(checks, **options))
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://mcp")


async def test_a_process_is_alive_whatever_it_needs_does() -> None:
    async with client({"Appmixer": hangs}) as http:
        answer = await http.get("/healthz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_it_is_ready_when_everything_answers() -> None:
    async with client({"Appmixer": answers, "shared state": answers}) as http:
        answer = await http.get("/readyz")

    assert (answer.status_code, answer.json()) == (200, {"status": "ready"})


@pytest.mark.parametrize(
    ("tenant", "state", "silent"),
    [
        (fails, answers, ["Appmixer"]),
        (hangs, answers, ["Appmixer"]),
        (answers, fails, ["shared state"]),
        (hangs, fails, ["Appmixer", "shared state"]),
    ],
)
async def test_what_does_not_answer_is_named_and_nothing_of_what_it_said(
    tenant: Any, state: Any, silent: list[str]
) -> None:
    checks = {"Appmixer": tenant, "shared state": state}

    with anyio.fail_after(5):
        async with client(checks, longest_s=0.05) as http:
            answer = await http.get("/readyz")

    assert answer.status_code == 503
    assert answer.json() == {"status": "unavailable", "does_not_answer": silent}


async def test_however_many_ask_the_tenant_is_asked_once_in_two_seconds() -> None:
    asked = 0
    now = 100.0

    async def count() -> None:
        nonlocal asked
        asked += 1
        await anyio.lowlevel.checkpoint()

    async with client({"Appmixer": count}, clock=lambda: now) as http:
        async with anyio.create_task_group() as tasks:
            for _ in range(20):
                tasks.start_soon(http.get, "/readyz")
        at_first = asked
        now += 2
        await http.get("/readyz")

    assert (at_first, asked) == (1, 2)


async def test_the_log_says_once_why_it_is_not_ready(caplog: pytest.LogCaptureFixture) -> None:
    now = 100.0

    async with client({"Appmixer": fails}, clock=lambda: now) as http:
        for _ in range(3):
            await http.get("/readyz")
            now += 2

    assert len(caplog.records) == 1
    assert "Appmixer does not answer (http://10.1.2.3:2200" in caplog.text
