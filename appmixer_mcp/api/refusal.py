"""From an HTTP status to the error that says what failed and what to do next."""

from collections.abc import Iterator, Sequence
from http import HTTPStatus

from pydantic import JsonValue, ValidationError

from appmixer_mcp.errors import (
    AppmixerError,
    ConflictError,
    FlowInvalidError,
    ForbiddenError,
    InputError,
    NotFoundError,
    NotSignedInError,
    RateLimitedError,
    UnavailableError,
    UnexpectedAnswerError,
)

from .answer import Answer, web_page
from .call import Call
from .foreign_text import cleaned
from .models.base import ErrorBody
from .retry import retry_after_s

_MOST_PROBLEMS = 100
UNKNOWN_OUTCOME = "The call may have happened: look before repeating it."
_SIGN_IN = (
    "Sign in with authenticate_user, or set APPMIXER_USERNAME and APPMIXER_PASSWORD, or a new "
    "APPMIXER_ACCESS_TOKEN."
)
_NOTHING_SAID = ErrorBody()


def refusal(call: Call, answer: Answer, token: str | None = None) -> AppmixerError:
    """Make the error for an answer that is no success.

    Args:
        call: What was asked.
        answer: A status of 300 or above.
        token: The access token, which no error may repeat should the API do so.
    """
    status = answer.status
    if answer.is_html and status in (404, 405):
        return web_page(call, answer)
    if status < HTTPStatus.BAD_REQUEST:
        return UnexpectedAnswerError(
            f"The answer to {call} is a redirect to nowhere (status {status}). Check that "
            "APPMIXER_BASE_URL names the tenant's API.",
            may_have_happened=call.writes,
            status=status,
        )
    said = _said(answer, (*call.secrets, token or ""))
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        return _failed(call, answer, said)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return _limited(call, answer, said)
    if call.about_flow and status in (400, 422) and (problems := _problems(said.details)):
        return FlowInvalidError(problems, status=status)
    return _refused(call, answer, said, has_token=bool(token))


def _refused(call: Call, answer: Answer, said: ErrorBody, *, has_token: bool) -> AppmixerError:
    kind, general, quoting = _meaning(call, answer.status, has_token=has_token)
    text = call.advice.get(answer.status, general)
    message = _message(said)
    if quoting and message:
        text = f'{text} The API says: "{message}"'
    return kind(text + _doubt(call, answer), status=answer.status, upstream_message=message)


def _doubt(call: Call, answer: Answer) -> str:
    if not (call.writes and answer.outcome_unknown_before):
        return ""
    return f" An earlier try of it got no answer. {UNKNOWN_OUTCOME}"


def _meaning(call: Call, status: int, *, has_token: bool) -> tuple[type[AppmixerError], str, bool]:
    """Return the error class, the text where the call has none, and whether to quote the API."""
    match status:
        case 401:
            why = "The tenant refused the access token." if has_token else "Nobody is signed in."
            return NotSignedInError, f"{why} {_SIGN_IN}", False
        case 403:
            return ForbiddenError, f"The signed-in user may not do this ({call}).", False
        case 404 | 410:
            return (
                NotFoundError,
                f"The API knows no {call}. Check APPMIXER_BASE_URL and APPMIXER_API_DIALECT.",
                False,
            )
        case 409:
            text = f"The present state does not allow {call}. Look at it again, then decide."
            return ConflictError, text, True
        case 413:
            return InputError, f"{call} was refused because what was sent is too large.", True
        case _:
            return InputError, f"{call} was refused (status {status}). Mend the arguments.", True


def _failed(call: Call, answer: Answer, said: ErrorBody) -> UnavailableError:
    wait_s = retry_after_s(answer.headers)
    when = "later" if wait_s is None else f"in {wait_s:.0f} seconds"
    after = UNKNOWN_OUTCOME if call.writes else f"Try again {when}."
    return UnavailableError(
        f"The server failed at {call} (status {answer.status}). {after}",
        may_have_happened=call.writes,
        status=answer.status,
        upstream_message=_message(said),
    )


def _limited(call: Call, answer: Answer, said: ErrorBody) -> RateLimitedError:
    wait_s = retry_after_s(answer.headers)
    when = "in a minute" if wait_s is None else f"in {wait_s:.0f} seconds"
    return RateLimitedError(
        f"Too many calls: the API refused {call} for now. Call again {when}."
        + _doubt(call, answer),
        retry_after_s=wait_s,
        status=answer.status,
        upstream_message=_message(said),
    )


def _said(answer: Answer, secrets: Sequence[str]) -> ErrorBody:
    """Read hapi's body; anything else, and what repeats a secret, is as good as nothing."""
    text = answer.body.decode(errors="replace")
    try:
        said = ErrorBody.model_validate_json(text)
    except ValidationError:
        return _NOTHING_SAID
    # As it was sent, and with what JSON escapes unescaped.
    texts = (text, *_texts([said.message, said.error, said.details]))
    return _NOTHING_SAID if any(one in t for one in secrets if one for t in texts) else said


def _texts(value: JsonValue) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for one in value.values() if isinstance(value, dict) else value:
            yield from _texts(one)


def _message(said: ErrorBody) -> str:
    message = said.message or said.error
    return cleaned(message) if isinstance(message, str) else ""


def _problems(details: JsonValue) -> list[str]:
    """Read `details`: texts, `{message}` or `{componentId, errors: [{message}]}`; else empty."""
    if isinstance(details, dict):  # the answer of the validate call, as a whole
        details = details.get("errors")
    problems: list[str] = []
    for item in details if isinstance(details, list) else []:
        if isinstance(item, str):
            problems.append(cleaned(item))
        elif isinstance(item, dict):
            component_id, errors = item.get("componentId"), item.get("errors")
            prefix = f"{component_id}: " if component_id else ""
            problems.extend(
                cleaned(f"{prefix}{error['message']}")
                for error in (errors if isinstance(errors, list) else [item])
                if isinstance(error, dict) and isinstance(error.get("message"), str)
            )
    return problems[:_MOST_PROBLEMS]
