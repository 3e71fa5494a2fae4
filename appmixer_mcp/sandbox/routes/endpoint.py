"""What every route is made of: who calls, what they sent, and how an answer is written."""

import json
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeVar, cast
from urllib.parse import unquote

from pydantic import BaseModel, ValidationError
from starlette.requests import Request
from starlette.responses import Response

from appmixer_mcp.errors import InputError, NotSignedInError
from appmixer_mcp.sandbox.clock import Clock
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.engine import Engine
from appmixer_mcp.sandbox.users import User, Users

BODY_MAX_BYTES = 1_048_576
"""Largest body where nothing else is documented (ours)."""
_MAX_DEPTH = 200

M = TypeVar("M", bound=BaseModel)


class TooLargeError(InputError):
    """A body is larger than its limit (413)."""


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
    users: Users


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
        declared = self.request.headers.get("content-length", "")
        if declared.isdecimal() and int(declared) > max_bytes:
            raise _too_large(max_bytes)
        body = bytearray()
        async for chunk in self.request.stream():
            body += chunk
            if len(body) > max_bytes:
                raise _too_large(max_bytes)
        return bytes(body)

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


@dataclass(frozen=True)
class Endpoint:
    """One method of one path."""

    method: Method
    path: str
    handler: Handler
    auth: Auth = "required"
    """`optional` takes calls without a token, but no bad ones; `none` does not look at it."""


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
    problems = (
        f"{'.'.join(str(part) for part in found['loc']) or 'body'}: {found['msg']}"
        for found in error.errors(include_url=False, include_input=False, include_context=False)
    )
    return "; ".join(problems)


def _too_large(max_bytes: int) -> TooLargeError:
    return TooLargeError(f"Payload content length greater than maximum allowed: {max_bytes}")
