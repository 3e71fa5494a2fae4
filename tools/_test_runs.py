"""What a test run of a flow showed."""

import json
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field, JsonValue

from appmixer_mcp.progress import Progress
from appmixer_mcp.redaction import redacted
from appmixer_mcp.results import Facts, Result, Text

if TYPE_CHECKING:
    from appmixer_mcp.api.models.authoring import RunEvent

_MOST_STEPS = 60
_LONGEST = 1_000


class TestStep(Facts):
    """Something that a component did."""

    __test__ = False  # pytest, not to take it for tests

    component_id: str
    label: Text = None
    port: Text = Field(default=None, description="Where it sent something.")
    data: Text = Field(default=None, description="What it sent, as JSON; cut when long.")
    error: Text = None


class FlowTested(Result):
    """What a test run showed."""

    flow_id: str
    began_with: str
    completed: bool = Field(description="False: see error.")
    error: Text = None
    failed: list[str] = Field(description="Components with an error.")
    steps: list[TestStep] = Field(description="In the order in which they happened.")
    never_ran: list[str] = Field(description="Components that no message reached.")
    more_steps: int = Field(default=0, exclude_if=lambda count: not count)


class Heard:
    """Listens to a test run."""

    def __init__(self, descriptor: Mapping[str, Any], progress: Progress) -> None:
        """Know the flow.

        Args:
            descriptor: Of the flow.
            progress: Told which component runs.
        """
        self._labels = {one: _label(one, entry) for one, entry in descriptor.items()}
        self._progress = progress
        self._steps: list[TestStep] = []
        self._more_steps = 0
        self._started = Counter[str]()
        self._failed: dict[str, None] = {}
        self._error = "The tenant ended the run without saying how."

    def event(self, name: str, event: "RunEvent") -> None:
        """Take one event of the run."""
        component_id = event.component_id or ""
        match name:
            case "component:start":
                self._started[component_id] += 1
                self._progress(f"runs {self._labels.get(component_id, component_id)}")
            case "component:output":
                self._add(component_id, port=event.port, data=_shown(event.data))
            case "component:error":
                said = _reason(event) or "It failed without a reason."
                self._failed[self._labels.get(component_id, component_id)] = None
                self._add(component_id, error=said)
            case "test:error":
                self._error = _reason(event) or "The run failed."
            case "test:done":
                self._error = ""
            case _:
                pass  # what newer tenants tell

    def result(self, flow_id: str, began_with: str) -> FlowTested:
        """Return what was heard."""
        if not self._error and not self._started:
            self._error = "Nothing ran: a component that is no trigger needs `inputs`."
        return FlowTested(
            flow_id=flow_id,
            began_with=began_with,
            completed=not self._error,
            error=self._error or None,
            failed=list(self._failed),
            steps=self._steps,
            never_ran=[label for one, label in self._labels.items() if one not in self._started],
            more_steps=self._more_steps,
        )

    def _add(self, component_id: str, **said: str | None) -> None:
        if len(self._steps) == _MOST_STEPS:
            self._more_steps += 1
            return
        label = self._labels.get(component_id)
        self._steps.append(TestStep(component_id=component_id, label=label, **said))


def _label(component_id: str, entry: Any) -> str:
    known = cast("dict[str, object]", entry) if isinstance(entry, dict) else {}
    return str(known.get("label") or known.get("type") or component_id)


def _reason(event: "RunEvent") -> str | None:
    said = event.message or event.error
    if isinstance(said, dict) and isinstance(said.get("message"), str):
        said = said["message"]
    return _shown(said)


def _shown(value: JsonValue) -> str | None:
    """Return a text, or JSON text: cut, and without the secrets that components are given."""
    if value is None or value == "":
        return None
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    shown = redacted(text[:_LONGEST])
    return shown if len(text) <= _LONGEST else f"{shown}… [{len(text) - _LONGEST} more characters]"
