"""NewFeedItem: sends a message for each new item of a news feed."""

from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.component import Component, Field, OutPort
from appmixer_mcp.sandbox.components._feed import ITEM_FIELDS, MOST_ITEMS, fetch_feed, identity
from appmixer_mcp.sandbox.context import Context, Json

_SEEN = "seen"


async def _on_tick(ctx: Context) -> None:
    """Send the items that were not in the feed before, the oldest first; the first time none."""
    feed = await fetch_feed(ctx, ctx.properties.get("url"))
    items: list[dict[str, Json]] = feed["items"]
    seen: list[str] | None = ctx.state.get(_SEEN)
    known = set(seen or ())
    if seen is not None:
        for item in reversed(items):
            if identity(item) not in known:
                ctx.send("out", item)
    # An item that left the feed for a while and comes back is not new, within bounds.
    now_there = list(dict.fromkeys((*(identity(item) for item in items), *(seen or ()))))
    if now_there[: 2 * MOST_ITEMS] != seen:
        ctx.state.set(_SEEN, now_there[: 2 * MOST_ITEMS])


async def _sample(ctx: Context) -> None:
    ctx.send(
        "out",
        {
            "title": "A new item",
            "link": "https://feed.example/items/1",
            "pubDate": iso(to_ms(ctx.now)),
            "content": "<p>What it says.</p>",
            "contentSnippet": "What it says.",
            "guid": "https://feed.example/items/1",
            "categories": ["example"],
            "isoDate": iso(to_ms(ctx.now)),
        },
    )


COMPONENT = Component(
    type="appmixer.utils.rss.NewFeedItem",
    label="New Feed Item",
    description="Triggers for each new item of an RSS or Atom feed.",
    properties=(Field(name="url", required=True, label="URL", tooltip="Where the feed lies."),),
    out_ports=(OutPort(variables=ITEM_FIELDS),),
    serial=True,
    on_tick=_on_tick,
    sample=_sample,
)
