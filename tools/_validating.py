"""What keeps a flow from running well: in which component and field, and how to mend it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import Field

from appmixer_mcp.descriptor import check_descriptor
from appmixer_mcp.errors import ForbiddenError, UnexpectedAnswerError
from appmixer_mcp.results import Facts, Text

from ._flow_reading import Labels

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.flows import Flow
    from appmixer_mcp.api.models.flows import Problem as ApiProblem

_LONGEST = 500
_FIELD = re.compile(r"[Ii]nput field [\"'`]?(?P<name>[\w.$/\[\]-]+)")
_SETTING = re.compile(r"`(?P<name>(?:config|source|errorHandling|type|label|x|y)\b[^`]*)`")
_MENDS = (
    ("missingaccount", "Assign an account: assign_account; list_component_accounts names them."),
    ("invalid variable", "Use a variable that get_flow_variables lists for this component."),
    ("modifier", "Use a modifier that list_modifiers names."),
    ("malformed transformation", "Its three keys must repeat a link of the component's source."),
    ("maxconnections", "Bring the links together in a Join before this component."),
    ("names the in port", "Use an in port that get_component shows for this type."),
    ("names the out port", "Use an out port that get_component shows for the sender's type."),
    ("required", "Give the field a value; get_component shows what it takes."),
    ("trigger", "Add a component without in ports, such as appmixer.utils.controls.OnStart."),
    ("no component of the type", "search_components finds the types that this tenant has."),
    ("keyword type", "search_components finds the types that this tenant has."),
)
"""What is in a problem's keyword or text -> what to do; the first that fits."""


class Problem(Facts):
    """One thing that is wrong with a flow."""

    component: Text = Field(default=None, description="Its label. Absent: the flow as a whole.")
    component_id: Text = None
    field: Text = Field(default=None, description="Where in the component.")
    problem: str = Field(description="What is wrong.")
    mend: Text = Field(default=None, description="What to do about it.")


@dataclass(frozen=True)
class Checked:
    """What a check found."""

    problems: list[Problem]
    """In the order of the descriptor; empty when nothing is wrong."""
    note: str
    """Why less was checked than a tenant can; empty where all was."""


async def check(client: "AppmixerClient", flow: "Flow") -> Checked:
    """Have the tenant check a saved flow; only its structure is checked where it cannot.

    Args:
        client: Signed in as somebody who may read the flow.
        flow: With its descriptor.

    Raises:
        AppmixerError: The tenant cannot be asked.
    """
    descriptor = flow.flow or {}
    try:
        found = await client.flows.validate_flow(flow.flow_id)
    except ForbiddenError:
        note = "Only its owner may have this flow validated, so only its structure was checked."
        return Checked(problems_in(descriptor), note)
    except UnexpectedAnswerError:  # nobody documents what it answers
        note = "The tenant's check was not understood, so only the flow's structure was checked."
        return Checked(problems_in(descriptor), note)
    if found is None:
        note = (
            "This tenant has no call that validates a flow, so only its structure was checked; "
            "start_flow tells the rest."
        )
        return Checked(problems_in(descriptor), note)
    labels = Labels(descriptor)
    problems = [
        _of_tenant(component.component_id or "", one, labels)
        for component in found
        for one in component.errors
    ]
    return Checked(problems, "")


def problems_in(descriptor: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a descriptor by its structure alone, which needs no tenant."""
    labels = Labels(descriptor)
    return [
        Problem(
            component=labels.label(one.component_id) or None,
            component_id=one.component_id or None,
            field=_first(_SETTING, one.message),
            problem=one.message[:_LONGEST],  # which says how to mend it
        )
        for one in check_descriptor(descriptor)
    ]


def _of_tenant(component_id: str, found: "ApiProblem", labels: Labels) -> Problem:
    return Problem(
        component=labels.label(component_id) or None,
        component_id=component_id or None,
        field=_field(found),
        problem=found.message[:_LONGEST],
        mend=_mend(found),
    )


def _field(found: "ApiProblem") -> str | None:
    named = _first(_FIELD, found.message) or _first(_SETTING, found.message)
    return named or (found.data_path or "").strip("./") or None


def _mend(found: "ApiProblem") -> str | None:
    said = f"keyword {found.keyword} {found.message}".lower()
    return next((mend for sign, mend in _MENDS if sign in said), None)


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found: Iterator[re.Match[str]] = pattern.finditer(text)
    return next((one["name"] for one in found), None)
