"""What is wrong with a flow, in the shape that a validation and a refused start have in common."""

from collections.abc import Iterator, Mapping, Sequence

from typing_extensions import TypedDict

from appmixer_mcp.descriptor import Problem
from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.accounts import UserAccounts
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.routes.endpoint import DetailedError, Services

_NAMED = 3  # in the message; the details hold all


class ProblemShown(TypedDict):
    """One thing that is wrong with a component."""

    message: str
    keyword: str


class ComponentProblems(TypedDict):
    """Everything that is wrong with a component; its id is empty for the flow as a whole."""

    componentId: str
    errors: list[ProblemShown]


def start_problems(
    services: Services, owner_id: str, descriptor: Mapping[str, Json]
) -> list[Problem]:
    """Return everything that keeps a flow of some user from starting; empty when nothing does."""
    found = services.engine.validate(descriptor)
    return [*found, *_missing_accounts(services, owner_id, descriptor)]


def grouped(problems: Sequence[Problem]) -> list[ComponentProblems]:
    """Return the problems as the API shows them; empty when nothing is wrong."""
    by_component: dict[str, list[ProblemShown]] = {}
    for problem in problems:
        shown: ProblemShown = {"message": problem.message, "keyword": problem.keyword}
        by_component.setdefault(problem.component_id, []).append(shown)
    return [
        {"componentId": component_id, "errors": errors}
        for component_id, errors in by_component.items()
    ]


def refuse(problems: Sequence[Problem]) -> None:
    """Raise what is wrong; do nothing when nothing is.

    Raises:
        DetailedError: There are problems; its message begins with them.
    """
    if not problems:
        return
    named = [
        f"{problem.message} (component {problem.component_id})"
        if problem.component_id
        else problem.message
        for problem in problems[:_NAMED]
    ]
    if len(problems) > _NAMED:
        named.append(f"and {len(problems) - _NAMED} more")
    raise DetailedError("; ".join(named), grouped(problems))


def _missing_accounts(
    services: Services, owner_id: str, descriptor: Mapping[str, Json]
) -> Iterator[Problem]:
    """Yield the components that need an account and use none, in the documented words."""
    bound = UserAccounts(services.database, services.clock, owner_id).bindings()
    for component_id, entry in descriptor.items():
        component = components.find(entry["type"])
        if component is not None and component.auth_service and component_id not in bound:
            yield Problem(component_id, "Not authenticated", "missingAccount")
