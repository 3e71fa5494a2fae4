"""What the API answers, one file a resource."""

from .accounts import Account, AccountFlow, ComponentAccounts, FlowAuthentication
from .authoring import FlowVariables, Modifier, RunEvent
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
from .components import App, ComponentManifest, ComponentName, UploadStatus
from .events import EventResult
from .files import FileInfo
from .flows import ComponentProblems, Flow, FlowReference, Problem, Share, Validation
from .gateways import Gateway
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
    "App",
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
    "FlowVariables",
    "FlowVersion",
    "FlowVersionPage",
    "Gateway",
    "Instant",
    "LogBucket",
    "LogCounts",
    "LogDetail",
    "LogHit",
    "LogId",
    "LogPage",
    "MessageId",
    "Modifier",
    "Problem",
    "RunEvent",
    "Share",
    "SignUpResult",
    "Store",
    "StoreId",
    "StoreRecord",
    "StoreReference",
    "Task",
    "TaskId",
    "UnprocessedMessage",
    "UploadStatus",
    "Usage",
    "User",
    "UserId",
    "Validation",
]
