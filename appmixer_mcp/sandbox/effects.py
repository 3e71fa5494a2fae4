"""What a component wants to happen once its function has returned."""

from collections.abc import Callable
from dataclasses import dataclass, field

from appmixer_mcp.sandbox.context import Outputs
from appmixer_mcp.sandbox.fire_patterns import Parked
from appmixer_mcp.sandbox.webhooks import WebhookAnswer

Write = Callable[[], object]
"""A change to be made within a transaction."""


def merged(some: Outputs, more: Outputs) -> Outputs:
    """Return a scope with what is in either; where both have an out port, that of the second."""
    return {
        component_id: {**some.get(component_id, {}), **more.get(component_id, {})}
        for component_id in (*some, *more)
    }


@dataclass(frozen=True)
class Sent:
    """A message that a component sends."""

    port: str
    content_json: str
    correlation_id: str
    outputs: Outputs | None = None
    """The scope it carries; None is that of the message that is worked on."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call of another component's webhook."""

    flow_id: str
    component_id: str
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
    flow_state: dict[str, str | None] = field(default_factory=dict[str, str | None])
    writes: list[Write] = field(default_factory=list[Write])
    """Changes of stores and files, what is published, mails: in the order they were asked for."""
    calls: list[Call] = field(default_factory=list[Call])
    parked: Parked | None = None
    """The message itself, when the component is not ready for it."""
    unparked: list[int] = field(default_factory=list[int])
    """Which waiting messages were received."""
    logs: list[str] = field(default_factory=list[str])
    answers: list[WebhookAnswer] = field(default_factory=list[WebhookAnswer])
    topics: dict[str, bool] = field(default_factory=dict[str, bool])
    """Topic -> whether to listen to it from now on."""
    stops_flow: bool = False
