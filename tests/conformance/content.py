"""Fixtures of the conformance suite that answer at once: names and values are the suite's."""

import io
import wave
import zlib
from typing import Annotated, Any

from mcp.server.mcpserver import Audio, Context, Image
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import ContentBlock, EmbeddedResource, TextContent, TextResourceContents
from pydantic import Field


def _png() -> bytes:
    """Return a picture of one red pixel."""
    header = (1).to_bytes(4) * 2 + bytes([8, 2, 0, 0, 0])
    parts = {b"IHDR": header, b"IDAT": zlib.compress(b"\0\xff\0\0"), b"IEND": b""}
    made = b"\x89PNG\r\n\x1a\n"
    for kind, data in parts.items():
        made += len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)
    return made


def _wav() -> bytes:
    """Return a moment of silence."""
    made = io.BytesIO()
    with wave.open(made, "wb") as sound:
        sound.setnchannels(1)
        sound.setsampwidth(2)
        sound.setframerate(8000)
        sound.writeframes(bytes(16))
    return made.getvalue()


PIXEL = Image(data=_png(), format="png")
SILENCE = Audio(data=_wav(), format="wav")


def _embedded(uri: str, mime_type: str, text: str) -> EmbeddedResource:
    contents = TextResourceContents(uri=uri, mime_type=mime_type, text=text)
    return EmbeddedResource(type="resource", resource=contents)


def test_simple_text() -> str:
    """Answer with a text."""
    return "This is a simple text response for testing."


def test_image_content() -> Image:
    """Answer with a picture."""
    return PIXEL


def test_audio_content() -> Audio:
    """Answer with a sound."""
    return SILENCE


def test_embedded_resource() -> EmbeddedResource:
    """Answer with a resource."""
    said = "This is an embedded resource content."
    return _embedded("test://embedded-resource", "text/plain", said)


def test_multiple_content_types() -> list[ContentBlock]:
    """Answer with a text, a picture and a resource."""
    data = '{"test":"data","value":123}'
    return [
        TextContent(type="text", text="Multiple content types test:"),
        PIXEL.to_image_content(),
        _embedded("test://mixed-content-resource", "application/json", data),
    ]


def test_error_handling() -> str:
    """Fail."""
    raise ToolError("This tool intentionally returns an error for testing")


async def test_tool_with_progress(ctx: Context) -> str:
    """Say how far it is, three times."""
    for progress in (0, 50, 100):
        await ctx.report_progress(progress, 100)
    return "Done, step by step."


async def test_tool_with_logging(ctx: Context) -> str:
    """Log three lines to the client."""
    for line in ("Tool execution started", "Tool processing data", "Tool execution completed"):
        await ctx.info(line)
    return "Done, and logged."


async def test_logging_tool(ctx: Context) -> str:
    """Log a line, which nobody may hear who did not ask for it."""
    await ctx.info("Nobody asked for this line.")
    return "Done."


async def test_reconnection(ctx: Context) -> str:
    """Close the stream before the answer, where streams can be taken up again."""
    await ctx.close_sse_stream()
    return "Done, whoever was listening."


def test_custom_headers(
    region: Annotated[str, Field(json_schema_extra={"x-mcp-header": "Region"})],
) -> str:
    """Take an argument that a header has to repeat."""
    return f"Header and argument say {region}."


def json_schema_2020_12_tool() -> str:
    """Be listed with a schema of many keywords."""
    return "Only the schema counts."


KEYWORDS: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "$defs": {
        "address": {
            "$anchor": "addressDef",
            "type": "object",
            "properties": {"street": {"type": "string"}, "city": {"type": "string"}},
        }
    },
    "properties": {
        "name": {"type": "string"},
        "address": {"$ref": "#/$defs/address"},
        "contactMethod": {"type": "string", "enum": ["phone", "email"]},
        "phone": {"type": "string"},
        "email": {"type": "string"},
    },
    "allOf": [{"anyOf": [{"required": ["phone"]}, {"required": ["email"]}]}],
    "if": {"properties": {"contactMethod": {"const": "phone"}}, "required": ["contactMethod"]},
    "then": {"required": ["phone"]},
    "else": {"required": ["email"]},
    "additionalProperties": False,
}
"""What `json_schema_2020_12_tool` says it takes."""


def static_text() -> str:
    """Return a text that never changes."""
    return "This is the content of the static text resource."


def static_binary() -> bytes:
    """Return a picture that never changes."""
    return _png()


def watched() -> str:
    """Return a text that can be subscribed to."""
    return "Watched."


def of_template(id: str) -> dict[str, Any]:  # noqa: A002 - the suite's name
    """Return what belongs to an id."""
    return {"id": id, "templateTest": True, "data": f"Data for ID: {id}"}


def test_simple_prompt() -> str:
    """Say something."""
    return "This is a simple prompt for testing."


def test_prompt_with_arguments(
    arg1: Annotated[str, Field(description="The first one.")],
    arg2: Annotated[str, Field(description="The second one.")],
) -> str:
    """Repeat two arguments."""
    return f"Prompt with arguments: arg1='{arg1}', arg2='{arg2}'"


def test_prompt_with_embedded_resource(
    resourceUri: Annotated[str, Field(description="Of what is shown.")],  # noqa: N803 - the suite's
) -> list[UserMessage]:
    """Show a resource."""
    shown = _embedded(resourceUri, "text/plain", "Embedded resource content for testing.")
    return [UserMessage(shown), UserMessage("Please process the embedded resource above.")]


def test_prompt_with_image() -> list[UserMessage]:
    """Show a picture."""
    return [UserMessage(PIXEL), UserMessage("Please analyze the image above.")]


TOOLS = (
    test_simple_text,
    test_image_content,
    test_audio_content,
    test_embedded_resource,
    test_multiple_content_types,
    test_error_handling,
    test_tool_with_progress,
    test_tool_with_logging,
    test_logging_tool,
    test_reconnection,
    test_custom_headers,
    json_schema_2020_12_tool,
)
PROMPTS = (
    test_simple_prompt,
    test_prompt_with_arguments,
    test_prompt_with_embedded_resource,
    test_prompt_with_image,
)
