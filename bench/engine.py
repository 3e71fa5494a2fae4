"""How many component messages the sandbox's engine handles in a second, each one stored."""

import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

from bench.measurement import Effort, Measurement, Target
from bench.tenant import JSON_HEADERS, ORDER, Tenant, chain, connect, exchange, tenant

_SENDERS = 4
_BETWEEN_LOOKS_S = 0.1
_LONGEST_STANDSTILL_S = 20.0


def measure(effort: Effort) -> list[Measurement]:
    """Send webhooks to a chain of components, and wait until the last one has done its work."""
    with tenant() as user:
        store_id, webhook, length = start_chain(user)
        began = time.perf_counter()
        _send(user.url, webhook, effort.webhooks)
        accepted_s = time.perf_counter() - began
        _await_records(user, store_id, effort.webhooks)
        took_s = time.perf_counter() - began
    return [
        Measurement(
            name="Sandbox: component messages, durable",
            value=effort.webhooks * length / took_s,
            unit="a second",
            target=Target("≥", 500),
            digits=0,
            details=f"{effort.webhooks:,} webhooks over HTTP through {length} components each, "
            f"all accepted after {accepted_s:.1f} s and done after {took_s:.1f} s",
        )
    ]


def start_chain(user: Tenant) -> tuple[str, str, int]:
    """Return the id of a store, the path of a webhook, and how many components stand between."""
    store_id: str = user.ask("POST", "/stores", {"name": "Orders"})["storeId"]
    ids, descriptor = chain(store_id)
    flow_id = user.started("Chain", descriptor)
    return store_id, f"/flows/{flow_id}/components/{ids[0]}?enqueueOnly=true", len(ids)


def _send(url: str, path: str, count: int) -> None:
    """Call a webhook often, over a few connections at once; each order has its own number."""

    def send(numbers: Sequence[int]) -> None:
        with closing(connect(url)) as connection:
            for number in numbers:
                body = json.dumps({**ORDER, "number": str(number)})
                exchange(connection, "POST", path, body, JSON_HEADERS)

    with ThreadPoolExecutor(_SENDERS) as senders:
        shares = [range(first, count, _SENDERS) for first in range(_SENDERS)]
        for _ in senders.map(send, shares):
            pass


def _await_records(user: Tenant, store_id: str, count: int) -> None:
    """Wait until the last component of the chain has written a record for every webhook."""
    found, seen_at = -1, time.monotonic()
    while found < count:
        before = found
        found = user.ask("GET", f"/store/count?storeId={store_id}")["count"]
        if found > before:
            seen_at = time.monotonic()
        elif time.monotonic() - seen_at > _LONGEST_STANDSTILL_S:
            raise RuntimeError(f"The sandbox stands still at {found} of {count} webhooks.")
        time.sleep(_BETWEEN_LOOKS_S)
