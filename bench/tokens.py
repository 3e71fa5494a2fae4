"""What the lists of tools, prompts and resources cost of a model's context, in tokens of o200k."""

import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

from bench.measurement import Measurement, Target
from bench.stdio_server import StdioServer

MOST = {"default": 5_800, "sdk": 5_000}
"""What the tools of a preset may cost."""
MOST_OF_A_TOOL = 400

_SEEN_BY_A_MODEL = ("name", "description", "inputSchema")


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a list of tools costs."""

    tools: int
    tokens: int
    """Of what a model sees: names, descriptions and input schemas."""
    longest: str
    """The name of the tool that costs most."""
    tokens_of_longest: int
    hidden_tokens: int
    """Of what else is sent: titles, output schemas and hints, which most clients keep back."""


def cost(tools: Sequence[dict[str, Any]]) -> Cost:
    """Count what tools cost, as they go over the wire; there is at least one."""
    seen = [{key: tool[key] for key in _SEEN_BY_A_MODEL} for tool in tools]
    each = {tool["name"]: count(tool) for tool in seen}
    longest = max(each, key=lambda name: each[name])
    tokens = count(seen)
    return Cost(
        tools=len(seen),
        tokens=tokens,
        longest=longest,
        tokens_of_longest=each[longest],
        hidden_tokens=count(tools) - tokens,
    )


def count(value: Any) -> int:
    """Return the tokens of a value as compact JSON."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return len(_encoding().encode_ordinary(text))


def measure() -> list[Measurement]:
    """Count the tokens of the tools that are served unless the operator chooses others."""
    with (
        tempfile.TemporaryDirectory() as data_dir,
        StdioServer(["appmixer_mcp"], {"APPMIXER_DATA_DIR": data_dir}) as server,
    ):
        server.initialize()
        listed = cost(server.list_tools())
    return [
        Measurement(
            name="Tokens of `tools/list`, as a model sees it",
            value=listed.tokens,
            unit="tokens",
            target=Target("≤", MOST["default"]),
            digits=0,
            details=f"{listed.tools} tools: names, descriptions, input schemas",
        ),
        Measurement(
            name="Tokens of the longest tool",
            value=listed.tokens_of_longest,
            unit="tokens",
            target=Target("≤", MOST_OF_A_TOOL),
            digits=0,
            details=f"`{listed.longest}`",
        ),
    ]


@cache
def _encoding() -> Any:
    # Not imported above: it takes half a second, has no types, and few need it.
    return import_module("bpe_openai").get_encoding("o200k_base")
