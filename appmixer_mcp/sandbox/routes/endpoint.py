"""What every route is made of: who calls, what they sent, and how an answer is written."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from typing import Literal, TypeVar, cast
from urllib.parse import unquote

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError, NotSignedInError
from appmixer_mcp.sandbox.clock import Clock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.engine import Engine
from appmixer_mcp.sandbox.streams import Streams
from appmixer_mcp.sandbox.task_webhooks import TaskWebhooks
from appmixer_mcp.sandbox.users import User, Users

BODY_MAX_BYTES = 1_048_576
"""Largest body where nothing else is documented (ours)."""
_MAX_DEPTH = 200
_MOST_EXPLAINED = 100  # things that are wrong with a body

M = TypeVar("M", bound=BaseModel)


class TooLargeError(InputError):
    """A body is larger than its limit (413).

    Args:
        max_bytes: The limit.
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__(f"Payload content length greater than maximum allowed: {max_bytes}")


class DetailedError(InputError):
    """A refusal that says for each component what is wrong with it.

    Attributes:
        details: `[{componentId, errors: [{message, keyword}]}]`, as the API shows them.
    """

    def __init__(self, message: str, details: Json) -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True, kw_only=True)
class Services:
    """What the routes of a tenant work with."""

    config: TenantConfig
    clock: Clock
    database: Database
    engine: Engine
    task_webhooks: TaskWebhooks
    users: Users
    streams: Streams


class Call:
    """One call of the API."""

    def __init__(self, services: Services, request: Request, user: User | None) -> None:
        self.services = services
        self.request = request
        self.query = request.query_params
        self.visitor = user
        """Who calls, or None where an endpoint takes calls without a token."""

    @property
    def user(self) -> User:
        """Who calls.

        Raises:
            NotSignedInError: Nobody is known.
        """
        if self.visitor is None:
            raise NotSignedInError("Missing authentication: send Authorization: Bearer TOKEN.")
        return self.visitor

    def path(self, name: str) -> str:
        """Return a part of the path, decoded; routing has looked at the encoded one."""
        encoded: str = self.request.path_params[name]
        return unquote(encoded)

    async def content(self, max_bytes: int = BODY_MAX_BYTES) -> bytes:
        """Return the body.

        Raises:
            TooLargeError: It is larger; the rest of it is not read.
        """
        body = bytearray()
        async for chunk in self.stream(max_bytes):
            body += chunk
        return bytes(body)

    async def stream(self, max_bytes: int, *, around_bytes: int = 0) -> AsyncGenerator[bytes]:
        """Give the body as it comes.

        Args:
            max_bytes: The limit, as the refusal names it.
            around_bytes: What may come on top, as a form has around its file.

        Raises:
            TooLargeError: It is larger; the rest of it is not read.
        """
        declared = self.request.headers.get("content-length", "")
        # Python turns no text of thousands of digits into a number; so many are enough.
        received = int(declared[:18]) if declared.isdecimal() else 0
        if received > max_bytes + around_bytes:
            raise TooLargeError(max_bytes)
        received = 0
        async for chunk in self.request.stream():
            received += len(chunk)
            if received > max_bytes + around_bytes:
                raise TooLargeError(max_bytes)
            yield chunk

    async def json(self, max_bytes: int = BODY_MAX_BYTES) -> Json:
        """Return the body as JSON; None when there is none.

        Raises:
            TooLargeError: It is larger.
            InputError: It is no JSON that can be stored.
        """
        content = await self.content(max_bytes)
        return parse_json(content) if content.strip() else None

    async def body(self, model: type[M], max_bytes: int = BODY_MAX_BYTES) -> M:
        """Return the body as a checked object; no body is the empty object.

        Raises:
            TooLargeError: It is larger.
            InputError: It is not such an object.
        """
        found = await self.json(max_bytes)
        if found is None:
            found = {}
        if not isinstance(found, dict):
            raise InputError("The request body must be a JSON object.")
        try:
            return model.model_validate(found)
        except ValidationError as error:
            raise InputError(_explained(error)) from error


Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
Auth = Literal["required", "optional", "none"]
Handler = Callable[[Call], Awaitable[Json | Response]]
"""What it returns is the answer's JSON, or a whole answer."""


class Empty(TypedDict):
    """Nothing to say but that it is done."""


class Count(TypedDict):
    """How many there are."""

    count: int


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """A query parameter, as `/openapi.json` tells of it."""

    name: str
    kind: Literal["string", "integer", "boolean"] = "string"
    options: tuple[str, ...] = ()
    """The values there are; empty means any."""
    repeated: bool = False
    required: bool = False


PAGE = (Parameter(name="limit", kind="integer"), Parameter(name="offset", kind="integer"))
"""How much of a list is wanted."""
SELECTION = (
    Parameter(name="pattern"),
    Parameter(name="filter", repeated=True),
)
"""What of a list is wanted. `filter[]` is read too, but not told of: in the code that generators
make of the document it would have the name of `filter`, and many then leave the operation out."""
LISTING = (
    *PAGE,
    *SELECTION,
    Parameter(name="sort", repeated=True),
    Parameter(name="projection"),
)
"""What `listing.listing` reads."""


@dataclass(frozen=True)
class Endpoint:
    """One method of one path: who answers it, and what `/openapi.json` tells of it."""

    method: Method
    path: str
    handler: Handler
    auth: Auth = "required"
    """`optional` takes calls without a token, but no bad ones; `none` does not look at it."""
    admin: bool = field(default=False, kw_only=True)
    """Whether the caller needs the scope `admin`; others get 403."""
    query: tuple[Parameter, ...] = field(default=(), kw_only=True)
    body: object = field(default=None, kw_only=True)
    """The type of the JSON body (a pydantic model, usually); None when none is read."""
    body_type: str = field(default="application/json", kw_only=True)
    """The body's media types, parted by commas; `body` says nothing of other ones than JSON."""
    answer: object = field(default=None, kw_only=True)
    """The type of the answer's JSON, such as a TypedDict; None is any JSON."""
    answer_openapi: object = field(default=None, kw_only=True)
    """The same in the dialect `openapi`, where that one has another shape."""
    answer_type: str = field(default="application/json", kw_only=True)
    """The answer's media types, parted by commas; `*/*` is whatever a flow answers."""
    statuses: tuple[int, ...] = field(default=(), kw_only=True)
    """Further statuses than 200 and those that follow: 400 always, 401 with a token, 403 for
    administrators' endpoints, 404 with something named in the path, 413 with a body."""
    ours: bool = field(default=False, kw_only=True)
    """Whether Appmixer has no such endpoint."""


def parse_json(content: bytes) -> Json:
    """Return a JSON text's value.

    Raises:
        InputError: It is no JSON, or has values that JSON text cannot carry further: numbers that
            are none, halves of surrogate pairs, more than 200 levels.
    """
    try:
        value: Json = json.loads(content, parse_constant=_refuse_constant)
        if b"\\ud" in content.lower():
            json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InputError("The request body holds half a surrogate pair.") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"The request body is no valid JSON: {error}") from error
    if content.count(b"[") + content.count(b"{") > _MAX_DEPTH and _depth(value) > _MAX_DEPTH:
        raise InputError(f"The request body is nested more than {_MAX_DEPTH} levels deep.")
    return value


def _refuse_constant(name: str) -> Json:
    message = f"{name} is not a JSON number"
    raise ValueError(message)


def _depth(value: Json) -> int:
    depth, level = 0, [value]
    while level:
        depth += 1
        level = [inner for outer in level for inner in _containers(outer)]
    return depth


def _containers(value: Json) -> Iterator[Json]:
    inside = cast("dict[str, Json]", value).values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        yield from (one for one in inside if isinstance(one, dict | list))


def _explained(error: ValidationError) -> str:
    count = error.error_count()
    if count > _MOST_EXPLAINED:
        return f"{count:,} values of the request body are not as they should be."
    problems = (
        f"{'.'.join(str(part) for part in found['loc']) or 'body'}: {found['msg']}"
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    )
    return "; ".join(problems)
