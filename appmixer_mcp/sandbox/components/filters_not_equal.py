"""NotEqual: passes a message on from the port that says whether two values differ."""

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._filters import filter_component
from appmixer_mcp.sandbox.javascript import loosely_equal

COMPONENT = filter_component(
    "NotEqual",
    "Passes the message on to notEquals or equals; 1 and the text 1 are equal.",
    fields=(Field(name="sourceData"), Field(name="value", default="")),
    ports=("notEquals", "equals"),
    holds=lambda fields: not loosely_equal(fields.get("sourceData"), fields.get("value", "")),
)
