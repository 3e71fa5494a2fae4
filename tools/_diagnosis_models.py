"""What diagnose_flow gives back."""

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from appmixer_mcp.results import Facts, Instant, Number, Result, Text

from ._validating import Problem


class SeenRun(Facts):
    """What one event set off."""

    correlation_id: Text = Field(default=None, description="For get_run.")
    last_at: Instant = None
    outcome: str


class ErrorGroup(Facts):
    """Errors of one component that say the same."""

    component: str
    component_id: Text = Field(default=None, description="Where the label does not tell which.")
    message: str
    count: int
    first_at: Instant = None
    last_at: Instant = None
    input: Text = Field(default=None, description="What the newest had received, shortened.")
    log_id: Text = Field(default=None, description="Of the newest, with index for get_log.")
    index: Text = None


class KeptMessages(Facts):
    """Unprocessed messages of one component."""

    component: str
    count: int
    newest_at: Instant = None


class AccountTrouble(Facts):
    """An account that a component lacks, or that does not work."""

    component: str
    problem: str


class FlowDiagnosis(Result):
    """What is wrong with a flow; a list that is missing is not known, see notes."""

    flow_id: str
    name: str
    stage: str
    stage_since: Instant = None
    version: str = Field(description="base_version for edit_flow.")
    component_count: int
    runs: list[SeenRun] | SkipJsonSchema[None] = Field(default=None, description="Newest first.")
    error_count: Number = None
    errors: list[ErrorGroup] | SkipJsonSchema[None] = Field(
        default=None, description="The most frequent first."
    )
    unprocessed_count: Number = None
    unprocessed: list[KeptMessages] | SkipJsonSchema[None] = None
    accounts: list[AccountTrouble] | SkipJsonSchema[None] = Field(
        default=None, description="Missing ones, and those that do not work."
    )
    problem_count: Number = None
    problems: list[Problem] | SkipJsonSchema[None] = Field(
        default=None, description="What validate_flow finds."
    )
    notes: list[str] = Field(
        default_factory=list,
        exclude_if=lambda notes: not notes,
        description="What is not known or not shown.",
    )
    next_step: str

    more_by = "query_logs, list_unprocessed and validate_flow show each part"
