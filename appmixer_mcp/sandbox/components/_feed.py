"""News feeds, RSS 0.9 to 2.0 and Atom, as one shape; namespaces do not matter."""

import html
import re
from collections.abc import Iterator, Mapping
from datetime import UTC

import anyio

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.clock import iso, to_ms
from appmixer_mcp.sandbox.comparison import to_instant
from appmixer_mcp.sandbox.components._inputs import unusable
from appmixer_mcp.sandbox.components._xml_document import Element, read_xml
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import to_text

ITEM_FIELDS = (
    "title", "link", "pubDate", "content", "contentSnippet", "guid", "categories", "isoDate",
)  # fmt: skip
MOST_ITEMS = 1_000

_SUCCESS = range(200, 300)
_TAGS = re.compile(r"<[^<>]*>")
_FEED_ROOTS = ("rss", "rdf", "feed")


async def fetch_feed(ctx: Context, url: Json) -> dict[str, Json]:
    """Return `{feedUrl, title, description, link, items, image}` of the feed at a URL.

    Raises:
        ComponentFailedError: There is none (retry=False), or no answer (retry=True).
    """
    address = to_text(url or "").strip()
    if not address.lower().startswith(("http://", "https://")):
        raise unusable("url", "must be a URL that begins with http:// or https://")
    answer = await ctx.request("GET", address)
    if answer.status not in _SUCCESS:
        raise ComponentFailedError(
            f"The feed answered with status {answer.status}.",
            status=answer.status,
        )
    feed = await anyio.to_thread.run_sync(parse_feed, answer.body)
    return {"feedUrl": address, **feed}


def parse_feed(content: bytes) -> dict[str, Json]:
    """Return `{title, description, link, items, image}`, the items in the order of the feed.

    Raises:
        ComponentFailedError: It is no feed (retry=False).
    """
    root = read_xml(content, damaged=True)
    if _local(root) not in _FEED_ROOTS:
        raise ComponentFailedError(
            f"The answer is no feed: its root element is {_local(root)!r}.", retry=False
        )
    channel = _child(root, "channel")
    about = root if channel is None else channel
    # The items of RSS 1.0 lie beside the channel, those of 2.0 within it.
    items = [one for one in (*about, *(() if channel is None else root))
             if _local(one) in ("item", "entry")]  # fmt: skip
    shown: dict[str, Json] = {
        "title": _text(about, "title"),
        "description": _text(about, "description", "subtitle"),
        "link": _link(about),
        "items": [_item(one) for one in items[:MOST_ITEMS]],
    }
    image = _child(about, "image")
    if image is not None:
        shown["image"] = {name: _text(image, name) for name in ("url", "title", "link")}
    return shown


def identity(item: Mapping[str, Json]) -> str:
    """Return what tells an item from the others of its feed."""
    return to_text(item.get("guid") or item.get("link") or item.get("title") or "")


def _item(element: Element) -> dict[str, Json]:
    content = _text(element, "encoded", "content", "description", "summary")
    published = _text(element, "pubDate", "published", "date", "updated")
    at = to_instant(published)
    categories: list[Json] = [
        one.attrib.get("term") or "".join(one.itertext()).strip()
        for one in element
        if _local(one) == "category"
    ]
    return {
        "title": _text(element, "title"),
        "link": _link(element),
        "pubDate": published,
        "content": content,
        "contentSnippet": html.unescape(_TAGS.sub("", content)).strip(),
        "guid": _text(element, "guid", "id"),
        "categories": categories,
        "isoDate": None if at is None else iso(to_ms(at.astimezone(UTC))),
    }


def _link(element: Element) -> str:
    """Return the text of the link, or in Atom where its `alternate` link leads."""
    for one in _children(element, "link"):
        if one.attrib.get("href") is None:
            text = "".join(one.itertext()).strip()
            if text:
                return text
        elif one.attrib.get("rel", "alternate") == "alternate":
            return one.attrib.get("href", "").strip()
    return ""


def _text(element: Element, *names: str) -> str:
    """Return the text of the first child that has one of the names and any text."""
    for name in names:
        for one in _children(element, name):
            text = "".join(one.itertext()).strip()
            if text:
                return text
    return ""


def _child(element: Element, name: str) -> Element | None:
    return next(_children(element, name), None)


def _children(element: Element, name: str) -> Iterator[Element]:
    return (one for one in element if _local(one) == name.lower())


def _local(element: Element) -> str:
    """Return an element's name in lower case without its namespace; empty for a comment."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""
