"""Diagnosis: what is wrong with a flow, and what to do about it, in one short answer."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Annotated, TypeVar

from pydantic import Field

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import (
    AppmixerError,
    ForbiddenError,
    NotFoundError,
    NotSignedInError,
    RateLimitedError,
    UnexpectedAnswerError,
)
from appmixer_mcp.toolset import READ, ToolContext, Toolset

from ._diagnosing import (
    WHOLE_FLOW,
    Errors,
    Patient,
    accounts_of,
    errors_of,
    problems_of,
    runs_of,
    unprocessed_of,
)
from ._diagnosis_models import FlowDiagnosis
from ._flow_conflicts import remember
from ._flow_reading import Labels, whole_flow
from ._log_filters import instant_of, written
from ._shared import FlowId, plural
from ._short_texts import most_tokens, short

TOOLSET = Toolset("diagnosis", "What is wrong with a flow, and what became of its messages.")

T = TypeVar("T")

_NAME = 30
_MOST_TOKENS = 1_950  # the rest is for a note that the server may add
_OURS = frozenset(("mend", "notes", "next_step"))
_LISTS = ("problems", "runs", "accounts", "unprocessed", "errors")


@TOOLSET.tool("Diagnose flow", READ)
async def diagnose_flow(
    ctx: ToolContext,
    flow_id: FlowId,
    since: Annotated[str, Field(description="How far to look back: 2h, 1d or an ISO time.")] = "7d",
) -> FlowDiagnosis:
    """Say why a flow fails and what to do: runs, errors, lost messages, accounts, problems.

    Begin here; the answer is short, and names the tool for each next step.
    """
    client = await ctx.client()
    from_when = written(instant_of(since, datetime.now(UTC)))
    flow = await whole_flow(client, flow_id)
    patient = Patient(flow, Labels(flow.flow), f"@timestamp:[{from_when} TO *]")
    errors = await _known("errors", patient, errors_of(client, patient))
    runs = await _known("runs", patient, runs_of(client, patient))
    kept = await _known("unprocessed", patient, unprocessed_of(client, patient))
    accounts = await _known("accounts", patient, accounts_of(client, patient))
    problems = await _known("problems", patient, problems_of(client, patient))
    found = FlowDiagnosis(
        flow_id=flow.flow_id,
        name=short(flow.name or "", _NAME),
        stage="running" if flow.stage == "running" else "stopped",
        stage_since=flow.started_at if flow.stage == "running" else flow.stopped_at,
        version=remember(ctx, flow),
        component_count=len(flow.flow or {}),
        runs=runs,
        error_count=errors and errors.count,
        errors=errors and errors.groups,
        unprocessed_count=kept and kept[1],
        unprocessed=kept and kept[0],
        accounts=accounts,
        problem_count=problems and problems[1],
        problems=problems and problems[0],
        notes=patient.notes,
        next_step="",
    )
    waits = client.dialect == "appmixer" and ctx.serves("wait_for_logs")
    advice = _advice(
        found,
        ctx.serves,
        proves="wait_for_logs" if waits else "query_logs",
        changed_since=_changed_since(flow.modified_at, errors),
    )
    return _fitted(found.model_copy(update={"next_step": " ".join(advice)}))


def _fitted(found: FlowDiagnosis) -> FlowDiagnosis:
    """Return a diagnosis that is short enough: the longest list loses its end first."""
    whole = found
    while most_tokens(found.content(), _OURS) > _MOST_TOKENS:
        lengths = {name: len(getattr(found, name) or ()) for name in _LISTS}
        longest = max(lengths, key=lambda name: lengths[name])
        if lengths[longest] <= 1:
            break
        kept = getattr(found, longest)[:-1]
        notes = [*whole.notes, "Rows are left out here: query_logs, validate_flow show them."]
        found = found.model_copy(update={longest: kept, "notes": notes})
    return found


async def _known(what: str, patient: Patient, part: Awaitable[T]) -> T | None:
    """Return a part of the diagnosis; where the tenant does not tell it, note that and why."""
    try:
        return await part
    except (NotSignedInError, RateLimitedError):
        raise
    except AppmixerError as error:
        patient.notes.append(f"{what}: {_why_unknown(error)}")
        return None


def _why_unknown(error: AppmixerError) -> str:
    if isinstance(error, NotFoundError):
        return "this tenant has no such call."
    if isinstance(error, ForbiddenError):
        return "only the flow's owner may see them."
    if isinstance(error, UnexpectedAnswerError):
        return "the answer was too large, or not understood."
    return f"the tenant did not tell{f' (status {error.status})' if error.status else ''}."


def _changed_since(modified_at: datetime | None, errors: Errors | None) -> bool:
    """Say whether the flow was changed after the newest error, which may be mended then."""
    newest_at = errors.newest_at if errors else None
    return modified_at is not None and newest_at is not None and newest_at < modified_at


def _advice(
    found: FlowDiagnosis, serves: Callable[[str], bool], *, proves: str, changed_since: bool
) -> list[str]:
    """Return what to do now: what comes first, and what follows.

    Args:
        found: What there is to mend.
        serves: Whether a tool is there to be called.
        proves: The tool that shows whether it is mended.
        changed_since: Whether the flow was changed after its newest error.
    """
    edit = "in Appmixer's designer, for no tool here changes flows"
    if serves("edit_flow"):
        edit = f"edit_flow (base_version {found.version})"
    elif serves("update_flow"):
        edit = "update_flow"
    start = "" if found.stage == "running" else "start_flow, "
    retry = ""
    if found.unprocessed_count and serves("retry_unprocessed"):
        kept = plural(found.unprocessed_count, "unprocessed message")
        retry = f"; retry_unprocessed puts {kept} back (see list_unprocessed)"
    proof = f"{start}and {proves} proves it{retry}"
    if found.accounts:
        which = quoted(found.accounts[0].component)
        how = "assign_account" if serves("assign_account") else "in Appmixer's designer"
        first = f"Give {which} an account that works ({how}); list_component_accounts names them."
        return [first, f"Then {proof}."]
    if found.problems:
        return [f"Mend the problems: {edit}.", f"Then validate_flow, {proof}."]
    if found.errors:
        worst = found.errors[0]
        whole = worst.component == WHOLE_FLOW
        what = "what the errors tell of" if whole else quoted(worst.component)
        look = "get_log shows what it had received whole" if worst.log_id else "query_logs shows it"
        if changed_since:
            tells = f"{start}{proves} tells whether that mended it{retry}"
            first = f"The flow was changed after the last error: {tells}."
            return [first, f"If not, mend {what}: {edit}; {look}."]
        return [f"Mend {what} first: {edit}; {look}.", f"Then validate_flow, {proof}."]
    if found.unprocessed_count:
        return [f"No errors are in the log; {proof}."]
    return [_advice_for_the_healthy(found, serves, proves)]


def _advice_for_the_healthy(
    found: FlowDiagnosis, serves: Callable[[str], bool], proves: str
) -> str:
    if found.stage != "running":
        return f"Nothing is wrong that shows; start_flow starts it, {proves} shows what it does."
    if not found.runs:
        return (
            "It runs and nothing has set it off: see with get_flow what its trigger waits for, "
            f"then {proves}."
        )
    follows = "get_run with a" if serves("get_run") else "query_logs with its"
    return f"Nothing is wrong that shows; {follows} correlation_id follows one run."
