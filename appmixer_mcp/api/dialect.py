"""The two spellings of the REST API, and what the smaller one has no call for."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Literal, TypeVar

from appmixer_mcp.errors import InputError

Dialect = Literal["appmixer", "openapi"]
"""`appmixer`: the documentation's and the SDK's; `openapi`: the published OpenAPI document's."""

T = TypeVar("T")

_PAGE_SIZE = 100


def missing(what: str) -> InputError:
    """Make the error for what the `openapi` dialect cannot do, a method or one of its arguments."""
    return InputError(
        f"The openapi dialect of the API has no call for {what}. The operator may set "
        "APPMIXER_API_DIALECT to appmixer if this tenant knows the documented API."
    )


def refuse_arguments(method: str, **given: object) -> None:
    """Refuse arguments that the `openapi` dialect would silently ignore.

    Raises:
        InputError: One of them is neither None nor empty; named in the text.
    """
    names = [name for name, value in given.items() if value is not None and value != ()]
    if names:
        raise missing(f"{method} with {', '.join(names)}")


def cut(items: Sequence[T], limit: int | None, offset: int | None) -> list[T]:
    """Cut a page out of a list that the API sends whole."""
    start = offset or 0
    return list(items[start:] if limit is None else items[start : start + limit])


async def count_pages(
    page: Callable[[int, int], Awaitable[Sequence[T]]],
    identity: Callable[[T], Hashable],
    at_most: int | None = None,
) -> int:
    """Count what lies on all pages of a list that has no count of its own.

    Args:
        page: Fetches a page, given limit and offset.
        identity: What tells items apart; a server that ignores the offset sends the same again.
        at_most: Stop counting there.
    """
    seen: set[Hashable] = set()
    offset = 0
    while at_most is None or len(seen) < at_most:
        items = await page(_PAGE_SIZE, offset)
        before = len(seen)
        seen.update(identity(item) for item in items)
        if len(seen) == before:
            break
        offset += len(items)
    return len(seen) if at_most is None else min(len(seen), at_most)
