"""What the tenant is asked about resources that somebody listens to: just enough to see a change.

What can be listened to is a resource; what can be asked is a fact, such as the newest error of a
flow. A fact is kept as a short text, and a resource has changed when a fact of its own is another.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from appmixer_mcp.errors import (
    AppmixerError,
    ForbiddenError,
    InputError,
    NotFoundError,
    NotSignedInError,
    RateLimitedError,
)
from appmixer_mcp.ids import FlowId, TaskId

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow
    from appmixer_mcp.api.models.tasks import Task

Fact = tuple[str, str]
"""What is asked, and about which object."""

_FACTS = {
    "appmixer://flows": ("flows",),
    "appmixer://flows/{flow_id}": ("flow", "error"),
    "appmixer://flows/{flow_id}/descriptor": ("descriptor",),
    "appmixer://flows/{flow_id}/logs": ("log",),
    "appmixer://tasks/{task_id}": ("task",),
}
"""What each resource that changes by itself is judged by."""
_SETTLED = (NotFoundError, ForbiddenError, InputError)
"""Answers that stay the same however often one asks."""
_GONE = "gone"
_WITHOUT_LOOKS = "-thumbnail,-svg,-wizard"
_WITHOUT_DESCRIPTOR = f"-flow,{_WITHOUT_LOOKS}"
_FEW = 3
"""So many objects are asked for one by one, more of them as a list."""
_MOST_LISTED = 500
_MOST_HITS = 100
_MOST_FLOWS_OF_A_QUERY = 50
"""Their ids are in the address, whose length is bounded."""


@dataclass(frozen=True)
class Watched:
    """An address that somebody listens to, and whose object the tenant is asked about."""

    uri: str
    facts: tuple[Fact, ...]


def watched(uri: str, template: str, values: Mapping[str, str]) -> Watched | None:
    """Return what there is to ask about an address; None when it changes by our doing alone.

    Args:
        uri: The address.
        template: The address of the resource behind it, with its variables.
        values: The variables' values.
    """
    if template not in _FACTS:
        return None
    object_id = next(iter(values.values()), "")
    return Watched(uri, tuple((fact, object_id) for fact in _FACTS[template]))


def facts_of(listened: Iterable[Watched]) -> set[Fact]:
    """Return what there is to ask for, of whatever is listened to."""
    facts = {fact for one in listened for fact in one.facts}
    described = [object_id for fact, object_id in facts if fact == "descriptor"]
    # A descriptor, which may be large, is not asked for while nothing else of its flow changes.
    return facts.union(*({("flow", one), ("described", one)} for one in described))


class Look:
    """One look at the tenant.

    Attributes:
        found: The facts that the tenant told.
        requests: How many it took.
        failure: Why some facts are missing, if it is worth asking for them later.
    """

    def __init__(
        self, client: "AppmixerClient", wanted: Collection[Fact], known: Mapping[Fact, str]
    ) -> None:
        """Ask nothing yet.

        Args:
            client: Signed in as who listens.
            wanted: Facts to ask for.
            known: Facts of the look before, from which some need not be asked again.
        """
        self.found: dict[Fact, str] = {}
        self.requests = 0
        self.failure: AppmixerError | None = None
        self._client = client
        self._wanted = wanted
        self._known = known
        self._openapi = client.dialect == "openapi"

    async def run(self) -> None:
        """Ask for everything; one part that fails does not keep the others from being asked.

        Raises:
            NotSignedInError: The tenant does not accept who listens.
        """
        for part in (self._flows, self._errors, self._logs, self._tasks):
            try:
                await part()
            except NotSignedInError:
                raise
            except RateLimitedError as error:
                self.failure = error
                return
            except _SETTLED:
                continue
            except AppmixerError as error:
                self.failure = error

    def _ids(self, fact: str) -> list[str]:
        return [object_id for one, object_id in self._wanted if one == fact]

    async def _flows(self) -> None:
        ids, heads = self._ids("flow"), dict[str, str]()
        if self._ids("flows") or len(ids) > _FEW:
            self.requests += 1
            page = await self._client.flows.list_flows(
                limit=_MOST_LISTED, sort="mtime:-1", projection=_WITHOUT_DESCRIPTOR
            )
            heads = {str(flow.flow_id): _head(flow) for flow in page}
            self.found["flows", ""] = _digest(*sorted(heads.items()))
        for flow_id in ids:
            if flow_id in heads:
                self.found["flow", flow_id] = heads[flow_id]
            else:
                await self._flow(flow_id, _WITHOUT_DESCRIPTOR)
        for flow_id in self._ids("descriptor"):
            described = self.found.get(("described", flow_id))
            if (described or self._known.get(("described", flow_id))) != self.found[
                "flow", flow_id
            ]:
                await self._flow(flow_id, _WITHOUT_LOOKS)

    async def _flow(self, flow_id: str, projection: str) -> None:
        self.requests += 1
        try:
            flow = await self._client.flows.get_flow(FlowId(flow_id), projection=projection)
        except _SETTLED:
            head = descriptor = _GONE
        else:
            head = _head(flow)
            descriptor = "" if flow.flow is None else _digest(flow.flow)
        self.found["flow", flow_id] = head
        if descriptor:
            self.found["descriptor", flow_id] = descriptor
            self.found["described", flow_id] = head

    async def _errors(self) -> None:
        await self._newest("error", "severity:error")

    async def _logs(self) -> None:
        await self._newest("log", None)

    async def _newest(self, fact: str, query: str | None) -> None:
        """Find the newest log record of each flow; one that has none on the page keeps what was."""
        ids = [one for one in self._ids(fact) if self.found.get(("flow", one)) != _GONE]
        size = 1 if self._openapi else _MOST_FLOWS_OF_A_QUERY
        for start in range(0, len(ids), size):
            some = [FlowId(one) for one in ids[start : start + size]]
            self.requests += 1
            if self._openapi:  # which can neither search nor sort
                page = await self._client.logs.query_logs(flow_ids=some, size=_MOST_HITS)
                hits = [one for one in page.hits if query is None or one.severity == "error"]
            else:
                page = await self._client.logs.query_logs(
                    query=query, flow_ids=some, sort=["@timestamp:desc"], size=_MOST_HITS
                )
                hits = page.hits
            newest = {
                one.flow_id or some[0]: _digest(one.log_id or (one.logged_at, one.msg, one.err))
                for one in reversed(hits)
            }
            for flow_id in some:
                known = self._known.get((fact, flow_id), "")
                self.found[fact, flow_id] = newest.get(flow_id, known)

    async def _tasks(self) -> None:
        decided = ("approved", "rejected")  # and so it stays
        ids = [one for one in self._ids("task") if self._known.get(("task", one)) not in decided]
        statuses = dict[str, str]()
        if len(ids) > _FEW:
            self.requests += 1
            page = await self._client.tasks.list_tasks(
                limit=_MOST_LISTED,
                sort=None if self._openapi else "mtime:-1",
                projection=None if self._openapi else "-description",
            )
            statuses = {str(task.task_id): _status(task) for task in page}
        for task_id in ids:
            self.found["task", task_id] = statuses.get(task_id) or await self._task(task_id)

    async def _task(self, task_id: str) -> str:
        self.requests += 1
        try:
            return _status(await self._client.tasks.get_task(TaskId(task_id)))
        except _SETTLED:
            return _GONE


def _head(flow: "Flow") -> str:
    return _digest(flow.name, flow.stage, flow.modified_at, flow.started_at)


def _status(task: "Task") -> str:
    return (task.status or "")[:32]


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
