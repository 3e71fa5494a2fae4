"""A sandbox tenant under measurement: its process, one user of it, and the flow it runs."""

import json
import tempfile
from collections.abc import Generator
from contextlib import closing, contextmanager
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

from bench.processes import http_server, rss_bytes

ORDER = {"customer": "Ada Lovelace", "total": 120, "items": ["engine", "notes"]}
"""What the webhooks of the chain are called with, beside a number."""
JSON_HEADERS = {"Content-Type": "application/json"}

Json = Any


class Tenant:
    """A signed-up user of a sandbox, over one connection."""

    def __init__(self, url: str, pid: int) -> None:
        self.url = url
        self._pid = pid
        self._connection = connect(url)
        self._headers = dict(JSON_HEADERS)
        user = {"username": "bench@example.com", "password": uuid4().hex}
        token: str = self.ask("POST", "/user", user)["token"]
        self._headers["Authorization"] = f"Bearer {token}"

    @property
    def rss_bytes(self) -> int:
        """The memory that the sandbox's process holds at this moment."""
        return rss_bytes(self._pid)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def ask(self, method: str, path: str, body: Json = None) -> Json:
        """Return the JSON of an answer.

        Raises:
            RuntimeError: It is no yes.
        """
        text = None if body is None else json.dumps(body)
        return exchange(self._connection, method, path, text, self._headers)

    def started(self, name: str, descriptor: dict[str, Json]) -> str:
        """Save and start a flow and return its id."""
        flow_id: str = self.ask("POST", "/flows", {"name": name, "flow": descriptor})["flowId"]
        self.ask("POST", f"/flows/{flow_id}/coordinator", {"command": "start"})
        return flow_id


@contextmanager
def tenant() -> Generator[Tenant]:
    """Run a sandbox on a directory of its own, without the demo."""
    with tempfile.TemporaryDirectory() as data_dir:
        command = ["appmixer_mcp", "sandbox", "--data", data_dir, "--port", "0", "--no-demo"]
        with http_server(command) as server, closing(Tenant(server.url, server.pid)) as user:
            yield user


def connect(url: str) -> HTTPConnection:
    """Return a connection of its own to a tenant."""
    return HTTPConnection(urlsplit(url).netloc, timeout=30)


def exchange(
    connection: HTTPConnection, method: str, path: str, body: str | None, headers: dict[str, str]
) -> Json:
    """Make one call and return the JSON of its answer.

    Raises:
        RuntimeError: It is no yes.
    """
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    content = response.read()
    if response.status >= 300:  # noqa: PLR2004 - the statuses below say yes
        raise RuntimeError(f"{method} {path} answered {response.status}: {content[:500]!r}")
    return json.loads(content) if content else None


def chain(store_id: str) -> tuple[list[str], dict[str, Json]]:
    """Return the ids of a chain of components, first to last, and their descriptor.

    Args:
        store_id: Where the last one writes each order under its number.

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
