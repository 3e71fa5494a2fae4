"""Gateways through which flows offer tools to MCP servers."""

from pydantic import Field, JsonValue

from .base import ApiModel, ComponentId, FlowId


class ToolFunction(ApiModel):
    """What a tool is called, and takes; strangers write it."""

    name: str
    """What a call names it by."""

    description: str | None = None
    """What it says of itself."""

    parameters: JsonValue = None
    """A JSON Schema; may be anything."""


class GatewayTool(ApiModel):
    """A tool of a gateway."""

    function: ToolFunction | None = None
    """Absent for what is no function."""


class Gateway(ApiModel):
    """A component of a running flow whose tools can be called."""

    flow_id: FlowId | None = None
    """Its flow."""

    component_id: ComponentId | None = None
    """The component."""

    webhook: str | None = None
    """The address that calls go to, as the gateway says."""

    tools: list[GatewayTool] = Field(default_factory=list[GatewayTool])
    """What it offers; may be empty."""
