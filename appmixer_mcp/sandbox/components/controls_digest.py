"""Digest: collects entries and sends them together, when there are enough or the time has come.

Each entry has its own key in the state, so that a long digest is not written anew with every one.
Entries are kept until the flow is started anew.
"""

from collections.abc import Mapping
from uuid import uuid4

import anyio.to_thread

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._cron import (
    ZONE_FIELD,
    cron_fields,
    cron_problems,
    is_scheduled,
    next_run,
)
from appmixer_mcp.sandbox.components._descriptor_fields import static_property
from appmixer_mcp.sandbox.components._inputs import parsed_or_same
from appmixer_mcp.sandbox.components._quoted_csv import csv_bytes
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import is_object, to_number

_MOST_ENTRIES = 10_000  # so many are sent whatever the threshold, so that nothing grows for ever
_VARIABLES = {
    "array": ("entries", "count"),
    "object": ("entry", "index", "count"),
    "first": ("entry", "index", "count"),
    "file": ("fileId", "count"),
}


async def _start(ctx: Context) -> None:
    if is_scheduled(ctx.properties):
        ctx.set_timeout({}, next_run(ctx.properties, ctx.now), exact=True)


async def _receive(ctx: Context) -> None:
    count: int = ctx.state.get("count", 0)
    ctx.state.set(_key(count), ctx.content.get("entry"))
    ctx.state.set("count", count + 1)
    threshold = _threshold(ctx.properties)
    if count + 1 >= min(threshold or _MOST_ENTRIES, _MOST_ENTRIES):
        await _drain(ctx, ctx.correlation_id)


async def _on_timeout(ctx: Context) -> None:
    if ctx.state.get("count", 0) >= (_threshold(ctx.properties) or 0):
        await _drain(ctx, str(uuid4()))
    ctx.set_timeout({}, next_run(ctx.properties, ctx.now), exact=True)


async def _on_webhook(ctx: Context) -> None:
    count = ctx.state.get("count", 0)
    await _drain(ctx, ctx.correlation_id)
    ctx.respond({"count": count})  # what the caller is told is ours


async def _drain(ctx: Context, correlation_id: str) -> None:
    """Send the entries and forget them; when there is none, nothing is sent (ours)."""
    count: int = ctx.state.get("count", 0)
    entries = [ctx.state.get(_key(index)) for index in range(count)]
    for index in range(count):
        ctx.state.unset(_key(index))
    ctx.state.unset("count")
    if not entries:
        return
    kind = ctx.properties["outputType"]
    if kind == "array":
        ctx.send("out", {"entries": entries, "count": count}, correlation_id=correlation_id)
    elif kind == "file":
        content = await anyio.to_thread.run_sync(_table, entries)
        file_id = ctx.files.create("digest.csv", content, "text/csv")["fileId"]
        ctx.send("out", {"fileId": file_id, "count": count}, correlation_id=correlation_id)
    else:  # that `first` sends what `object` does, but once, is ours
        for index, entry in enumerate(entries[: 1 if kind == "first" else None]):
            told = {"entry": entry, "index": index, "count": count}
            ctx.send("out", told, correlation_id=correlation_id)


def _table(entries: list[Json]) -> bytes:
    """Return CSV whose columns are those of the first entry; what is no object fills `entry`."""
    rows: list[Mapping[str, Json]] = [
        entry if is_object(entry) else {"entry": entry} for entry in map(parsed_or_same, entries)
    ]
    header = list(rows[0])
    return csv_bytes(header, ([row.get(name) for name in header] for row in rows))


def _threshold(properties: Mapping[str, Json]) -> int | None:
    given = properties.get("threshold")
    return None if given in (None, "") else int(to_number(given))


def _key(index: int) -> str:
    return f"entry:{index}"


def _check(properties: Mapping[str, Json]) -> list[str]:
    problems = cron_problems(properties) if is_scheduled(properties) else []
    threshold = properties.get("threshold")
    if threshold not in (None, "") and to_number(threshold) not in range(1, _MOST_ENTRIES + 1):
        problems.append(
            f"threshold must be a whole number from 1 to {_MOST_ENTRIES}, not {threshold!r}."
        )
    if str(properties.get("outputType")) not in _VARIABLES:
        problems.append(f"outputType must be one of {', '.join(_VARIABLES)}.")
    return problems


def _further_variables(_: str, entry: Mapping[str, Json]) -> tuple[str, ...]:
    kind = static_property(entry, "outputType") or "array"
    return _VARIABLES.get(kind, ()) if isinstance(kind, str) else ()


COMPONENT = Component(
    type="appmixer.utils.controls.Digest",
    label="Digest",
    description="Collects entries and sends them together, by number, schedule or webhook.",
    version="1.0.1",
    properties=(
        Field(
            name="threshold",
            type="number",
            tooltip="Send as soon as there are so many entries; a schedule then waits for them.",
        ),
        Field(name="webhookUrl", tooltip="Read only: calling this URL sends what there is."),
        *cron_fields(required=False),
        ZONE_FIELD,
        Field(
            name="outputType",
            type="select",
            options=("first", "array", "object", "file"),
            default="array",
            tooltip="The first entry, one list, one message for each entry, or a CSV file.",
        ),
    ),
    in_ports=(InPort(fields=(Field(name="entry", type="textarea"),)),),
    out_ports=(OutPort(),),
    webhook=True,
    further_variables=_further_variables,
    serial=True,
    check=_check,
    start=_start,
    receive=_receive,
    on_timeout=_on_timeout,
    on_webhook=_on_webhook,
)
