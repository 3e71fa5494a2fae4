"""LessThan: passes a message on from the port that says whether a value is small enough."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.comparison import order
from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._filters import filter_component
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.context import Json


def _is_less(fields: Mapping[str, Json]) -> bool:
    found = order(fields.get("sourceData"), fields.get("lessThan"))
    return found == -1 or (found == 0 and not is_on(fields.get("exclusive")))


COMPONENT = filter_component(
    "LessThan",
    "Passes the message on to less or notLess; equal counts as less unless exclusive.",
    fields=(
        Field(name="sourceData", required=True),
        Field(name="lessThan", required=True),
        Field(name="exclusive", type="toggle"),
    ),
    ports=("less", "notLess"),
    holds=_is_less,
)
