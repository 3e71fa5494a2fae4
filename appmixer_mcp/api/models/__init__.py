"""What the API answers, one file a resource."""

from .accounts import Account, AccountFlow, ComponentAccounts, FlowAuthentication
from .base import (
    AccountId,
    ApiModel,
    ChartId,
    ComponentId,
    Count,
    FlowId,
    Instant,
    LogId,
    MessageId,
    StoreId,
    TaskId,
    UserId,
)
from .charts import Chart
from .components import ComponentManifest, ComponentName
from .flows import ComponentProblems, Flow, FlowReference, Problem, Share, Validation
from .logs import LogBucket, LogDetail, LogHit, LogPage
from .messages import UnprocessedMessage
from .stores import Deleted, Store, StoreRecord, StoreReference
from .tasks import Task
from .users import AuthResult, SignUpResult, User

__all__ = [
    "Account",
    "AccountFlow",
    "AccountId",
    "ApiModel",
    "AuthResult",
    "Chart",
    "ChartId",
    "ComponentAccounts",
    "ComponentId",
    "ComponentManifest",
    "ComponentName",
    "ComponentProblems",
    "Count",
    "Deleted",
    "Flow",
    "FlowAuthentication",
    "FlowId",
    "FlowReference",
    "Instant",
    "LogBucket",
    "LogDetail",
    "LogHit",
    "LogId",
    "LogPage",
    "MessageId",
    "Problem",
    "Share",
    "SignUpResult",
    "Store",
    "StoreId",
    "StoreRecord",
    "StoreReference",
    "Task",
    "TaskId",
    "UnprocessedMessage",
    "User",
    "UserId",
    "Validation",
]
