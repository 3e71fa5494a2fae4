"""What keeps a flow from running well: in which component and field, and how to mend it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from pydantic import Field

from appmixer_mcp.descriptor import check_descriptor
from appmixer_mcp.errors import ForbiddenError
from appmixer_mcp.results import Facts, Text

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

    component_id: Text = Field(default=None, description="Absent: the flow as a whole.")
    label: Text = Field(default=None, description="The component's.")
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


async def problems_of(client: "AppmixerClient", flow: "Flow") -> list[Problem]:
    """Return what is wrong with a saved flow; see `check`."""
    return (await check(client, flow)).problems


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
    if found is None:
        note = (
            "This tenant has no call that validates a flow, so only its structure was checked; "
            "start_flow tells the rest."
        )
        return Checked(problems_in(descriptor), note)
    return Checked(
        [
            _of_tenant(component.component_id or "", one, descriptor)
            for component in found
            for one in component.errors
        ],
        "",
    )


def problems_in(descriptor: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with a descriptor by its structure alone, which needs no tenant."""
    return [
        Problem(
            component_id=one.component_id or None,
            label=_label(descriptor, one.component_id),
            field=_first(_SETTING, one.message),
            problem=one.message[:_LONGEST],  # which says how to mend it
        )
        for one in check_descriptor(descriptor)
    ]


def _of_tenant(component_id: str, found: "ApiProblem", descriptor: Mapping[str, Any]) -> Problem:
    return Problem(
        component_id=component_id or None,
        label=_label(descriptor, component_id),
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


def _label(descriptor: Mapping[str, Any], component_id: str) -> str | None:
    entry = descriptor.get(component_id)
    if not isinstance(entry, dict):
        return None
    known = cast("dict[str, object]", entry)
    label = known.get("label") or known.get("type")
    return str(label) if label else None


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found: Iterator[re.Match[str]] = pattern.finditer(text)
    return next((one["name"] for one in found), None)
