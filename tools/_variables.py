"""What the fields of a flow's components can refer to, and what was there in recent runs."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

from pydantic import Field, JsonValue

from appmixer_mcp.errors import AppmixerError, ConflictError, InputError
from appmixer_mcp.ids import ComponentId
from appmixer_mcp.redaction import redacted, redacted_value
from appmixer_mcp.results import Facts, Page, Text

from ._flow_reading import Labels
from ._json_values import parsed, table

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.authoring import FlowVariables, Variable
    from appmixer_mcp.api.models.flows import Flow

_RECENT = 100
_LONGEST_SAMPLE = 120
_DEEPEST = 4
_MOST_BELOW = 100
_MOST_SEEN = 20


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
    if client.dialect == "openapi":
        raise ConflictError(
            "This tenant does not tell what fields can refer to. get_component shows what a "
            "component type sends, and query_logs what was sent."
        )
    wanted = None if component_id is None else [component_id]
    found = await client.authoring.fetch_variables(flow.flow_id, wanted)
    descriptor = flow.flow or {}
    told = list(dict.fromkeys(_paths(found)))
    samples = await _last_outputs(client, flow) if told else {}
    paths = [
        one
        for one in _with_seen(told, samples)
        if pattern.casefold() in f"{one.variable} {one.label}".casefold()
    ]
    shown = paths[offset : offset + limit]
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
        self._labels = Labels(descriptor)
        self._called: dict[str, str] = {}

    def label(self, component_id: str) -> str:
        return self._labels.label(component_id)

    def expression(self, one: _Path) -> str:
        name = self._called.get(one.component_id)
        if name is None:
            name = self._called[one.component_id] = self._name(one)
        written = ".".join(part for part in (name, one.port, one.path) if part)
        return f"{{{{{written}}}}}"

    def _name(self, one: _Path) -> str:
        """Return the label where it is understood to mean this component, else the id."""
        label = self.label(one.component_id)
        if any(mark in label for mark in "{}|"):
            return one.component_id
        try:
            means = self._labels.variable(f"{label}.{one.port}")
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
    if not levels:
        return
    for name, below in table(table(schema).get("properties")).items():
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
            found[key] = parsed(hit.msg)
    return found


def _with_seen(told: list[_Path], samples: Mapping[tuple[str, str], JsonValue]) -> Iterator[_Path]:
    """Yield paths, after each that nobody tells more of those that its last value had below it."""
    parents = {one.variable.rpartition(".")[0] for one in told}
    for one in told:
        yield one
        if one.path and one.variable not in parents:
            content = _at(samples.get((one.component_id, one.port)), one.path)
            for below in islice(_names_in(content, _DEEPEST), _MOST_SEEN):
                joined = f"{one.path}.{below}"
                yield _Path(one.component_id, one.port, joined, joined)


def _names_in(content: JsonValue, levels: int) -> Iterator[str]:
    """Yield the paths below an object; those that an expression could not name are left out."""
    for name, below in table(content).items() if levels else ():
        if name and not any(mark in name for mark in ".{}|"):
            yield name
            yield from (f"{name}.{path}" for path in _names_in(below, levels - 1))


def _at(content: JsonValue, path: str) -> JsonValue:
    for name in path.split(".") if path else ():
        content = content.get(name) if isinstance(content, dict) else None
    return content


def _sample(content: JsonValue, path: str) -> str | None:
    content = _at(content, path)
    if content is None:
        return None
    kept = redacted_value(content, path.rpartition(".")[2])  # a secret's name tells it is one
    text = json.dumps(kept, ensure_ascii=False)
    shown = redacted(text[:_LONGEST_SAMPLE])
    return shown if len(text) <= _LONGEST_SAMPLE else f"{shown}…"
