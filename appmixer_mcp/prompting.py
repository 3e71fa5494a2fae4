"""Turns the Markdown files of prompts/ into MCP prompts.

A file starts with front matter: a JSON object between two lines of `---`, with the fields of
`_Front`. The rest is the text, in which `{{name}}` stands for an argument, between tags of its
name. `{{#name}}…{{/name}}` is kept only when the argument was given, `{{>guide}}` is our guide to
writing flows. Three brackets are left alone: they are how a flow refers to a binding.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from mcp.server.mcpserver.prompts.base import Prompt, PromptArgument
from pydantic import BaseModel, ConfigDict

from appmixer_mcp._folders import folder
from appmixer_mcp.cleaning import cleaned

_FRONT_MATTER = re.compile(r"\A---\n(?P<front>.*?)\n---\n(?P<text>.*)\Z", re.DOTALL)
_GUIDE = "{{>guide}}"
_SECTION = re.compile(r"\{\{#(?P<name>\w+)\}\}\n?(?P<text>.*?)\{\{/(?P=name)\}\}\n?", re.DOTALL)
_PLACEHOLDER = re.compile(r"(?<!\{)\{\{(?P<name>\w+)\}\}(?!\})")
_CLOSING_TAG = re.compile(r"<(?=[^\w<]*/)")  # also where what cannot be seen stands in between


class _Front(BaseModel):
    """What stands above the text of a prompt."""

    model_config = ConfigDict(extra="forbid")

    title: str
    description: str
    arguments: dict[str, str]
    """Name -> what it is; a name that ends in `?` may be left out."""
    needs: frozenset[str]
    """Tools without which the prompt makes no sense."""
    completes: dict[str, str] = {}
    """Argument -> the name (such as `flow_id`) under which something completes it."""


@dataclass(frozen=True, kw_only=True)
class PromptFile:
    """One file of prompts/."""

    name: str
    title: str
    description: str
    arguments: Mapping[str, str]
    """Name -> description, in the file's order."""
    optional: frozenset[str]
    needs: frozenset[str]
    """The prompt is offered only where all of these tools are served."""
    completes: Mapping[str, str] = field(default_factory=dict[str, str])
    """Argument -> the parameter of resources that it is completed like, but by name."""
    text: str

    def render(self, values: Mapping[str, str]) -> str:
        """Return the text with the arguments filled in.

        Each stands between tags of its name, which no value can close: one may be the name that
        somebody else gave a flow.
        """
        text = _SECTION.sub(
            lambda found: found["text"] if values.get(found["name"]) else "", self.text
        )
        return _PLACEHOLDER.sub(
            lambda found: _fenced(found["name"], values.get(found["name"], "")), text
        ).strip()

    def as_mcp(self) -> Prompt:
        """Return the prompt as the SDK registers it."""

        def fill(**values: str) -> str:
            return self.render(values)

        return Prompt(
            name=self.name,
            title=self.title,
            description=self.description,
            arguments=[
                PromptArgument(name=name, description=text, required=name not in self.optional)
                for name, text in self.arguments.items()
            ],
            fn=fill,
            context_kwarg=None,
        )


def guide() -> str:
    """Return our guide to writing flow descriptors, as Markdown."""
    return (folder("guides") / "flows.md").read_text(encoding="utf-8")


def read_prompt(path: Path) -> PromptFile:
    """Read one prompt file.

    Raises:
        ValueError: Its front matter is missing or is not what `_Front` says, or names other
            arguments than its text.
    """
    found = _FRONT_MATTER.match(path.read_text(encoding="utf-8"))
    if found is None:
        raise ValueError(f"{path.name} does not start with front matter between two lines of ---.")
    front = _Front.model_validate_json(found["front"])
    prompt = PromptFile(
        name=path.stem,
        title=front.title,
        description=front.description,
        arguments={name.removesuffix("?"): text for name, text in front.arguments.items()},
        optional=frozenset(name[:-1] for name in front.arguments if name.endswith("?")),
        needs=front.needs,
        completes=front.completes,
        text=found["text"].replace(_GUIDE, guide()) if _GUIDE in found["text"] else found["text"],
    )
    used = {one["name"] for one in _PLACEHOLDER.finditer(prompt.text)}
    used |= {one["name"] for one in _SECTION.finditer(prompt.text)}
    if used != set(prompt.arguments):
        raise ValueError(f"{path.name} declares {sorted(prompt.arguments)}, uses {sorted(used)}.")
    if not prompt.completes.keys() <= prompt.arguments.keys():
        raise ValueError(f"{path.name} completes {sorted(prompt.completes)}, which are not there.")
    return prompt


def load_prompts() -> list[PromptFile]:
    """Return every prompt of the folder, in name order."""
    return [read_prompt(path) for path in sorted(folder("prompts").glob("*.md"))]


def _fenced(name: str, value: str) -> str:
    return f"<{name}>{_CLOSING_TAG.sub('&lt;', cleaned(value))}</{name}>"
