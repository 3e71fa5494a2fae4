"""What is served: the tools of tools/, and the one predicate that decides for all of them."""

from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, replace

from appmixer_mcp._folders import load_modules
from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.presets import GATEWAY, GROUPS, PRESETS
from appmixer_mcp.toolset import CompletionSpec, ResourceSpec, Toolset, ToolSpec


@dataclass(frozen=True)
class Selection:
    """Which tools and groups are served, and whether nothing may write.

    Decides for listing, calling, reading, prompting and completing alike.
    """

    tools: frozenset[str]
    groups: frozenset[str]
    """Of resources and completions: those of a group go with any tool of it."""
    read_only: bool = False

    def allows(self, spec: ToolSpec | ResourceSpec | CompletionSpec) -> bool:
        """Say whether something was chosen, and is within read-only mode."""
        if not isinstance(spec, ToolSpec):
            return spec.group in self.groups
        if spec.group == GATEWAY:
            return self.offers_published
        return spec.name in self.tools and (spec.hints.read_only or not self.read_only)

    def within(self, other: "Selection") -> "Selection":
        """Return what is both in this selection and in another one."""
        return Selection(
            self.tools & other.tools,
            self.groups & other.groups,
            read_only=self.read_only or other.read_only,
        )

    def without_writing(self) -> "Selection":
        """Return the part of this selection that changes nothing."""
        return replace(self, read_only=True)

    @property
    def offers_tools(self) -> bool:
        """Whether a tool is left, or may come from a flow."""
        return bool(self.tools) or self.offers_published

    @property
    def offers_published(self) -> bool:
        """Whether the tools that flows publish are served; any of them may write."""
        return GATEWAY in self.groups and not self.read_only


current_selection: ContextVar[Selection] = ContextVar("current_selection")
"""What is served to the request under way; set by the server for each request."""


def load_toolsets() -> dict[str, Toolset]:
    """Return the groups of the modules in tools/, those of the SDK first and in its order."""
    found: dict[str, Toolset] = {}
    for module in load_modules("tools"):
        toolset: Toolset = module.TOOLSET
        found[toolset.name] = toolset
    order = [*(name for name in GROUPS if name in found), *sorted(found.keys() - {*GROUPS})]
    return {name: found[name] for name in order}


def chosen(names: Iterable[str], toolsets: Mapping[str, Toolset]) -> Selection:
    """Return what the names of presets, groups and tools stand for.

    Args:
        names: Of any of the three.
        toolsets: Every group there is, by its name.

    Raises:
        ConfigurationError: A name is none of them; says which presets and groups there are.
    """
    group_of = {spec.name: group for group, toolset in toolsets.items() for spec in toolset.tools}
    tools: set[str] = set()
    groups: set[str] = set()
    for name in names:
        if name == "all":
            whole: set[str] = toolsets.keys() - {GATEWAY}
            groups |= whole
            tools |= {tool for tool, group in group_of.items() if group in whole}
        elif name in toolsets:
            groups.add(name)
            tools |= {tool for tool, group in group_of.items() if group == name}
        elif name in PRESETS or name in group_of:
            named = PRESETS.get(name, (name,))
            tools |= {*named}
            groups |= {group_of[tool] for tool in named if tool in group_of}
        else:
            valid = ", ".join((*PRESETS, "all", *toolsets))
            raise ConfigurationError(f"There is no preset, group or tool {name!r}; use {valid}.")
    return Selection(frozenset(tools), frozenset(groups))
