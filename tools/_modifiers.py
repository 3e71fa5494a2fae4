"""Modifiers: what a variable's value can run through."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pydantic import Field, JsonValue

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.results import Facts, Page, Result, Text, Truth

from ._json_values import cut, given

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.authoring import Modifier as ApiModifier

_LONGEST = 4_000
_NO_CALL = (
    "This tenant does not list its modifiers. get_flow_guide names those that are often used."
)


class Modifier(Facts):
    """A modifier."""

    name: str
    label: Text = None
    categories: list[str]
    params: list[str] = Field(description="In order; those with # go into hashParams.")
    returns: Text = None
    description: Text = None
    needs_no_variable: Truth = Field(default=None, description="True: a binding may begin with it.")

    def fits(self, pattern: str) -> bool:
        """Say whether a text is part of its name, label or category."""
        text = " ".join((self.name, self.label or "", *self.categories))
        return pattern.casefold() in text.casefold()


class ModifierPage(Page):
    """Modifiers."""

    items: list[Modifier]


class ModifierTried(Result):
    """What a modifier made of a value."""

    result: str = Field(description="As JSON.")


async def listed(client: "AppmixerClient") -> list[Modifier]:
    """Return the modifiers by name.

    Raises:
        NotFoundError: The tenant does not list them.
    """
    found = await _catalogue(client)
    return [_shown(name, found[name]) for name in sorted(found) if not found[name].private]


async def called(client: "AppmixerClient", name: str) -> str:
    """Return what to have the tenant call: a modifier's function, or the function given itself.

    Args:
        client: Signed in as who asks.
        name: A modifier's, or the source text of a function.

    Raises:
        InputError: There is no such modifier.
    """
    if not name.isidentifier():
        return name
    found = await _catalogue(client)
    modifier = found.get(name) or found.get(f"g_{name}")
    if modifier is None:
        raise InputError(f"There is no modifier {quoted(name)}; list_modifiers names them.")
    # A tenant that keeps the sources to itself may still know the name.
    return modifier.helper_fn or (name if name in found else f"g_{name}")


async def tried(
    client: "AppmixerClient",
    function: str,
    value: str,
    *,
    value_is_json: bool,
    params: Sequence[str],
    hash_params: Mapping[str, Any],
) -> ModifierTried:
    """Have the tenant call a function with a value and its arguments."""
    first = given(value, "value", is_json=value_is_json)
    named: list[JsonValue] = [{"hash": dict(hash_params)}] if hash_params else []
    made = await client.authoring.test_modifier(function, [first, *params, *named])
    return ModifierTried(result=cut(json.dumps(made, ensure_ascii=False), _LONGEST))


async def _catalogue(client: "AppmixerClient") -> "dict[str, ApiModifier]":
    found = None if client.dialect == "openapi" else await client.authoring.list_modifiers()
    if found is None:
        raise NotFoundError(_NO_CALL)
    return found


def _shown(name: str, modifier: "ApiModifier") -> Modifier:
    return Modifier(
        name=name,
        label=modifier.label,
        categories=modifier.category,
        params=[f"#{one.name}" if one.is_hash else one.name for one in modifier.arguments],
        returns=modifier.returns.type if modifier.returns else None,
        description=(modifier.description or modifier.tooltip or "")[:200] or None,
        needs_no_variable=True if modifier.type == "flow" else None,
    )
