"""The catalogue of modifiers and flow variables, by category.

Source: names, arguments and results as Appmixer's catalogue gives them, observed as a black box.
"""

from appmixer_mcp.sandbox.modifier import Modifier
from appmixer_mcp.sandbox.modifiers import arithmetic, code, dates, flow, lists, objects, text

CATEGORIES = {
    "object": "Object",
    "list": "List",
    "text": "Text",
    "control": "Control",
    "number": "Number",
    "date": "Date",
    "math": "Math",
}
"""Category -> label, in the order in which Appmixer shows them."""

_CATALOGUE = {
    modifier.id: modifier
    for category in (objects, lists, text, arithmetic, dates, code, flow)
    for modifier in category.MODIFIERS
}


def find(name: str) -> Modifier | None:
    """Return the modifier of a name, or None; older flows leave out the prefix `g_`."""
    return _CATALOGUE.get(name) or _CATALOGUE.get(f"g_{name}")


def every() -> list[Modifier]:
    """Return the whole catalogue, by id."""
    return [_CATALOGUE[name] for name in sorted(_CATALOGUE)]
