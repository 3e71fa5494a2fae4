"""What the engine hands to a component's function, and what the function can ask of it.

Whatever a function does through its `Context` (messages, timers, state, records, log lines) is
stored in one transaction with the message it handled, when the function returns. When it raises,
nothing of it happens. Only calls that leave the engine (HTTP), and stores, files and tasks that are
made anew, happen at once, and may so happen again after a crash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

Json = Any
"""A JSON value: what a flow carries is nobody's fixed type."""
Outputs = Mapping[str, Mapping[str, Json]]
"""What earlier components sent, the scope: component id -> out port -> content."""


@dataclass(frozen=True, kw_only=True)
class WebhookCall:
    """An HTTP request that reached a component's webhook URL."""

    method: str
    hostname: str
    headers: Mapping[str, str]
    query: Mapping[str, Json]
    """A parameter that occurs more than once is a list."""
    data: Json
    """The body: parsed JSON or form, else text; None when there was none."""


@dataclass(frozen=True, kw_only=True)
class HttpAnswer:
    """What a remote server answered, whatever its status."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    url: str
    """The address that answered, after redirects."""


class State(Protocol):
    """What one component of one flow remembers until the flow is stopped."""

    def get(self, key: str, default: Json = None) -> Json:
        """Return the value of a key, as this call left it."""
        ...

    def set(self, key: str, value: Json) -> None:
        """Remember a JSON value."""
        ...

    def unset(self, key: str) -> None:
        """Forget a key; a missing one is no error."""
        ...


class Stores(Protocol):
    """The data stores of the flow's owner; an unknown store raises ComponentFailedError.

    What is written is stored with everything else the call brings about; only `get` sees it
    before that.
    """

    def get(self, store_id: str, key: str) -> Mapping[str, Json] | None:
        """Return the record `{key, value, createdAt, updatedAt}`, or None."""
        ...

    def set(self, store_id: str, key: str, value: Json) -> Mapping[str, Json]:
        """Write a record; return it with `oldValue` (None when it is new)."""
        ...

    def remove(self, store_id: str, key: str) -> Mapping[str, Json] | None:
        """Delete a record; return it, or None when there was none."""
        ...

    async def find(self, store_id: str, pattern: str) -> Sequence[Mapping[str, Json]]:
        """Return the records whose key or value matches, in key order; "" gives all."""
        ...

    def clear(self, store_id: str) -> int:
        """Delete every record; return how many there were."""
        ...

    def every(self) -> Sequence[Mapping[str, Json]]:
        """Return all stores as `{storeId, name}`, oldest first."""
        ...

    def create(self, name: str) -> str:
        """Make an empty store at once and return its id."""
        ...


class Files(Protocol):
    """The files of the flow's owner; an unknown file raises ComponentFailedError.

    Metadata is what the API shows: fileId, filename, length, md5, contentType, uploadDate, ….
    What is replaced or removed is stored with everything else the call brings about; `info` and
    `read` see it before that. A created file is there at once.
    """

    def create(self, filename: str, content: bytes, content_type: str = "") -> Mapping[str, Json]:
        """Store a file; return its metadata."""
        ...

    def info(self, file_id: str) -> Mapping[str, Json]:
        """Return a file's metadata."""
        ...

    def read(self, file_id: str) -> bytes:
        """Return a file's whole content."""
        ...

    def replace(self, file_id: str, content: bytes) -> Mapping[str, Json]:
        """Give a file another content; return its new metadata. Hold a lock on it meanwhile."""
        ...

    def remove(self, file_id: str) -> Mapping[str, Json]:
        """Delete a file; return what its metadata was."""
        ...


@dataclass(frozen=True, kw_only=True)
class Incoming:
    """A link that ends at the component."""

    in_port: str
    source_id: str
    source_label: str
    out_port: str


@dataclass(frozen=True, kw_only=True)
class Follower:
    """A component that a link from an out port leads to."""

    component_id: str
    type: str
    label: str
    properties: Mapping[str, Json]


class Tasks(Protocol):
    """People tasks made by flows."""

    def create(
        self, *, title: str, description: str, requester: str, approver: str, decision_by: datetime
    ) -> Mapping[str, Json]:
        """Store a pending task; return it as the API does, `approverSecret` and all."""
        ...


class Context(Protocol):
    """What the engine hands to a component's function."""

    flow_id: str
    flow_name: str
    component_id: str
    component_label: str
    """What the flow calls this component, else the label of its type."""
    user_id: str
    user_email: str
    webhook_url: str
    """This component's webhook, `{public_url}/flows/{flow_id}/components/{component_id}`."""
    dashboard_url: str
    """Where people find their tasks; empty when the tenant has no such page."""
    now: datetime
    """The engine's clock, aware UTC."""
    properties: Mapping[str, Json]
    """`config.properties`, with the defaults of the manifest filled in."""
    correlation_id: str
    port: str
    """The in port of the message; empty in start, stop, webhook, timeout and tick."""
    content: Mapping[str, Json]
    """The in port's fields after the transform; in `on_timeout` what `set_timeout` was given."""
    original_content: Json
    """What the previous component sent, before the transform."""
    webhook: WebhookCall | None
    """Set in `on_webhook` alone."""
    messages: Mapping[str, Mapping[str, Json]]
    """In port -> content, for components with fire patterns: one of each port that has any."""
    sender_id: str
    sender_port: str
    """Which component and out port the message came from; empty where `port` is."""
    outputs: Outputs
    """What this component, and later ones, can refer to."""
    state: State
    flow_state: State
    """What all components of the flow share until it is started anew."""
    stores: Stores
    files: Files
    tasks: Tasks

    @property
    def incoming(self) -> tuple[Incoming, ...]:
        """Every link that ends at this component."""
        ...

    def followers(self, port: str) -> Sequence[Follower]:
        """Return the components that an out port leads to, in the order of the flow."""
        ...

    def send(
        self,
        port: str,
        content: Json,
        *,
        correlation_id: str | None = None,
        outputs: Outputs | None = None,
    ) -> None:
        """Send a message from an out port; keeps correlation id and scope unless others are given.

        In `start`, `on_webhook`, `on_tick` and `on_timeout` of a trigger the engine makes a new
        correlation id for each firing.
        """
        ...

    def trigger(
        self, flow_id: str, component_id: str, data: Json, *, correlation_id: str | None = None
    ) -> None:
        """Call the webhook of a component of a running flow of the same owner, without waiting.

        Raises:
            ComponentFailedError: The owner has no such running flow and component (retry=False).
        """
        ...

    def publish(self, topic: str, payload: Json) -> None:
        """Tell the owner's components that listen to a topic."""
        ...

    def announce_gateway(self, tools: Sequence[Json]) -> None:
        """Offer tools through this component's webhook until the flow is stopped."""
        ...

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
        """Put a mail into the owner's outbox; attachments are file ids."""
        ...

    async def lock(self, name: str) -> None:
        """Wait for a lock of the owner, such as `file:<id>`, and hold it until the call is done.

        A component that takes several takes them in the order of their names.
        """
        ...

    def set_timeout(self, content: Json, at: datetime, *, exact: bool = False) -> str:
        """Have `on_timeout` called at an instant, with this content; return the timer's id.

        An instant nearer than the shortest timer (60 s) is put off, unless it must be exact.
        """
        ...

    def clear_timeout(self, timer_id: str) -> None:
        """Forget a timer; one that has fired or never was is no error."""
        ...

    def respond(
        self, body: Json, *, status: int = 200, headers: Mapping[str, str] | None = None
    ) -> None:
        """Answer the webhook call of the same correlation; ignored when nobody waits (any more)."""
        ...

    def log(self, content: Json) -> None:
        """Write a log record of severity info."""
        ...

    def stop_flow(self) -> None:
        """Stop this flow once this message is done."""
        ...

    def listen(self, topic: str) -> None:
        """Have `on_event` called for a topic.

        `event:<name>` (app event), `task:<task id>`, `store:<store id>` (a record was inserted,
        updated or deleted), or one of the component's own, such as `call:<unique id>`.

        The scope and correlation id of the present message are kept for what `on_event` sends.
        """
        ...

    def unlisten(self, topic: str) -> None:
        """Stop listening to a topic."""
        ...

    def errors_after(self, cursor: int, limit: int) -> list[Mapping[str, Json]]:
        """Return error log records of this flow after a cursor, oldest first, each with `seq`.

        Keys: seq, gridTimestamp, msg, err, componentId, componentType, componentLabel,
        inputMessages. A cursor of 0 means from the start of the flow's present run.
        """
        ...

    async def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, Json] | None = None,
        content: bytes | None = None,
    ) -> HttpAnswer:
        """Call a remote server under the tenant's egress rule.

        Raises:
            ComponentFailedError: No answer (retry=True), or an address that may not be reached
                (retry=False).
        """
        ...
