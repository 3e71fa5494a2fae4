"""What the list of tools costs of a model's context."""

import json
import tempfile
from importlib import import_module
from typing import Any

from bench.measurement import Measurement, Target
from bench.stdio_server import StdioServer

_SEEN_BY_A_MODEL = ("name", "description", "inputSchema")


def measure() -> list[Measurement]:
    """Count the tokens of the tools that are served unless the operator chooses others."""
    with (
        tempfile.TemporaryDirectory() as data_dir,
        StdioServer(["appmixer_mcp"], {"APPMIXER_DATA_DIR": data_dir}) as server,
    ):
        server.initialize()
        tools = server.list_tools()
    seen = [{key: tool[key] for key in _SEEN_BY_A_MODEL} for tool in tools]
    each = {tool["name"]: _tokens(tool) for tool in seen}
    longest = max(each, key=lambda name: each[name])
    return [
        Measurement(
            name="Tokens of `tools/list`, as a model sees it",
            value=_tokens(seen),
            unit="tokens",
            target=Target("≤", 5_000),
            digits=0,
            details=f"{len(seen)} tools of the preset `sdk`: names, descriptions, input schemas",
        ),
        Measurement(
            name="Tokens of the longest tool",
            value=each[longest],
            unit="tokens",
            target=Target("≤", 400),
            digits=0,
            details=f"`{longest}`",
        ),
        Measurement(
            name="Tokens of all that `tools/list` sends",
            value=_tokens(tools),
            unit="tokens",
            digits=0,
            details="with titles, output schemas and hints, which clients keep to themselves",
        ),
    ]


def _tokens(value: Any) -> int:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    # Not a plain import: it has no types, and only those who measure need it installed.
    encoding = import_module("bpe_openai").get_encoding("o200k_base")
    return len(encoding.encode_ordinary(text))
