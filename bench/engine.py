"""How many component messages the sandbox's engine handles in a second, each one stored."""

import json
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from bench.measurement import Effort, Measurement, Target
from bench.processes import http_server

_SENDERS = 4
_BETWEEN_LOOKS_S = 0.1
_LONGEST_STANDSTILL_S = 20.0
_ORDER = {"customer": "Ada Lovelace", "total": 120, "items": ["engine", "notes"]}

Json = Any


def measure(effort: Effort) -> list[Measurement]:
    """Send webhooks to a chain of components, and wait until the last one has done its work."""
    with (
        tempfile.TemporaryDirectory() as data_dir,
        http_server(
            ["appmixer_mcp", "sandbox", "--data", data_dir, "--port", "0", "--no-demo"]
        ) as url,
        closing(_Tenant(url)) as tenant,
    ):
        store_id: str = tenant.ask("POST", "/stores", {"name": "Orders"})["storeId"]
        chain, descriptor = _chain(store_id)
        flow_id: str = tenant.ask("POST", "/flows", {"name": "Chain", "flow": descriptor})["flowId"]
        tenant.ask("POST", f"/flows/{flow_id}/coordinator", {"command": "start"})
        webhook = f"/flows/{flow_id}/components/{chain[0]}?enqueueOnly=true"
        began = time.perf_counter()
        _send(url, webhook, effort.webhooks)
        accepted_s = time.perf_counter() - began
        _await_records(tenant, store_id, effort.webhooks)
        took_s = time.perf_counter() - began
    messages = effort.webhooks * len(chain)
    return [
        Measurement(
            name="Sandbox: component messages, durable",
            value=messages / took_s,
            unit="a second",
            target=Target("≥", 500),
            digits=0,
            details=f"{effort.webhooks:,} webhooks over HTTP through {len(chain)} components each, "
            f"all accepted after {accepted_s:.1f} s and done after {took_s:.1f} s",
        )
    ]


class _Tenant:
    """A signed-up user of a sandbox, over one connection."""

    def __init__(self, url: str) -> None:
        self._connection = _connect(url)
        self._headers = {"Content-Type": "application/json"}
        user = {"username": "bench@example.com", "password": uuid4().hex}
        token: str = self.ask("POST", "/user", user)["token"]
        self._headers["Authorization"] = f"Bearer {token}"

    def close(self) -> None:
        self._connection.close()

    def ask(self, method: str, path: str, body: Json = None) -> Json:
        text = None if body is None else json.dumps(body)
        return _exchange(self._connection, method, path, text, self._headers)


def _connect(url: str) -> HTTPConnection:
    return HTTPConnection(urlsplit(url).netloc, timeout=30)


def _exchange(
    connection: HTTPConnection, method: str, path: str, body: str | None, headers: dict[str, str]
) -> Json:
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    content = response.read()
    if response.status >= 300:  # noqa: PLR2004 - the statuses below say yes
        raise RuntimeError(f"{method} {path} answered {response.status}: {content[:500]!r}")
    return json.loads(content) if content else None


def _send(url: str, path: str, count: int) -> None:
    """Call a webhook often, over a few connections at once; each order has its own number."""

    def send(numbers: Sequence[int]) -> None:
        with closing(_connect(url)) as connection:
            for number in numbers:
                body = json.dumps({**_ORDER, "number": str(number)})
                _exchange(connection, "POST", path, body, {"Content-Type": "application/json"})

    with ThreadPoolExecutor(_SENDERS) as senders:
        shares = [range(first, count, _SENDERS) for first in range(_SENDERS)]
        for _ in senders.map(send, shares):
            pass


def _await_records(tenant: _Tenant, store_id: str, count: int) -> None:
    """Wait until the last component of the chain has written a record for every webhook."""
    found, seen_at = -1, time.monotonic()
    while found < count:
        before = found
        found = tenant.ask("GET", f"/store/count?storeId={store_id}")["count"]
        if found > before:
            seen_at = time.monotonic()
        elif time.monotonic() - seen_at > _LONGEST_STANDSTILL_S:
            raise RuntimeError(f"The sandbox stands still at {found} of {count} webhooks.")
        time.sleep(_BETWEEN_LOOKS_S)


def _chain(store_id: str) -> tuple[list[str], dict[str, Json]]:
    """Return the ids of a chain of components, first to last, and their descriptor.

    Every component looks at what the webhook sent, and lets each order through.
    """
    trigger = str(uuid4())
    order = f"$.{trigger}.request.data"
    condition = {"input": f"{{{{{{{order}.total}}}}}}", "operator": ">", "value": 100}
    steps: list[tuple[str, str, dict[str, Json]]] = [
        ("filters.GreaterThan", "greater", {"sourceData": f"{order}.total", "greaterThan": 100}),
        ("filters.Contains", "contains", {"sourceData": f"{order}.customer", "value": "Ada"}),
        ("filters.LessThan", "less", {"sourceData": f"{order}.total", "lessThan": 1000}),
        ("filters.Equal", "equals", {"sourceData": f"{order}.total", "value": 120}),
        ("filters.Contains", "contains", {"sourceData": f"{order}.items", "value": "notes"}),
        ("filters.Equal", "equals", {"sourceData": f"{order}.customer", "value": "Ada Lovelace"}),
        ("controls.Condition", "true", {"expression": {"AND": [{"OR": [condition]}]}}),
        ("filters.LessThan", "less", {"sourceData": f"{order}.total", "lessThan": 121}),
        ("storage.Set", "out", {"storeId": store_id, "key": f"{order}.number", "value": order}),
    ]
    descriptor: dict[str, Json] = {trigger: {"type": "appmixer.utils.http.WebhookTrigger"}}
    ids, out_port = [trigger], "request"
    for kind, next_port, fields in steps:
        component_id = str(uuid4())
        descriptor[component_id] = _entry(kind, ids[-1], out_port, fields)
        ids.append(component_id)
        out_port = next_port
    return ids, descriptor


def _entry(kind: str, sender_id: str, out_port: str, fields: dict[str, Json]) -> Json:
    """Return a component entry; a field that is a path becomes a variable."""
    modifiers: dict[str, Json] = {}
    values: dict[str, Json] = {}
    for name, value in fields.items():
        values[name] = value
        if isinstance(value, str) and value.startswith("$."):
            binding_id = str(uuid4())
            modifiers[name] = {binding_id: {"variable": value, "functions": []}}
            values[name] = f"{{{{{{{binding_id}}}}}}}"
    transform = {"type": "json2new", "modifiers": modifiers, "lambda": values}
    return {
        "type": f"appmixer.utils.{kind}",
        "source": {"in": {sender_id: [out_port]}},
        "config": {"transform": {"in": {sender_id: {out_port: transform}}}},
    }
