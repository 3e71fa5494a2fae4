"""ListTimeZones: the time zones there are, for a select field."""

from appmixer_mcp.sandbox.components._time_zones import time_zones_component

COMPONENT = time_zones_component("controls")
