"""Markdown as HTML, for texts of strangers."""

import html
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from markdown_it import MarkdownIt

_LONGEST = 20_000  # characters; half a second in the worst case


@lru_cache(maxsize=512)
def rendered(markdown: str) -> str:
    """Return the HTML of a Markdown text; HTML in it, and links that run code, stay visible text.

    A text of more than 20,000 characters is one paragraph of plain text (ours).
    """
    if not markdown or len(markdown) > _LONGEST:
        return markdown and f"<p>{html.escape(markdown)}</p>\n"
    return str(_renderer().render(markdown))


@cache
def _renderer() -> "MarkdownIt":
    from markdown_it import MarkdownIt  # noqa: PLC0415 - most tenants list no tasks

    return MarkdownIt("commonmark", {"html": False})
