"""How quickly a million log records are searched and counted, over the sandbox's HTTP interface."""

import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from itertools import accumulate, islice
from pathlib import Path
from statistics import quantiles
from typing import Any
from uuid import UUID

import anyio
import httpx2
from pydantic import SecretStr

from appmixer_mcp.sandbox import logs
from appmixer_mcp.sandbox.clock import ManualClock, to_ms
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.log_index import index_some
from appmixer_mcp.sandbox.logs import LogRecord
from appmixer_mcp.sandbox.tenant import Tenant
from appmixer_mcp.sandbox.users import Users
from bench.measurement import Effort, Measurement, Target

_URL = "http://127.0.0.1:2200"
_UNTIL = datetime(2026, 1, 31, tzinfo=UTC)
_DAYS = 30
_FLOWS = 60
_COMPONENTS = 8
_VOCABULARY = 20_000
_WORDS_A_RECORD = 12
_ERRORS = 0.02
_RECORDS_A_MESSAGE = 4
_RECORDS_A_TRANSACTION = 2_000
_TYPES = ("http.WebhookTrigger", "http.Get", "filters.Equal", "storage.Set", "controls.Each")
_SYLLABLES = ("ba", "ce", "di", "fo", "gu", "ha", "ke", "li", "mo", "nu", "pra", "sto", "ti", "ver")
_SEED = 7

Json = Any


@dataclass(frozen=True)
class _Asked:
    """A search: the query string, and the body of a POST."""

    query: dict[str, str]
    body: Json = None


@dataclass(frozen=True)
class _Kind:
    """A kind of searches that are measured together."""

    name: str
    ask: Callable[[], _Asked]
    target: Target | None = None
    details: str = ""
    is_wide: bool = False
    """Whether it may take more than 3 s, after which the sandbox refuses."""


def measure(effort: Effort) -> list[Measurement]:
    """Write the records, then search and count them."""
    with tempfile.TemporaryDirectory() as data_dir:
        return anyio.run(_measure, Path(data_dir), effort)


async def _measure(data_dir: Path, effort: Effort) -> list[Measurement]:
    config = TenantConfig(
        data_dir=data_dir, public_url=_URL, jwt_key=SecretStr("k" * 32), demo=False, egress="off"
    )
    clock = ManualClock(_UNTIL)
    async with Tenant(config, clock) as tenant:
        users = Users(config, tenant.database, clock)
        user = users.add("bench@example.com", "bench@example.com", "", {})
        history = _History(user.user_id, effort.log_records)
        filled = _fill(tenant, history)
        transport = httpx2.ASGITransport(tenant.app)
        headers = {"Authorization": f"Bearer {users.token(user)}"}
        async with httpx2.AsyncClient(
            transport=transport, base_url=_URL, headers=headers, timeout=30
        ) as client:
            searches = [
                await _searched(client, kind, effort.log_searches) for kind in history.kinds()
            ]
    return [*searches, filled]


def _fill(tenant: Tenant, history: "_History") -> Measurement:
    began = time.perf_counter()
    records = history.records()
    while batch := list(islice(records, _RECORDS_A_TRANSACTION)):
        with tenant.database.transaction():
            for record in batch:
                logs.write(tenant.database, record)
    written_s = time.perf_counter() - began
    while index_some(tenant.database):
        pass
    took_s = time.perf_counter() - began
    tenant.database.connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    pages: int = tenant.database.connection.execute("PRAGMA page_count").fetchone()[0]
    size: int = tenant.database.connection.execute("PRAGMA page_size").fetchone()[0]
    return Measurement(
        name="Logs: records written and indexed",
        value=history.count / took_s,
        unit="a second",
        digits=0,
        details=f"{history.count:,} records in {took_s:.0f} s, {took_s - written_s:.0f} s of it "
        f"to index; {pages * size / history.count / 1000:.1f} kB a record on the disk",
    )


async def _searched(client: httpx2.AsyncClient, kind: _Kind, count: int) -> Measurement:
    durations_ms: list[float] = []
    refused = 0
    for _ in range(count):
        asked = kind.ask()
        began = time.perf_counter()
        if asked.body is None:
            answer = await client.get("/logs", params=asked.query)
        else:
            answer = await client.post("/logs", params=asked.query, json=asked.body)
        durations_ms.append((time.perf_counter() - began) * 1000)
        if kind.is_wide and answer.status_code == HTTPStatus.BAD_REQUEST:
            refused += 1
        else:
            answer.raise_for_status()
    percentiles = quantiles(durations_ms, n=100, method="inclusive")
    return Measurement(
        name=f"Logs: {kind.name}, 95th percentile",
        value=percentiles[94],
        unit="ms",
        target=kind.target,
        digits=1,
        details=f"median {percentiles[49]:.1f} ms, longest {max(durations_ms):.1f} ms of "
        f"{count:,} searches{kind.details}" + (f"; {refused} refused after 3 s" if refused else ""),
    )


class _History:
    """Thirty days of a tenant with many flows, of which few do most; also what is asked of it."""

    def __init__(self, user_id: str, count: int) -> None:
        self.count = count
        self._user_id = user_id
        self._random = random.Random(_SEED)  # noqa: S311 - made-up data
        self._flows = [self._uuid() for _ in range(_FLOWS)]
        self._components = {
            flow_id: [self._uuid() for _ in range(_COMPONENTS)] for flow_id in self._flows
        }
        self._words = [
            "".join(self._random.choices(_SYLLABLES, k=self._random.randint(2, 4)))
            for _ in range(_VOCABULARY)
        ]
        self._flow_weights = list(accumulate(1 / (rank + 1) for rank in range(_FLOWS)))
        self._word_weights = list(accumulate(1 / (rank + 1) for rank in range(_VOCABULARY)))
        self._correlations: list[str] = []

    def records(self) -> Iterator[LogRecord]:
        """Return the records in the order of time."""
        first_ms = to_ms(_UNTIL - timedelta(days=_DAYS))
        step_ms = _DAYS * 86_400_000 / self.count
        for message in range(self.count // _RECORDS_A_MESSAGE):
            correlation_id = self._uuid()
            if message % 100 == 0:
                self._correlations.append(correlation_id)
            flow_id = self._flow()
            at_ms = first_ms + int(message * _RECORDS_A_MESSAGE * step_ms)
            yield from self._pass(flow_id, correlation_id, at_ms)

    def kinds(self) -> Iterator[_Kind]:
        """Return what is asked, each kind with its bound."""
        bound = Target("<", 100)
        yield _Kind("records of a flow", lambda: _Asked({"flowId": self._flow()}), bound)
        yield _Kind("by severity", self._severity, bound)
        yield _Kind(
            "of a component", lambda: self._lucene(f"componentId:{self._component()}"), bound
        )
        yield _Kind("of a correlation id", self._correlation, bound)
        yield _Kind("within a window of time", self._window, bound, ", an hour to ten days")
        yield _Kind("errors of a flow within a window", self._errors, bound)
        yield _Kind("words within one flow", self._text_in_flow, bound)
        yield _Kind("words within one day", self._text_in_day, bound)
        yield _Kind("words over everything", lambda: self._lucene(self._word()), is_wide=True)
        yield _Kind("`*part*` within one flow", self._part, is_wide=True)
        yield _Kind("aggregation, messages a day", self._per_day)
        yield _Kind("aggregation, errors by component and hour", self._by_component)
        yield _Kind("aggregation, distinct correlation ids of a day", self._distinct)

    def _pass(self, flow_id: str, correlation_id: str, at_ms: int) -> Iterator[LogRecord]:
        """Return what one message leaves in the log on its way through a flow."""
        ids = self._components[flow_id]
        begin = self._random.randrange(_COMPONENTS - 1)
        for place in range(_RECORDS_A_MESSAGE):
            step, sent = begin + (place + 1) // 2, place % 2 == 0
            failed = self._random.random() < _ERRORS
            content = json.dumps(
                {"order": f"A-{at_ms % 100_000}", "status": "ok", "text": " ".join(self._some())}
            )
            yield LogRecord(
                user_id=self._user_id,
                flow_id=flow_id,
                at_ms=at_ms,
                component_id=ids[step % _COMPONENTS],
                component_type=f"appmixer.utils.{_TYPES[step % len(_TYPES)]}",
                severity="error" if failed else "info",
                port="out" if sent else "in",
                port_type="out" if sent else "in",
                correlation_id=correlation_id,
                sender_id="" if sent else ids[(step - 1) % _COMPONENTS],
                msg=content,
                err='{"message":"The remote service answered 503"}' if failed else "",
                input_messages=content if failed else "",
            )

    def _severity(self) -> _Asked:
        return self._lucene(f"severity:{self._random.choice(('error', 'info', 'warning'))}")

    def _correlation(self) -> _Asked:
        return self._lucene(f"correlationId:{self._random.choice(self._correlations)}")

    def _window(self) -> _Asked:
        return self._lucene(self._range(timedelta(hours=self._random.choice((1, 24, 72, 240)))))

    def _errors(self) -> _Asked:
        window = self._range(timedelta(days=self._random.randint(1, 7)))
        return self._lucene(f"severity:error AND {window}", flowId=self._flow())

    def _text_in_flow(self) -> _Asked:
        return self._lucene(self._word(), flowId=self._flow())

    def _text_in_day(self) -> _Asked:
        day = _UNTIL - timedelta(days=self._random.randint(1, _DAYS))
        return self._lucene(f"{self._word()} AND gridTimestamp:{day:%Y-%m-%d}")

    def _part(self) -> _Asked:
        return self._lucene(f"*{self._word()[1:]}*", flowId=self._flow())

    def _per_day(self) -> _Asked:
        inner = {"severities": {"terms": {"field": "severity"}}}
        days = {"date_histogram": {"field": "@timestamp", "interval": "1d"}, "aggs": inner}
        return _Asked({"flowId": self._flow(), "size": "0"}, {"aggs": {"days": days}})

    def _by_component(self) -> _Asked:
        hours = {"hours": {"date_histogram": {"field": "@timestamp", "fixed_interval": "1h"}}}
        components = {"terms": {"field": "componentId"}, "aggs": hours}
        window = self._range(timedelta(days=2))
        asked = {"aggs": {"components": components}, "size": 0}
        return _Asked({"query": f"severity:error AND {window}"}, asked)

    def _distinct(self) -> _Asked:
        day = _UNTIL - timedelta(days=self._random.randint(1, _DAYS))
        asked = {"aggs": {"ids": {"cardinality": {"field": "correlationId"}}}, "size": 0}
        return _Asked({"query": f"gridTimestamp:{day:%Y-%m-%d}"}, asked)

    def _range(self, length: timedelta) -> str:
        latest_s = (timedelta(days=_DAYS) - length).total_seconds()
        begin = _UNTIL - timedelta(days=_DAYS) + timedelta(seconds=self._random.random() * latest_s)
        return f'gridTimestamp:["{begin.isoformat()}" TO "{(begin + length).isoformat()}"]'

    def _lucene(self, query: str, **more: str) -> _Asked:
        return _Asked({"query": query, **more})

    def _flow(self) -> str:
        """Return a flow; the busier, the more often."""
        return self._random.choices(self._flows, cum_weights=self._flow_weights)[0]

    def _component(self) -> str:
        return self._random.choice(self._components[self._flow()])

    def _word(self) -> str:
        """Return a word; the more frequent in records, the more often."""
        return self._random.choices(self._words, cum_weights=self._word_weights)[0]

    def _some(self) -> list[str]:
        return self._random.choices(self._words, cum_weights=self._word_weights, k=_WORDS_A_RECORD)

    def _uuid(self) -> str:
        return str(UUID(int=self._random.getrandbits(128), version=4))
