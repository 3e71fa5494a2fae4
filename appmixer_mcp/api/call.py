"""One call of the REST API as data, checked and encoded before anything is sent."""

import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote, urlencode

from appmixer_mcp.errors import InputError

QueryValue = str | int | bool | Sequence[str] | None
Query = Mapping[str, QueryValue]

_UNFIT_CATEGORIES = frozenset({"Cc", "Cs"})
_SHOWN_CHARACTERS = 100
_SHOWN_PATH_CHARACTERS = 200


@dataclass(frozen=True)
class Call:
    """A method, a path and what goes with them; made by the resources, sent by the transport."""

    method: str
    """`GET`, `POST`, `PUT`, `PATCH` or `DELETE`."""

    path: str
    """Starts with a slash; made by `path`, so every id in it is one percent-encoded segment."""

    query: str = ""
    """Encoded, without the question mark; made by `query`."""

    body: bytes | None = None
    """Encoded; made by `json_body` or `text_body`."""

    content_type: str = "application/json"
    """What `body` is."""

    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    """Further ones, or others than are usual; ASCII."""

    advice: Mapping[int, str] = field(default_factory=dict[int, str])
    """HTTP status to the sentence that says what it means here and what to call next."""

    secrets: Sequence[str] = ()
    """Values that no error may repeat, should the API send them back."""

    signed: bool = True
    """Whether the access token goes with it, and a 401 leads to one new sign-in."""

    about_flow: bool = False
    """Whether a 400 with `details` lists what is wrong with a flow."""

    signs_in: bool = False
    """Whether it only gets a token, so that an outcome nobody knows does no harm."""

    timeout_s: float | None = None
    """For one try; None is the client's own."""

    heard: Callable[[str, str], bool] | None = None
    """Takes name and data of each event of a good answer, as it comes; True ends the reading."""

    to_flow: bool = False
    """Whether a flow gets it: it runs for each, so it is sent once, and never where it points."""

    @property
    def writes(self) -> bool:
        """Whether the tenant may be changed by it."""
        return self.to_flow or (self.method != "GET" and not self.signs_in)

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice leaves the tenant as sending it once does."""
        return self.method != "POST" and not self.to_flow

    def __str__(self) -> str:
        return f"{self.method} {self.path[:_SHOWN_PATH_CHARACTERS]}"


def path(*segments: str) -> str:
    """Join path segments, each encoded so that no character of an id can leave its segment.

    Raises:
        InputError: A segment is empty, `.` or `..`, or holds a control character.
    """
    for segment in segments:
        unfit = any(unicodedata.category(character) in _UNFIT_CATEGORIES for character in segment)
        if segment in ("", ".", "..") or unfit:
            raise InputError(
                f"{shown(segment)} cannot be an id or a key: it must not be empty, '.' or '..', "
                "nor hold control characters. Take ids from the list_ calls."
            )
    return "".join(f"/{quote(segment, safe='')}" for segment in segments)


def query(values: Query) -> str:
    """Encode a query: None and empty lists are left out, a list becomes a repeated parameter.

    Raises:
        InputError: A value holds half a surrogate pair.
    """
    pairs: list[tuple[str, str]] = []
    for name, value in values.items():
        if value is None:
            continue
        if isinstance(value, bool):
            pairs.append((name, "true" if value else "false"))
        elif isinstance(value, str | int):
            pairs.append((name, str(value)))
        else:
            pairs.extend((name, item) for item in value)
    try:
        return urlencode(pairs, quote_via=quote)
    except UnicodeEncodeError as error:
        raise InputError("A text argument holds half a surrogate pair; send whole ones.") from error


def json_body(value: object) -> bytes:
    """Encode a JSON body.

    Raises:
        InputError: The value is not JSON (NaN, infinity, nested too deep, another type).
    """
    try:
        return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise InputError(
            "The value cannot be sent as JSON: only objects with text keys, lists, texts, finite "
            "numbers, booleans and null can, and not nested hundreds deep."
        ) from error


def text_body(value: str) -> bytes:
    """Encode a text body.

    Raises:
        InputError: The text holds half a surrogate pair.
    """
    try:
        return value.encode()
    except UnicodeEncodeError as error:
        raise InputError("The text holds half a surrogate pair; send whole ones.") from error


def shown(value: str) -> str:
    """Quote a value for an error text, without control characters and not at length."""
    cut = value if len(value) <= _SHOWN_CHARACTERS else f"{value[:_SHOWN_CHARACTERS]}…"
    return ascii(cut) if any(not character.isprintable() for character in cut) else repr(cut)


def no_such(noun: str, identifier: str, list_method: str) -> dict[int, str]:
    """Make the advice for a 404 about one object."""
    return {
        404: f"No {noun} has the id {shown(identifier)}. Call {list_method} for the ids there are."
    }
