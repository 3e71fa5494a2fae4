"""Range: passes a message on from the port that says whether a value lies in a range."""

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._expression import in_range
from appmixer_mcp.sandbox.components._filters import filter_component

# That dates are held against both ends, as numbers are, departs from a bug of the original.
COMPONENT = filter_component(
    "Range",
    "Passes the message on to inRange or notInRange; the ends belong to it unless exclusive.",
    fields=(
        Field(name="sourceData", required=True),
        Field(name="rangeMin", required=True),
        Field(name="rangeMax", required=True),
        Field(name="exclusiveMin", type="toggle"),
        Field(name="exclusiveMax", type="toggle"),
    ),
    ports=("inRange", "notInRange"),
    holds=lambda fields: in_range(fields, fields.get("sourceData")),
)
