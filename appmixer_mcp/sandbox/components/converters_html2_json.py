"""HTML2JSON: converts an HTML file with a table into a JSON file."""

from appmixer_mcp.sandbox.components._converter import converter_component

COMPONENT = converter_component("HTML", "JSON")
