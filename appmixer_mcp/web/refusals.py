"""How a request is answered that nobody of ours gets to see."""

from http import HTTPStatus

from starlette.responses import JSONResponse


def refusal(
    status: HTTPStatus,
    error: str,
    description: str,
    *,
    retry_after_s: int | None = None,
    closes: bool = False,
) -> JSONResponse:
    """Return the answer.

    Args:
        status: Of the answer.
        error: A short name for programs.
        description: For people: what was wrong, and what to do.
        retry_after_s: When it may go better.
        closes: Whether the connection ends, because what the client still sends is not read.
    """
    headers = {"Cache-Control": "no-store"}
    if retry_after_s is not None:
        headers["Retry-After"] = str(retry_after_s)
    if closes:
        headers["Connection"] = "close"
    return JSONResponse({"error": error, "error_description": description}, status, headers)
