"""A flow with loops, joins, timers and a store, under a process that is killed again and again."""

import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import httpx2
import pytest

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.ids import StoreId
from tests.processes import Process, sandbox
from tests.sandbox.harness import entry

PASSWORD = "of the demo user"
ARGUMENTS = ("--demo-password", PASSWORD, "--sandbox-timer-min-s", "0")
ITEMS = 3
SENDERS = 8

HOOK, EACH, WAIT, ITEM, JOIN, TOTAL = "hook", "each", "wait", "item", "join", "total"


def orders(store_id: str) -> dict[str, Any]:
    """Return a flow that adds 1 under each item's key, waits for all of them, then 1 for the order.

    Adding shows what writing would hide: a message that is handled twice leaves a 2.
    """

    def add(key: str, *source: tuple[str, str] | str) -> dict[str, Any]:
        fields = {"storeId": store_id, "key": key, "operator": "Add", "value": 1}
        return entry("storage.Modify", *source, fields=fields)

    loop = {"correlationId": "{{{$.each.item.correlationId}}}"}
    done = {"correlationId": "{{{$.each.done.correlationId}}}", "count": "{{{$.each.done.count}}}"}
    join = entry("controls.JoinEach", ITEM, fields=loop)
    join["source"]["count"] = {EACH: ["done"]}
    join["config"]["transform"]["count"] = {EACH: {"done": {"type": "json2new", "lambda": done}}}
    return {
        HOOK: entry("http.WebhookTrigger"),
        EACH: entry(
            "controls.Each", (HOOK, "request"), fields={"list": "{{{$.hook.request.data.items}}}"}
        ),
        WAIT: entry("timers.Wait", (EACH, "item"), fields={"until": "2020-01-01T00:00:00Z"}),
        ITEM: add("{{{$.hook.request.data.n}}}-{{{$.each.item.value}}}", WAIT),
        JOIN: join,
        TOTAL: add("{{{$.hook.request.data.n}}}", JOIN),
    }


@dataclass
class Shift:
    """What has been sent, and what became of it."""

    store_id: StoreId
    webhook: str
    number: int = 0
    accepted: set[int] = field(default_factory=set[int])
    unsure: set[int] = field(default_factory=set[int])
    """Sent to a process that died before it answered."""

    async def send(self, http: httpx2.AsyncClient, count: int) -> None:
        """Send new orders until as many are accepted, or nobody answers."""
        while len(self.accepted) < count:
            self.number += 1
            number = self.number
            order = {"n": number, "items": list(range(ITEMS))}
            self.unsure.add(number)
            answer = await http.post(self.webhook, params={"enqueueOnly": "true"}, json=order)
            if answer.status_code == 202:
                self.accepted.add(number)
                self.unsure.discard(number)


@asynccontextmanager
async def serving(data: Path) -> AsyncIterator[tuple[Process, httpx2.AsyncClient, AppmixerClient]]:
    with sandbox(data, *ARGUMENTS) as (process, url):
        client = AppmixerClient(url, username="demo@appmixer.local", password=PASSWORD)
        async with client, httpx2.AsyncClient(base_url=url, trust_env=False) as http:
            yield process, http, client


async def work_until(shift: Shift, data: Path, *, count: int, stored: int) -> None:
    """Send orders to a process, and kill it once so many records are stored."""
    async with serving(data) as (process, http, client), anyio.create_task_group() as tasks:

        async def send() -> None:
            with suppress(httpx2.TransportError):
                await shift.send(http, count)

        for _ in range(SENDERS):
            tasks.start_soon(send)
        while await client.stores.count_store_records(shift.store_id) < stored:
            await anyio.lowlevel.checkpoint()
        process.kill()
        process.wait(timeout=10)


async def totals(client: AppmixerClient, store_id: StoreId) -> dict[str, int]:
    """Return every record: key -> how often it was added to."""
    # One page: pages of a store that is being written to may overlap.
    records = await client.stores.list_store_records(store_id, limit=1_000_000)
    return {record.key: int(str(record.value)) for record in records}


async def crashing_round(data: Path, count: int, kills: int) -> None:
    seed = random.randrange(10**6)  # noqa: S311 - chance, not secrets; as the next
    chance = random.Random(seed)  # noqa: S311
    async with serving(data) as (_, _, client):
        store_id = await client.stores.create_store("Orders")
        flow_id = await client.flows.create_flow("Orders", orders(store_id))
        await client.flows.start_flow(flow_id)
    shift = Shift(store_id, f"/flows/{flow_id}/components/{HOOK}")
    for stored in sorted(chance.sample(range(count * (ITEMS + 1)), kills)):
        await work_until(shift, data, count=count, stored=stored)
    async with serving(data) as (_, http, client):
        await shift.send(http, max(count, len(shift.accepted) + 1))
        found: dict[str, int] = {}
        while not all(str(number) in found for number in shift.accepted):
            found = await totals(client, store_id)
        errors = await client.logs.query_logs(flow_ids=[flow_id], query="severity:error")

    keys = {
        f"{number}{suffix}"
        for number in shift.accepted
        for suffix in ("", *(f"-{item}" for item in range(ITEMS)))
    }
    assert keys - set(found) == set(), f"lost, with the seed {seed}"
    assert {key: n for key, n in found.items() if n != 1} == {}, f"twice, with the seed {seed}"
    assert {int(key.partition("-")[0]) for key in set(found) - keys} <= shift.unsure
    assert errors.hits == []


async def test_nothing_is_lost_or_done_twice_in_a_flow_that_is_killed(tmp_path: Path) -> None:
    with anyio.fail_after(120):
        await crashing_round(tmp_path / "data", 120, 3)


@pytest.mark.long
@pytest.mark.parametrize("attempt", range(10))
async def test_nothing_is_lost_or_done_twice_in_a_long_shift(tmp_path: Path, attempt: int) -> None:
    with anyio.fail_after(900):
        await crashing_round(tmp_path / "data", 2_000, 8)
