"""Equal: passes a message on from the port that says whether two values are equal."""

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._filters import filter_component
from appmixer_mcp.sandbox.javascript import loosely_equal

COMPONENT = filter_component(
    "Equal",
    "Passes the message on to equals or notEquals; 1 and the text 1 are equal.",
    fields=(Field(name="sourceData"), Field(name="value", default="")),
    ports=("equals", "notEquals"),
    holds=lambda fields: loosely_equal(fields.get("sourceData"), fields.get("value", "")),
)
