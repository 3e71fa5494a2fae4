"""Every error of the API in the one shape that Appmixer's clients read.

Source: documented; `{statusCode, error, message[, details]}`, as the framework hapi writes it.
"""

import logging
import sqlite3
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

from appmixer_mcp.errors import (
    AppmixerError,
    ComponentFailedError,
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    NotSignedInError,
)
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import DatabaseError
from appmixer_mcp.sandbox.routes.endpoint import DetailedError, TooLargeError

logger = logging.getLogger(__name__)

# The first that fits is taken. A query that took too long is the caller's to narrow; a 5xx would
# only make clients repeat it. A component's failure reaches a caller at the start of a flow alone.
_STATUS: tuple[tuple[type[AppmixerError], int], ...] = (
    (TooLargeError, 413),
    (InputError, 400),
    (NotSignedInError, 401),
    (ForbiddenError, 403),
    (NotFoundError, 404),
    (ConflictError, 409),
    (ComponentFailedError, 400),
    (DatabaseError, 400),
)
_NO_ROOM = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR)


def problem(status: int, message: str, details: Json = None) -> JSONResponse:
    """Return an error answer."""
    body: dict[str, Json] = {
        "statusCode": status,
        "error": HTTPStatus(status).phrase,
        "message": message,
    }
    if details is not None:
        body["details"] = details
    return JSONResponse(body, status)


def problem_of(error: Exception) -> Response:
    """Return the answer to an exception; what nobody foresaw is logged, and not told."""
    for kind, status in _STATUS:
        if isinstance(error, kind):
            details = error.details if isinstance(error, DetailedError) else None
            return problem(status, str(error), details)
    if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode in _NO_ROOM:
        logger.error("the sandbox's disk takes no more: %s", error)
        return problem(
            507,
            "The sandbox's disk is full or read-only. Nothing of this call was stored; what was "
            "accepted before is. Make room, then try again.",
        )
    logger.error("a call of the sandbox failed", exc_info=error)
    return problem(500, "An internal server error occurred")
