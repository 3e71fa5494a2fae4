"""Flow descriptors as the designer draws them, from code that reads like a list of steps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import is_list, is_object

_COLUMN_PX, _ROW_PX = 192, 128
_LEFT_PX, _TOP_PX = 64, 16


@dataclass(frozen=True)
class Variable:
    """A value that is only known when a message arrives; stands anywhere in a field's value."""

    path: str = ""
    """Such as `$.componentId.port.name`; empty when a function makes the value."""
    functions: tuple[Mapping[str, Json], ...] = ()


class Sentence:
    """Text with variables in it."""

    def __init__(self, *parts: str | Variable) -> None:
        self.parts = parts


@dataclass(frozen=True)
class Port:
    """An out port of a component that has been drawn."""

    component_id: str
    name: str

    def variable(self, path: str = "") -> Variable:
        """Return what the port has sent, or a part of it."""
        return Variable(".".join(("$", self.component_id, self.name, *([path] if path else []))))


class Drawing:
    """A flow descriptor in the making."""

    def __init__(self) -> None:
        self.descriptor: dict[str, Json] = {}

    def add(
        self,
        component_type: str,
        label: str,
        *,
        at: tuple[int, int],
        after: Sequence[Port] = (),
        in_port: str = "in",
        fields: Mapping[str, Json] | None = None,
        properties: Mapping[str, Json] | None = None,
    ) -> str:
        """Add a component and return its id.

        Args:
            component_type: Below `appmixer.utils`, such as `http.Get`.
            label: What people see.
            at: Column and row, from 0.
            after: What it listens to.
            in_port: Where it listens.
            fields: The in port's fields, the same for each port it listens to.
            properties: What it needs besides.
        """
        component_id = str(uuid4())
        config: dict[str, Json] = {}
        if properties:
            config["properties"] = dict(properties)
        source: dict[str, Json] = {}
        for port in after:
            source.setdefault(in_port, {}).setdefault(port.component_id, []).append(port.name)
            if fields:
                links = config.setdefault("transform", {}).setdefault(in_port, {})
                links.setdefault(port.component_id, {})[port.name] = _transform(fields)
        self.descriptor[component_id] = {
            "type": f"appmixer.utils.{component_type}",
            "label": label,
            "x": _LEFT_PX + at[0] * _COLUMN_PX,
            "y": _TOP_PX + at[1] * _ROW_PX,
            "source": source,
            "config": config,
        }
        return component_id


def _transform(fields: Mapping[str, Json]) -> dict[str, Json]:
    modifiers: dict[str, Json] = {}
    values: dict[str, Json] = {}
    for name, value in fields.items():
        bindings: dict[str, Json] = {}
        values[name] = _bound(value, bindings)
        modifiers[name] = bindings
    return {"type": "json2new", "modifiers": modifiers, "lambda": values}


def _bound(value: Json, bindings: dict[str, Json]) -> Json:
    """Return a value with a placeholder for each variable, which is put into the bindings."""
    if isinstance(value, Variable):
        binding_id = str(uuid4())
        bindings[binding_id] = {"functions": [dict(function) for function in value.functions]}
        if value.path:
            bindings[binding_id]["variable"] = value.path
        return f"{{{{{{{binding_id}}}}}}}"
    if isinstance(value, Sentence):
        return "".join(str(_bound(part, bindings)) for part in value.parts)
    if is_list(value):
        return [_bound(item, bindings) for item in value]
    if is_object(value):
        return {key: _bound(item, bindings) for key, item in value.items()}
    return value
