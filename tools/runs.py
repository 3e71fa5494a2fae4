"""What one event set off in a flow, message by message."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.descriptor import source_links
from appmixer_mcp.errors import ForbiddenError, NotFoundError
from appmixer_mcp.results import Facts, Instant, Page, Text
from appmixer_mcp.toolset import READ, ToolContext

from ._diagnosing import WHOLE_FLOW, message_of
from ._flow_reading import Labels, whole_flow
from ._json_values import shown
from ._log_filters import phrase, refuse_without_search
from ._shared import Limit, Offset
from .diagnosis import TOOLSET

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow
    from appmixer_mcp.api.models.logs import LogHit

_CONTENT = 200
_MOST_RECORDS = 1_000
_MOST_ENDS = 8
_OLDEST_FIRST = ("@timestamp:asc",)
_WAYS = (
    "@timestamp", "gridTimestamp", "severity", "flowId", "componentId", "componentType",
    "portType", "port", "senderId", "senderType", "senderPort",
)  # fmt: skip


class RunStep(Facts):
    """One thing that happened."""

    at: Instant = None
    component: str
    event: str = Field(description="received, sent, failed or noted.")
    port: Text = None
    sender: Text = Field(default=None, description="Component and port it came from.")
    content: Text = None
    error: Text = None
    log_id: Text = Field(default=None, description="With index for get_log, which shows it whole.")
    index: Text = None


class Run(Page):
    """What one event set off, in the order of time."""

    items: list[RunStep]
    flow_id: Text = None
    flow_name: Text = None
    ended: list[str] = Field(
        default_factory=list,
        exclude_if=lambda ends: not ends,
        description="Where each branch has come to by now.",
    )


@TOOLSET.tool("Get run", READ)
async def get_run(
    ctx: ToolContext,
    correlation_id: Annotated[
        str, Field(description="From query_logs or diagnose_flow.", min_length=1, max_length=500)
    ],
    limit: Limit = 50,
    offset: Offset = 0,
) -> Run:
    """Follow one event through its flow: each message, what it held, and where it ended."""
    client = await ctx.client()
    refuse_without_search(client)
    query = f"correlationId:{phrase(correlation_id)}"
    way = await client.logs.query_logs(
        query=query, sort=_OLDEST_FIRST, size=_MOST_RECORDS, includes=_WAYS
    )
    page = await client.logs.query_logs(query=query, sort=_OLDEST_FIRST, size=limit, from_=offset)
    flow = await _flow_of(client, way.hits)
    labels = Labels(flow.flow if flow else None)
    counted = sum(bucket.doc_count or 0 for bucket in way.buckets)
    return Run.of(
        [_step(hit, labels) for hit in page.hits],
        offset=offset,
        limit=limit,
        total=max(counted, len(way.hits)),
        flow_id=flow.flow_id if flow else None,
        flow_name=flow.name if flow else None,
        ended=_ends(way.hits, labels, flow) if counted <= _MOST_RECORDS else [],
    )


async def _flow_of(client: "AppmixerClient", hits: "list[LogHit]") -> "Flow | None":
    flow_id = next((hit.flow_id for hit in hits if hit.flow_id), None)
    if flow_id is None:
        return None
    try:
        return await whole_flow(client, flow_id)
    except (NotFoundError, ForbiddenError):  # it is gone, and its records are still there
        return None


def _step(hit: "LogHit", labels: Labels) -> RunStep:
    event = _event(hit)
    text = shown(message_of(hit) if event == "failed" else hit.msg, _CONTENT, "get_log")
    needs_more = event == "failed" or (text is not None and text.endswith("get_log]"))
    sender = ""
    if event == "received" and hit.sender_id:
        sender = f"{labels.label(hit.sender_id, hit.sender_type or '')}.{hit.sender_port or '?'}"
    return RunStep(
        at=hit.logged_at or hit.grid_timestamp,
        component=_label(hit, labels),
        event=event,
        port=hit.port or None,
        sender=sender or None,
        content=None if event == "failed" else text,
        error=text if event == "failed" else None,
        log_id=hit.log_id if needs_more else None,
        index=hit.index if needs_more else None,
    )


def _event(hit: "LogHit") -> str:
    if hit.severity == "error":
        return "failed"
    return {"in": "received", "out": "sent"}.get(hit.port_type or "", "noted")


def _label(hit: "LogHit", labels: Labels) -> str:
    if not hit.component_id:
        return WHOLE_FLOW
    return labels.label(hit.component_id, hit.component_type or "")


def _ends(hits: "list[LogHit]", labels: Labels, flow: "Flow | None") -> list[str]:
    """Return a sentence for each component behind which nothing has happened."""
    arrived = {(hit.sender_id, hit.sender_port) for hit in hits if _event(hit) == "received"}
    linked = _linked_ports(flow)
    last: dict[str, LogHit] = {}
    ends: dict[str, str] = {}
    for hit in hits:
        if hit.component_id and _event(hit) != "noted":
            last[hit.component_id] = hit
    for component_id, hit in last.items():
        name = quoted(labels.label(component_id, hit.component_type or ""))
        match _event(hit):
            case "failed":
                ends[component_id] = f"{name} failed."
            case "received":
                ends[component_id] = f"{name} received it and has sent nothing on."
            case _ if (component_id, hit.port) in arrived:
                continue
            case _ if (component_id, hit.port) in linked:
                ends[component_id] = f"{name} sent it, and it has not arrived yet."
            case _:
                ends[component_id] = f"{name} sent it from {quoted(hit.port)}, which leads nowhere."
    found = list(ends.values())
    more = len(found) - _MOST_ENDS
    return [*found[:_MOST_ENDS], f"{more} more branches."] if more > 0 else found


def _linked_ports(flow: "Flow | None") -> set[tuple[str, str | None]]:
    entries = (flow.flow or {}).values() if flow else ()
    return {
        (sender, port)
        for entry in entries
        if isinstance(entry, dict)
        for _, sender, port in source_links(entry.get("source"))
    }
