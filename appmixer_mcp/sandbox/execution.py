"""One call of a component's function: the Context it gets, and what it wants to happen."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.component import HttpAnswer, Json, State, Stores, Tasks, WebhookCall
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.flows import Graph, Node
from appmixer_mcp.sandbox.javascript import is_object
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.messages import new_id
from appmixer_mcp.sandbox.modifier import FlowFacts
from appmixer_mcp.sandbox.stores import UserStores
from appmixer_mcp.sandbox.tasks import UserTasks
from appmixer_mcp.sandbox.webhooks import WebhookAnswer, answer_of

if TYPE_CHECKING:
    from appmixer_mcp.sandbox.egress import Outgoing


@dataclass(frozen=True, kw_only=True)
class FlowRun:
    """A flow from one start to the next stop."""

    flow_id: str
    run_id: int
    name: str
    user_id: str
    user_email: str
    started_ms: int
    graph: Graph


@dataclass(frozen=True, kw_only=True)
class World:
    """What lies outside of a flow."""

    database: Database
    clock: Clock
    outgoing: "Outgoing"
    public_url: str
    secret: bytes
    """Signs the secrets of people tasks."""
    timer_min_s: float


@dataclass(frozen=True)
class Sent:
    """A message that a component sends."""

    port: str
    content_json: str
    correlation_id: str


@dataclass(frozen=True)
class Timer:
    """A timeout that a component sets."""

    timer_id: str
    content_json: str
    due_ms: int


@dataclass
class Effects:
    """What a component wants to happen once its function has returned."""

    sent: list[Sent] = field(default_factory=list[Sent])
    timers: dict[str, Timer] = field(default_factory=dict[str, Timer])
    cleared_timers: list[str] = field(default_factory=list[str])
    state: dict[str, str | None] = field(default_factory=dict[str, str | None])
    """Key -> JSON text, or None to forget it."""
    logs: list[str] = field(default_factory=list[str])
    answers: list[WebhookAnswer] = field(default_factory=list[WebhookAnswer])
    topics: dict[str, bool] = field(default_factory=dict[str, bool])
    """Topic -> whether to listen to it from now on."""
    stops_flow: bool = False


class ComponentState:
    """Reads the stored state of a component; what it writes is kept among the effects."""

    def __init__(
        self, database: Database, flow_id: str, component_id: str, effects: Effects, *, empty: bool
    ) -> None:
        self._database = database
        self._ids = (flow_id, component_id)
        self._written = effects.state
        self._empty = empty

    def get(self, key: str, default: Json = None) -> Json:
        """Return the value of a key, as this call left it."""
        if key in self._written:
            value_json = self._written[key]
        elif self._empty:
            value_json = None
        else:
            row = self._database.row(
                "SELECT value_json FROM state WHERE flow_id = ? AND component_id = ? AND key = ?",
                (*self._ids, key),
            )
            value_json = None if row is None else row["value_json"]
        return default if value_json is None else json.loads(value_json)

    def set(self, key: str, value: Json) -> None:
        """Remember a JSON value."""
        self._written[key] = dumps(value)

    def unset(self, key: str) -> None:
        """Forget a key; a missing one is no error."""
        self._written[key] = None


class Execution:
    """The Context of one call; see `component.Context` for what its members mean."""

    def __init__(
        self,
        world: World,
        run: FlowRun,
        node: Node,
        *,
        correlation_id: str,
        port: str = "",
        outputs: Mapping[str, Mapping[str, Json]] | None = None,
        starting: bool = False,
    ) -> None:
        self._world = world
        self.run = run
        self.node = node
        self.flow_id = run.flow_id
        self.flow_name = run.name
        self.component_id = node.id
        self.user_id = run.user_id
        self.user_email = run.user_email
        self.webhook_url = f"{world.public_url}/flows/{run.flow_id}/components/{node.id}"
        self.now: datetime = world.clock.now()
        self.properties: Mapping[str, Json] = dict(node.properties)
        self.correlation_id = correlation_id
        self.port = port
        self.content: Mapping[str, Json] = {}
        self.original_content: Json = None
        self.arrived_json = "null"
        """JSON text of what came to the in port, for the log; `content` when that is an object."""
        self.webhook: WebhookCall | None = None
        self.effects = Effects()
        self.state: State = ComponentState(
            world.database, run.flow_id, node.id, self.effects, empty=starting
        )
        self.stores: Stores = UserStores(world.database, world.clock, run.user_id)
        self.tasks: Tasks = UserTasks(
            world.database, world.clock, run.user_id, run.flow_id, world.secret
        )
        self.outputs = outputs or {}
        """What can be referred to from here on: component id -> out port -> content."""

    def facts(self) -> FlowFacts:
        """Return what flow variables can know."""
        return FlowFacts(
            flow_id=self.flow_id,
            flow_name=self.flow_name,
            user_id=self.user_id,
            webhook_url=self.webhook_url,
            custom_fields=self.custom_fields,
            now=self.now,
        )

    def custom_fields(self) -> Mapping[str, Json]:
        """Return the flow's `customFields`; empty when it has none."""
        # Read only when asked for: a thumbnail of a megabyte may lie beside them.
        row = self._world.database.row(
            "SELECT extra_json FROM flow WHERE flow_id = ?", (self.flow_id,)
        )
        found = None if row is None else json.loads(row["extra_json"]).get("customFields")
        return found if is_object(found) else {}

    def send(self, port: str, content: Json, *, correlation_id: str | None = None) -> None:
        """Keep a message to be sent; the port must be one of the component's."""
        if port not in self.node.out_ports:
            raise ComponentFailedError(
                f"{self.node.component.type} has no out port {port!r}.", retry=False
            )
        sent = Sent(port, dumps(content), correlation_id or self.correlation_id)
        self.effects.sent.append(sent)

    def set_timeout(self, content: Json, at: datetime, *, exact: bool = False) -> str:
        """Keep a timer, not shorter than the tenant's minimum unless exact; return its id."""
        shortest_ms = 0 if exact else round(self._world.timer_min_s * 1000)
        earliest_ms = to_ms(self.now) + shortest_ms
        timer = Timer(new_id(), dumps(content), max(to_ms(at), earliest_ms))
        self.effects.timers[timer.timer_id] = timer
        return timer.timer_id

    def clear_timeout(self, timer_id: str) -> None:
        """Forget a timer."""
        if self.effects.timers.pop(timer_id, None) is None:
            self.effects.cleared_timers.append(timer_id)

    def respond(
        self, body: Json, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Keep an answer for the webhook call of this correlation."""
        self.effects.answers.append(answer_of(body, status, headers))

    def log(self, content: Json) -> None:
        """Keep a line for the log."""
        self.effects.logs.append(dumps(content))

    def stop_flow(self) -> None:
        """Have the flow stopped once this call is done."""
        self.effects.stops_flow = True

    def listen(self, topic: str) -> None:
        """Listen to a topic from now on."""
        self.effects.topics[topic] = True

    def unlisten(self, topic: str) -> None:
        """Listen to a topic no longer."""
        self.effects.topics[topic] = False

    def errors_after(self, cursor: int, limit: int) -> list[Mapping[str, Json]]:
        """Return error records of the present run after a cursor, oldest first."""
        rows = self._world.database.rows(
            "SELECT seq, at_ms, msg, err, component_id, component_type, input_messages FROM log"
            " WHERE user_id = ? AND severity = 'error' AND at_ms >= ? AND flow_id = ? AND seq > ?"
            " ORDER BY seq LIMIT ?",
            (self.user_id, self.run.started_ms, self.flow_id, cursor, limit),
        )
        nodes = self.run.graph.nodes
        return [
            {
                "seq": row["seq"],
                "gridTimestamp": iso(row["at_ms"]),
                "msg": row["msg"],
                "err": row["err"],
                "componentId": row["component_id"],
                "componentType": row["component_type"],
                "componentLabel": (
                    nodes[row["component_id"]].label if row["component_id"] in nodes else ""
                ),
                "inputMessages": json.loads(row["input_messages"] or "{}"),
            }
            for row in rows
        ]

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Json] | None = None,
        content: bytes | None = None,
    ) -> HttpAnswer:
        """Call a remote server under the tenant's egress rule."""
        return await self._world.outgoing.request(
            method, url, headers=headers, params=params, content=content
        )
