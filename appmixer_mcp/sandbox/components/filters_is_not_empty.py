"""IsNotEmpty: passes a message on from the port that says whether a value holds anything."""

from appmixer_mcp.sandbox.comparison import is_empty
from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._filters import filter_component

COMPONENT = filter_component(
    "IsNotEmpty",
    "Passes the message on to notEmpty or empty; numbers and booleans are never empty.",
    fields=(Field(name="sourceData"),),
    ports=("notEmpty", "empty"),
    holds=lambda fields: not is_empty(fields.get("sourceData")),
)
