"""What survives `kill -9`: accepted messages, and whoever else uses the same data."""

import json
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx2
import pytest
from anyio.abc import ByteStream, SocketAttribute

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.ownership import DataDirectory, Owner
from tests.processes import call, sandbox, stdio_server

PASSWORD = "of the demo user"
MESSAGES = 200

WEBHOOK, GET, SET = "webhook", "get", "set"


class Gate:
    """An HTTP server that answers nobody before it is opened."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = anyio.Event()
        self.opened = anyio.Event()

    async def answer(self, stream: ByteStream) -> None:
        with suppress(anyio.BrokenResourceError, anyio.EndOfStream):
            async with stream:
                await stream.receive()
                self.asked.set()
                await self.opened.wait()
                await stream.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nopen")


@asynccontextmanager
async def serving() -> AsyncIterator[Gate]:
    gate = Gate()
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1")
    gate.url = f"http://127.0.0.1:{listener.extra(SocketAttribute.local_port)}"  # noqa: S610 - not Django's
    async with listener, anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, gate.answer)
        yield gate
        tasks.cancel_scope.cancel()


def through(gate_url: str, store_id: str) -> dict[str, Any]:
    """A flow that passes the gate with each webhook message and then stores its number."""
    number = {"key": {"b": {"variable": f"$.{WEBHOOK}.request.data.n", "functions": []}}}
    record = {"storeId": store_id, "key": "{{{b}}}", "value": "done"}

    def step(kind: str, sender: str, port: str, **transform: Any) -> dict[str, Any]:
        filled = {"type": "json2new", "modifiers": {}, **transform}
        return {
            "type": f"appmixer.utils.{kind}",
            "source": {"in": {sender: [port]}},
            "config": {"transform": {"in": {sender: {port: filled}}}},
        }

    return {
        WEBHOOK: {"type": "appmixer.utils.http.WebhookTrigger", "source": {}, "config": {}},
        GET: step("http.Get", WEBHOOK, "request", **{"lambda": {"url": gate_url}}),
        SET: step("storage.Set", GET, "response", modifiers=number, **{"lambda": record}),
    }


def signed_in(url: str) -> AppmixerClient:
    return AppmixerClient(url, username="demo@appmixer.local", password=PASSWORD)


async def first_answer(url: str) -> httpx2.Response:
    """Ask until somebody listens."""
    async with httpx2.AsyncClient(trust_env=False) as http:
        while True:
            with suppress(httpx2.ConnectError):
                return await http.get(url)


async def announced_by_another(directory: DataDirectory, pid: int) -> Owner:
    """Read the announcement until it is another process's."""
    while True:
        owner = await anyio.to_thread.run_sync(directory.owner)
        if owner and owner.pid != pid:
            return owner


async def send_all(url: str) -> set[str]:
    """Send the messages at once; return the numbers of those that were accepted."""
    numbers: set[str] = set()

    async def send(http: httpx2.AsyncClient, number: int) -> None:
        answer = await http.post(url, params={"enqueueOnly": "true"}, json={"n": number})
        if answer.status_code == 202:
            numbers.add(str(number))

    async with httpx2.AsyncClient(trust_env=False) as http, anyio.create_task_group() as tasks:
        for number in range(MESSAGES):
            tasks.start_soon(send, http, number)
    return numbers


async def test_a_killed_sandbox_loses_no_webhook_message_that_it_accepted(tmp_path: Path) -> None:
    arguments = ("--demo-password", PASSWORD, "--sandbox-egress", "any")
    with anyio.fail_after(60):
        async with serving() as gate:
            with sandbox(tmp_path / "data", *arguments) as (process, url):
                async with signed_in(url) as client:
                    store_id = await client.stores.create_store("Numbers")
                    flow_id = await client.flows.create_flow("Gate", through(gate.url, store_id))
                    await client.flows.start_flow(flow_id)
                    numbers = await send_all(f"{url}/flows/{flow_id}/components/{WEBHOOK}")
                    await gate.asked.wait()
                    stored_before = await client.stores.count_store_records(store_id)
                    process.kill()
                    process.wait(timeout=10)

            gate.opened.set()
            with sandbox(tmp_path / "data", *arguments) as (_, url):
                async with signed_in(url) as client:
                    stored = set[str]()
                    while len(stored) < MESSAGES:
                        records = await client.stores.list_store_records(store_id, limit=1000)
                        stored = {record.key for record in records}

    assert stored_before == 0
    assert len(numbers) == MESSAGES
    assert stored == numbers


async def test_when_the_owner_is_killed_another_server_goes_on_with_its_data(
    tmp_path: Path,
) -> None:
    data = tmp_path / "data"
    with (
        anyio.fail_after(60),
        tempfile.TemporaryFile("w") as errors,
        sandbox(data) as (owner, _),
    ):
        async with stdio_server(data, errors) as client:
            store = await call(client, "create_store", name="Before")
            owner.kill()
            owner.wait(timeout=10)

            stores = await call(client, "list_stores")
            announced = json.loads((data / "sandbox.json").read_text())

    assert store["store_id"] in [one["store_id"] for one in stores["items"]]
    assert announced["pid"] != owner.pid


@pytest.mark.long
async def test_when_the_owner_is_killed_flows_go_on_under_a_server_that_nobody_calls(
    tmp_path: Path,
) -> None:
    directory = DataDirectory(tmp_path / "data")
    with (
        anyio.fail_after(60),
        tempfile.TemporaryFile("w") as errors,
        sandbox(tmp_path / "data") as (owner, url),
    ):
        async with stdio_server(tmp_path / "data", errors) as client:
            await client.list_tools()
            owner.kill()
            owner.wait(timeout=10)

            answer = await first_answer(url)
            heir = await announced_by_another(directory, owner.pid)

            assert answer.status_code == 200
            assert heir.url == url
