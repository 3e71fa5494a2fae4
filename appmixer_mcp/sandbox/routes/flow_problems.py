"""What is wrong with a flow, in the shape that a validation and a refused start have in common."""

from collections.abc import Sequence

from appmixer_mcp.descriptor import Problem
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.routes.endpoint import DetailedError

_NAMED = 3  # in the message; the details hold all


def grouped(problems: Sequence[Problem]) -> list[dict[str, Json]]:
    """Return `[{componentId, errors: [{message, keyword}]}]`; empty when nothing is wrong."""
    by_component: dict[str, list[dict[str, Json]]] = {}
    for problem in problems:
        shown = {"message": problem.message, "keyword": problem.keyword}
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
