"""One call of a component's function: the Context it gets, and what it wants to happen."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.call_chains import HEADER, CallChains
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.context import (
    Files,
    Follower,
    HttpAnswer,
    Incoming,
    Json,
    Outputs,
    State,
    Stores,
    Tasks,
    WebhookCall,
)
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.deferred_writes import ComponentFiles, ComponentState, ComponentStores
from appmixer_mcp.sandbox.effects import Call, Effects, Sent, Timer
from appmixer_mcp.sandbox.files import UserFiles
from appmixer_mcp.sandbox.flows import Graph, Node
from appmixer_mcp.sandbox.gateways import Gateway, UserGateways
from appmixer_mcp.sandbox.javascript import is_object
from appmixer_mcp.sandbox.jsontext import dumps, nestable
from appmixer_mcp.sandbox.locks import Locks
from appmixer_mcp.sandbox.messages import new_id
from appmixer_mcp.sandbox.modifier import FlowFacts
from appmixer_mcp.sandbox.outbox import Outbox
from appmixer_mcp.sandbox.stores import UserStores
from appmixer_mcp.sandbox.streams import Streams
from appmixer_mcp.sandbox.tasks import UserTasks
from appmixer_mcp.sandbox.topics import Topics
from appmixer_mcp.sandbox.webhooks import answer_of

if TYPE_CHECKING:
    import anyio

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
    dashboard_url: str
    secret: bytes
    """Signs the secrets of people tasks."""
    timer_min_s: float
    locks: Locks
    topics: Topics
    streams: Streams
    chains: CallChains


class Execution:
    """The Context of one call; see `context.Context` for what its members mean."""

    def __init__(
        self,
        world: World,
        run: FlowRun,
        node: Node,
        *,
        correlation_id: str,
        port: str = "",
        outputs: Outputs | None = None,
        starting: bool = False,
    ) -> None:
        self._world = world
        self.run = run
        self.node = node
        self.flow_id = run.flow_id
        self.flow_name = run.name
        self.component_id = node.id
        self.component_label = node.label
        self.user_id = run.user_id
        self.user_email = run.user_email
        self.webhook_url = f"{world.public_url}/flows/{run.flow_id}/components/{node.id}"
        self.dashboard_url = world.dashboard_url
        self.now: datetime = world.clock.now()
        self.properties: Mapping[str, Json] = dict(node.properties)
        self.correlation_id = correlation_id
        self.port = port
        self.content: Mapping[str, Json] = {}
        self.original_content: Json = None
        self.arrived_json = "null"
        """JSON text of what came to the in port, for the log; `content` when that is an object."""
        self.messages: Mapping[str, Mapping[str, Json]] = {}
        self.sender_id = ""
        self.sender_port = ""
        self.webhook: WebhookCall | None = None
        self.effects = Effects()
        self.state: State = ComponentState(
            world.database, run.flow_id, node.id, self.effects.state, empty=starting
        )
        self.flow_state: State = ComponentState(
            world.database, run.flow_id, "", self.effects.flow_state, empty=starting
        )
        self.stores: Stores = ComponentStores(
            UserStores(
                world.database,
                world.clock,
                run.user_id,
                changed=partial(world.topics.publish, user_id=run.user_id),
            ),
            self.effects.writes,
            self.now,
        )
        self.files: Files = ComponentFiles(
            UserFiles(world.database, world.clock, run.user_id), self.effects.writes
        )
        self.tasks: Tasks = UserTasks(
            world.database, world.clock, run.user_id, run.flow_id, world.secret
        )
        self.outputs: Outputs = outputs or {}
        """What can be referred to from here on: component id -> out port -> content."""
        self._locks: list[anyio.Lock] = []

    @property
    def incoming(self) -> tuple[Incoming, ...]:
        """Every link that ends at this component."""
        graph = self.run.graph
        return tuple(
            Incoming(
                in_port=link.in_port,
                source_id=link.source_id,
                source_label=graph.nodes[link.source_id].label,
                out_port=link.out_port,
            )
            for link in graph.links
            if link.target_id == self.component_id and link.source_id in graph.nodes
        )

    def followers(self, port: str) -> list[Follower]:
        """Return the components that an out port leads to, in the order of the flow."""
        graph = self.run.graph
        led_to = {link.target_id for link in graph.outgoing(self.component_id, port)}
        return [
            Follower(
                component_id=node.id,
                type=node.component.type,
                label=node.label,
                properties=node.properties,
            )
            for node in graph.nodes.values()
            if node.id in led_to
        ]

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

    def send(
        self,
        port: str,
        content: Json,
        *,
        correlation_id: str | None = None,
        outputs: Outputs | None = None,
    ) -> None:
        """Keep a message to be sent; the port must be one of the component's."""
        if port not in self.node.out_ports:
            raise ComponentFailedError(
                f"{self.node.component.type} has no out port {port!r}.", retry=False
            )
        sent = Sent(port, nestable(content), correlation_id or self.correlation_id, outputs)
        self.effects.sent.append(sent)

    def trigger(
        self, flow_id: str, component_id: str, data: Json, *, correlation_id: str | None = None
    ) -> None:
        """Keep a call of another component's webhook."""
        row = self._world.database.row(
            "SELECT descriptor_json FROM flow WHERE flow_id = ? AND user_id = ?"
            " AND stage = 'running'",
            (flow_id, self.user_id),
        )
        if row is None or component_id not in json.loads(row["descriptor_json"]):
            raise ComponentFailedError(
                f"No running flow with the id {flow_id!r} has a component {component_id!r}.",
                retry=False,
            )
        content: dict[str, Json] = {
            "method": "POST",
            "hostname": urlsplit(self._world.public_url).hostname or "",
            "headers": {},
            "query": {},
            "data": data,
        }
        call = Call(
            flow_id=flow_id,
            component_id=component_id,
            content_json=nestable(content),
            correlation_id=correlation_id or new_id(),
        )
        self.effects.calls.append(call)
        self._world.chains.follow((flow_id, call.correlation_id), self._ids)

    def publish(self, topic: str, payload: Json) -> None:
        """Keep something for the listeners of a topic."""
        publish = partial(self._world.topics.publish, topic, payload, user_id=self.user_id)
        self.effects.writes.append(publish)

    def announce_gateway(self, tools: Sequence[Json]) -> None:
        """Keep the announcement of a gateway, which the end of the run takes back."""
        gateways = UserGateways(self._world.database, self._world.streams, self.user_id)
        announcement = Gateway(
            gatewayId=f"{self.flow_id}.{self.component_id}",  # copies share their component ids
            flowId=self.flow_id,
            componentId=self.component_id,
            tools=list(tools),
        )
        self.effects.writes.append(partial(gateways.announce, announcement))

    def send_mail(
        self,
        *,
        to: Sequence[str],
        subject: str,
        text: str = "",
        html: str = "",
        sender: str = "",
        attachments: Sequence[str] = (),
    ) -> None:
        """Keep a mail for the outbox."""
        self.effects.writes.append(
            partial(
                Outbox(self._world.database, self._world.clock).add,
                self.user_id,
                to=to,
                subject=subject,
                text=text,
                html=html,
                sender=sender,
                attachments=attachments,
                flow_id=self.flow_id,
                component_id=self.component_id,
            )
        )

    async def lock(self, name: str) -> None:
        """Wait for a lock of the owner and hold it until the call is done."""
        lock = self._world.locks.named(self.user_id, name)
        if lock not in self._locks:
            await lock.acquire()
            self._locks.append(lock)

    def unlock(self) -> None:
        """Give back what `lock` holds; called once the effects are stored."""
        while self._locks:
            self._locks.pop().release()

    def set_timeout(self, content: Json, at: datetime, *, exact: bool = False) -> str:
        """Keep a timer, not shorter than the tenant's minimum unless exact; return its id."""
        shortest_ms = 0 if exact else round(self._world.timer_min_s * 1000)
        earliest_ms = to_ms(self.now) + shortest_ms
        timer = Timer(new_id(), nestable(content), max(to_ms(at), earliest_ms))
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
        chain = self._world.chains.of(self._ids)
        return await self._world.outgoing.request(
            method,
            url,
            headers=headers,
            params=params,
            content=content,
            own_headers={HEADER: chain} if chain else None,
        )

    @property
    def _ids(self) -> tuple[str, str]:
        return self.flow_id, self.correlation_id
