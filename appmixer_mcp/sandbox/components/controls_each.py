"""Each: sends one message for each item of a list, then one that says it is done.

A long list is sent part by part, each part once the items of the last one are under way, so that
neither other flows nor the file have to bear it all at once.
"""

from uuid import uuid4

from appmixer_mcp.sandbox.component import Component, Context, Field, InPort, Json, OutPort
from appmixer_mcp.sandbox.components._inputs import parsed
from appmixer_mcp.sandbox.javascript import is_list

_AT_ONCE = 100


async def _receive(ctx: Context) -> None:
    given = parsed("list", ctx.content.get("list"))
    items = given if is_list(given) else []
    loop_id = str(uuid4())
    if len(items) > _AT_ONCE:
        ctx.state.set(loop_id, items)
    _send_part(ctx, items, 0, loop_id)


async def _on_timeout(ctx: Context) -> None:
    loop_id: str = ctx.content["correlationId"]
    _send_part(ctx, ctx.state.get(loop_id), ctx.content["next"], loop_id)


def _send_part(ctx: Context, items: list[Json], first: int, loop_id: str) -> None:
    about = {"count": len(items), "correlationId": loop_id}
    following = first + _AT_ONCE
    for index, value in enumerate(items[first:following], first):
        ctx.send("item", {"index": index, "value": value, **about})
    if following < len(items):
        ctx.set_timeout({"next": following, "correlationId": loop_id}, ctx.now, exact=True)
    else:
        ctx.state.unset(loop_id)
        ctx.send("done", about)


COMPONENT = Component(
    type="appmixer.utils.controls.Each",
    label="Each",
    description="Sends each item of a list from item, then the count from done.",
    version="1.4.5",
    in_ports=(
        InPort(
            fields=(
                Field(
                    name="list",
                    type="textarea",
                    required=True,
                    tooltip="A list, or its JSON text. Anything else counts as an empty list.",
                ),
            ),
            max_connections=1,
        ),
    ),
    out_ports=(
        OutPort(name="item", variables=("index", "value", "count", "correlationId")),
        OutPort(name="done", variables=("count", "correlationId")),
    ),
    receive=_receive,
    on_timeout=_on_timeout,
)
