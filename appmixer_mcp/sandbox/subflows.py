"""What flows that others call take and give back."""

import json
from collections.abc import Iterator, Mapping
from typing import NotRequired, cast

from typing_extensions import TypedDict

from appmixer_mcp.descriptor import link_transforms
from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.javascript import is_object
from appmixer_mcp.sandbox.jsontext import dumps

_CALLED = "appmixer.utils.subflows.OnFlowCall"
_ANSWERS = "appmixer.utils.subflows.FlowCallOutput"


class SubflowField(TypedDict):
    """One value that goes into a called flow or comes out of it."""

    name: NotRequired[str]
    type: NotRequired[str]
    value: NotRequired[Json]


class Subflow:
    """A flow that others call.

    What somebody has said of its fields counts; otherwise they are read in its descriptor (ours),
    as the sandbox's own components need not report them.

    Args:
        database: Keeps what was said.
        flow: The flow as the API shows it; whoever asks may see it.
    """

    def __init__(self, database: Database, flow: Mapping[str, Json]) -> None:
        self._database = database
        self._flow_id: str = flow["flowId"]
        self._user_id: str = flow["userId"]
        self._entries: Mapping[str, Json] = flow["flow"]

    def inputs(self, component_id: str) -> list[SubflowField]:
        """Return what one of the flow's components takes; empty when it takes nothing.

        Raises:
            NotFoundError: The flow has no such component.
        """
        self._require(component_id)
        said = self._said("input", component_id)
        if said is not None:
            return said
        entry = self._entries[component_id]
        return list(_inputs(entry)) if entry.get("type") == _CALLED else []

    def outputs(self) -> list[SubflowField]:
        """Return what the flow gives back, each name once; empty when it gives nothing."""
        found: list[SubflowField] = []
        for component_id, entry in self._entries.items():
            said = self._said("output", component_id)
            if said is not None:
                found += said
            elif entry.get("type") == _ANSWERS:
                found += _outputs(entry)
        return list({one.get("name", ""): one for one in found}.values())

    def say(self, side: str, component_id: str, fields: list[SubflowField]) -> None:
        """Keep what a component takes (`input`) or gives back (`output`).

        Raises:
            NotFoundError: The flow has no such component.
        """
        self._require(component_id)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO subflow_fields VALUES (?, ?, ?, ?, ?)",
                (self._flow_id, component_id, side, self._user_id, dumps(fields)),
            )

    def _require(self, component_id: str) -> None:
        if component_id not in self._entries:
            raise NotFoundError(f"The flow has no component {component_id!r}.")

    def _said(self, side: str, component_id: str) -> list[SubflowField] | None:
        row = self._database.row(
            "SELECT fields_json FROM subflow_fields"
            " WHERE flow_id = ? AND component_id = ? AND side = ?",
            (self._flow_id, component_id, side),
        )
        if row is None:
            return None
        said: list[SubflowField] = json.loads(row["fields_json"])
        return said


def _inputs(entry: Mapping[str, Json]) -> Iterator[SubflowField]:
    yield from _fields(_at(entry, "config", "properties", "input", "ADD"))


def _outputs(entry: Mapping[str, Json]) -> Iterator[SubflowField]:
    for _, transform in link_transforms(entry):
        yield from _fields(_at(transform, "lambda", "output", "ADD"))


def _fields(listed: Json) -> Iterator[SubflowField]:
    for one in cast("list[object]", listed) if isinstance(listed, list) else ():
        if is_object(one) and isinstance(one.get("name"), str):
            kind = one.get("type")
            yield {"name": one["name"], "type": kind if isinstance(kind, str) else "text"}


def _at(value: Json, *path: str) -> Json:
    for key in path:
        value = value.get(key) if is_object(value) else None
    return value
