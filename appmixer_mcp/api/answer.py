"""What came back for a call, and reading a good answer into a model."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import TypeVar, cast

import httpx2
from pydantic import JsonValue, TypeAdapter, ValidationError

from appmixer_mcp.errors import UnexpectedAnswerError

from .call import Call

T = TypeVar("T")

_adapters: dict[type[object], TypeAdapter[object]] = {}

_NAME_CHARACTERS = 40


@dataclass(frozen=True)
class Answer:
    """One HTTP answer, read whole."""

    status: int
    """The HTTP status; never a redirect."""

    headers: httpx2.Headers
    """As they were sent."""

    body: bytes
    """Decompressed; of an error at most its first 64 kB."""

    outcome_unknown_before: bool = False
    """Whether an earlier try of the same call was sent and got no answer."""

    @property
    def is_success(self) -> bool:
        """Whether the API says that it did what was asked."""
        return HTTPStatus.OK <= self.status < HTTPStatus.MULTIPLE_CHOICES

    @property
    def is_html(self) -> bool:
        """Whether it is a web page, which the API never sends."""
        kind = self.headers.get("content-type", "").lower()
        return "html" in kind or self.body.lstrip()[:1] == b"<"


def parsed(call: Call, answer: Answer, kind: type[T]) -> T:
    """Read a 2xx answer into a model or a list of models.

    Raises:
        UnexpectedAnswerError: It is no JSON, or not of this shape.
    """
    if answer.is_html:
        raise web_page(call, answer)
    try:
        return cast("T", _adapter(kind).validate_json(answer.body))
    except ValidationError as error:
        # The error itself holds the answer's values, which may be secrets, so it is not chained.
        raise _unexpected(call, answer, _problem(error)) from None


def checked(call: Call, answer: Answer) -> None:
    """Accept a 2xx answer that nobody reads: empty, or JSON that is no error.

    Raises:
        UnexpectedAnswerError: It is something else, so that the call cannot be called done.
    """
    if not answer.body.strip():
        return
    content = parsed(call, answer, cast("type[JsonValue]", JsonValue))
    if isinstance(content, dict) and content.get("error") and "statusCode" in content:
        raise _unexpected(call, answer, "it reports an error under a status of success")


def _adapter(kind: type[object]) -> TypeAdapter[object]:
    """Make each adapter once: making one takes longer than reading an answer with it."""
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def web_page(call: Call, answer: Answer) -> UnexpectedAnswerError:
    """Make the error for an answer in HTML."""
    return UnexpectedAnswerError(
        f"The answer to {call} is a web page instead of JSON. APPMIXER_BASE_URL may name the web "
        "interface or a proxy; set it to the address of the tenant's API.",
        # A web page under a 404 is nobody's work; under a 2xx nobody can say.
        may_have_happened=call.writes and answer.is_success,
        status=answer.status,
    )


def too_large(call: Call, status: int, most_bytes: int) -> UnexpectedAnswerError:
    """Make the error for an answer that was cut off."""
    return UnexpectedAnswerError(
        f"The answer to {call} is larger than {most_bytes:,} bytes and was cut off. Ask for less: "
        "a smaller limit, a narrower pattern or filter, or a projection without large fields.",
        may_have_happened=call.writes,
        status=status,
    )


def _unexpected(call: Call, answer: Answer, problem: str) -> UnexpectedAnswerError:
    happened = " The call most likely happened: look before repeating it." if call.writes else ""
    return UnexpectedAnswerError(
        f"The answer to {call} cannot be understood: {problem}. Check that APPMIXER_BASE_URL and "
        f"APPMIXER_API_DIALECT fit this tenant.{happened}",
        may_have_happened=call.writes,
        status=answer.status,
    )


def _problem(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_context=False, include_input=False)[0]
    if first["type"] == "json_invalid":
        return "it is not complete JSON"
    # Only field names and positions: a free key is the other side's text.
    place = ".".join(part if _is_name(part) else "?" for part in map(str, first["loc"]))
    return f"{first['type'].replace('_', ' ')} at {place}" if place else "it has another shape"


def _is_name(part: str) -> bool:
    return len(part) <= _NAME_CHARACTERS and part.isascii() and part.replace("_", "").isalnum()
