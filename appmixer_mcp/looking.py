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
from appmixer_mcp.projections import WITHOUT_DESCRIPTOR, WITHOUT_PICTURES

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow
    from appmixer_mcp.api.models.logs import LogHit
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
_GATEWAYS: Fact = ("gateways", "")
_SETTLED = (NotFoundError, ForbiddenError, InputError)
"""Answers that stay the same however often one asks."""
GONE = "gone"
"""What is found of an object that cannot be asked for."""
_FEW = 3
"""So many objects are asked for one by one, more of them as a list."""
_MOST_ONE_BY_ONE = 10
"""Requests of one kind in one look; what is left is asked for in the looks after it."""
_MOST_LISTED = 500
_MOST_HITS = 50
_MOST_MESSAGES = 20
"""Of the `openapi` dialect, which sends whole messages."""
_WHICH_RECORD = ("_id", "flowId", "@timestamp", "gridTimestamp")
"""All that is asked for of a log record, which may be large."""
_MOST_FLOWS_OF_A_QUERY = 50
"""Their ids are in the address, whose length is bounded."""


@dataclass(frozen=True)
class Topic:
    """An address that somebody listens to, and what the tenant is asked about it."""

    uri: str
    facts: tuple[Fact, ...]


def topic_of(uri: str, template: str, values: Mapping[str, str]) -> Topic | None:
    """Return what there is to ask about an address; None when it changes by our doing alone.

    Args:
        uri: The address.
        template: The address of the resource behind it, with its variables.
        values: The variables' values.
    """
    if template not in _FACTS:
        return None
    object_id = next(iter(values.values()), "")
    return Topic(uri, tuple((fact, object_id) for fact in _FACTS[template]))


def facts_of(topics: Iterable[Topic]) -> set[Fact]:
    """Return what there is to ask for."""
    facts = {fact for topic in topics for fact in topic.facts}
    described = [object_id for fact, object_id in facts if fact == "descriptor"]
    # A descriptor, which may be large, is not asked for while nothing else of its flow changes.
    return facts.union(*({("flow", one), ("described", one)} for one in described))


TOOLS_OF_FLOWS = Topic("tools", (_GATEWAYS,))
"""The list of tools, as notices call it, as far as flows publish them."""


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
            wanted: Facts to ask for. When there are too many for one look, the first are asked for.
            known: Facts of earlier looks, from which some need not be asked again.
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
        for part in (self._flows, self._errors, self._logs, self._tasks, self._gateways):
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
                limit=_MOST_LISTED, sort="mtime:-1", projection=WITHOUT_DESCRIPTOR
            )
            heads = {str(flow.flow_id): _head(flow) for flow in page}
            self.found["flows", ""] = _digest(*sorted(heads.items()))
        listed = {("flow", one): heads[one] for one in ids if one in heads}
        self.found.update(listed)
        for flow_id in [one for one in ids if one not in heads][:_MOST_ONE_BY_ONE]:
            await self._flow(flow_id, WITHOUT_DESCRIPTOR)
        changed = [one for one in self._ids("descriptor") if self._needs_descriptor(one)]
        for flow_id in changed[:_MOST_ONE_BY_ONE]:
            await self._flow(flow_id, WITHOUT_PICTURES)

    async def _gateways(self) -> None:
        if _GATEWAYS in self._wanted:
            self.requests += 1
            self.found[_GATEWAYS] = _digest(await self._client.gateways.list_gateways())

    def _needs_descriptor(self, flow_id: str) -> bool:
        """Say whether a flow has changed since its descriptor, which may be large, was asked for.

        Whoever edits a descriptor changes the flow's time of change, too.
        """
        now, then = self._newest_known("flow", flow_id), self._newest_known("described", flow_id)
        return now is not None and now != then

    def _newest_known(self, fact: str, object_id: str) -> str | None:
        return self.found.get((fact, object_id)) or self._known.get((fact, object_id))

    async def _flow(self, flow_id: str, projection: str) -> None:
        self.requests += 1
        try:
            flow = await self._client.flows.get_flow(FlowId(flow_id), projection=projection)
        except _SETTLED:
            head = descriptor = GONE
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
        ids = [one for one in self._ids(fact) if self._newest_known("flow", one) != GONE]
        size = 1 if self._openapi else _MOST_FLOWS_OF_A_QUERY
        starts = range(0, len(ids), size)[:_MOST_ONE_BY_ONE]
        for some in ([FlowId(one) for one in ids[start : start + size]] for start in starts):
            self.requests += 1
            newest = {
                hit.flow_id or some[0]: _digest(hit.log_id or (hit.logged_at, hit.msg, hit.err))
                for hit in reversed(await self._hits(some, query))
            }
            for flow_id in some:
                known = self._known.get((fact, flow_id), "")
                self.found[fact, flow_id] = newest.get(flow_id, known)

    async def _hits(self, flow_ids: list[FlowId], query: str | None) -> list["LogHit"]:
        """Return log records, the newest first."""
        logs = self._client.logs
        if not self._openapi:
            size = 1 if len(flow_ids) == 1 else _MOST_HITS
            page = await logs.query_logs(
                query=query,
                flow_ids=flow_ids,
                sort=["@timestamp:desc"],
                size=size,
                includes=_WHICH_RECORD,
            )
            return page.hits
        # It can neither search nor sort.
        page = await logs.query_logs(flow_ids=flow_ids, size=_MOST_MESSAGES if query else 1)
        return [hit for hit in page.hits if query is None or hit.severity == "error"]

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
        listed = {("task", one): statuses[one] for one in ids if one in statuses}
        self.found.update(listed)
        for task_id in [one for one in ids if one not in statuses][:_MOST_ONE_BY_ONE]:
            self.found["task", task_id] = await self._task(task_id)

    async def _task(self, task_id: str) -> str:
        self.requests += 1
        try:
            return _status(await self._client.tasks.get_task(TaskId(task_id)))
        except _SETTLED:
            return GONE


def _head(flow: "Flow") -> str:
    return _digest(flow.name, flow.stage, flow.modified_at, flow.started_at)


def _status(task: "Task") -> str:
    return (task.status or "")[:32]


def _digest(*parts: object) -> str:
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:32]
