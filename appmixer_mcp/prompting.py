"""Turns the Markdown files of prompts/ into MCP prompts.

A file starts with front matter: a JSON object between two lines of `---`, with `title`,
`description` and `arguments` (name -> what it is; one ending in `?` may be left out). The rest is
the text, in which `{{name}}` stands for an argument. `{{#name}}…{{/name}}` is kept only when the
argument was given. Three brackets are left alone: they are how a flow refers to a binding.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mcp.server.mcpserver.prompts.base import Prompt, PromptArgument

from appmixer_mcp._folders import folder

_FRONT_MATTER = re.compile(r"\A---\n(?P<front>.*?)\n---\n(?P<text>.*)\Z", re.DOTALL)
_SECTION = re.compile(r"\{\{#(?P<name>\w+)\}\}(?P<text>.*?)\{\{/(?P=name)\}\}", re.DOTALL)
_PLACEHOLDER = re.compile(r"(?<!\{)\{\{(?P<name>\w+)\}\}(?!\})")


@dataclass(frozen=True, kw_only=True)
class PromptFile:
    """One file of prompts/."""

    name: str
    title: str
    description: str
    arguments: Mapping[str, str]
    """Name -> description, in the file's order."""
    optional: frozenset[str]
    text: str

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with the arguments filled in, each once and as it is."""
        text = _SECTION.sub(
            lambda found: found["text"] if values.get(found["name"]) else "", self.text
        )
        return _PLACEHOLDER.sub(lambda found: values.get(found["name"], ""), text).strip()


def read_prompt(path: Path) -> PromptFile:
    """Read one prompt file.

    Raises:
        ValueError: It has no front matter, or its text names an argument that is not declared.
    """
    found = _FRONT_MATTER.match(path.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{path.name} does not start with front matter between two lines of ---.")
    front: dict[str, Any] = json.loads(found["front"])
    declared: dict[str, str] = front["arguments"]
    prompt = PromptFile(
        name=path.stem,
        title=front["title"],
        description=front["description"],
        arguments={name.removesuffix("?"): text for name, text in declared.items()},
        optional=frozenset(name[:-1] for name in declared if name.endswith("?")),
        text=found["text"],
    )
    used = {one["name"] for one in _PLACEHOLDER.finditer(prompt.text)}
    used |= {one["name"] for one in _SECTION.finditer(prompt.text)}
    if used != set(prompt.arguments):
        raise ValueError(f"{path.name} declares {sorted(prompt.arguments)}, uses {sorted(used)}.")
    return prompt


def load_prompts() -> list[Prompt]:
    """Return every prompt of the folder, in name order, as the SDK registers them."""
    paths = sorted(folder("prompts").glob("*.md"))
    return [_as_prompt(read_prompt(path)) for path in paths]


def _as_prompt(prompt: PromptFile) -> Prompt:
    def fill(**values: str) -> str:
        return prompt.render(values)

    return Prompt(
        name=prompt.name,
        title=prompt.title,
        description=prompt.description,
        arguments=[
            PromptArgument(name=name, description=text, required=name not in prompt.optional)
            for name, text in prompt.arguments.items()
        ],
        fn=fill,
        context_kwarg=None,
    )
