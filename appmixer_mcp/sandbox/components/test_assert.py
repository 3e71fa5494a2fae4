"""Assert: holds values against what is expected, and tells which expectations were met.

It never fails itself: an expectation that cannot be checked is one that was not met.
"""

from collections.abc import Callable, Mapping

from appmixer_mcp.errors import AppmixerError
from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import entries
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import is_list, is_object, loosely_equal, to_text
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.pattern import search

_MOST_SHOWN = 200

_Item = Mapping[str, Json]


async def _receive(ctx: Context) -> None:
    success: list[str] = []
    error: list[str] = []
    try:
        items = entries("expression", ctx.content.get("expression"), "AND")
    except AppmixerError as reason:
        items = []
        error.append(str(reason))
    for item in items:
        said, held = _checked(item)
        (success if held else error).append(said)
    ctx.send(
        "out",
        {
            "componentId": ctx.component_id,
            "componentName": ctx.component_label,
            "success": success,
            "error": error,
        },
    )


def _checked(item: _Item) -> tuple[str, bool]:
    """Return an expectation in words (ours), and whether it is met."""
    value, assertion, kind = item.get("field"), to_text(item.get("assertion")), item.get("type")
    said = f"{_short(value)} {assertion}"
    if assertion in _EXPECTED:
        said += f" {_short(item.get(_EXPECTED[assertion]))}"
    if kind:
        said += f" ({to_text(kind)})"
        if not _is_of_type(value, to_text(kind).lower()):
            return f"{said}: it is of type {_type_of(value)}", False
    test = _ASSERTIONS.get(assertion)
    if test is None:
        return f"{said}: there is no such assertion", False
    try:
        return said, test(item)
    except AppmixerError as reason:  # a regular expression that is none
        return f"{said}: {reason}", False


def _equal(item: _Item) -> bool:
    value, expected = item.get("field"), item.get("expected")
    if isinstance(value, bool):
        return to_text(value) == to_text(expected)
    return loosely_equal(value, expected)


_EXPECTED = {"equal": "expected", "regex": "regex"}
_ASSERTIONS: dict[str, Callable[[_Item], bool]] = {
    "equal": _equal,
    "notEmpty": lambda item: item.get("field") is not None,
    "regex": lambda item: (
        search(to_text(item.get("regex")), to_text(item.get("field"))) is not None
    ),
}


def _is_of_type(value: Json, kind: str) -> bool:
    """Say whether a value is of a type, by the names that the library chai gives them."""
    return kind == _type_of(value) or (kind == "undefined" and value is None)


def _type_of(value: Json) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int | float):
        return "number"
    if is_list(value):
        return "array"
    return "object" if is_object(value) else "string"


def _short(value: Json) -> str:
    text = dumps(value)
    return text if len(text) <= _MOST_SHOWN else f"{text[:_MOST_SHOWN]}…"


COMPONENT = Component(
    type="appmixer.utils.test.Assert",
    label="Assert",
    description="Checks values against what is expected and lists what holds and what does not.",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="expression",
                    type="expression",
                    required=True,
                    tooltip='{"AND": [{"field": "…", "assertion": "equal", "expected": 5}]}; '
                    "assertions: equal, notEmpty, regex (with regex); optional type: string, "
                    "number, boolean, array, object, null.",
                ),
            )
        ),
    ),
    out_ports=(OutPort(variables=("componentId", "componentName", "success", "error")),),
    receive=_receive,
)
