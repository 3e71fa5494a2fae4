"""GreaterThan: passes a message on from the port that says whether a value is large enough."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.comparison import order
from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._filters import filter_component
from appmixer_mcp.sandbox.components._inputs import is_on
from appmixer_mcp.sandbox.context import Json


def _is_greater(fields: Mapping[str, Json]) -> bool:
    found = order(fields.get("sourceData"), fields.get("greaterThan"))
    return found == 1 or (found == 0 and not is_on(fields.get("exclusive")))


COMPONENT = filter_component(
    "GreaterThan",
    "Passes the message on to greater or notGreater; equal counts as greater unless exclusive.",
    fields=(
        Field(name="sourceData", required=True),
        Field(name="greaterThan", required=True),
        Field(name="exclusive", type="toggle"),
    ),
    ports=("greater", "notGreater"),
    holds=_is_greater,
)
