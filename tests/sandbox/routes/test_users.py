"""Administrators and the users of a tenant."""

from typing import Any

import anyio
import pytest

from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import (
    Client,
    Connect,
    echo_flow,
    failing_flow,
    problem,
    saved,
    started,
)

FOR_ADMINISTRATORS = [
    "GET /users", "GET /users/count", "GET /users/{id}", "PUT /users/{id}", "DELETE /users/{id}",
    "GET /users/{id}/delete-status/t", "POST /user/reset-password",
]  # fmt: skip


async def id_of(client: Client) -> str:
    return str((await client.get("/user")).json()["id"])


async def rows_about(tenant: Tenant, *texts: str) -> dict[str, int]:
    """Count, table by table, the rows that hold one of these texts anywhere."""
    tables = tenant.database.rows(
        "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE '%VIRTUAL TABLE%'"
    )
    found: dict[str, int] = {}
    for table in tables:
        rows = tenant.database.rows(f"SELECT * FROM {table['name']}")  # noqa: S608 - a table's own name
        count = sum(any(text in str(value) for value in row for text in texts) for row in rows)
        if count:
            found[table["name"]] = count
    return found


@pytest.mark.parametrize("call", FOR_ADMINISTRATORS)
async def test_users_are_administered_by_administrators_alone(
    ann: Client, bob: Client, call: str
) -> None:
    method, path = call.format(id=await id_of(ann)).split()

    assert problem(await bob.request(method, path, json={}))[0] == 403
    assert (await ann.get("/user")).status_code == 200


async def test_who_is_named_in_the_settings_is_an_administrator(root: Client) -> None:
    assert (await root.get("/user")).json()["scope"] == ["user", "admin"]


async def test_nobody_can_sign_up_as_an_administrator(
    visitor: Client, config: TenantConfig
) -> None:
    body = {"username": "ROOT@example.com", "password": "secret"}

    assert problem(await visitor.post("/user", json=body))[0] == 403


async def test_users_are_found_counted_and_shown(root: Client, ann: Client, bob: Client) -> None:
    ann_id = await id_of(ann)

    listed = (await root.get("/users", params={"sort": "username:1"})).json()
    found = (await root.get("/users", params={"pattern": "ANN@"})).json()
    shown = (await root.get(f"/users/{ann_id}")).json()

    names = [user["username"] for user in listed]
    assert names == ["ann@example.com", "bob@example.com", "root@example.com"]
    assert [user["id"] for user in found] == [ann_id]
    assert shown == found[0]
    assert shown["id"] == shown["userId"]
    assert (await root.get("/users/count")).json() == {"count": 3}
    assert problem(await root.get("/users/none"))[0] == 404


async def test_an_administrator_makes_another_and_takes_it_back(root: Client, ann: Client) -> None:
    path = f"/users/{await id_of(ann)}"

    changed = await root.put(path, json={"scope": ["user", "admin"], "vendor": "acme"})
    as_administrator = await ann.get("/users")
    await root.put(path, json={"scope": ["user"]})

    assert changed.json()["scope"] == ["user", "admin"]
    assert changed.json()["vendor"] == ["acme"]
    assert as_administrator.status_code == 200
    assert problem(await ann.get("/users"))[0] == 403


async def test_a_changed_user_signs_in_by_the_new_name(
    root: Client, ann: Client, visitor: Client
) -> None:
    names = {"username": "anna", "email": "Anna@Example.com", "password": "secret"}

    changed = await root.put(f"/users/{await id_of(ann)}", json={**names, "metadata": {"a": 1}})
    signed_in = await visitor.post("/user/auth", json={"username": "anna", "password": "secret"})

    assert changed.json()["email"] == "anna@example.com"
    assert signed_in.json()["user"] == changed.json()
    assert signed_in.json()["user"]["metadata"] == {"a": 1}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"username": "bob@example.com"}, 409),
        ({"email": "BOB@example.com"}, 409),
        ({"username": ""}, 400),
        ({"password": "four"}, 400),
        ({"scope": "admin"}, 400),
        ({"scope": ["a b"]}, 400),
        ({"metadata": []}, 400),
    ],
)
async def test_a_change_that_cannot_be_is_refused_as_a_whole(
    root: Client, ann: Client, bob: Client, body: dict[str, Any], status: int
) -> None:
    before = (await ann.get("/user")).json()

    answer = await root.put(f"/users/{before['id']}", json={"vendor": "acme", **body})

    assert problem(answer)[0] == status
    assert (await ann.get("/user")).json() == before


async def test_a_deleted_user_leaves_nothing_behind(
    root: Client, ann: Client, bob: Client, tenant: Tenant
) -> None:
    ann_id = await id_of(ann)
    flow_id = await started(ann, failing_flow())
    with anyio.fail_after(5):
        await tenant.engine.wait_idle()
    await ann.put(f"/flows/{flow_id}?forceUpdate=true", json={"flow": echo_flow()})
    shares = [{"email": "bob@example.com", "permissions": ["read"]}]
    await ann.put(f"/flows/{flow_id}?forceUpdate=true", json={"sharedWith": shares})
    store_id = (await ann.post("/stores", json={"name": "S"})).json()["storeId"]
    await ann.post(f"/store/{store_id}/k", json="v")
    account = {"service": "appmixer:slack", "token": {"accessToken": "x"}}
    await ann.post("/accounts", json=account)
    await ann.post("/charts", json={})
    task = {"title": "T", "requester": "ann@example.com", "approver": "bob@example.com"}
    await ann.post("/people-task/tasks", json=task)
    await ann.post("/files", files={"file": ("a.txt", b"text")})
    theirs = (ann_id, flow_id, store_id)
    assert len(await rows_about(tenant, *theirs)) > 8

    ticket = (await root.delete(f"/users/{ann_id}")).json()["ticket"]
    status = (await root.get(f"/users/{ann_id}/delete-status/{ticket}")).json()

    assert status["status"] == "completed"
    assert status["stepsDone"] == status["stepsTotal"] > 0
    assert await rows_about(tenant, *theirs) == {"job": 1}
    assert problem(await ann.get("/user"))[0] == 401
    assert problem(await root.get(f"/users/{ann_id}"))[0] == 404
    assert (await bob.get("/flows")).json() == []


async def test_what_others_have_survives_the_deletion_of_a_user(
    root: Client, ann: Client, bob: Client
) -> None:
    flow_id = await started(bob, echo_flow())
    store_id = (await bob.post("/stores", json={"name": "S"})).json()["storeId"]
    await bob.post(f"/store/{store_id}/k", json="v")

    await root.delete(f"/users/{await id_of(ann)}")

    assert (await bob.get(f"/flows/{flow_id}")).json()["stage"] == "running"
    assert (await bob.get(f"/store/{store_id}/k")).json()["value"] == "v"


async def test_a_user_who_is_deleted_twice_at_once_is_gone(root: Client, ann: Client) -> None:
    ann_id = await id_of(ann)
    for _ in range(3):
        await started(ann, echo_flow())
    statuses: list[int] = []

    async def delete() -> None:
        statuses.append((await root.delete(f"/users/{ann_id}")).status_code)

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(delete)
            tasks.start_soon(delete)

    assert statuses == [200, 200]
    assert problem(await root.get(f"/users/{ann_id}"))[0] == 404


async def test_a_ticket_is_good_for_its_own_user_and_its_own_deletion(
    root: Client, ann: Client, bob: Client, connect: Connect
) -> None:
    ann_id, bob_id = await id_of(ann), await id_of(bob)
    ticket = (await root.delete(f"/users/{ann_id}")).json()["ticket"]
    await root.put(f"/users/{bob_id}", json={"scope": ["admin"]})

    assert problem(await root.get(f"/users/{bob_id}/delete-status/{ticket}"))[0] == 404
    assert problem(await bob.get(f"/users/{ann_id}/delete-status/{ticket}"))[0] == 404


async def test_a_deleted_users_name_is_free_again(
    root: Client, ann: Client, visitor: Client
) -> None:
    await saved(ann, echo_flow())
    await root.delete(f"/users/{await id_of(ann)}")

    again = await visitor.post("/user", json={"username": "ann@example.com", "password": "secret"})
    headers = {"Authorization": f"Bearer {again.json()['token']}"}

    assert (await visitor.get("/flows", headers=headers)).json() == []
