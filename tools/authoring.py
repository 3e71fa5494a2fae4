"""Authoring: check a flow, look up what its components can use, and try it."""

# ruff: noqa: PT028 - tools whose names begin with test_ are no tests

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import ConflictError, InputError
from appmixer_mcp.ids import AccountId, ComponentId
from appmixer_mcp.prompting import guide
from appmixer_mcp.results import Result, Text
from appmixer_mcp.toolset import CHANGE, READ, Hints, ToolContext, Toolset

from ._flow_reading import Labels, whole_flow
from ._json_values import table
from ._modifiers import ModifierPage, ModifierTried, called, listed, tried
from ._shared import FlowId, Limit, Offset
from ._test_runs import FlowTested, Heard
from ._validating import Problem, check
from ._variables import VariablePage, variables_of

if TYPE_CHECKING:
    from appmixer_mcp.api.models.flows import Flow

TOOLSET = Toolset("authoring", "Write flows: check them, look up their variables, try them.")

_MOST_PROBLEMS = 100

Component = Annotated[str, Field(description="A component's label or id.")]


class FlowChecked(Result):
    """What is wrong with a flow."""

    flow_id: str
    problem_count: int
    problems: list[Problem] = Field(description="Empty: it can start.")
    note: Text = Field(default=None, description="Why less was checked.")


class AccountAssigned(Result):
    """Which account a component uses now."""

    component_id: str
    account_id: Text = None
    message: str


class Guide(Result):
    """Our guide, or a part of it."""

    text: str = Field(description="Markdown.")
    sections: list[str]


@TOOLSET.tool("Validate flow", READ)
async def validate_flow(ctx: ToolContext, flow_id: FlowId) -> FlowChecked:
    """List everything that keeps a saved flow from running, with field and mend."""
    client = await ctx.client()
    flow = await whole_flow(client, flow_id)
    found = await check(client, flow)
    return FlowChecked(
        flow_id=flow_id,
        problem_count=len(found.problems),
        problems=found.problems[:_MOST_PROBLEMS],
        note=found.note or None,
    )


@TOOLSET.tool("Get flow variables", READ)
async def get_flow_variables(
    ctx: ToolContext,
    flow_id: FlowId,
    component: Annotated[
        str,
        Field(description="Whose fields are to use them: its label or id. Empty: all there are."),
    ] = "",
    pattern: Annotated[str, Field(description="Part of a variable's path or label.")] = "",
    limit: Limit = 50,
    offset: Offset = 0,
) -> VariablePage:
    """List what fields can refer to, with sample values from recent runs.

    `variable` is for a descriptor's modifiers, `expression` for edit_flow.
    """
    client = await ctx.client()
    flow = await whole_flow(client, flow_id)
    component_id = Labels(flow.flow).one(component) if component else None
    return await variables_of(
        client, flow, component_id, pattern=pattern, limit=limit, offset=offset
    )


# It acts on the world outside, and what it does there cannot be told to be repeatable.
@TOOLSET.tool("Test flow", Hints(open_world=True))
async def test_flow(
    ctx: ToolContext,
    flow_id: FlowId,
    component: Annotated[
        str, Field(description="Where to begin: label or id. Empty: the flow's trigger.")
    ] = "",
    payload: Annotated[
        dict[str, Any] | SkipJsonSchema[None],
        Field(description="What a trigger gets, such as a webhook's body. Absent: a sample."),
    ] = None,
    inputs: Annotated[
        dict[str, Any], Field(description="For another component: in port -> {field: value}.")
    ] = {},
    timeout_s: Annotated[int, Field(description="Ends the run.", ge=1, le=120)] = 30,
) -> FlowTested:
    """Run a component and all that follows it once, without starting the flow.

    It acts for real: requests, mails, records and tasks are made. Shows what each component sent.
    """
    client = await ctx.client()
    flow = await whole_flow(client, flow_id)
    first = Labels(flow.flow).one(component) if component else _trigger(flow)
    heard = Heard(flow, ctx.progress)
    there = await client.authoring.test_flow(
        flow_id, first, heard.event, inputs=inputs, payload=payload, timeout_s=timeout_s
    )
    if not there:
        raise ConflictError(
            "This tenant has no call that tests a flow. Start it with start_flow, and see what it "
            "does with query_logs."
        )
    return heard.result(first)


@TOOLSET.tool("Assign account", CHANGE)
async def assign_account(
    ctx: ToolContext,
    flow_id: FlowId,
    component: Component,
    account_id: Annotated[
        str, Field(description="From list_component_accounts; empty takes the account away.")
    ],
) -> AccountAssigned:
    """Have a component of a saved flow use an account."""
    client = await ctx.client()
    flow = await whole_flow(client, flow_id)
    component_id = Labels(flow.flow).one(component)
    if account_id:
        component_type = str(table(table(flow.flow).get(component_id)).get("type"))
        fitting = await client.accounts.list_component_accounts(component_type, component_id)
        if account_id not in {one.account_id for one in fitting}:
            raise InputError(
                f"{quoted(component)} cannot use the account {quoted(account_id)}. Take one that "
                f"list_component_accounts gives for {quoted(component_type)}."
            )
        await client.accounts.assign_account(component_id, AccountId(account_id))
        message = f"{quoted(component)} uses the account {quoted(account_id)}."
    else:
        await client.accounts.unassign_account(component_id)
        message = f"{quoted(component)} uses no account."
    return AccountAssigned(
        component_id=component_id, account_id=account_id or None, message=message
    )


@TOOLSET.tool("List modifiers", READ)
async def list_modifiers(
    ctx: ToolContext,
    pattern: Annotated[
        str, Field(description="Part of its name, label or category, such as date.")
    ] = "",
    limit: Limit = 30,
    offset: Offset = 0,
) -> ModifierPage:
    """List the functions that a variable's value can run through, with their arguments."""
    found = [one for one in await listed(await ctx.client()) if one.fits(pattern)]
    return ModifierPage.of(
        found[offset : offset + limit], offset=offset, limit=limit, total=len(found)
    )


@TOOLSET.tool("Test modifier", READ)
async def test_modifier(
    ctx: ToolContext,
    name: Annotated[
        str, Field(description="From list_modifiers, or a JavaScript function.", min_length=1)
    ],
    value: Annotated[str, Field(description="What runs through it; JSON with value_is_json.")],
    value_is_json: Annotated[bool, Field(description="value is JSON, not text.")] = False,
    params: Annotated[list[str], Field(description="Its arguments, in order.")] = [],
    hash_params: Annotated[dict[str, Any], Field(description="Those given by name.")] = {},
) -> ModifierTried:
    """Show what a modifier makes of a value."""
    client = await ctx.client()
    function = await called(client, name)
    return await tried(
        client,
        function,
        value,
        value_is_json=value_is_json,
        params=params,
        hash_params=hash_params,
    )


@TOOLSET.tool("Get flow guide", READ)
async def get_flow_guide(
    ctx: ToolContext,
    section: Annotated[
        str, Field(description="Part of a heading, such as values travel; empty: all of it.")
    ] = "",
) -> Guide:
    """Show how flow descriptors are written: entries, wiring, values, what is refused and why."""
    _, *parts = guide().split("\n## ")
    headings = [part.partition("\n")[0] for part in parts]
    if not section:
        return Guide(text=guide(), sections=headings)
    found = [part for part in parts if section.casefold() in part.partition("\n")[0].casefold()]
    if not found:
        raise InputError(
            f"The guide has no section {quoted(section)}; it has {'; '.join(headings)}."
        )
    return Guide(text="\n".join(f"## {part.strip()}\n" for part in found), sections=headings)


def _trigger(flow: "Flow") -> ComponentId:
    first = [
        one
        for one, entry in (flow.flow or {}).items()
        if isinstance(entry, dict) and not entry.get("source")
    ]
    if not first:
        raise InputError("The flow has no trigger. Add one, or name the component to begin with.")
    if len(first) > 1:
        named = ", ".join(quoted(one) for one in first[:10])
        raise InputError(
            f"Name the component to begin with: without links to them are {named}. get_flow shows "
            "the components."
        )
    return ComponentId(first[0])
