"""What a fresh tenant shows: three flows that do something, records, a pending task, a chart."""

import secrets
from datetime import timedelta

from appmixer_mcp.sandbox.clock import to_ms
from appmixer_mcp.sandbox.config import LOCAL_USER
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.demo_flows import REQUESTER, health_check, nightly_export, order_intake
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.routes.endpoint import Services
from appmixer_mcp.sandbox.stores import UserStores
from appmixer_mcp.sandbox.tasks import UserTasks
from appmixer_mcp.sandbox.user_flows import UserFlows

_CUSTOMERS: dict[str, dict[str, Json]] = {
    "C-1001": {"name": "Bergmann & Co", "city": "Hamburg", "creditLimit": 5000},
    "C-1002": {"name": "Atelier Novak", "city": "Prague", "creditLimit": 1500},
    "C-1003": {"name": "Fjord Kaffe", "city": "Bergen", "creditLimit": 800},
}


async def seed(services: Services) -> None:
    """Fill an empty tenant for the demo user, and start the flows.

    All of it is stored at once: a process that ends half-way leaves an empty tenant, or one whose
    flows only want starting.
    """
    password_hash = await services.users.local_password_hash()
    with services.database.transaction():
        user_id = services.users.add(LOCAL_USER, LOCAL_USER, password_hash, {}).user_id
        stores = UserStores(services.database, services.clock, user_id)
        customers = stores.create("Customers")
        for key, customer in _CUSTOMERS.items():
            stores.set(customers, key, customer)
        flow_ids = _add_flows(services, user_id, stores.create("Orders"), stores.create("Health"))
        _add_task(services, user_id)
        _add_chart(services, user_id, flow_ids[0])
    for flow_id in flow_ids:
        await services.engine.start_flow(flow_id)


def _add_flows(
    services: Services, user_id: str, orders_store: str, health_store: str
) -> tuple[str, str, str]:
    flows = UserFlows(services.database, services.clock, user_id)

    def add(name: str, description: str, descriptor: dict[str, Json]) -> str:
        extra = {"description": description, "customFields": {"category": "demo"}}
        flow_id: str = flows.create(name, descriptor, extra)["flowId"]
        return flow_id

    descriptor, webhook_id = order_intake(orders_store, LOCAL_USER)
    intake = add("Order intake", "Takes orders by webhook; large ones need approval.", descriptor)
    webhook_url = f"{services.config.public_url}/flows/{intake}/components/{webhook_id}"
    check = add(
        "Intake health check",
        "Pings the order intake every five minutes.",
        health_check(webhook_url, health_store),
    )
    export = add(
        "Nightly export (broken on purpose)",
        "Writes to a data store that does not exist, to show what an error looks like.",
        nightly_export(),
    )
    return intake, check, export


def _add_task(services: Services, user_id: str) -> None:
    key = services.config.jwt_key.get_secret_value().encode()
    UserTasks(services.database, services.clock, user_id, "", key).create(
        title="Approve the price list for next year",
        description="The new prices are **4 % higher** on average.",
        requester=REQUESTER,
        approver=LOCAL_USER,
        decision_by=services.clock.now() + timedelta(days=14),
    )


def _add_chart(services: Services, user_id: str, flow_id: str) -> None:
    chart: dict[str, Json] = {
        "name": "Order intake, messages a day",
        "index": 0,
        "type": "bar",
        "options": {},
        "query": {"range": {"from": {"subtract": [7, "day"], "startOf": "day"}, "to": {}}},
        "traces": {
            "messages": {
                "name": "Messages",
                "hidden": False,
                "agg": {
                    "date_histogram": {
                        "field": "@timestamp", "interval": "1d", "min_doc_count": 0
                    }
                },
                "options": {"type": "bar", "linewidth": 1, "opacity": 1},
                "source": {"type": "flow", "targets": {flow_id: []}},
            }
        },
    }  # fmt: skip
    services.database.connection.execute(
        "INSERT INTO chart VALUES (?, ?, ?, ?)",
        (secrets.token_hex(12), user_id, dumps(chart), to_ms(services.clock.now())),
    )
