"""The values that a field of a component can take: those of its manifest, or those of a service.

A manifest names the component that lists them. What the designer makes of its answer is a piece of
JavaScript that the tenant does not run for others, so the usual shapes are read here.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import parse_qs

from pydantic import Field, JsonValue

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import InputError, UnavailableError
from appmixer_mcp.ids import ComponentId
from appmixer_mcp.results import Facts, Page, Text

from ._component_shape import choices, inputs_of, parts_of
from ._json_values import json_of

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.components import ComponentManifest

_CALL = "/component/"
_TYPE_PARTS = 4
_LONGEST_LABEL = 200
_VALUES = ("value", "id", "Id", "ID", "key", "name", "Name")
_LABELS = ("label", "content", "name", "Name", "title", "displayName", "text", "summary")


class ComponentOption(Facts):
    """A value that a field can take."""

    value: str = Field(description="JSON where it is no text.")
    label: Text = None


class ComponentOptionPage(Page):
    """Values that a field can take."""

    items: list[ComponentOption]
    depends_on: list[str] = Field(
        default_factory=list[str],
        exclude_if=lambda names: not names,
        description="Fields that decide which, and had no value.",
    )


@dataclass(frozen=True)
class Options:
    """What a field can take."""

    options: list[ComponentOption]
    missing: list[str]
    """Fields on which that depends and which had no value."""


async def options_of(
    client: "AppmixerClient",
    manifest: "ComponentManifest",
    name: str,
    *,
    port: str,
    values: Mapping[str, Any],
    component_id: ComponentId,
) -> Options:
    """Return what a field can take.

    Args:
        client: Signed in as who asks.
        manifest: The component's.
        name: The field's.
        port: Its in port, or `properties`; empty for the first that has such a field.
        values: Of the other fields.
        component_id: A component of a saved flow, whose account is used; may be empty.

    Raises:
        InputError: There is no such field, or it takes anything.
        UnavailableError: The service did not answer.
    """
    shown = _field(manifest, name, port)
    fixed = [_option(value, label) for value, label in choices(shown)]
    source = shown.get("source")
    if not isinstance(source, dict):
        if not fixed:
            raise InputError(f"The field {quoted(name)} takes any value; there is no list of them.")
        return Options(fixed, [])
    asked = _Asked(cast("Mapping[str, Any]", source), values)
    try:
        found = await client.components.call_component(
            asked.component_type,
            asked.out_port,
            component_id=component_id or None,
            properties=asked.filled("properties"),
            messages=asked.filled("messages"),
        )
    except (InputError, UnavailableError) as error:
        if asked.missing:
            raise InputError(
                f"What {quoted(name)} can be depends on {', '.join(asked.missing)}: give them in "
                "`values`."
            ) from error
        if isinstance(error, InputError):
            raise
        account = "" if component_id else " Where it needs an account, name a component_id."
        raise UnavailableError(
            f"{asked.component_type}, which lists the values, failed.{account}",
            status=error.status,
            upstream_message=error.upstream_message,
        ) from error
    return Options([*fixed, *_listed(found)], asked.missing)


class _Asked:
    """The call that lists the values of a field."""

    def __init__(self, source: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        place, _, query = str(source.get("url", "")).partition("?")
        parts = place.removeprefix(_CALL).split("/")
        if not place.startswith(_CALL) or len(parts) != _TYPE_PARTS:
            # A stranger wrote the manifest: nothing else than a component is called for it.
            raise InputError("The manifest names no component that lists the values.")
        self.component_type = ".".join(parts)
        self.out_port = parse_qs(query).get("outPort", ["out"])[0]
        self.missing: list[str] = []
        self._data: object = source.get("data")
        self._has_data = isinstance(self._data, dict)
        self._values = values

    def filled(self, part: str) -> dict[str, Any]:
        """Return the properties or messages to send, with values in place of pointers."""
        wanted = cast("Mapping[str, Any]", self._data).get(part) if self._has_data else None
        found = self._value(cast("object", wanted))
        return cast("dict[str, Any]", found) if isinstance(found, dict) else {}

    def _value(self, wanted: object) -> object:
        if isinstance(wanted, dict):
            pairs = (
                (key, self._value(one)) for key, one in cast("Mapping[str, object]", wanted).items()
            )
            return {key: one for key, one in pairs if one is not None}
        if not isinstance(wanted, str) or not wanted.startswith(("properties/", "inputs/")):
            return wanted
        name = wanted.split("/", 1 if wanted.startswith("properties/") else 2)[-1]
        if name not in self._values and name not in self.missing:
            self.missing.append(name)
        return self._values.get(name)


def _field(manifest: "ComponentManifest", name: str, port: str) -> Mapping[str, Any]:
    known: list[str] = []
    for part, content in parts_of(manifest):
        if port and part != port:
            continue
        inputs = inputs_of(content)
        if isinstance(inputs.get(name), dict):
            return cast("Mapping[str, Any]", inputs[name])
        known += inputs
    where = f"{manifest.name} has no field {quoted(name)}" + (f" in {quoted(port)}" if port else "")
    raise InputError(f"{where}; it has {', '.join(known[:50]) or 'none'}.")


def _listed(found: JsonValue) -> Iterator[ComponentOption]:
    """Yield the options in an answer: a list, alone or as the one list of an object."""
    if isinstance(found, dict):
        lists = [one for one in found.values() if isinstance(one, list)]
        found = lists[0] if lists else [{"value": key, "label": one} for key, one in found.items()]
    for one in found if isinstance(found, list) else []:
        if not isinstance(one, dict):
            yield _option(one, "")
            continue
        value = next((one[key] for key in _VALUES if one.get(key) not in (None, "")), one)
        label = next((one[key] for key in _LABELS if isinstance(one.get(key), str)), "")
        yield _option(value, str(label))


def _option(value: object, label: str) -> ComponentOption:
    text = json_of(value)
    told = label[:_LONGEST_LABEL] if label != text else ""
    return ComponentOption(value=text, label=told or None)
