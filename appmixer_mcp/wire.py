"""Tools and resources in MCP's wire types."""

from mcp.types import (
    CallToolResult,
    ContentBlock,
    Resource,
    ResourceLink,
    ResourceTemplate,
    TextContent,
    Tool,
    ToolAnnotations,
)

from appmixer_mcp.results import Dump
from appmixer_mcp.toolset import ResourceSpec, ToolSpec

_FIRST_WITH_LINKS = "2025-06-18"
"""Clients of older revisions of the protocol know no links in a result."""


def as_mcp_tool(spec: ToolSpec) -> Tool:
    """Return a tool with its schemas and hints."""
    return Tool(
        name=spec.name,
        title=spec.title,
        description=spec.description,
        input_schema=spec.input_schema,
        output_schema=spec.output_schema,
        annotations=ToolAnnotations(
            read_only_hint=spec.hints.read_only,
            destructive_hint=spec.hints.destructive,
            idempotent_hint=spec.hints.idempotent,
            open_world_hint=spec.hints.open_world,
        ),
    )


def as_mcp_resource(spec: ResourceSpec) -> Resource:
    """Return a resource that has one address."""
    return Resource(
        uri=spec.uri,
        name=spec.name,
        title=spec.title,
        description=spec.description,
        mime_type=spec.mime_type,
    )


def as_mcp_template(spec: ResourceSpec) -> ResourceTemplate:
    """Return a resource that has one address for each object."""
    return ResourceTemplate(
        uri_template=spec.uri,
        name=spec.name,
        title=spec.title,
        description=spec.description,
        mime_type=spec.mime_type,
    )


def as_mcp_result(dumped: Dump, resource: ResourceSpec | None, version: str) -> CallToolResult:
    """Return a result in both channels.

    Args:
        dumped: The result.
        resource: What is at the address that holds the whole of it, should it have been cut.
        version: Of the protocol.
    """
    content: list[ContentBlock] = [TextContent(text=dumped.text)]
    if dumped.whole_at and resource is not None and version >= _FIRST_WITH_LINKS:
        content.append(
            ResourceLink(
                uri=dumped.whole_at,
                name=resource.name,
                title=resource.title,
                description="Holds what this result had no room for.",
                mime_type=resource.mime_type,
            )
        )
    return CallToolResult(content=content, structured_content=dumped.content)
