"""What a failed message comes to: whether it is tried again, when, and what is kept of it."""

import errno
import json
from dataclasses import asdict, dataclass

from appmixer_mcp.errors import AppmixerError, ComponentFailedError, InputError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.messages import Message

LONGEST_WAIT_S = 3600.0
"""Longest wait between two attempts (ours; Appmixer documents the first one only)."""

_FINAL_STATUSES = frozenset((400, 401, 403, 404, 405, 406, 409, 410, 411, 422, 451))
_FINAL_ERRORS = frozenset((errno.EACCES, errno.EINVAL, errno.ENOENT))


@dataclass(frozen=True)
class Failure:
    """Why a component failed, as logs and the error port show it."""

    message: str
    code: str
    name: str
    retry: bool

    def shown(self) -> dict[str, Json]:
        """Return `{message, code, name}`."""
        return {"message": self.message, "code": self.code, "name": self.name}


def failure(error: Exception) -> Failure:
    """Return what an exception means.

    Source: the classification is documented (release 6.4), and so is that unknown errors are
    tried again (RETRY_UNKNOWN_ERRORS).
    """
    if isinstance(error, ComponentFailedError):
        code = error.error_code or str(error.status or "")
        retry = error.retry and error.status not in _FINAL_STATUSES
        return Failure(str(error), code, error.error_name, retry)
    if isinstance(error, AppmixerError):
        retry = not isinstance(error, InputError) and error.status not in _FINAL_STATUSES
        return Failure(str(error), str(error.status or ""), type(error).__name__, retry)
    code = errno.errorcode.get(error.errno or 0, "") if isinstance(error, OSError) else ""
    # Text that is none, such as half a surrogate pair in a key, stays so.
    final = isinstance(error, UnicodeError) or (
        isinstance(error, OSError) and error.errno in _FINAL_ERRORS
    )
    return Failure(str(error) or type(error).__name__, code, type(error).__name__, not final)


def wait_s(first_s: float, attempt: int) -> float:
    """Return the wait before the next attempt, when this many have failed (0 or more) before."""
    return min(first_s * 2.0 ** min(attempt, 60), max(LONGEST_WAIT_S, first_s))


def invalid_input(message: str) -> ComponentFailedError:
    """Return the error of a message that the in port does not accept."""
    return ComponentFailedError(
        message, retry=False, error_code="GRID_ERR_VAL_PORTS", error_name="ValidationFlowError"
    )


def input_messages(message: Message, content: Json) -> dict[str, Json]:
    """Return in port -> [engine message], as logs and unprocessed messages show them."""
    properties = {
        "correlationId": message.correlation_id,
        "gridInstanceId": None,
        "contentType": "application/json",
        "contentEncoding": "utf8",
        "sender": {
            "componentId": message.sender_id,
            "type": message.sender_type,
            "outputPort": message.sender_port,
        },
        "destination": {"componentId": message.component_id, "inputPort": message.in_port},
        "correlationInPort": None,
        "componentHeaders": {},
        "flowId": message.flow_id,
        "messageId": message.message_id,
        "flowRunId": message.run_id,
    }
    shown = {
        "properties": properties,
        "content": content,
        "scope": json.loads(message.scope_json),
        "originalContent": json.loads(message.content_json),
    }
    return {message.in_port or message.kind: [shown]}


def stored(message: Message) -> str:
    """Return a message as JSON text, from which `restored` makes it again."""
    return dumps(asdict(message))


def restored(message_json: str) -> Message:
    """Return the message of a text that `stored` made."""
    return Message(**json.loads(message_json))
