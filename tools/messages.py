"""Unprocessed messages: what flows gave up on, kept to be tried again."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, cast

from pydantic import Field, JsonValue

from appmixer_mcp import ids
from appmixer_mcp.cleaning import quoted
from appmixer_mcp.confirmation import Impact
from appmixer_mcp.errors import AppmixerError, ConflictError, ForbiddenError, NotFoundError
from appmixer_mcp.redaction import redacted, redacted_value
from appmixer_mcp.results import Facts, Instant, Number, Outcome, Page, Result, Text
from appmixer_mcp.selecting import Selectable
from appmixer_mcp.toolset import CREATE, DESTROY, READ, ToolContext, Toolset

from ._flow_reading import Labels
from ._json_values import json_of, parsed
from ._shared import Limit, OfFlow, Offset, plural

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow
    from appmixer_mcp.api.models.messages import UnprocessedMessage

TOOLSET = Toolset("messages", "Messages that flows could not process.")

_MOST_NAMED = 5  # flows of one page that are looked up for their names
_ERROR_CHARACTERS = 500
_SAMPLE_CHARACTERS = 500
_SEARCHED_CHARACTERS = 2_000  # of one text, for secrets, before it is shortened
_TEXT_CHARACTERS = 200
_MOST_ENTRIES = 12
_DEEPEST = 5

MessageIds = Annotated[
    list[ids.MessageId],
    Field(description="From list_unprocessed.", min_length=1, max_length=50),
]


class Unprocessed(Facts):
    """A message that a flow gave up on."""

    message_id: str
    flow_id: Text = None
    flow_name: Text = None
    component_id: Text = None
    component: Text = Field(default=None, description="Its label.")
    error: Text = None
    at: Instant = Field(default=None, description="When the flow gave up.")
    correlation_id: Text = Field(default=None, description="query_logs shows the run by it.")
    received: Text = Field(default=None, description="In port -> what came in, shortened.")


class UnprocessedPage(Page):
    """Unprocessed messages."""

    items: list[Unprocessed]


class Refused(Facts):
    """A message that stays as it is."""

    message_id: str
    problem: str


class Retried(Result):
    """What was put back."""

    message: str
    retried_count: int
    refused: list[Refused] = Field(description="Those that stay, and why.")


class MessagesDeleted(Outcome):
    """What became of messages."""

    deleted_count: Number = None


@TOOLSET.tool("List unprocessed messages", READ, selectable=Selectable(always=("message_id",)))
async def list_unprocessed(
    ctx: ToolContext,
    flow_id: OfFlow = None,
    limit: Limit = 20,
    offset: Offset = 0,
) -> UnprocessedPage:
    """List messages that flows gave up on: where, why, and what had come in.

    Mend the cause first, then retry_unprocessed, or delete_unprocessed what is not needed.
    """
    client = await ctx.client()
    found = await client.messages.list_unprocessed(flow_id, limit, offset)
    flows = await _flows_of(client, found)
    items = [_shown(one, flows.get(one.flow_id or "")) for one in found]
    return UnprocessedPage.of(items, offset=offset, limit=limit)


@TOOLSET.tool("Retry unprocessed messages", replace(CREATE, open_world=True))
async def retry_unprocessed(ctx: ToolContext, message_ids: MessageIds) -> Retried:
    """Put messages back into their flow, which must run; what failed before may fail again."""
    client = await ctx.client()
    stages: dict[str, str | None] = {}
    refused: list[Refused] = []
    for number, message_id in enumerate(message_ids):
        try:
            await _retry(client, message_id, stages)
        except (NotFoundError, ConflictError, ForbiddenError) as error:
            if len(message_ids) == 1:
                raise
            refused.append(Refused(message_id=message_id, problem=str(error)))
        except AppmixerError as error:
            if number == 0:
                raise
            refused += [Refused(message_id=one, problem=str(error)) for one in message_ids[number:]]
            break
    count = len(message_ids) - len(refused)
    return Retried(
        message=f"Put {plural(count, 'message')} of {len(message_ids)} back; query_logs shows what "
        "becomes of them.",
        retried_count=count,
        refused=refused,
    )


async def _delete_impact(ctx: ToolContext, message_ids: list[ids.MessageId]) -> Impact:
    client = await ctx.client()
    found = [await client.messages.get_unprocessed(one) for one in message_ids]
    flows = await _flows_of(client, found)
    losses = ["They cannot be retried any more, and what came in is lost for good."]
    for one in found:
        shown = _shown(one, flows.get(one.flow_id or ""))
        where = f"{quoted(shown.component or shown.component_id)} of the flow "
        losses.append(
            f"Of {where}{quoted(shown.flow_name or shown.flow_id)}: {quoted(shown.error)}"
        )
    return Impact(
        question=f"Delete {plural(len(found), 'unprocessed message')}?",
        losses=losses,
        identity={"messages": json.dumps(message_ids)},
    )


@TOOLSET.tool("Delete unprocessed messages", DESTROY, preview=_delete_impact)
async def delete_unprocessed(ctx: ToolContext, message_ids: MessageIds) -> MessagesDeleted:
    """Throw unprocessed messages away for good. Shows first which."""
    messages = (await ctx.client()).messages
    for number, message_id in enumerate(message_ids):
        try:
            await messages.delete_unprocessed(message_id)
        except AppmixerError as error:
            if not number:
                raise
            return MessagesDeleted(
                done=True,
                message=f"Deleted {number} of {plural(len(message_ids), 'message')}, then: {error}",
                deleted_count=number,
            )
    count = len(message_ids)
    return MessagesDeleted(
        done=True, message=f"Deleted {plural(count, 'message')}.", deleted_count=count
    )


async def _retry(
    client: "AppmixerClient", message_id: ids.MessageId, stages: dict[str, str | None]
) -> None:
    """Put a message back if its flow runs; what would become of it else is not documented."""
    flow_id = (await client.messages.get_unprocessed(message_id)).flow_id
    if flow_id and flow_id not in stages:
        stages[flow_id] = (await client.flows.get_flow(flow_id, projection="flowId,stage")).stage
    if flow_id and stages[flow_id] == "stopped":
        raise ConflictError(
            f"The flow {quoted(flow_id)} is stopped, and the message was not put back. Call "
            "start_flow, then retry_unprocessed."
        )
    await client.messages.retry_unprocessed(message_id)


async def _flows_of(
    client: "AppmixerClient", messages: "list[UnprocessedMessage]"
) -> "dict[str, Flow]":
    """Return the first few flows that messages are of, for what people call things."""
    flow_ids = dict.fromkeys(one.flow_id for one in messages if one.flow_id)
    flows: dict[str, Flow] = {}
    for flow_id in list(flow_ids)[:_MOST_NAMED]:
        try:
            flows[flow_id] = await client.flows.get_flow(flow_id, projection="flowId,name,flow")
        except (NotFoundError, ForbiddenError):
            continue  # it was deleted meanwhile; its messages go as well
    return flows


def _shown(message: "UnprocessedMessage", flow: "Flow | None") -> Unprocessed:
    parts = list(_engine_messages(message))
    received = {port: content for port, content, _ in parts} or message.messages or message.data
    return Unprocessed(
        message_id=message.message_id,
        flow_id=message.flow_id,
        flow_name=flow.name if flow else None,
        component_id=message.component_id,
        component=Labels(flow.flow).label(message.component_id)
        if flow and message.component_id
        else None,
        error=_error(message.err),
        at=message.created_at,
        correlation_id=next((correlation for _, _, correlation in parts if correlation), None),
        received=_sample(received) if received is not None else None,
    )


def _engine_messages(message: "UnprocessedMessage") -> Iterator[tuple[str, JsonValue, str | None]]:
    """Yield the first message of each in port: port, content, correlation id."""
    ports = message.messages if isinstance(message.messages, dict) else {}
    for port, waiting in ports.items():
        first = waiting[0] if isinstance(waiting, list) and waiting else waiting
        if not isinstance(first, dict):
            yield port, first, None
            continue
        properties = first.get("properties")
        found = properties.get("correlationId") if isinstance(properties, dict) else None
        yield port, first.get("content", first), found if isinstance(found, str) else None


def _error(err: JsonValue) -> str | None:
    """Return why a component failed, in one text: its name and message where there are such."""
    err = parsed(err)
    if isinstance(err, dict) and isinstance(err.get("message"), str):
        err = ": ".join(str(err[part]) for part in ("name", "message") if err.get(part))
    if err is None or err == "":
        return None
    return _shortened(redacted(json_of(err)[:_SEARCHED_CHARACTERS]), _ERROR_CHARACTERS)


def _sample(content: JsonValue) -> str:
    shown = redacted_value(_pruned(content))
    text = json.dumps(_pruned(shown, _TEXT_CHARACTERS), ensure_ascii=False)
    return _shortened(text, _SAMPLE_CHARACTERS)


def _pruned(value: Any, characters: int = _SEARCHED_CHARACTERS, depth: int = 0) -> Any:
    """Return the beginnings of a value, so that looking through it takes no time."""
    if isinstance(value, str):
        return _shortened(value, characters)
    if isinstance(value, dict | list) and depth == _DEEPEST:
        return "…"
    if isinstance(value, dict):
        entries = list(cast("dict[str, Any]", value).items())[:_MOST_ENTRIES]
        return {key[:_TEXT_CHARACTERS]: _pruned(one, characters, depth + 1) for key, one in entries}
    if isinstance(value, list):
        items = cast("list[object]", value)[:_MOST_ENTRIES]
        return [_pruned(one, characters, depth + 1) for one in items]
    return value


def _shortened(text: str, characters: int) -> str:
    return text if len(text) <= characters else f"{text[:characters]}…"
