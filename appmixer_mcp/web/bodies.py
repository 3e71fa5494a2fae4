"""The bodies of requests: whole, in time and not too large, before anybody else sees them."""

from http import HTTPStatus

import anyio
from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from appmixer_mcp.web.refusals import refusal

_MOST_DIGITS = 18
_HALF_READ = 16
"""How many of the largest bodies fit into what all requests may have sent of theirs so far."""
_NOT_COUNTED = 65_536
"""How much of each body is let in beside them: how many requests there may be bounds it."""
_LINGERS_S = 1.0
"""How long a refused client may go on sending before its connection is closed."""


class _RefusedError(Exception):
    def __init__(self, answer: JSONResponse) -> None:
        self.answer = answer


class Bodies:
    """Reads the body of each request, then passes the request on.

    So whoever sends slowly, or without end, holds a connection for a while and nothing else.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, timeout_s: float) -> None:
        """Keep the limits.

        Args:
            app: Serves what is let through.
            max_bytes: Of one body.
            timeout_s: For a whole body to arrive.
        """
        self._app = app
        self._max_bytes = max_bytes
        self._timeout_s = timeout_s
        self._half_read_bytes = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or answer 408, 413 or 503 and have the connection closed."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            self._check_declared(Headers(scope=scope).get("content-length", ""))
            body = await self._read(receive)
        except _RefusedError as refused:
            await _refuse(refused.answer, scope, receive, send)
            return
        if body is None:  # the client is gone
            return
        ahead: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

        async def replay() -> Message:
            return ahead.pop() if ahead else await receive()

        await self._app(scope, replay, send)

    def _check_declared(self, length: str) -> None:
        if length.isdecimal() and (
            len(length) > _MOST_DIGITS or int(length) > self._max_bytes  # int() has a limit, too
        ):
            raise self._too_large()

    async def _read(self, receive: Receive) -> bytes | None:
        body = bytearray()
        try:
            with anyio.fail_after(self._timeout_s):
                while True:
                    message = await receive()
                    if message["type"] != "http.request":
                        return None
                    self._take(body, message.get("body", b""))
                    if not message.get("more_body", False):
                        return bytes(body)
        except TimeoutError:
            raise _RefusedError(
                refusal(
                    HTTPStatus.REQUEST_TIMEOUT,
                    "request_timeout",
                    f"The body of the request did not arrive within {self._timeout_s:g} s.",
                    closes=True,
                )
            ) from None
        finally:
            self._half_read_bytes -= _counted(len(body))

    def _take(self, body: bytearray, chunk: bytes) -> None:
        if len(body) + len(chunk) > self._max_bytes:
            raise self._too_large()
        more = _counted(len(body) + len(chunk)) - _counted(len(body))
        if more and self._half_read_bytes + more > _HALF_READ * self._max_bytes:
            raise _RefusedError(
                refusal(
                    HTTPStatus.SERVICE_UNAVAILABLE,
                    "temporarily_unavailable",
                    "Too many large requests arrive at once. Send this one again.",
                    retry_after_s=1,
                    closes=True,
                )
            )
        body += chunk
        self._half_read_bytes += more

    def _too_large(self) -> _RefusedError:
        return _RefusedError(
            refusal(
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                "request_too_large",
                f"The body of the request is larger than {self._max_bytes} bytes. Send less; the "
                "operator can raise APPMIXER_MAX_BODY_BYTES.",
                closes=True,
            )
        )


def _counted(length: int) -> int:
    return max(0, length - _NOT_COUNTED)


async def _refuse(answer: JSONResponse, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer, and close only a moment later what the client is still sending on.

    A connection that is closed with unread data in it is reset, and the client, busy with sending,
    would never see the answer.
    """

    async def send_open(message: Message) -> None:
        is_body = message["type"] == "http.response.body"
        await send({**message, "more_body": True} if is_body else message)

    await answer(scope, receive, send_open)
    if answer.status_code != HTTPStatus.REQUEST_TIMEOUT:
        with anyio.move_on_after(_LINGERS_S):
            while (await receive()).get("more_body", False):
                pass
    await send({"type": "http.response.body", "body": b""})
