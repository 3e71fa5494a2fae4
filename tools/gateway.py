"""Tools that running flows publish, which are found when a client asks (`appmixer_mcp/gateway.py`).

The group has none of its own, and is served only where it is named.
"""

from appmixer_mcp.toolset import Toolset

TOOLSET = Toolset("gateway", "Tools that running flows publish; their authors describe them.")
