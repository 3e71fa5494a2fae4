"""Which tools a server offers, ours and those that flows publish, and what it says of others."""

import difflib
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager
from functools import cached_property
from typing import TYPE_CHECKING

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.surface import Selection, current_selection
from appmixer_mcp.toolset import ToolSpec

if TYPE_CHECKING:
    from appmixer_mcp.gateway import Published
    from appmixer_mcp.session import Session


class Offering:
    """The tools of one server; to a request it offers those that the request's selection allows.

    Attributes:
        specs: The tools of ours that the settings leave, by name, in a stable order.
        selection: What the settings leave.
    """

    def __init__(self, tools: Iterable[ToolSpec], selection: Selection) -> None:
        """Leave out what was not selected.

        Args:
            tools: All there are.
            selection: What the settings leave.
        """
        tools = tuple(tools)
        self.specs = {spec.name: spec for spec in tools if selection.allows(spec)}
        self.selection = selection
        self._left_out = {spec.name: spec for spec in tools if spec.name not in self.specs}

    @cached_property
    def _published(self) -> "Published":
        from appmixer_mcp.gateway import Published  # noqa: PLC0415 - most servers need none

        return Published()

    def ours(self, selection: Selection) -> list[ToolSpec]:
        """Return the tools of ours that are also in a selection."""
        return [spec for spec in self.specs.values() if selection.allows(spec)]

    async def listed(
        self, session: "Session", limited: AbstractAsyncContextManager[None]
    ) -> list[ToolSpec]:
        """Return what the request under way is offered, tools of flows last.

        Args:
            session: Of whoever asks.
            limited: Holds their place among those who ask the tenant.
        """
        selection = current_selection.get()
        offered = self.ours(selection)
        if selection.offers_published:
            offered += await self._published.listed(session, limited)
        return offered

    def find(self, name: str) -> ToolSpec | None:
        """Return a tool by its name, if the request under way is offered it."""
        spec = self.specs.get(name)
        if spec is None and self.selection.offers_published:
            spec = self._published.named(name)
        return spec if spec is not None and current_selection.get().allows(spec) else None

    def serves(self, name: str) -> bool:
        """Say whether the request under way could call a tool of this name."""
        return self.find(name) is not None

    def why_unknown(self, name: str) -> str:
        """Say why a tool is not offered, and which ones with such a name are."""
        if name in self._left_out:
            spec = self._left_out[name]
            if self.selection.read_only and not spec.hints.read_only:
                return f"{name} is switched off here: the operator's APPMIXER_READ_ONLY is set."
            return (
                f"{name} is switched off here. The operator switches it on by adding {name}, or "
                f"its group {spec.group}, to APPMIXER_TOOLSETS (or --toolsets)."
            )
        if name in self.specs:
            return f"{name} is switched off here: this connection asked for less than is served."
        # A command line asks outside of any request.
        offered = [spec.name for spec in self.ours(current_selection.get(self.selection))]
        near = difflib.get_close_matches(name, offered, n=3)
        hint = f"Did you mean {' or '.join(near)}?" if near else "tools/list names the tools."
        return f"There is no tool {quoted(name)} here. {hint}"
