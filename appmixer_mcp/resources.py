"""Resources: what clients read under an address."""

from collections.abc import Iterable, Mapping

from mcp.shared.uri_template import UriTemplate
from mcp.types import Resource, ResourceTemplate

from appmixer_mcp.cleaning import cleaned
from appmixer_mcp.results import Result, dump
from appmixer_mcp.surface import current_selection
from appmixer_mcp.toolset import ResourceSpec, ToolContext
from appmixer_mcp.wire import as_mcp_resource, as_mcp_template

_MOST_BYTES = 1_000_000
"""A resource is there to hold the whole of what a tool's result has no room for."""


class Resources:
    """The resources of all groups; each request sees those that it is served."""

    def __init__(self, specs: Iterable[ResourceSpec]) -> None:
        """Take resources in the order in which they are listed."""
        self._specs = {spec.uri: spec for spec in specs}
        self._templates = {uri: UriTemplate.parse(uri) for uri in self._specs}

    def fixed(self) -> list[Resource]:
        """Return those that have one address."""
        return [as_mcp_resource(spec) for spec in self._served() if "{" not in spec.uri]

    def templates(self) -> list[ResourceTemplate]:
        """Return those that have one address for each object."""
        return [as_mcp_template(spec) for spec in self._served() if "{" in spec.uri]

    def takes(self, uri: str, argument: str) -> bool:
        """Say whether a template that is served has a variable of this name."""
        spec = self._specs.get(uri)
        if spec is None or not current_selection.get().allows(spec):
            return False
        return argument in self._templates[uri].variable_names

    def find(self, uri: str) -> tuple[ResourceSpec, Mapping[str, str]] | None:
        """Return the resource behind an address, and what the address says of it."""
        for spec in self._served():
            values = self._templates[spec.uri].match(uri)
            if values is not None:
                return spec, {name: str(value) for name, value in values.items()}
        return None

    def _served(self) -> list[ResourceSpec]:
        return [spec for spec in self._specs.values() if current_selection.get().allows(spec)]


async def read(spec: ResourceSpec, context: ToolContext, values: Mapping[str, str]) -> str:
    """Return what is under an address: a text, or JSON."""
    content = await spec.function(context, **values)
    if isinstance(content, Result):
        return dump(content.also_at(""), _MOST_BYTES).text
    return cleaned(content)
