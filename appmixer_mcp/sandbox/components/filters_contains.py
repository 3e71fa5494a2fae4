"""Contains: passes a message on from the port that says whether one value holds another."""

from appmixer_mcp.sandbox.comparison import contains
from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._filters import filter_component

COMPONENT = filter_component(
    "Contains",
    "Passes the message on to contains or notContains; letter case does not matter.",
    fields=(Field(name="sourceData", required=True), Field(name="value", required=True)),
    ports=("contains", "notContains"),
    holds=lambda fields: contains(fields.get("sourceData"), fields.get("value")),
)
