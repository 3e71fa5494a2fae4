"""What a component type takes and gives, out of its manifest, which a stranger wrote.

A manifest may be huge: it holds pictures, help texts and rules for the designer. What writing a
flow needs is much less: names of ports and fields, what they take, what is required, what comes
out.
"""

import json
from collections.abc import Iterator, Mapping
from itertools import islice
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from appmixer_mcp.results import Facts, Object, Result, Text, Truth

from ._catalogue import is_trigger
from ._json_values import json_of, table

if TYPE_CHECKING:
    from appmixer_mcp.api.models.components import ComponentManifest

SETTINGS = "properties"
"""Stands for an in port where there is none: what is set without a link."""

_MOST_FIELDS = 60
_MOST_OPTIONS = 20
_MOST_VARIABLES = 60
_LONGEST_HINT = 240
_LONGEST_DESCRIPTION = 600
_SAMPLES: Mapping[str, Any] = {
    "toggle": True, "number": 1, "date-time": "2030-01-31T09:00:00Z", "multiselect": [],
    "key-value": "{}", "filepicker": "FILE_ID",
}  # fmt: skip
_BOUND = "value"


class ComponentField(Facts):
    """Something that a component can be given."""

    name: str
    port: Text = Field(
        default=None, description="Its in port: goes into config.transform. Else config.properties."
    )
    type: Text = None
    required: Truth = None
    hint: Text = Field(default=None, description="Label or help.")
    default: Text = None
    options: list[str] = Field(
        default_factory=list[str], exclude_if=lambda found: not found, description="Values."
    )
    listed: Truth = Field(default=None, description="get_component_options lists its values.")
    shape: Text = Field(default=None, description="JSON of its value.")


class InPort(Facts):
    """Where messages arrive."""

    name: str
    one_link: Truth = Field(default=None, description="Takes one link only.")


class OutPort(Facts):
    """Where messages leave."""

    name: str
    variables: list[str] = Field(description="Paths that later components can use.")
    varies: Truth = Field(default=None, description="More, by settings: get_flow_variables.")


class ComponentDetail(Result):
    """A component type, as far as flows need to know it."""

    component_type: str
    label: Text = None
    description: Text = None
    is_trigger: bool
    account_service: Text = Field(default=None, description="It needs an account of this.")
    in_ports: list[InPort] = Field(description="None: it begins a flow.")
    fields: list[ComponentField] = Field(description="What it can be given.")
    out_ports: list[OutPort] = Field(description="Every component also has the port error.")
    example: Object = Field(description="A descriptor entry.")


def shape_of(manifest: "ComponentManifest") -> ComponentDetail:
    """Return what there is to know about a component type; lists and texts are cut."""
    said = manifest.model_extra or {}
    fields = [
        field
        for part, content in parts_of(manifest)
        for field in islice(_fields(part, content), _MOST_FIELDS)
    ]
    in_ports = [_in_port(one) for one in _ports(said.get("inPorts"))]
    return ComponentDetail(
        component_type=manifest.name,
        label=manifest.label,
        description=_cut(manifest.description or "", _LONGEST_DESCRIPTION) or None,
        is_trigger=is_trigger(manifest),
        account_service=_text(table(said.get("auth")).get("service")),
        in_ports=in_ports,
        fields=fields,
        out_ports=[_out_port(one) for one in _ports(said.get("outPorts"))],
        example=_example(manifest, fields, in_ports),
    )


def _fields(part: str, content: Mapping[str, Any]) -> Iterator[ComponentField]:
    """Yield the fields of an in port or of the properties, in the manifest's order."""
    port = None if part == SETTINGS else part
    schema = table(content.get("schema"))
    required = schema.get("required")
    names = cast("list[object]", required) if isinstance(required, list) else []
    described = table(schema.get("properties"))
    inputs = inputs_of(content)
    for name in inputs or described:
        field = _field(name, table(inputs.get(name)), table(described.get(name)), name in names)
        yield field.model_copy(update={"port": port})


def inputs_of(part: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return field -> what the designer shows for it; empty where a component computes that."""
    return table(table(part.get("inspector")).get("inputs"))


def parts_of(manifest: "ComponentManifest") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield (in port, what its fields are), that of the settings first, under `SETTINGS`."""
    said = manifest.model_extra or {}
    yield SETTINGS, table(said.get("properties"))
    for port in _ports(said.get("inPorts")):
        yield str(port.get("name", "")), port


def _in_port(port: Mapping[str, Any]) -> InPort:
    return InPort(
        name=str(port.get("name", "")),
        one_link=True if port.get("maxConnections") == 1 else None,
    )


def _out_port(port: Mapping[str, Any]) -> OutPort:
    options = port.get("options")
    listed = cast("list[object]", options) if isinstance(options, list) else []
    paths = [str(table(one).get("value") or "") for one in listed]
    if not listed:
        paths = list(table(table(port.get("schema")).get("properties")))
    return OutPort(
        name=str(port.get("name", "")),
        variables=[_cut(one, _LONGEST_HINT) for one in paths if one][:_MOST_VARIABLES],
        varies=True if port.get("source") else None,
    )


def _field(
    name: str, shown: Mapping[str, Any], schema: Mapping[str, Any], required: object
) -> ComponentField:
    shape, hint = _expression(shown), _text(shown.get("tooltip")) or _text(shown.get("label"))
    default = shown.get("defaultValue", schema.get("default"))
    options = [str(value) for value, _ in choices(shown)]
    return ComponentField(
        name=name,
        type=_text(shown.get("type") or schema.get("type")),
        required=True if required or shown.get("required") is True else None,
        hint=_cut((hint or "").removeprefix(shape or "").lstrip(" ;."), _LONGEST_HINT) or None,
        default=None if default is None else _cut(json_of(default), _LONGEST_HINT),
        options=[_cut(one, _LONGEST_HINT) for one in options[:_MOST_OPTIONS]],
        listed=True if shown.get("source") or len(options) > _MOST_OPTIONS else None,
        shape=shape,
    )


def choices(shown: Mapping[str, Any]) -> Iterator[tuple[object, str]]:
    """Yield (value, label) of each option that a manifest gives for a field."""
    options = shown.get("options")
    for one in cast("list[object]", options) if isinstance(options, list) else []:
        known = table(one)
        if not isinstance(one, dict):
            yield one, str(one)
        elif "clearItem" not in known and "value" in known:
            yield known["value"], str(known.get("label") or known.get("content") or "")


def _example(
    manifest: "ComponentManifest", fields: list[ComponentField], in_ports: list[InPort]
) -> Object:
    entry: Object = {"type": manifest.name, "label": manifest.label or "", "source": {}}
    config: Object = {}
    properties = {one.name: _sample(one) for one in fields if one.required and one.port is None}
    if properties:
        config["properties"] = properties
    filled = next((one.port for one in fields if one.port is not None), None)
    port = filled or next((one.name for one in in_ports), None)
    if port is not None and not is_trigger(manifest):
        entry["source"] = {port: {"SENDER_ID": ["OUT_PORT"]}}
        if filled:
            transform = _transform([one for one in fields if one.port == port])
            config["transform"] = {port: {"SENDER_ID": {"OUT_PORT": transform}}}
    return entry | ({"config": config} if config else {})


def _transform(fields: list[ComponentField]) -> Object:
    """Return a transform that fills what is required, one field of it from a variable."""
    needed = [one for one in fields if one.required] or fields[:1]
    filled: Object = {one.name: _sample(one) for one in needed}
    plain = [one.name for one in needed if isinstance(filled[one.name], str) and not one.options]
    modifiers: Object = {}
    if plain:
        name = plain[-1]  # what is sent on, rather than where to
        filled[name] = f"{{{{{{{_BOUND}}}}}}}"
        binding: Object = {"variable": "$.SENDER_ID.OUT_PORT.path", "functions": []}
        modifiers[name] = {_BOUND: binding}
    return {"type": "json2new", "lambda": filled, "modifiers": modifiers}


def _sample(one: ComponentField) -> object:
    if one.shape:
        return json.loads(one.shape)
    if one.options:
        return [one.options[0]] if one.type == "multiselect" else one.options[0]
    if one.type == "expression":
        return {}
    return _SAMPLES.get(one.type or "", one.name.upper())


def _levels(shown: Mapping[str, Any]) -> list[str]:
    levels = shown.get("levels")
    return [str(one) for one in cast("list[object]", levels)] if isinstance(levels, list) else []


def _expression(shown: Mapping[str, Any]) -> str | None:
    """Return the value of an expression with one rule: lists in lists, the fields innermost."""
    if shown.get("type") != "expression":
        return None
    value: object = dict.fromkeys(islice(table(shown.get("fields")), _MOST_OPTIONS), "")
    for level in reversed(_levels(shown)):
        value = {level: [value]}
    text = json_of(value) if value else _begun_with(_text(shown.get("tooltip")) or "")
    return text if 0 < len(text) <= _LONGEST_DESCRIPTION else None


def _begun_with(text: str) -> str:
    """Return the JSON that a help text begins with, as those of the sandbox do, or nothing."""
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except ValueError:
        return ""
    return text[:end]


def _ports(found: object) -> Iterator[Mapping[str, Any]]:
    for one in cast("list[object]", found) if isinstance(found, list) else []:
        yield {"name": one} if isinstance(one, str) else table(one)


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[:most]}…"
