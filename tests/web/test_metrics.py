"""What Prometheus reads, and who may read it."""

import os
import subprocess
import sys
from pathlib import Path

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from starlette.applications import Starlette
from starlette.types import Receive, Scope, Send

from appmixer_mcp.web.client_addresses import ClientAddresses
from appmixer_mcp.web.metrics import Metrics

TOKEN = "watched-metrics-token"


def numbers(text: bytes) -> dict[str, float]:
    """Return each sample under its name and labels."""
    return {
        " ".join((sample.name, *sorted(sample.labels.values()))): sample.value
        for family in text_string_to_metric_families(text.decode())
        for sample in family.samples
    }


async def asked(
    metrics: Metrics,
    *,
    peer: tuple[str, int] | None = ("127.0.0.1", 1),
    token: str | None = None,
    trusted: tuple[str, ...] = (),
    **headers: str,
) -> httpx2.Response:
    routes = Starlette(routes=metrics.routes(SecretStr(token) if token else None))
    app = ClientAddresses(routes, trusted_proxies=trusted)

    async def from_peer(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "client": peer}, receive, send)

    transport = httpx2.ASGITransport(app=from_peer)
    async with httpx2.AsyncClient(transport=transport, base_url="http://mcp") as client:
        return await client.get("/metrics", headers=headers)


async def test_calls_latency_errors_sessions_and_sign_ins_are_counted() -> None:
    metrics = Metrics()
    metrics.watch_sessions("sse", lambda: 7)
    metrics.tool_called("list_flows", "done", 0.2)
    metrics.tool_called("list_flows", "done", 3)
    metrics.tool_called("list_flows", "NotFoundError", 0.001)
    metrics.tool_called("get_flow", "UnavailableError", 30)
    metrics.signed_in("refused")

    answer = await asked(metrics)
    told = numbers(answer.content)

    assert answer.headers["content-type"].startswith("text/plain")
    assert told["appmixer_mcp_tool_calls_total done list_flows"] == 2
    assert told["appmixer_mcp_tool_calls_total NotFoundError list_flows"] == 1
    assert told["appmixer_mcp_tool_seconds_bucket 0.25 list_flows"] == 2
    assert told["appmixer_mcp_tool_seconds_count list_flows"] == 3
    assert told["appmixer_mcp_upstream_errors_total UnavailableError"] == 1
    assert "appmixer_mcp_upstream_errors_total NotFoundError" not in told
    assert told["appmixer_mcp_sessions sse"] == 7
    assert told["appmixer_mcp_sign_ins_total refused"] == 1


def test_two_applications_in_one_process_count_apart() -> None:
    one, other = Metrics(), Metrics()

    one.tool_called("list_flows", "done", 0.1)

    assert "appmixer_mcp_tool_calls_total done list_flows" not in numbers(other.text())


def test_names_without_end_do_not_fill_the_memory() -> None:
    metrics = Metrics()

    for number in range(1000):
        metrics.tool_called(f"tool_{number}", "done", 0.1)
    told = numbers(metrics.text())

    assert told["appmixer_mcp_tool_calls_total done unknown"] == 800
    assert len([name for name in told if "calls_total" in name]) == 201


@pytest.mark.parametrize("peer", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
async def test_this_machine_may_read(peer: str) -> None:
    answer = await asked(Metrics(), peer=(peer, 1))

    assert answer.status_code == 200


async def test_others_may_read_with_the_token() -> None:
    answer = await asked(
        Metrics(), peer=("203.0.113.9", 1), token=TOKEN, authorization=f"Bearer {TOKEN}"
    )

    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("peer", "headers"),
    [
        ("203.0.113.9", {}),
        ("203.0.113.9", {"authorization": "Bearer wrong"}),
        ("203.0.113.9", {"authorization": "Bearer "}),
        ("203.0.113.9", {"authorization": TOKEN}),
        ("127.0.0.1", {"x-forwarded-for": "203.0.113.9"}),
        ("127.0.0.1", {"x-forwarded-for": "127.0.0.1"}),
        ("127.0.0.1", {"forwarded": "for=203.0.113.9"}),
        ("203.0.113.9", {"x-forwarded-for": "127.0.0.1"}),
        ("somebody", {}),
    ],
)
@pytest.mark.parametrize("token", [TOKEN, None])
async def test_for_everybody_else_there_is_no_such_page(
    peer: str, headers: dict[str, str], token: str | None
) -> None:
    answer = await asked(
        Metrics(), peer=(peer, 1), token=token, trusted=("203.0.113.9",), **headers
    )

    assert answer.status_code == 404
    assert answer.text == "Not Found"


async def test_over_a_unix_socket_the_token_is_needed() -> None:
    answer = await asked(Metrics(), peer=None)

    assert answer.status_code == 404


def test_with_a_directory_for_it_every_worker_tells_of_all(tmp_path: Path) -> None:
    program = (
        "import sys; from appmixer_mcp.web.metrics import Metrics; metrics = Metrics();"
        "metrics.watch_sessions('sse', lambda: 2); metrics.tool_called('list_flows', 'done', 0.1);"
        "metrics.close() if sys.argv[1] == 'ends' else None;"
        "print(metrics.text().decode())"
    )

    told = [
        subprocess.run(
            [sys.executable, "-c", program, last],
            env=os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)},
            capture_output=True,
            check=True,
            timeout=30,
        ).stdout
        for last in ("ends", "stays")
    ]

    assert numbers(told[1])["appmixer_mcp_tool_calls_total done list_flows"] == 2
    assert numbers(told[1])["appmixer_mcp_sessions sse"] == 2
