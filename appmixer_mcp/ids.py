"""Identifiers, each a type of its own, so that one kind is never passed for another."""

from typing import NewType

FlowId = NewType("FlowId", str)
ComponentId = NewType("ComponentId", str)
UserId = NewType("UserId", str)
StoreId = NewType("StoreId", str)
AccountId = NewType("AccountId", str)
LogId = NewType("LogId", str)
TaskId = NewType("TaskId", str)
ChartId = NewType("ChartId", str)
MessageId = NewType("MessageId", str)
FileId = NewType("FileId", str)
