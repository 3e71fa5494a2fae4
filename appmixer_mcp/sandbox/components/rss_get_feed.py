"""GetFeed: reads a news feed."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._feed import fetch_feed
from appmixer_mcp.sandbox.context import Context

_TOLD = ("feedUrl", "title", "description", "link", "items", "image")


async def _receive(ctx: Context) -> None:
    ctx.send("out", {"feed": await fetch_feed(ctx, ctx.content.get("url"))})


COMPONENT = Component(
    type="appmixer.utils.rss.GetFeed",
    label="Get Feed",
    description="Reads an RSS or Atom feed.",
    in_ports=(
        InPort(
            fields=(Field(name="url", required=True, label="URL", tooltip="Where the feed lies."),)
        ),
    ),
    out_ports=(OutPort(variables=("feed", *(f"feed.{name}" for name in _TOLD))),),
    receive=_receive,
)
