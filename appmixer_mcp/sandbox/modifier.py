"""What a modifier is: a function that a variable's value runs through before a component sees it.

Modifiers are pure. Values of a wrong kind are met as JavaScript would meet them; what a
modifier raises leaves the value as it was (observed, see `expressions`), except for InputError,
which means that the work it was asked to do is not acceptable.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from keyword import iskeyword

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.context import Json

MOST_CHARACTERS = 10_000_000
"""Most characters that the values of one message may have in its expressions."""


@dataclass(frozen=True, kw_only=True)
class FlowFacts:
    """What flow variables, and modifiers that ask for the time, can know."""

    flow_id: str
    flow_name: str
    user_id: str
    webhook_url: str
    custom_fields: Callable[[], Mapping[str, Json]]
    now: datetime


@dataclass(frozen=True)
class Argument:
    """What a modifier can be given besides the value."""

    name: str
    type: str = "any"
    """any, text, number or boolean; told to clients, not checked"""


@dataclass(frozen=True, kw_only=True)
class Modifier:
    """One entry of the catalogue.

    `run` is called with the value, then the positional arguments (padded with UNDEFINED to as many
    as `arguments` names), then the named ones.
    """

    id: str
    label: str
    categories: tuple[str, ...]
    returns: str
    """The type of what it returns, for clients: any, string, number, boolean, list or object."""
    run: Callable[..., Json]
    arguments: tuple[Argument, ...] = ()
    named: tuple[Argument, ...] = ()
    variadic: bool = False
    """Whether it takes any number of positional arguments."""
    block: bool = False
    """Whether its one argument is evaluated for each item: `run(value, each)`."""
    uses_flow: bool = False
    """Whether `run` gets the FlowFacts before the value."""
    flow_variable: bool = False
    """Whether it ignores the value, so that a binding may begin with it."""
    slow: bool = False
    """Whether an argument decides how long it takes, so that it must not run on the event loop."""
    missing: Callable[[], str | None] = lambda: None
    """Says what has to be installed before it can run; None when nothing has."""


def keyword(name: str) -> str:
    """Return the Python parameter for a named argument: `without suffix` -> `without_suffix`."""
    parameter = re.sub(r"\W", "_", name)
    return f"{parameter}_" if iskeyword(parameter) else parameter


def bounded(size: int) -> int:
    """Return a size that a text, or a value's JSON text, may have.

    Raises:
        InputError: It is larger than MOST_CHARACTERS.
    """
    if size > MOST_CHARACTERS:
        raise InputError(
            f"A value of more than {MOST_CHARACTERS:,} characters is too long for an expression."
        )
    return size
