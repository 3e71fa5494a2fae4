"""Put: makes an HTTP PUT call and sends what was answered."""

from appmixer_mcp.sandbox.components._http_call import http_component

COMPONENT = http_component("Put")
