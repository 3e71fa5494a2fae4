"""The parts of a diagnosis: each asks the tenant for one thing and keeps the answer short.

Whatever strangers wrote is cut to what it may cost, so that the whole has a largest size.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pydantic import JsonValue

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import UnexpectedAnswerError

from ._diagnosis_models import AccountTrouble, ErrorGroup, KeptMessages, SeenRun
from ._flow_reading import Labels
from ._json_values import json_of, parsed
from ._log_filters import phrase
from ._short_texts import short
from ._validating import Problem, check

if TYPE_CHECKING:
    from datetime import datetime

    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow
    from appmixer_mcp.api.models.logs import LogHit, LogPage
    from appmixer_mcp.api.models.messages import UnprocessedMessage

_MOST_RUNS, _MOST_GROUPS, _MOST_PROBLEMS, _MOST_ROWS = 4, 4, 3, 3
_LABEL, _MESSAGE, _INPUT, _ID, _PROBLEM = 16, 80, 60, 40, 45  # most tokens of each
_PAGES = (50, 5)  # how many records or messages at once; fewer where they are too large
_MOST_ERRORS = 1_000
_LARGEST_PAGE = 500
_PAGE_CHARACTERS, _MOST_CHARACTERS = 1_000_000, 4_000_000
_RECORDS_OF_RUNS = 300
_NEWEST_FIRST = ("@timestamp:desc",)
_ABOUT = (
    "_id",
    "_index",
    "@timestamp",
    "gridTimestamp",
    "severity",
    "componentId",
    "componentType",
)
WHOLE_FLOW = "the flow as a whole"
"""Named where no component is known."""
_VARYING = re.compile(r"[0-9a-fA-F-]{16,}|\d+")


@dataclass(frozen=True)
class Patient:
    """The flow that is looked at."""

    flow: "Flow"
    labels: Labels
    query: str
    """Lucene: from when on."""
    notes: list[str] = field(default_factory=list[str])

    def label(self, component_id: str | None, component_type: str | None = "") -> str:
        """Return what a component is called, shortened."""
        if not component_id:
            return WHOLE_FLOW
        return short(self.labels.label(component_id, component_type or ""), _LABEL)

    def needed_id(self, component_id: str) -> str | None:
        """Return a component's id where its label, so shortened, does not say which it is."""
        found = self.labels.meant_by(self.label(component_id))
        return None if found == [component_id] else _id(component_id)


@dataclass(frozen=True)
class Errors:
    """Errors in groups."""

    groups: list[ErrorGroup]
    count: int
    newest_at: "datetime | None"


async def errors_of(client: "AppmixerClient", patient: Patient) -> Errors:
    """Return a flow's newest errors, those of one component that say the same together."""
    hits, total = await _newest_errors(client, patient)
    groups: dict[tuple[str, str], list[LogHit]] = {}
    for hit in hits:
        alike = _VARYING.sub("#", message_of(hit)[:500])
        groups.setdefault((hit.component_id or "", alike), []).append(hit)
    shown = sorted(groups.values(), key=len, reverse=True)[:_MOST_GROUPS]
    if len(hits) < total:
        patient.notes.append(f"Grouped are the newest {len(hits):,} errors; log_stats counts all.")
    if len(shown) < len(groups):
        patient.notes.append(f"{len(groups) - len(shown)} rarer kinds of errors: query_logs.")
    inputs = await _inputs(client, patient, [group[0] for group in shown])
    newest_at = max((at for hit in hits if (at := _at(hit))), default=None)
    return Errors([_error_group(patient, group, inputs) for group in shown], total, newest_at)


async def runs_of(client: "AppmixerClient", patient: Patient) -> list[SeenRun]:
    """Return the last runs: what came of the newest events."""
    page = await client.logs.query_logs(
        query=patient.query,
        flow_ids=[patient.flow.flow_id],
        sort=_NEWEST_FIRST,
        size=_RECORDS_OF_RUNS,
        includes=(*_ABOUT, "correlationId"),
    )
    runs: dict[str, list[LogHit]] = {}
    for hit in page.hits:
        if hit.correlation_id:
            runs.setdefault(hit.correlation_id, []).append(hit)
    return [
        SeenRun(correlation_id=_id(run_id), last_at=_at(run[0]), outcome=_outcome(patient, run))
        for run_id, run in list(runs.items())[:_MOST_RUNS]
    ]


async def unprocessed_of(
    client: "AppmixerClient", patient: Patient
) -> tuple[list[KeptMessages], int]:
    """Return whose messages were put aside, and how many there are; at most a page is counted."""
    found, is_all = await _messages(client, patient)
    if not is_all:
        patient.notes.append(f"unprocessed: there may be more than {len(found)}.")
    of: dict[str, list[UnprocessedMessage]] = {}
    for one in found:
        of.setdefault(one.component_id or "", []).append(one)
    rows = sorted(of.items(), key=lambda item: len(item[1]), reverse=True)
    shown = [
        KeptMessages(
            component=patient.label(component_id),
            count=len(messages),
            newest_at=max((one.created_at for one in messages if one.created_at), default=None),
        )
        for component_id, messages in rows[:_MOST_ROWS]
    ]
    return shown, len(found)


async def accounts_of(client: "AppmixerClient", patient: Patient) -> list[AccountTrouble]:
    """Return the components whose account is missing or does not work."""
    found = await client.flows.get_flow_authentication(patient.flow.flow_id)
    troubles = [
        AccountTrouble(component=patient.label(component_id), problem=problem)
        for component_id, state in found.components.items()
        if (problem := _account_problem(state))
    ]
    if len(troubles) > _MOST_ROWS:
        more = len(troubles) - _MOST_ROWS
        patient.notes.append(f"{more} more components have no working account.")
    return troubles[:_MOST_ROWS]


async def problems_of(client: "AppmixerClient", patient: Patient) -> tuple[list[Problem], int]:
    """Return what a check of the flow finds, and how much."""
    checked = await check(client, patient.flow)
    if checked.note:
        patient.notes.append(checked.note)
    shown = [
        Problem(
            component=patient.label(one.component_id) if one.component_id else None,
            component_id=patient.needed_id(one.component_id) if one.component_id else None,
            field=short(one.field, _LABEL) if one.field else None,
            problem=short(one.problem, _PROBLEM),
            mend=short(one.mend, _PROBLEM) if one.mend else None,
        )
        for one in checked.problems[:_MOST_PROBLEMS]
    ]
    return shown, len(checked.problems)


def message_of(hit: "LogHit") -> str:
    """Return what an error says, without what stands around it; empty where it says nothing."""
    error = parsed(hit.err)
    said = error.get("message") if isinstance(error, dict) else None
    return said if isinstance(said, str) else json_of(parsed(hit.msg) or error or "")


async def _newest_errors(client: "AppmixerClient", patient: Patient) -> "tuple[list[LogHit], int]":
    if client.dialect == "openapi":  # which searches by the flow alone
        page = await client.logs.query_logs(flow_ids=[patient.flow.flow_id], size=_LARGEST_PAGE)
        found = [hit for hit in page.hits if (hit.severity or "").lower() == "error"]
        return found, len(found)
    first = await _error_page(client, patient, _PAGES, 0)
    counted = sum(bucket.doc_count or 0 for bucket in first.buckets)
    total = max(counted, len(first.hits))
    hits = {_key(hit): hit for hit in first.hits}
    offset, read = len(first.hits), _characters(first)
    while offset < min(total, _MOST_ERRORS) and read < _MOST_CHARACTERS:
        size = max(_PAGES[-1], min(_LARGEST_PAGE, offset * _PAGE_CHARACTERS // (read + 1)))
        page = await _error_page(client, patient, (size, _PAGES[-1]), offset)
        if not page.hits:
            break
        hits |= {_key(hit): hit for hit in page.hits}
        offset += len(page.hits)
        read += _characters(page)
    return list(hits.values()), max(total, len(hits))


async def _error_page(
    client: "AppmixerClient", patient: Patient, sizes: Iterable[int], offset: int
) -> "LogPage":
    async def page(size: int) -> "LogPage":
        return await client.logs.query_logs(
            query=f"severity:error AND {patient.query}",
            flow_ids=[patient.flow.flow_id],
            sort=_NEWEST_FIRST,
            size=size,
            from_=offset,
            includes=(*_ABOUT, "msg", "err"),
        )

    *larger, smallest = sizes
    for size in larger:
        try:
            return await page(size)
        except UnexpectedAnswerError:  # too large
            continue
    return await page(smallest)


async def _messages(
    client: "AppmixerClient", patient: Patient
) -> "tuple[list[UnprocessedMessage], bool]":
    """Return a page of messages, and whether there are no more."""
    many, few = _PAGES
    try:
        found, size = await client.messages.list_unprocessed(patient.flow.flow_id, many), many
    except UnexpectedAnswerError:  # too large
        found, size = await client.messages.list_unprocessed(patient.flow.flow_id, few), few
    return found, len(found) < size


async def _inputs(
    client: "AppmixerClient", patient: Patient, hits: "list[LogHit]"
) -> dict[str, JsonValue]:
    """Return log id -> what the component had received."""
    ids = [hit.log_id for hit in hits if hit.log_id and _id(hit.log_id)]
    if not ids:
        return {}
    found: dict[str, JsonValue] = {}
    for log_id in ids:  # one by one: each may be large
        try:
            page = await client.logs.query_logs(
                query=f"_id:{phrase(log_id)}",
                flow_ids=[patient.flow.flow_id],
                size=1,
                includes=("_id", "inputMessages"),
            )
        except UnexpectedAnswerError:
            continue
        if page.hits:
            found[log_id] = page.hits[0].input_messages
    return found


def _error_group(
    patient: Patient, group: "list[LogHit]", inputs: Mapping[str, JsonValue]
) -> ErrorGroup:
    newest = group[0]
    instants = [at for hit in group if (at := _at(hit))]
    received = _contents(inputs.get(newest.log_id or ""))
    log_id, index = _id(newest.log_id), _id(newest.index)
    return ErrorGroup(
        component=patient.label(newest.component_id, newest.component_type),
        component_id=patient.needed_id(newest.component_id) if newest.component_id else None,
        message=short(message_of(newest), _MESSAGE) or "(no text)",
        count=len(group),
        first_at=min(instants, default=None),
        last_at=max(instants, default=None),
        input=short(json_of(received), _INPUT) if received else None,
        log_id=log_id if index else None,
        index=index if log_id else None,
    )


def _outcome(patient: Patient, run: "list[LogHit]") -> str:
    failed = [hit for hit in run if hit.severity == "error"]
    last = failed[0] if failed else run[0]
    label = quoted(patient.label(last.component_id, last.component_type))
    return f"failed at {label}" if failed else f"no error, last seen at {label}"


def _account_problem(state: JsonValue) -> str:
    """Return what is wrong with a component's account; empty when nothing is.

    Source: the inner shape is not documented; this is the one of a single component.
    """
    if not isinstance(state, dict):
        return ""
    accounts = state.get("accounts")
    listed: Iterable[JsonValue] = accounts.values() if isinstance(accounts, dict) else []
    if isinstance(accounts, list):
        listed = accounts
    known = [one for one in listed if isinstance(one, dict)]
    chosen = state.get("accountId")
    used = [one for one in known if one.get("componentAssigned") or one.get("accountId") == chosen]
    if not used and not chosen:
        return f"No account is assigned; {len(known)} could be used."
    for one in used:
        if one.get("accessTokenValid") is False or one.get("valid") is False or one.get("revoked"):
            return "The service does not accept its account any more: connect it again."
        if one.get("scopeValid") is False:
            return "Its account lacks a permission: connect it again."
    return ""


def _contents(received: JsonValue) -> JsonValue:
    """Return in port -> what arrived there, without what the engine wrote on the envelopes."""
    ports = parsed(received)
    if not isinstance(ports, dict):
        return ports
    return {port: _opened(messages) for port, messages in ports.items()}


def _opened(messages: JsonValue) -> JsonValue:
    listed = messages if isinstance(messages, list) else [messages]
    contents = [one.get("content", one) if isinstance(one, dict) else one for one in listed]
    return contents[0] if len(contents) == 1 else contents


def _characters(page: "LogPage") -> int:
    return sum(len(json_of(hit.err)) + len(json_of(hit.msg)) for hit in page.hits)


def _key(hit: "LogHit") -> object:
    return hit.log_id or id(hit)


def _at(hit: "LogHit") -> "datetime | None":
    return hit.logged_at or hit.grid_timestamp


def _id(value: str | None) -> str | None:
    """Return an id whole, or None where it is too long to be shown so."""
    return value if value and short(value, _ID) == value else None
