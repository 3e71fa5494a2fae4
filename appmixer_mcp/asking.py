"""Putting a question to the person at the client, in both eras of the protocol.

An older client is asked while its call waits. A client of today gets the question as the answer
to its call, and calls again with what the person said and with the state that was given along,
which the SDK seals: nobody but the server can have written it.
"""

import json
import logging
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol

import anyio
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError, NoBackChannelError
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import ValidationError

from appmixer_mcp.confirmation import Answer, Confirmations, Question, Reply

logger = logging.getLogger(__name__)

_FIELD = "confirm"

CallContext = Context[None, Any]
Waiting = Callable[[], AbstractAsyncContextManager[None]]


class AnswerAwaitedError(Exception):
    """The call ends here; the client calls again with the person's answer."""

    def __init__(self, request: InputRequiredResult) -> None:
        super().__init__("The person is asked.")
        self.request = request


class Person(Protocol):
    """The person at a client that can put questions to them."""

    async def answer(self) -> Answer | None:
        """Return the answer that came with the call; None when nothing was asked before."""
        ...

    async def ask(self, question: Question) -> Answer:
        """Return what the person says.

        Raises:
            AnswerAwaitedError: The answer comes with another call.
        """
        ...


def person_behind(
    context: CallContext | None, confirmations: Confirmations, waiting: Waiting
) -> Person | None:
    """Return the person behind a call; None where the client did not say that it can ask.

    Args:
        context: The call's; None for a call that no client made.
        confirmations: Says how long an answer may take.
        waiting: Is held while a call waits for its answer.
    """
    capabilities = context.client_capabilities if context is not None else None
    asks = capabilities.elicitation if capabilities is not None else None
    # `{}` dates from before there were modes, and means forms; a URL is no question.
    if context is None or asks is None or (asks.form is None and asks.url is not None):
        return None
    if context.protocol_version in MODERN_PROTOCOL_VERSIONS:
        return _BetweenCalls(context, confirmations)
    return _WithinTheCall(context, confirmations, waiting)


class _WithinTheCall:
    """An older client's person: asked while the call waits."""

    def __init__(
        self, context: CallContext, confirmations: Confirmations, waiting: Waiting
    ) -> None:
        self._context = context
        self._confirmations = confirmations
        self._waiting = waiting

    async def answer(self) -> Answer | None:
        return None

    async def ask(self, question: Question) -> Answer:
        async def put() -> Reply:
            result = await self._context.session.elicit_form(
                question.text, _form(question), self._context.request_id
            )
            return _reply(result)

        async with self._waiting():
            return Answer(await self._waited_for(put), question)

    async def _waited_for(self, put: Callable[[], Awaitable[Reply]]) -> Reply:
        try:
            with anyio.fail_after(self._confirmations.valid_s):
                return await put()
        except TimeoutError:
            return "late"
        except (MCPError, NoBackChannelError, ValidationError) as error:
            # It declared that it can ask, so it is its fault; no other way is taken instead.
            logger.warning("The client could not put a question: %s", type(error).__name__)
            return "unasked"


class _BetweenCalls:
    """The person at a client of today: asked between two calls."""

    def __init__(self, context: CallContext, confirmations: Confirmations) -> None:
        self._context = context
        self._confirmations = confirmations

    async def answer(self) -> Answer | None:
        given = (self._context.input_responses or {}).get(_FIELD)
        if given is None or self._context.request_state is None:
            return None
        state = json.loads(self._context.request_state)
        question = Question.from_json(state["question"])
        # Whatever was said, a second answer to the same question is none.
        if not await self._confirmations.take_answer(state["number"]):
            return Answer("spent", question)
        if await self._confirmations.state.now() > state["asked_at"] + self._confirmations.valid_s:
            return Answer("late", question)
        return Answer(_reply(given) if isinstance(given, ElicitResult) else "unasked", question)

    async def ask(self, question: Question) -> Answer:
        params = ElicitRequestFormParams(message=question.text, requested_schema=_form(question))
        state = {
            "question": question.as_json(),
            "number": await self._confirmations.expect_answer(),
            "asked_at": await self._confirmations.state.now(),
        }
        raise AnswerAwaitedError(
            InputRequiredResult(
                input_requests={_FIELD: ElicitRequest(params=params)},
                request_state=json.dumps(state),
            )
        )


def _form(question: Question) -> dict[str, Any]:
    """Return a form with one box to tick: accepting it as it lies there is no yes."""
    box = {"type": "boolean", "title": question.yes, "description": "Anything else does nothing."}
    return {"type": "object", "properties": {_FIELD: box}, "required": [_FIELD]}


def _reply(result: ElicitResult) -> Reply:
    if result.action == "accept":
        return "yes" if (result.content or {}).get(_FIELD) is True else "no"
    return "no" if result.action == "decline" else "dismissed"
