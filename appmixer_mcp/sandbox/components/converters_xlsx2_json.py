"""XLSX2JSON: converts an XLSX file with a table into a JSON file."""

from appmixer_mcp.sandbox.components._converter import converter_component

COMPONENT = converter_component("XLSX", "JSON")
