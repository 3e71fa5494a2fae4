"""What clients are shown of the server in each of its modes, as it goes over the wire."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcp import Client
from pydantic import BaseModel

from appmixer_mcp.confirmation import Confirmations
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.server import build_server
from appmixer_mcp.session import SANDBOX, Session
from appmixer_mcp.surface import chosen, load_toolsets

PRESETS = ("default", "sdk", "core", "all")
POLICIES = ("auto", "flag", "token", "off")

Shown = dict[str, list[dict[str, Any]]]
"""Tools, prompts, resources and templates, in the order in which they are listed."""


@dataclass(frozen=True)
class Mode:
    """What an operator chose."""

    preset: str = "default"
    read_only: bool = False
    policy: str = "auto"

    def __str__(self):
        policy = "" if self.policy == "auto" else f"-{self.policy}"
        return self.preset + ("-read-only" if self.read_only else policy)


MODES = [
    *(Mode(preset, read_only=read_only) for preset in PRESETS for read_only in (False, True)),
    *(Mode("all", policy=policy) for policy in POLICIES if policy != "auto"),
]
_SHOWN: dict[Mode, Shown] = {}


async def _never_opened(base_url):
    raise AssertionError(base_url)


def named(*names):
    """Return the selection that the names of presets, groups and tools stand for."""
    return chosen(names, load_toolsets())


def server(**options):
    """Make a server that calls nobody."""
    if "confirm" in options:
        options["confirmations"] = Confirmations(options.pop("confirm"))
    return build_server(ServerOptions(session=Session(SANDBOX, _never_opened), **options))


async def listed(**options):
    """Return everything that a new server lists."""
    async with Client(server(**options)) as client:
        return {
            "tools": _on_the_wire((await client.list_tools()).tools),
            "prompts": _on_the_wire((await client.list_prompts()).prompts),
            "resources": _on_the_wire((await client.list_resources()).resources),
            "templates": _on_the_wire((await client.list_resource_templates()).resource_templates),
        }


async def shown_in(mode: Mode) -> Shown:
    """Return everything that is listed in a mode; asked for once."""
    if mode not in _SHOWN:
        options = {"toolsets": (mode.preset,), "read_only": mode.read_only, "confirm": mode.policy}
        _SHOWN[mode] = await listed(**options)
    return _SHOWN[mode]


def _on_the_wire(listed: Sequence[BaseModel]):
    return [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in listed]
