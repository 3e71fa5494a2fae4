"""HTTP calls that wait for a flow's answer, in memory: nobody can be called back later."""

from collections import defaultdict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

import anyio

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import to_text
from appmixer_mcp.sandbox.jsontext import dumps

_SET_BY_THE_SERVER = frozenset(
    ("connection", "content-length", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade")
)
_WITHOUT_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED)


@dataclass(frozen=True, kw_only=True)
class WebhookAnswer:
    """What the caller of a webhook gets."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes


@dataclass(eq=False)
class Waiter:
    """One call that waits."""

    key: tuple[str, str]
    """(flow id, correlation id)"""
    done: anyio.Event = field(default_factory=anyio.Event)
    answer: WebhookAnswer | None = None


class Waiters:
    """The calls that wait now. An answer goes to the one of its correlation that waits longest."""

    def __init__(self) -> None:
        self._waiting: dict[tuple[str, str], deque[Waiter]] = defaultdict(deque)

    def join(self, flow_id: str, correlation_id: str) -> Waiter:
        """Begin to wait; `leave` must follow."""
        waiter = Waiter((flow_id, correlation_id))
        self._waiting[waiter.key].append(waiter)
        return waiter

    def leave(self, waiter: Waiter) -> None:
        """Wait no longer."""
        line = self._waiting.get(waiter.key)
        if line is not None and waiter in line:
            line.remove(waiter)
        if not line:
            self._waiting.pop(waiter.key, None)

    def answer(self, flow_id: str, correlation_id: str, answer: WebhookAnswer) -> None:
        """Answer the call of a correlation; nothing happens when none waits."""
        line = self._waiting.get((flow_id, correlation_id))
        if line:
            waiter = line.popleft()
            waiter.answer = answer
            waiter.done.set()

    def any_for(self, flow_id: str, correlation_id: str) -> bool:
        """Say whether a call of a correlation waits."""
        return bool(self._waiting.get((flow_id, correlation_id)))

    def answer_all(self, flow_id: str, correlation_id: str, answer: WebhookAnswer) -> None:
        """Answer every call of a correlation."""
        while self._waiting.get((flow_id, correlation_id)):
            self.answer(flow_id, correlation_id, answer)

    def answer_flow(self, flow_id: str, answer: WebhookAnswer) -> None:
        """Answer every call that waits for a flow."""
        for key in [key for key in self._waiting if key[0] == flow_id]:
            self.answer_all(*key, answer)


def answer_of(body: Json, status: int, headers: Mapping[str, str] | None) -> WebhookAnswer:
    """Return the answer that a component asks for.

    Text goes out as it is, everything else as JSON, null as no body. Text is plain text unless the
    headers say otherwise (ours: what a caller sent back as HTML would run in a browser). With a
    status that allows no body it is left out.

    Raises:
        ComponentFailedError: The status or a header cannot be sent (retry=False).
    """
    if not HTTPStatus.OK <= status < 600:  # noqa: PLR2004 - the first number that is no status
        raise ComponentFailedError(f"{status} is no HTTP status to answer with.", retry=False)
    sent = {"content-type": "text/plain; charset=utf-8"} if isinstance(body, str) else (
        {} if body is None else {"content-type": "application/json; charset=utf-8"}
    )  # fmt: skip
    for name, value in (headers or {}).items():
        text = to_text(value)
        if not (name.isascii() and name.replace("-", "a").replace("_", "a").isalnum()) or not (
            text.isprintable() and _is_latin(text)
        ):
            raise ComponentFailedError(f"The HTTP header {name!r} cannot be sent.", retry=False)
        if name.lower() not in _SET_BY_THE_SERVER:
            sent[name.lower()] = text
    if status in _WITHOUT_BODY:
        return WebhookAnswer(status=status, headers=sent, body=b"")
    text = body if isinstance(body, str) else ("" if body is None else dumps(body))
    return WebhookAnswer(status=status, headers=sent, body=text.encode("utf-8", "replace"))


def refusal(status: HTTPStatus, message: str) -> WebhookAnswer:
    """Return an error in the form of the API: `{statusCode, error, message}`."""
    error: Json = {"statusCode": status.value, "error": status.phrase, "message": message}
    return answer_of(error, status.value, None)


def _is_latin(text: str) -> bool:
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return False
    return True
