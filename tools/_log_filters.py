"""The filters that the tools about logs share, read into one query of the API."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import InputError
from appmixer_mcp.ids import FlowId

from ._flow_reading import Labels, whole_flow
from ._shared import aware

if TYPE_CHECKING:
    from collections.abc import Sequence

    from appmixer_mcp.api import AppmixerClient

Severity = Annotated[
    Literal["error", "warning", "info", "trace"] | SkipJsonSchema[None],
    Field(description="Only records of this severity."),
]
Component = Annotated[str, Field(description="Label (needs flow_id) or id.")]
Since = Annotated[str, Field(description="30m, 2h, 1d or an ISO time.")]
Words = Annotated[str, Field(description="Words in a row in messages, errors, inputs.")]
Lucene = Annotated[
    str,
    Field(
        description="Lucene: words, componentId:ID, correlationId:ID, "
        "@timestamp:[2026-01-01 TO *], AND OR NOT."
    ),
]
LuceneToo = Annotated[str, Field(description="Lucene too, as query_logs takes it.")]

_AGO = re.compile(r"(\d{1,5})\s*([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_COMPONENT_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_MOST_COMPONENTS = 50


@dataclass(frozen=True)
class LogFilter:
    """Which log records are meant."""

    flow_id: FlowId | None = None
    component: str = ""
    severity: str | None = None
    since: str = ""
    text: str = ""
    query: str = ""

    @property
    def is_flow_alone(self) -> bool:
        """Whether these are all records of one flow."""
        return self == LogFilter(flow_id=self.flow_id) and self.flow_id is not None

    @property
    def flow_ids(self) -> "Sequence[FlowId]":
        """The flows to ask for; none means all."""
        return [self.flow_id] if self.flow_id else []

    async def lucene(self, client: "AppmixerClient", now: datetime) -> str | None:
        """Return the query for what is not asked for otherwise; None where there is nothing.

        Args:
            client: Signed in as somebody who may read the flow.
            now: What `since` counts from.

        Raises:
            InputError: A filter makes no sense; says which and what it takes.
        """
        if self != LogFilter(flow_id=self.flow_id):
            refuse_without_search(client)
        refuse_open_brackets(self.query)
        parts = [f"({self.query})"] if self.query.strip() else []
        if self.severity:
            parts.append(f"severity:{self.severity}")
        if self.component:
            parts.append(_one_of("componentId", await self._component_ids(client)))
        if self.since:
            parts.append(f"@timestamp:[{written(instant_of(self.since, now))} TO *]")
        if self.text.strip():
            parts.append(phrase(self.text))
        return " AND ".join(parts) or None

    async def _component_ids(self, client: "AppmixerClient") -> list[str]:
        if self.flow_id is None:
            return [self.component]
        labels = Labels((await whole_flow(client, self.flow_id)).flow)
        found = labels.meant_by(self.component)[:_MOST_COMPONENTS]
        if not found and _COMPONENT_ID.fullmatch(self.component):
            return [self.component]  # it may have been removed since, and its records stay
        return found or [labels.one(self.component)]


def refuse_without_search(client: "AppmixerClient") -> None:
    """Refuse to look for records by anything but their flow where the tenant cannot do that.

    Raises:
        InputError: Says what to do instead.
    """
    if client.dialect == "openapi":
        raise InputError(
            "In the openapi dialect, log records are found by their flow alone: call query_logs "
            "with flow_id, limit and offset only, and look through them. The operator may set "
            "APPMIXER_API_DIALECT to appmixer if this tenant knows the documented API."
        )


def instant_of(since: str, now: datetime) -> datetime:
    """Return the instant that a text such as `2h` or `2026-01-31T08:00Z` stands for.

    Raises:
        InputError: It is neither.
    """
    ago = _AGO.fullmatch(since.strip())
    try:
        if ago is not None:
            return now - timedelta(**{_UNITS[ago[2]]: int(ago[1])})
        return aware(since)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"since must be like 30m, 2h, 1d, 1w or 2026-01-31T08:00:00Z, not {quoted(since)}."
        ) from error


def written(instant: datetime) -> str:
    """Return an instant as a query names it."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def phrase(text: str) -> str:
    """Return a text as Lucene looks for it: nothing in it is an operator or ends the quotation."""
    return '"' + re.sub(r'(["\\])', r"\\\1", " ".join(text.split())) + '"'


def refuse_open_brackets(query: str) -> None:
    """Keep a query within the brackets that join it with the other conditions.

    Raises:
        InputError: It would leave them.
    """
    depth = 0
    bare = re.sub(r'\\.|"(?:\\.|[^"\\])*"|/(?:\\.|[^/\\])*/', "", query)
    if '"' in bare:
        raise InputError(
            'A quotation mark of query has no counterpart. Close it, or write \\" for one.'
        )
    for bracket in re.findall(r"[()]", bare):
        depth += 1 if bracket == "(" else -1
        if depth < 0:
            break
    if depth:
        raise InputError("The brackets of query do not match. Mend them, or quote the text.")


def _one_of(field: str, values: list[str]) -> str:
    alternatives = " OR ".join(phrase(one) for one in values)
    return f"{field}:{alternatives}" if len(values) == 1 else f"{field}:({alternatives})"
