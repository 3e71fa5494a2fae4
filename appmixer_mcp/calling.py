"""`appmixer-mcp tools` and `appmixer-mcp call`: the tools for scripts, through the same server."""

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, cast

from mcp import Client
from mcp.types import TextContent

from appmixer_mcp.presets import PRESETS
from appmixer_mcp.schemas import expectation
from appmixer_mcp.server import AppmixerServer
from appmixer_mcp.toolset import ToolSpec

_DONE, _FAILED, _UNCONFIRMED = 0, 1, 3


class UsageError(Exception):
    """The command line cannot be understood; the text says what to write instead."""


def read_arguments(
    server: AppmixerServer, name: str, pairs: Sequence[str] = (), json_text: str | None = None
) -> dict[str, Any]:
    """Read the arguments of a tool from the command line, files and stdin.

    Args:
        server: Serves the tool.
        name: The tool's.
        pairs: Arguments as `key=value`, `key=@file` or `key=-`.
        json_text: All arguments as one JSON object instead; `@file` and `-` likewise.

    Raises:
        UsageError: There is no such tool, or an argument cannot be read.
    """
    spec = server.offering.specs.get(name)
    if spec is None:
        raise UsageError(server.offering.why_unknown(name))
    if pairs and json_text is not None:
        raise UsageError("Give either key=value arguments or --json, not both.")
    return _from_pairs(spec, pairs) if json_text is None else _from_json(spec, json_text)


async def call_tool(server: AppmixerServer, name: str, arguments: dict[str, Any]) -> int:
    """Call a tool and print its structured result as JSON, or its error to stderr.

    Returns:
        The exit code: 0 done, 1 the tool failed, 3 it has to be confirmed first.
    """
    async with Client(server) as client:
        answer = await client.call_tool(name, arguments)
    if answer.is_error or answer.structured_content is None:
        texts = [part.text for part in answer.content if isinstance(part, TextContent)]
        sys.stderr.write("\n".join(texts) + "\n")
        return _FAILED
    result: dict[str, Any] = answer.structured_content
    _write_json(result)
    return _UNCONFIRMED if result.get("done") is False else _DONE


def list_tools(server: AppmixerServer, *, as_json: bool) -> int:
    """Print the tools that the settings leave, as JSON for scripts or as a table for people."""
    if as_json:
        _write_json([_described(spec) for spec in server.offering.specs.values()])
        return _DONE
    from rich.console import Console  # noqa: PLC0415 - only people need it
    from rich.table import Table  # noqa: PLC0415 - likewise
    from rich.text import Text  # noqa: PLC0415 - likewise

    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True)
    group = ""
    for spec in server.offering.specs.values():
        if spec.group != group:
            group = spec.group
            table.add_row(Text(f"\n{group}", style="bold"))
        required = spec.input_schema.get("required", ())
        what = Text(spec.description.partition("\n")[0].partition(". ")[0])
        for name in spec.input_schema["properties"]:
            shown = name if name in required else f"[{name}]"
            what.append("\n" if not what.spans else " ").append(shown, style="dim")
        table.add_row(Text(spec.name), what)
    Console(highlight=False).print(table)
    return _DONE


def _described(spec: ToolSpec) -> dict[str, Any]:
    return {
        "name": spec.name,
        "title": spec.title,
        "group": spec.group,
        "presets": [name for name, tools in PRESETS.items() if spec.name in tools],
        "asks": spec.asks,
        "description": spec.description,
        "input_schema": spec.input_schema,
        "output_schema": spec.output_schema,
        "hints": asdict(spec.hints),
    }


def _write_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")


def _refuse_secret(spec: ToolSpec, name: str) -> None:
    if spec.takes_secret(name):
        raise UsageError(
            f"{name} is a secret, and other users can see command lines. Give {name}=@FILE, "
            f"{name}=- to read it from stdin, or --json - for all arguments."
        )


def _from_json(spec: ToolSpec, text: str) -> dict[str, Any]:
    read = _read(text, "the arguments")
    arguments = _json(read, "--json takes one JSON object")
    if not isinstance(arguments, dict):
        raise UsageError("--json takes one JSON object, such as '{\"limit\": 5}'.")
    named = cast("dict[str, Any]", arguments)
    for name in named if read is text else ():
        _refuse_secret(spec, name)
    return named


def _from_pairs(spec: ToolSpec, pairs: Sequence[str]) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for pair in pairs:
        name, given, text = pair.partition("=")
        if not given:
            raise UsageError(f"{pair!r} is no argument; write it as key=value.")
        if name in arguments:
            raise UsageError(f"{name} is given twice.")
        read = _read(text, name)
        if read is text:
            _refuse_secret(spec, name)
        arguments[name] = _value(spec, name, read)
    return arguments


def _read(text: str, name: str) -> str:
    """Follow `-` and `@file`; the line end that editors and `echo` add is no part of a value."""
    if text == "-":
        if sys.stdin.isatty():
            sys.stderr.write(f"Reading {name} from the terminal; end with Ctrl-D.\n")
        return sys.stdin.read().removesuffix("\n")
    if not text.startswith("@"):
        return text
    try:
        return Path(text[1:]).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeError) as error:
        raise UsageError(f"{text[1:]} cannot be read as UTF-8 text: {error}") from error


def _value(spec: ToolSpec, name: str, text: str) -> object:
    schema = spec.input_schema["properties"].get(name, {})
    if schema.get("type", "string") == "string":
        return text
    example = """, such as '["a", "b"]'""" if schema.get("type") == "array" else ""
    return _json(text, f"{name} takes {expectation(schema)}, written as JSON{example}")


def _json(text: str, takes: str) -> object:
    try:
        value: object = json.loads(text)
    except ValueError as error:
        raise UsageError(f"{takes}; this is none: {error}.") from error
    return value
