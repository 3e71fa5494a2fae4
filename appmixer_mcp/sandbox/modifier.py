"""What a modifier is: a function that a variable's value runs through before a component sees it.

Modifiers are pure and quick. Values of a wrong kind are met as JavaScript would meet them; what a
modifier raises leaves the value as it was (observed, see `expressions`), except for InputError,
which means that the work it was asked to do is not acceptable.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from keyword import iskeyword

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.component import Json

MAX_TEXT = 10_000_000
"""Most characters that a text may grow to in an expression."""


@dataclass(frozen=True, kw_only=True)
class FlowFacts:
    """What flow variables, and modifiers that ask for the time, can know."""

    flow_id: str
    flow_name: str
    user_id: str
    webhook_url: str
    custom_fields: Callable[[], Mapping[str, Json]]
    now: datetime


@dataclass(frozen=True, kw_only=True)
class Modifier:
    """One entry of the catalogue.

    `run` is called with the value, then the positional arguments (padded with UNDEFINED to as many
    as `arguments` names), then the named ones.
    """

    id: str
    run: Callable[..., Json]
    arguments: tuple[str, ...] = ()
    named: tuple[str, ...] = ()
    variadic: bool = False
    """Whether it takes any number of positional arguments."""
    block: bool = False
    """Whether its one argument is evaluated for each item: `run(value, each)`."""
    uses_flow: bool = False
    """Whether `run` gets the FlowFacts before the value."""


def keyword(name: str) -> str:
    """Return the Python parameter for a named argument: `without suffix` -> `without_suffix`."""
    parameter = re.sub(r"\W", "_", name)
    return f"{parameter}_" if iskeyword(parameter) else parameter


def bounded(size: int) -> int:
    """Return a size that a text may have.

    Raises:
        InputError: It is larger than MAX_TEXT.
    """
    if size > MAX_TEXT:
        raise InputError(f"A text of {size:,} characters is too long; {MAX_TEXT:,} are the most.")
    return size
