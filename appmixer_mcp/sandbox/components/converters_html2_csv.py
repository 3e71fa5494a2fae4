"""HTML2CSV: converts an HTML file with a table into a CSV file."""

from appmixer_mcp.sandbox.components._converter import converter_component

COMPONENT = converter_component("HTML", "CSV")
