"""What the fields of a flow's components can refer to, and what was there in recent runs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field, JsonValue

from appmixer_mcp.errors import AppmixerError, InputError
from appmixer_mcp.ids import ComponentId
from appmixer_mcp.redaction import redacted
from appmixer_mcp.results import Facts, Page, Text

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.authoring import FlowVariables, Variable
    from appmixer_mcp.api.models.flows import Flow

_RECENT = 100
_LONGEST_SAMPLE = 120
_DEEPEST = 4
_MOST_BELOW = 100


class FlowVariable(Facts):
    """Something that a field can refer to."""

    variable: str = Field(description="For a descriptor.")
    expression: str = Field(description="For edit_flow.")
    label: Text = None
    component: Text = Field(default=None, description="The label of what sends it.")
    sample: Text = Field(default=None, description="JSON; from the last run in the logs.")


class VariablePage(Page):
    """What fields can refer to, the nearest component's first."""

    items: list[FlowVariable]


@dataclass(frozen=True)
class _Path:
    component_id: str
    port: str
    path: str
    label: str

    @property
    def variable(self) -> str:
        return ".".join(part for part in ("$", self.component_id, self.port, self.path) if part)


async def variables_of(
    client: "AppmixerClient",
    flow: "Flow",
    component_id: ComponentId | None,
    *,
    pattern: str,
    limit: int,
    offset: int,
) -> VariablePage:
    """Return what a component can refer to, or what any component of a flow can.

    Args:
        client: Signed in as the flow's owner.
        flow: With its descriptor.
        component_id: Whose fields; None for all.
        pattern: Part of a path or label; empty for all.
        limit: Most on the page.
        offset: How many to skip.
    """
    wanted = None if component_id is None else [component_id]
    found = await client.authoring.fetch_variables(flow.flow_id, wanted)
    descriptor = flow.flow or {}
    paths = [
        one
        for one in dict.fromkeys(_paths(found))
        if pattern.casefold() in f"{one.variable} {one.label}".casefold()
    ]
    shown = paths[offset : offset + limit]
    samples = await _last_outputs(client, flow) if shown else {}
    names = _Names(descriptor)
    return VariablePage.of(
        [
            FlowVariable(
                variable=one.variable,
                expression=names.expression(one),
                label=one.label if one.label != one.path else None,
                component=names.label(one.component_id),
                sample=_sample(samples.get((one.component_id, one.port)), one.path),
            )
            for one in shown
        ],
        offset=offset,
        limit=limit,
        total=len(paths),
    )


class _Names:
    """What the components of a flow are called in an expression."""

    def __init__(self, descriptor: Mapping[str, Any]) -> None:
        from appmixer_mcp.editing.draft import Draft  # noqa: PLC0415 - no start needs it

        self._descriptor = descriptor
        self._draft = Draft(dict(descriptor), {})
        self._called: dict[str, str] = {}

    def label(self, component_id: str) -> str | None:
        entry = self._descriptor.get(component_id)
        known = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
        label = known.get("label")
        return label if isinstance(label, str) and label else None

    def expression(self, one: _Path) -> str:
        name = self._called.get(one.component_id)
        if name is None:
            name = self._called[one.component_id] = self._name(one)
        written = ".".join(part for part in (name, one.port, one.path) if part)
        return f"{{{{{written}}}}}"

    def _name(self, one: _Path) -> str:
        """Return the label where it is understood to mean this component, else the id."""
        label = self.label(one.component_id)
        if label is None or any(mark in label for mark in "{}|"):
            return one.component_id
        try:
            means = self._draft.variable(f"{label}.{one.port}")
        except InputError:  # the label is there twice
            return one.component_id
        return label if means == f"$.{one.component_id}.{one.port}" else one.component_id


def _paths(found: "FlowVariables") -> Iterator[_Path]:
    for component in found.components.values():
        for senders in component.links.values():
            for ports in senders.values():
                for inputs in ports.values():
                    for one in inputs.variables.dynamic:
                        yield from _below(one)


def _below(one: "Variable") -> Iterator[_Path]:
    """Yield a variable, and each that its schema tells of."""
    head = f"$.{one.component_id}.{one.port}"
    whole = one.value.strip().removeprefix("{{{").removesuffix("}}}").strip()
    path = whole.removeprefix(head).removeprefix(".") if whole.startswith(head) else ""
    yield _Path(one.component_id, one.port, path, one.label or "")
    for count, below in enumerate(_properties(one.json_schema, _DEEPEST)):
        if count == _MOST_BELOW:
            return
        joined = f"{path}.{below}" if path else below
        yield _Path(one.component_id, one.port, joined, joined)


def _properties(schema: object, levels: int) -> Iterator[str]:
    """Yield the paths below an object of a JSON schema; a path cannot lead into a list."""
    properties: object = (
        cast("Mapping[str, object]", schema).get("properties") if isinstance(schema, dict) else None
    )
    if not isinstance(properties, dict) or not levels:
        return
    for name, below in cast("Mapping[str, object]", properties).items():
        yield name
        yield from (f"{name}.{path}" for path in _properties(below, levels - 1))


async def _last_outputs(client: "AppmixerClient", flow: "Flow") -> dict[tuple[str, str], JsonValue]:
    """Return (component id, out port) -> what was sent there last, as far as the log tells."""
    try:
        page = await client.logs.query_logs(
            flow_ids=[flow.flow_id],
            port_types=["out"],
            sort=["@timestamp:desc"],
            size=_RECENT,
        )
    except AppmixerError:  # what is asked for is the variables, which need no log
        return {}
    found: dict[tuple[str, str], JsonValue] = {}
    for hit in page.hits:
        key = (hit.component_id or "", hit.port or "")
        if key not in found:
            found[key] = _content(hit.msg)
    return found


def _content(message: JsonValue) -> JsonValue:
    if not isinstance(message, str):
        return message
    try:
        content: JsonValue = json.loads(message)
    except (ValueError, RecursionError):
        return message
    return content


def _sample(content: JsonValue, path: str) -> str | None:
    for name in path.split(".") if path else ():
        content = content.get(name) if isinstance(content, dict) else None
    if content is None:
        return None
    text = json.dumps(content, ensure_ascii=False)
    shown = redacted(text[:_LONGEST_SAMPLE])
    return shown if len(text) <= _LONGEST_SAMPLE else f"{shown}…"
