"""Tools and resources in MCP's wire types."""

from mcp.types import Resource, ResourceTemplate, Tool, ToolAnnotations

from appmixer_mcp.toolset import ResourceSpec, ToolSpec


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
