"""What the API answers, one file a resource."""

from .accounts import Account, AccountFlow, ComponentAccounts, FlowAuthentication
from .base import (
    AccountId,
    ApiModel,
    ChartId,
    ComponentId,
    Count,
    FileId,
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
from .events import EventResult
from .files import FileInfo
from .flows import ComponentProblems, Flow, FlowReference, Problem, Share, Validation
from .logs import LogBucket, LogCounts, LogDetail, LogHit, LogPage
from .messages import UnprocessedMessage
from .stores import Deleted, Store, StoreRecord, StoreReference
from .system import ApiInfo
from .tasks import Task
from .telemetry import Usage
from .users import AuthResult, SignUpResult, User
from .versions import FlowVersion, FlowVersionPage

__all__ = [
    "Account",
    "AccountFlow",
    "AccountId",
    "ApiInfo",
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
    "EventResult",
    "FileId",
    "FileInfo",
    "Flow",
    "FlowAuthentication",
    "FlowId",
    "FlowReference",
    "FlowVersion",
    "FlowVersionPage",
    "Instant",
    "LogBucket",
    "LogCounts",
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
    "Usage",
    "User",
    "UserId",
    "Validation",
]
