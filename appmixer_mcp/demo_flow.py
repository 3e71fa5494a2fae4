"""The flow that the demo builds: orders over a limit wait for a person, others are stored."""

import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

NEEDS_APPROVAL = "This order waits for approval."

_UTILS = "appmixer.utils"
_VARIABLE = re.compile(r"<(\$[^>]+)>")
_LIMIT = "1000"

Entry = dict[str, Any]


def order_flow(store_id: str, approver: str, decide_by: datetime) -> dict[str, Entry]:
    """Return the flow's descriptor, with fresh component ids.

    Args:
        store_id: Where orders are stored.
        approver: The e-mail address of the person who decides.
        decide_by: When it is too late.
    """
    webhook, limit, approval = str(uuid4()), str(uuid4()), str(uuid4())
    order = f"$.{webhook}.request.data"
    record = {
        "storeId": store_id,
        "key": f"<{order}.number>",
        "value": f"<{order}.customer> pays <{order}.amount>",
    }
    too_much = {"input": f"<{order}.amount>", "operator": ">", "value": _LIMIT}
    waits = {"body": NEEDS_APPROVAL, "statusCode": 202}
    task = {
        "title": f"Order <{order}.number>",
        "description": f"<{order}.customer> orders for <{order}.amount>.",
        "requester": approver,
        "approver": approver,
        "decisionBy": decide_by.isoformat(),
    }
    return {
        webhook: {
            "type": f"{_UTILS}.http.WebhookTrigger",
            "label": "An order comes in",
            "x": 100,
            "y": 200,
            "source": {},
            "config": {"properties": {"immediateResponse": False}},
        },
        limit: _component(
            "controls.Condition", (300, 200), (webhook, "request"), {"expression": _any(too_much)}
        ),
        approval: _component(
            "tasks.RequestApproval", (500, 100), (limit, "true"), task, in_port="task"
        ),
        str(uuid4()): _component("http.Response", (700, 0), (approval, "created"), waits),
        str(uuid4()): _component("storage.Set", (700, 100), (approval, "approved"), record),
        (stored := str(uuid4())): _component("storage.Set", (500, 300), (limit, "false"), record),
        str(uuid4()): _component(
            "http.Response", (700, 300), (stored, "out"), {"body": "This order is stored."}
        ),
    }


def _any(condition: Mapping[str, str]) -> Entry:
    return {"AND": [{"OR": [dict(condition)]}]}


def _component(
    kind: str,
    position: tuple[int, int],
    source: tuple[str, str],
    fields: Mapping[str, Any],
    *,
    in_port: str = "in",
) -> Entry:
    """Return a component's entry.

    Args:
        kind: Module and name.
        position: Where it stands on the canvas.
        source: The component and the out port whose messages it takes.
        fields: What it gets for each message; `<$.component.port.path>` stands for a variable.
        in_port: Where it takes them.
    """
    sender, out_port = source
    bound = {name: _bound(value) for name, value in fields.items()}
    transform = {
        "type": "json2new",
        "modifiers": {name: bindings for name, (_, bindings) in bound.items() if bindings},
        "lambda": {name: filled for name, (filled, _) in bound.items()},
    }
    x, y = position
    return {
        "type": f"{_UTILS}.{kind}",
        "x": x,
        "y": y,
        "source": {in_port: {sender: [out_port]}},
        "config": {"properties": {}, "transform": {in_port: {sender: {out_port: transform}}}},
    }


def _bound(value: Any) -> tuple[Any, Entry]:
    """Put a binding in the place of each variable; return the value and the bindings."""
    bindings: Entry = {}

    def bind(variable: re.Match[str]) -> str:
        binding = str(uuid4())
        bindings[binding] = {"variable": variable[1], "functions": []}
        return f"{{{{{{{binding}}}}}}}"

    return json.loads(_VARIABLE.sub(bind, json.dumps(value))), bindings
