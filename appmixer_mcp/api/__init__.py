"""Appmixer's SDK in Python: `AppmixerClient` and what it answers with.

What can go wrong is in `appmixer_mcp.errors`.
"""

from .client import AppmixerClient
from .dialect import Dialect
from .models import (
    Account,
    AccountFlow,
    AccountId,
    AuthResult,
    Chart,
    ChartId,
    ComponentId,
    Flow,
    FlowAuthentication,
    FlowId,
    LogBucket,
    LogDetail,
    LogHit,
    LogId,
    LogPage,
    MessageId,
    Share,
    Store,
    StoreId,
    StoreRecord,
    Task,
    TaskId,
    UnprocessedMessage,
    User,
    UserId,
)

__all__ = [
    "Account",
    "AccountFlow",
    "AccountId",
    "AppmixerClient",
    "AuthResult",
    "Chart",
    "ChartId",
    "ComponentId",
    "Dialect",
    "Flow",
    "FlowAuthentication",
    "FlowId",
    "LogBucket",
    "LogDetail",
    "LogHit",
    "LogId",
    "LogPage",
    "MessageId",
    "Share",
    "Store",
    "StoreId",
    "StoreRecord",
    "Task",
    "TaskId",
    "UnprocessedMessage",
    "User",
    "UserId",
]
