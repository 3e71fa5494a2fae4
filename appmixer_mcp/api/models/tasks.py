"""People tasks: a person approves or rejects what a flow asks for."""

from pydantic import AliasChoices, Field, SecretStr

from .base import ApiModel, FlowId, Instant, TaskId


class Task(ApiModel):
    """A question to a person."""

    task_id: TaskId = Field(
        validation_alias=AliasChoices("taskId", "id"), serialization_alias="taskId"
    )
    """The task."""

    title: str | None = None
    """The question in a line."""

    description: str | None = None
    """The question at length; HTML in lists, Markdown elsewhere."""

    status: str | None = None
    """`pending`, `approved`, `rejected`, or `due` when nobody decided in time."""

    flow_id: FlowId | None = None
    """The flow that asks."""

    approver: str | None = None
    """E-mail address of the person who decides."""

    requester: str | None = None
    """E-mail address of the person who asks."""

    role: str | None = None
    """What the signed-in user is to the task; only in the `openapi` dialect."""

    decision_by: Instant = None
    """Until when the decision is wanted."""

    decision_made_at: Instant = Field(
        default=None, validation_alias="decisionMade", serialization_alias="decisionMade"
    )
    """When it was decided; None while it is not."""

    created_at: Instant = Field(
        default=None,
        validation_alias=AliasChoices("created", "createdAt"),
        serialization_alias="created",
    )
    """When it was asked."""

    modified_at: Instant = Field(
        default=None,
        validation_alias=AliasChoices("mtime", "updatedAt"),
        serialization_alias="mtime",
    )
    """When it last changed."""

    public: bool | None = None
    """Whether anybody with the secret may see it."""

    is_approver: bool | None = None
    """Whether the signed-in user is the one who decides."""

    approver_secret: SecretStr | None = Field(default=None, exclude=True, repr=False)
    """Decides without signing in, and for every task of that person; never dumped."""

    requester_secret: SecretStr | None = Field(default=None, exclude=True, repr=False)
    """Likewise for the person who asks; never dumped."""
