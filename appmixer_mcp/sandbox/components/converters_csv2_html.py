"""CSV2HTML: converts a CSV file with a table into an HTML file."""

from appmixer_mcp.sandbox.components._converter import converter_component

COMPONENT = converter_component("CSV", "HTML")
