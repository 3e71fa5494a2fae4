"""What to say to somebody whose change is based on a flow that has become another one.

Which states callers were shown is kept, so that what has changed since can be told them. It is a
courtesy of this process: what it has forgotten, or another one has shown, is not known.
"""

import json
import zlib
from typing import TYPE_CHECKING, Any

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.editing import readable_diff
from appmixer_mcp.errors import AppmixerError, ConflictError
from appmixer_mcp.toolset import ToolContext

from ._flow_writing import flow_version
from ._keeping import owner_of

if TYPE_CHECKING:
    from appmixer_mcp.api.models.flows import Flow
    from appmixer_mcp.journal import Change

_MOST_LINES = 12
_MOST_CHANGES = 10  # that are looked at
_MOST_BYTES = 4_000_000
_MOST_COMPONENTS = 300  # more take long to pack

_shown: dict[tuple[str, str, str], bytes] = {}
"""(principal, flow id, version) -> the packed descriptor, the longest kept first."""


async def refuse_stale(ctx: ToolContext, flow: "Flow", base_version: str, tool: str) -> None:
    """Refuse a change that is based on another version of a flow than the present one.

    Raises:
        ConflictError: Says what has changed since and by whom, where that is known.
    """
    if flow_version(flow) == base_version:
        return
    version = remember(ctx, flow)
    changes = await _changes(ctx, flow.flow_id)
    base = _recall(ctx, flow.flow_id, base_version)
    if base is None:
        base = await _from_journal(ctx, changes, base_version)
    raise ConflictError(
        f"The flow {quoted(flow.name)} is not what it was at base_version {quoted(base_version)}: "
        f"it is at {version} now, {_by_whom(flow, changes, version)}. {_what(base, flow)}Nothing "
        f"was changed. If your operations still fit, call {tool} again with base_version "
        f"{version}; otherwise look at the flow with get_flow first."
    )


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


def _recall(ctx: ToolContext, flow_id: str, version: str) -> dict[str, Any] | None:
    """Return the descriptor that the caller was shown as this version; None if unknown."""
    packed = _shown.get((ctx.session.principal, flow_id, version))
    return None if packed is None else json.loads(zlib.decompress(packed))


def _what(base: dict[str, Any] | None, flow: "Flow") -> str:
    if base is None:
        return "What has changed is not known, as nobody here was shown that version lately. "
    lines = readable_diff(base, flow.flow or {}, most=_MOST_LINES)
    if not lines:
        return "Its components are as they were; its name, description or custom fields are not. "
    return "\n".join(["What has changed:", *lines, ""])


def _by_whom(flow: "Flow", changes: "list[Change]", version: str) -> str:
    last = changes[0] if changes else None
    if last is not None and last.digest == version:
        return f"last changed from here by {last.tool} ({last.change_id})"
    at = flow.modified_at
    when = f", at {at.isoformat(timespec='seconds')}" if at else ""
    return f"last changed by somebody else{when}"


async def _changes(ctx: ToolContext, flow_id: str) -> "list[Change]":
    """Return what was changed through the tools, the last one first; empty if nobody can tell."""
    if ctx.journal is None:
        return []
    try:
        owner = await owner_of(ctx)
        found, _ = await ctx.journal.page(owner, object_id=flow_id, limit=_MOST_CHANGES, offset=0)
    except AppmixerError:  # the conflict is what has to be told
        return []
    return found


async def _from_journal(
    ctx: ToolContext, changes: "list[Change]", version: str
) -> dict[str, Any] | None:
    """Return the descriptor of a version that a change has made or found."""
    if ctx.journal is None:
        return None
    from appmixer_mcp.journal import digest_of  # noqa: PLC0415 - start-up must not wait for it

    owner = await owner_of(ctx)
    for change in changes:
        try:
            _, contents = await ctx.journal.find(owner, change.change_id)
        except AppmixerError:  # dropped meanwhile
            continue
        for state in (contents.after if contents.knows_after else None, contents.before):
            if state is not None and digest_of(state) == version:
                found: dict[str, Any] = state.get("flow") or {}
                return found
    return None
