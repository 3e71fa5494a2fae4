"""MCP over stdin and stdout, for clients of both protocol eras.

The SDK's loop speaks both, but takes the first request on a stream as the client's choice of one
for good, so that a client that asks `server/discover` first is refused `initialize` afterwards. It
also drops what it cannot read without a word, and the client waits. Both are mended here, in front
of that loop, for any pair of streams.
"""

import logging
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import anyio
from mcp.server.runner import serve_dual_era_loop
from mcp.server.stdio import stdio_server
from mcp.shared.message import SessionMessage
from mcp.types import (
    INVALID_REQUEST,
    PARSE_ERROR,
    ErrorData,
    JSONRPCError,
    JSONRPCRequest,
    JSONRPCResponse,
)
from pydantic import ValidationError

from appmixer_mcp.streams import Between

if TYPE_CHECKING:
    from mcp.server.lowlevel import Server
    from mcp.shared._stream_protocols import ReadStream, WriteStream

    from appmixer_mcp.server import AppmixerServer

logger = logging.getLogger(__name__)

LifespanT = TypeVar("LifespanT")

_NOT_JSON = "This cannot be read as JSON. Send one JSON-RPC 2.0 message at a time, in UTF-8."
_NO_MESSAGE = (
    'This is no JSON-RPC 2.0 message: a request has jsonrpc "2.0", an id that is a string or an '
    "integer, a method and, if any, params that are an object."
)
_BATCH = "Batches are not served. Send each JSON-RPC message on its own."


async def serve_stdio(server: "AppmixerServer") -> None:
    """Serve one client on this process's stdin and stdout until it closes stdin.

    A call that is under way then is cancelled.
    """
    lowlevel = server.lowlevel
    async with stdio_server() as (read_stream, write_stream), lowlevel.lifespan(lowlevel) as state:
        await both_eras(lowlevel, read_stream, write_stream, lifespan_state=state)


async def both_eras(
    server: "Server[LifespanT]",
    read_stream: "ReadStream[SessionMessage | Exception]",
    write_stream: "WriteStream[SessionMessage]",
    *,
    lifespan_state: LifespanT,
) -> None:
    """Serve a client of either era on a pair of streams until the one that is read ends.

    `server/discover` leaves the era open until another request decides it. What is no message is
    answered by an error, and the next one is served. Batches are refused, at 2025-03-26 too, the
    one revision that had them: no other transport of the SDK takes them either.
    """
    serve = partial(serve_dual_era_loop, server, lifespan_state=lifespan_state)
    await serve(_Messages(read_stream, write_stream, serve), write_stream)


class _Messages(Between):
    """The stream of a client's messages that the SDK's loop gets to see."""

    def __init__(
        self,
        read_stream: "ReadStream[SessionMessage | Exception]",
        write_stream: "WriteStream[SessionMessage]",
        serve: partial[Any],
    ) -> None:
        super().__init__(read_stream)
        self._write_stream = write_stream
        self._serve = serve
        self._decided = False

    async def receive(self) -> SessionMessage:
        """Return the next message that is the loop's to answer."""
        while True:
            item = await self._stream.receive()
            if isinstance(item, Exception):
                await self._refuse(item)
                continue
            method = item.message.method if isinstance(item.message, JSONRPCRequest) else None
            if method == "server/discover" and not self._decided:
                await self._answer_alone(item)
                continue
            self._decided = self._decided or method is not None
            return item

    async def _answer_alone(self, request: SessionMessage) -> None:
        """Have the SDK answer a request as the only one of a connection of its own."""
        asking, asked = anyio.create_memory_object_stream[SessionMessage | Exception](1)
        said, answers = anyio.create_memory_object_stream[SessionMessage](0)
        async with anyio.create_task_group() as tasks, asking, answers:
            tasks.start_soon(self._serve, asked, said)
            await asking.send(request)
            async for answer in answers:
                await self._send(answer)
                if isinstance(answer.message, JSONRPCResponse | JSONRPCError):
                    break

    async def _refuse(self, error: Exception) -> None:
        refusal = _refusal(error)
        if refusal is not None:
            await self._send(SessionMessage(refusal))

    async def _send(self, message: SessionMessage) -> None:
        try:
            await self._write_stream.send(message)
        except (anyio.BrokenResourceError, anyio.ClosedResourceError):
            logger.debug("The client left before it was answered.")


def _refusal(error: Exception) -> JSONRPCError | None:
    """Return the answer to what could not be read; None for an empty line and a broken answer."""
    problems = error.errors(include_url=False) if isinstance(error, ValidationError) else []
    if not problems or problems[0]["type"] == "json_invalid":
        empty = problems and not str(problems[0]["input"]).strip()
        return None if empty else _error(PARSE_ERROR, _NOT_JSON)
    # pydantic keeps the whole value beside what was missing in it, and beside its wrong type.
    wholes = (problem["input"] for problem in problems if _is_whole(problem))
    value: object = next(wholes, None)
    if isinstance(value, list):
        return _error(INVALID_REQUEST, _BATCH)
    message = cast("Mapping[str, object]", value if isinstance(value, dict) else {})
    if "method" in message:
        return _error(INVALID_REQUEST, _NO_MESSAGE, message.get("id"))
    # An answer is never answered, or two peers that do not understand each other go on for good.
    is_answer = "result" in message or "error" in message
    return None if is_answer else _error(INVALID_REQUEST, _NO_MESSAGE)


def _is_whole(problem: Mapping[str, Any]) -> bool:
    """Say whether a problem is one of the value as a whole; the kind of message comes first."""
    whole = {"model_type": 1, "missing": 2}
    return bool(len(problem["loc"]) == whole.get(problem["type"]))


def _error(code: int, text: str, request_id: object = None) -> JSONRPCError:
    if isinstance(request_id, bool) or not isinstance(request_id, int | str):
        request_id = None
    return JSONRPCError(jsonrpc="2.0", id=request_id, error=ErrorData(code=code, message=text))
