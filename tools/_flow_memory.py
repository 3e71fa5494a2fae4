"""Which states of flows callers were shown, so that what has changed since can be told them.

A courtesy of this process: what it has forgotten, or another process has shown, is not known.
"""

import json
import zlib
from typing import TYPE_CHECKING, Any

from appmixer_mcp.toolset import ToolContext

from ._flow_writing import flow_version

if TYPE_CHECKING:
    from appmixer_mcp.api.models.flows import Flow

_MOST_BYTES = 4_000_000
_MOST_COMPONENTS = 300  # more take long to pack

_shown: dict[tuple[str, str, str], bytes] = {}
"""(principal, flow id, version) -> the packed descriptor, the longest kept first."""


def remember(ctx: ToolContext, flow: "Flow", version: str = "") -> str:
    """Keep the descriptor that a caller is shown, and return the flow's version.

    Args:
        ctx: The call's.
        flow: With its descriptor.
        version: What the caller is told; by default worked out.
    """
    version = version or flow_version(flow)
    key = (ctx.session.principal, flow.flow_id, version)
    if key not in _shown and len(flow.flow or {}) <= _MOST_COMPONENTS:
        _shown[key] = zlib.compress(json.dumps(flow.flow or {}).encode(), 1)
        while len(_shown) > 1 and sum(map(len, _shown.values())) > _MOST_BYTES:
            del _shown[next(iter(_shown))]
    return version


def recall(ctx: ToolContext, flow_id: str, version: str) -> dict[str, Any] | None:
    """Return the descriptor that the caller was shown as this version; None if unknown."""
    packed = _shown.get((ctx.session.principal, flow_id, version))
    return None if packed is None else json.loads(zlib.decompress(packed))
