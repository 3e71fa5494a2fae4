"""Puts the top-level folders tools/ and prompts/ inside the package when a wheel is built."""

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class FoldersHook(BuildHookInterface[Any]):
    """A wheel holds one top-level name, `appmixer_mcp`; a checkout is read in place."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Add each tool module and prompt to the wheel; an editable install copies nothing."""
        if version == "editable":
            return
        root = Path(self.root)
        for path in (*root.glob("tools/**/*.py"), *root.glob("prompts/**/*.md")):
            inside = f"appmixer_mcp/{path.relative_to(root).as_posix()}"
            build_data["force_include"][str(path)] = inside
