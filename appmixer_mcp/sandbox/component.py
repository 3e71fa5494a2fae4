"""What a component is: a record of facts and a few functions.

A component says what should happen; the engine does it.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from appmixer_mcp.sandbox.context import Context, Json

FieldType = Literal[
    "text", "textarea", "number", "toggle", "select", "multiselect", "date-time",
    "key-value", "expression", "filepicker",
]  # fmt: skip


_LISTED_BY = {
    "storeId": "/component/appmixer/utils/storage/ListStores?outPort=out",
    "timezone": "/component/appmixer/utils/timers/ListTimeZones?outPort=out",
}
"""Fields by name -> the call that lists what they can be given."""


@dataclass(frozen=True, kw_only=True)
class Field:
    """One input of a component: an entry of a port's inspector or of its properties."""

    name: str
    type: FieldType = "text"
    label: str = ""
    """Shown in the designer; empty means made from the name."""
    required: bool = False
    default: Json = None
    options: tuple[str, ...] = ()
    """The values of a select or multiselect."""
    tooltip: str = ""


@dataclass(frozen=True, kw_only=True)
class InPort:
    """A port that messages arrive at."""

    name: str = "in"
    fields: tuple[Field, ...] = ()
    max_connections: int | None = None
    """How many links may end here; None is any number."""


@dataclass(frozen=True, kw_only=True)
class OutPort:
    """A port that messages leave from."""

    name: str = "out"
    variables: tuple[str, ...] = ()
    """Paths below the port that later components can use, such as `statusCode`."""


Handler = Callable[[Context], Awaitable[None]]
EventHandler = Callable[[Context, Json], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Component:
    """A component type: what `GET /components` tells about it, and what it does."""

    type: str
    """`vendor.service.module.Name`."""
    label: str
    description: str
    icon: str = ""
    version: str = "1.0.0"
    properties: tuple[Field, ...] = ()
    in_ports: tuple[InPort, ...] = ()
    """Empty for a trigger."""
    out_ports: tuple[OutPort, ...] = ()
    """Every component also has the port `error`, which is not listed."""
    private: bool = False
    """Whether users do not see it in lists; flows can name it."""
    auth_service: str = ""
    """The service it needs an account of, such as `appmixer:utils:ftp`; empty for none."""
    webhook: bool = False
    begins: bool = False
    """Whether it begins a flow although it has in ports, as the legacy Webhook does."""
    fire_patterns: tuple[tuple[Literal["*", 0, 1], ...], ...] = ()
    """When it is ready, a symbol for each in port: 1 a message waits, 0 none does, `*` any. The
    first pattern that fits fires with the oldest message of each port. None declared: each message
    is received alone."""
    further_variables: Callable[[str, Mapping[str, Json]], tuple[str, ...]] | None = None
    """Given an out port and the component's entry in the descriptor, returns the paths below the
    port that depend on it, beside those of the manifest."""
    serial: bool = False
    """Whether the engine hands it one message at a time; needed by what counts in its state."""
    check: Callable[[Mapping[str, Json]], list[str]] = field(default=lambda _: [])
    """Looks at `config.properties` before a start; returns one sentence for each problem."""
    start: Handler | None = None
    """Called when the flow starts; raising aborts the start."""
    stop: Handler | None = None
    """Called when the flow stops; raising is logged and stops it all the same."""
    receive: Handler | None = None
    """Called for each message at an in port."""
    on_webhook: Handler | None = None
    on_timeout: Handler | None = None
    on_tick: Handler | None = None
    """Called every tick interval (60 s) while the flow runs; errors are only logged."""
    on_event: EventHandler | None = None
    """Called with the payload of a topic the component listens to."""
    sample: Handler | None = None
    """Called instead of `start` in a test run of a trigger: sends what it would typically send."""

    @property
    def trigger(self) -> bool:
        """Whether it begins a flow, as all without in ports do."""
        return self.begins or not self.in_ports

    def manifest(self) -> dict[str, Json]:
        """Return the manifest as `GET /components?manifest=yes` shows it."""
        manifest: dict[str, Json] = {
            "name": self.type,
            "label": self.label,
            "description": self.description,
            "version": self.version,
            "author": "appmixer-mcp sandbox",
            "inPorts": [_in_port(port) for port in self.in_ports],
            "outPorts": [_out_port(port) for port in self.out_ports],
        }
        if self.properties:
            manifest["properties"] = _inputs(self.properties)
        manifest |= {
            key: True
            for key, value in (
                ("trigger", self.trigger), ("webhook", self.webhook), ("tick", self.on_tick),
                ("private", self.private),
            )
            if value
        }  # fmt: skip
        if self.auth_service:
            manifest["auth"] = {"service": self.auth_service}
        if self.fire_patterns:
            manifest["firePatterns"] = [list(pattern) for pattern in self.fire_patterns]
        if self.icon:
            manifest["icon"] = self.icon
        return manifest


def _in_port(port: InPort) -> dict[str, Json]:
    shown: dict[str, Json] = {"name": port.name, **_inputs(port.fields)}
    if port.max_connections is not None:
        shown["maxConnections"] = port.max_connections
    return shown


def _out_port(port: OutPort) -> dict[str, Json]:
    options = [{"label": path, "value": path} for path in port.variables]
    return {"name": port.name, "options": options}


def _inputs(fields: tuple[Field, ...]) -> dict[str, Json]:
    inputs: dict[str, Json] = {}
    for index, one in enumerate(fields, start=1):
        shown: dict[str, Json] = {
            "type": one.type, "label": one.label or _spoken(one.name), "index": index
        }  # fmt: skip
        if one.default is not None:
            shown["defaultValue"] = one.default
        if one.options:
            shown["options"] = [{"content": value, "value": value} for value in one.options]
        if one.tooltip:
            shown["tooltip"] = one.tooltip
        if one.name in _LISTED_BY:
            shown["source"] = {"url": _LISTED_BY[one.name]}
        inputs[one.name] = shown
    schema: dict[str, Json] = {
        "type": "object",
        "properties": {one.name: {} for one in fields},
        "required": [one.name for one in fields if one.required],
    }
    return {"schema": schema, "inspector": {"inputs": inputs}}


def _spoken(name: str) -> str:
    words = "".join(f" {letter.lower()}" if letter.isupper() else letter for letter in name)
    return words[:1].upper() + words[1:]
