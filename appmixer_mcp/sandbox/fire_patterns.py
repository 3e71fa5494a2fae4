"""Fire patterns: components that wait for messages at several in ports before they receive any.

Source: documented; that messages are taken first come first served, whatever their correlation,
is ours.
"""

import json
import sqlite3
from dataclasses import dataclass

from appmixer_mcp.sandbox.component import Component
from appmixer_mcp.sandbox.context import Json, Outputs
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.jsontext import dumps


@dataclass(frozen=True, kw_only=True)
class Parked:
    """A message that waits at an in port."""

    seq: int
    """0 for the one that has just arrived and is not stored."""
    in_port: str
    content: Json
    outputs: Outputs


def fitting(component: Component, parked: list[Parked]) -> list[Parked]:
    """Return the messages to receive now, one of each port that has any; empty: wait on.

    Args:
        component: One with fire patterns.
        parked: What waits at its in ports, oldest first.
    """
    ports = [port.name for port in component.in_ports]
    oldest: dict[str, Parked] = {}
    for one in parked:
        oldest.setdefault(one.in_port, one)
    for pattern in component.fire_patterns:
        symbols = zip(ports, pattern, strict=True)
        if all(symbol == "*" or (port in oldest) is bool(symbol) for port, symbol in symbols):
            return list(oldest.values())
    return []


def waiting(database: Database, flow_id: str, component_id: str) -> list[Parked]:
    """Return what waits at the in ports of a component: the oldest of each; may be empty."""
    rows = database.rows(
        "SELECT min(seq) AS seq, in_port, content_json, outputs_json FROM parked"
        " WHERE flow_id = ? AND component_id = ? GROUP BY in_port ORDER BY 1",
        (flow_id, component_id),
    )
    return [
        Parked(
            seq=row["seq"],
            in_port=row["in_port"],
            content=json.loads(row["content_json"]),
            outputs=json.loads(row["outputs_json"]),
        )
        for row in rows
    ]


def park(connection: sqlite3.Connection, flow_id: str, component_id: str, one: Parked) -> None:
    """Have a message wait."""
    connection.execute(
        "INSERT INTO parked (flow_id, component_id, in_port, content_json, outputs_json)"
        " VALUES (?, ?, ?, ?, ?)",
        (flow_id, component_id, one.in_port, dumps(one.content), dumps(one.outputs)),
    )
