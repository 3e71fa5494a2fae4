"""XLSX2CSV: converts an XLSX file with a table into a CSV file."""

from appmixer_mcp.sandbox.components._converter import converter_component

COMPONENT = converter_component("XLSX", "CSV")
