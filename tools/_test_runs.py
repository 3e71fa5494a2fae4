"""What a test run of a flow showed."""

from collections import Counter
from typing import TYPE_CHECKING

from pydantic import Field

from appmixer_mcp.progress import Progress
from appmixer_mcp.results import Facts, Result, Text

from ._flow_reading import Labels
from ._json_values import shown

if TYPE_CHECKING:
    from appmixer_mcp.api.models.authoring import RunEvent
    from appmixer_mcp.api.models.flows import Flow

_MOST_STEPS = 60
_LONGEST = 1_000


class TestStep(Facts):
    """Something that a component did."""

    __test__ = False  # pytest, not to take it for tests

    component: str = Field(description="Its label.")
    component_id: Text = Field(default=None, description="Where the label does not tell which.")
    port: Text = Field(default=None, description="Where it sent something.")
    data: Text = Field(default=None, description="What it sent, as JSON; cut when long.")
    error: Text = None


class FlowTested(Result):
    """What a test run showed."""

    flow_id: str
    began_with: str = Field(description="A component's label.")
    completed: bool = Field(description="False: see error.")
    error: Text = None
    failed: list[str] = Field(description="Components with an error.")
    steps: list[TestStep] = Field(description="In the order in which they happened.")
    never_ran: list[str] = Field(description="Components that no message reached.")
    more_steps: int = Field(default=0, exclude_if=lambda count: not count)


class Heard:
    """Listens to a test run."""

    def __init__(self, flow: "Flow", progress: Progress) -> None:
        """Know the flow.

        Args:
            flow: With its descriptor.
            progress: Told which component runs.
        """
        self._flow = flow
        self._labels = Labels(flow.flow)
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
                self._progress(f"runs {self._labels.label(component_id)}")
            case "component:output":
                self._add(component_id, port=event.port, data=shown(event.data, _LONGEST))
            case "component:error":
                said = _reason(event) or "It failed without a reason."
                self._failed[self._labels.label(component_id)] = None
                self._add(component_id, error=said)
            case "test:error":
                self._error = _reason(event) or "The run failed."
            case "test:done":
                self._error = ""
            case _:
                pass  # what newer tenants tell

    def result(self, began_with: str) -> FlowTested:
        """Return what was heard."""
        if not self._error and not self._started:
            self._error = "Nothing ran: a component that is no trigger needs `inputs`."
        return FlowTested(
            flow_id=self._flow.flow_id,
            began_with=self._labels.label(began_with),
            completed=not self._error,
            error=self._error or None,
            failed=list(self._failed),
            steps=self._steps,
            never_ran=[
                self._labels.label(one) for one in self._flow.flow or {} if one not in self._started
            ],
            more_steps=self._more_steps,
        )

    def _add(self, component_id: str, **said: str | None) -> None:
        if len(self._steps) == _MOST_STEPS:
            self._more_steps += 1
            return
        label = self._labels.label(component_id)
        which = self._labels.needed_id(component_id)
        self._steps.append(TestStep(component=label, component_id=which, **said))


def _reason(event: "RunEvent") -> str | None:
    said = event.message or event.error
    if isinstance(said, dict) and isinstance(said.get("message"), str):
        said = said["message"]
    return shown(said, _LONGEST)
