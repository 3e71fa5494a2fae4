"""The three flows of the demo."""

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.drawing import Drawing, Port, Sentence, Variable

APPROVAL_ABOVE = 1000
"""Orders over more than this wait for somebody's approval."""
REQUESTER = "shop@example.com"


def order_intake(orders_store: str, approver: str) -> tuple[dict[str, Json], str]:
    """Return a flow that takes orders by webhook, and the id of its webhook component.

    An order is `{"id", "amount", …}`. Without an id or an amount it is refused, above the limit it
    waits for approval, else it is stored at once. A call with `?ping=true` is only answered.
    """
    drawing = Drawing()
    webhook = drawing.add(
        "http.WebhookTrigger", "Order arrives", at=(0, 2), properties={"immediateResponse": False}
    )
    request = Port(webhook, "request")
    order, order_id, amount = (
        request.variable(path) for path in ("data", "data.id", "data.amount")
    )

    is_ping = _condition(
        drawing, "Only a ping?", (1, 2), request,
        {"input": request.variable("query.ping"), "operator": "=", "value": "true"},
    )  # fmt: skip
    _answer(drawing, "Pong", (2, 0), Port(is_ping, "true"), status=200, body={"status": "ok"})
    is_valid = _condition(
        drawing, "Order valid?", (2, 2), Port(is_ping, "false"),
        {"input": order_id, "operator": "notEmpty"},
        {"input": amount, "operator": "notEmpty"},
        {"input": amount, "operator": ">=", "value": 0},
    )  # fmt: skip
    _answer(
        drawing, "Refuse order", (3, 4), Port(is_valid, "false"), status=400,
        body={"status": "refused", "reason": "An order needs an id and an amount of 0 or more."},
    )  # fmt: skip
    is_large = _condition(
        drawing, "Needs approval?", (3, 2), Port(is_valid, "true"),
        {"input": amount, "operator": ">", "value": APPROVAL_ABOVE},
    )  # fmt: skip

    store_now = drawing.add(
        "storage.Set", "Store order", at=(4, 3), after=[Port(is_large, "false")],
        fields={
            "storeId": orders_store,
            "key": order_id,
            "value": {"status": "accepted", "order": order},
        },
    )  # fmt: skip
    _answer(
        drawing, "Order accepted", (5, 3), Port(store_now, "out"), status=200,
        body={"status": "accepted", "orderId": order_id},
    )  # fmt: skip

    approval = drawing.add(
        "tasks.RequestApproval", "Ask for approval", at=(4, 1), after=[Port(is_large, "true")],
        in_port="task",
        fields={
            "title": Sentence("Approve order ", order_id),
            "description": Sentence(
                "Order **", order_id, "** amounts to ", amount,
                f", over the limit of {APPROVAL_ABOVE}.",
            ),
            "requester": REQUESTER,
            "approver": approver,
            "decisionBy": Variable(functions=(
                {"name": "g_now"},
                {"name": "g_addTimeSpan", "hashParams": {"days": {"value": 7}}},
            )),
        },
    )  # fmt: skip
    created, approved = Port(approval, "created"), Port(approval, "approved")
    _answer(
        drawing, "Order waits", (5, 0), created, status=202,
        body={
            "status": "waiting for approval",
            "orderId": order_id,
            "taskId": created.variable("id"),
        },
    )  # fmt: skip
    drawing.add(
        "storage.Set", "Store approved order", at=(5, 1), after=[approved],
        fields={
            "storeId": orders_store,
            "key": order_id,
            "value": {
                "status": "approved",
                "order": order,
                "approvedBy": approved.variable("approver"),
            },
        },
    )  # fmt: skip
    return drawing.descriptor, webhook


def health_check(webhook_url: str, health_store: str) -> dict[str, Json]:
    """Return a flow that pings a webhook every five minutes and stores what it answered."""
    drawing = Drawing()
    every_five_minutes = drawing.add(
        "timers.Scheduler", "Every 5 minutes", at=(0, 0),
        properties={
            "minute": "*/5", "hour": "*", "dayMonth": "*", "dayWeek": "*", "immediate": True
        },
    )  # fmt: skip
    now = Port(every_five_minutes, "out")
    ping = drawing.add(
        "http.Get", "Ping order intake", at=(1, 0), after=[now],
        fields={"url": f"{webhook_url}?ping=true"},
    )  # fmt: skip
    response = Port(ping, "response")
    drawing.add(
        "storage.Set", "Store health", at=(2, 0), after=[response],
        fields={
            "storeId": health_store,
            "key": "order-intake",
            "value": {
                "statusCode": response.variable("statusCode"),
                "answer": response.variable("body"),
                "checkedAt": now.variable("now"),
            },
        },
    )  # fmt: skip
    return drawing.descriptor


def nightly_export() -> dict[str, Json]:
    """Return a flow that fails as soon as it starts: its data store was never made."""
    drawing = Drawing()
    start = drawing.add("controls.OnStart", "On start", at=(0, 0))
    drawing.add(
        "storage.Set", "Export to archive", at=(1, 0), after=[Port(start, "out")],
        fields={
            "storeId": "0" * 24,
            "key": "last-export",
            "value": Port(start, "out").variable("started"),
        },
    )  # fmt: skip
    return drawing.descriptor


def _condition(
    drawing: Drawing, label: str, at: tuple[int, int], after: Port, *items: dict[str, Json]
) -> str:
    """Add a condition that holds when each of the items does."""
    expression = {"AND": [{"OR": [item]} for item in items]}
    return drawing.add(
        "controls.Condition", label, at=at, after=[after], fields={"expression": expression}
    )


def _answer(
    drawing: Drawing, label: str, at: tuple[int, int], after: Port, *, status: int, body: Json
) -> None:
    drawing.add(
        "http.Response", label, at=at, after=[after], fields={"statusCode": status, "body": body}
    )
