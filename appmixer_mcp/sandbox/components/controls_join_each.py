"""JoinEach: collects what became of the items of an Each into one list.

Items and their number arrive in any order. They belong together by correlation id: the field's,
else the message's. Each item has its own entry in the state, so that a long list is not written
anew with every item; one more entry tells how far the collection has come.

A collection ends with its last item or its timeout. An item that comes later, such as one that was
tried again, is dropped with a line in the log; for an hour, or until a hundred others have ended,
it is known for what it is. A new count begins a new collection under the same id (all ours).
"""

from datetime import timedelta

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import is_on, unusable
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_number

_SHORTEST_WAIT_S = 60
_DEFAULT_WAIT_S = 300
_LONGEST_WAIT_S = 31 * 24 * 3600  # documented as the longest timer
_ENDED = "ended"  # the state's key for id -> when its collection ended, in epoch seconds
_ENDED_KNOWN_S = 3600  # the longest wait between two attempts
_MOST_ENDED = 100


async def _receive(ctx: Context) -> None:
    joined_by = str(ctx.content.get("correlationId") or ctx.correlation_id)
    collection: dict[str, Json] | None = ctx.state.get(_collection_key(joined_by))
    if collection is None:
        if ctx.port != "count" and joined_by in _ended(ctx):
            ctx.log(f"An item came too late and was dropped: {joined_by} had ended.")
            return
        collection = {"arrived": 0, "count": None}
    if ctx.port == "count":
        _expect(ctx, joined_by, collection)
    else:
        ctx.state.set(_item_key(joined_by, collection["arrived"]), ctx.original_content)
        collection["arrived"] += 1
    if collection["count"] is None or collection["arrived"] < collection["count"]:
        ctx.state.set(_collection_key(joined_by), collection)
        return
    if "timer" in collection:
        ctx.clear_timeout(collection["timer"])
    ctx.send("out", {"items": _take(ctx, joined_by, collection)})


def _expect(ctx: Context, joined_by: str, collection: dict[str, Json]) -> None:
    count = to_number(ctx.content.get("count"))
    if not (count >= 0 and count % 1 == 0):
        raise unusable("count", "must be a whole number, such as the count that Each sends")
    collection["count"] = int(count)
    if is_on(ctx.content.get("timeout", True)):
        wait_s = to_number(ctx.content.get("timeoutValue") or _DEFAULT_WAIT_S)
        wait = timedelta(seconds=min(max(_SHORTEST_WAIT_S, wait_s), _LONGEST_WAIT_S))
        collection["timer"] = ctx.set_timeout({"correlationId": joined_by}, ctx.now + wait)


async def _on_timeout(ctx: Context) -> None:
    joined_by: str = ctx.content["correlationId"]
    collection: dict[str, Json] | None = ctx.state.get(_collection_key(joined_by))
    if collection is not None:
        told = {"count": collection["count"], "arrived": collection["arrived"]}
        ctx.send("timeout", {"items": _take(ctx, joined_by, collection), **told})


def _take(ctx: Context, joined_by: str, collection: dict[str, Json]) -> list[Json]:
    keys = [_item_key(joined_by, index) for index in range(collection["arrived"])]
    items = [ctx.state.get(key) for key in keys]
    for key in (*keys, _collection_key(joined_by)):
        ctx.state.unset(key)
    ended = _ended(ctx)
    ended.pop(joined_by, None)  # the latest stand last
    ended[joined_by] = ctx.now.timestamp()
    ctx.state.set(_ENDED, dict(list(ended.items())[-_MOST_ENDED:]))
    return items


def _ended(ctx: Context) -> dict[str, float]:
    known_since = ctx.now.timestamp() - _ENDED_KNOWN_S
    ended: dict[str, float] = ctx.state.get(_ENDED, {})
    return {joined_by: at for joined_by, at in ended.items() if at > known_since}


def _collection_key(joined_by: str) -> str:
    return f"collection:{joined_by}"


def _item_key(joined_by: str, index: int) -> str:
    return f"item:{index}:{joined_by}"


COMPONENT = Component(
    type="appmixer.utils.controls.JoinEach",
    label="Join Each",
    description="Waits for what each item of a list led to, and sends it all as one list.",
    in_ports=(
        InPort(fields=(Field(name="correlationId"),)),
        InPort(
            name="count",
            fields=(
                Field(name="count", type="number", required=True),
                Field(name="timeout", type="toggle", default=True),
                Field(
                    name="timeoutValue",
                    type="number",
                    default=_DEFAULT_WAIT_S,
                    tooltip="Seconds to wait for the items, at least 60.",
                ),
                Field(name="correlationId"),
            ),
        ),
    ),
    out_ports=(
        OutPort(variables=("items",)),
        OutPort(name="timeout", variables=("items", "count", "arrived")),
    ),
    serial=True,
    receive=_receive,
    on_timeout=_on_timeout,
)
