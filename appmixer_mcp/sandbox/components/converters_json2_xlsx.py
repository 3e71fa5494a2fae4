"""JSON2XLSX: converts a JSON file with a table into an XLSX file."""

from appmixer_mcp.sandbox.components._converter import converter_component

COMPONENT = converter_component("JSON", "XLSX")
