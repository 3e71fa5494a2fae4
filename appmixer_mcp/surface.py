"""What is served: the groups of tools/, and the one predicate that decides for all of them."""

from collections.abc import Iterable
from contextvars import ContextVar
from dataclasses import dataclass

from appmixer_mcp._folders import load_modules
from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.toolset import CompletionSpec, ResourceSpec, Toolset, ToolSpec

_SDK_GROUPS = ("session", "flows", "stores", "accounts", "logs", "tasks", "charts")


@dataclass(frozen=True)
class Selection:
    """Which groups are served, and whether nothing may write.

    Decides for listing, calling, reading, prompting and completing alike.
    """

    groups: frozenset[str]
    read_only: bool = False

    def allows(self, spec: ToolSpec | ResourceSpec | CompletionSpec) -> bool:
        """Say whether something is in a chosen group and within read-only mode."""
        writes = isinstance(spec, ToolSpec) and not spec.hints.read_only
        return spec.group in self.groups and not (writes and self.read_only)

    def narrowed(self, groups: Iterable[str] | None, *, read_only: bool = False) -> "Selection":
        """Return the part of this selection that is in `groups`; None takes all of them."""
        kept = self.groups if groups is None else self.groups.intersection(groups)
        return Selection(kept, self.read_only or read_only)


current_selection: ContextVar[Selection] = ContextVar("current_selection")
"""What is served to the request under way; set by the server for each request."""


def load_toolsets() -> dict[str, Toolset]:
    """Return the group of each module in tools/: those of the SDK in its order, then others."""
    found: dict[str, Toolset] = {}
    for module in load_modules("tools"):
        toolset: Toolset = module.TOOLSET
        found[toolset.name] = toolset
    order = (*_SDK_GROUPS, *(name for name in found if name not in _SDK_GROUPS))
    return {name: found[name] for name in order}


def chosen_groups(names: Iterable[str], known: Iterable[str]) -> frozenset[str]:
    """Return the groups that the names of groups and presets stand for.

    Args:
        names: Groups and presets.
        known: Every group there is.

    Raises:
        ConfigurationError: A name is neither; says which there are.
    """
    known = tuple(known)
    presets = {"sdk": _SDK_GROUPS, "all": known}
    groups: set[str] = set()
    for name in names:
        if name not in presets and name not in known:
            valid = ", ".join((*presets, *known))
            raise ConfigurationError(f"There is no group or preset {name!r}; use {valid}.")
        groups.update(presets.get(name, (name,)))
    return frozenset(groups)
