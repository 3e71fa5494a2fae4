"""Public files of a tenant."""

from typing import Any

import pytest

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client, Connect, problem


@pytest.fixture
def admin(connect: Connect, tenant: Tenant) -> Client:
    client = connect("root@example.com")
    tenant.database.connection.execute(
        'UPDATE user SET scope_json = \'["user", "admin"]\' WHERE username = ?',
        ("root@example.com",),
    )
    return client


async def upload(client: Client, content: bytes = b"x", **fields: str) -> Any:
    return await client.post("/public-files", files={"file": ("a", content)}, data=fields)


async def test_an_administrator_makes_files_public_and_takes_them_back(
    admin: Client, ann: Client, tenant: Tenant
) -> None:
    made = await upload(admin, filename="terms.html")
    await upload(admin, filename="logo.svg")
    await upload(admin, b"newer", filename="logo.svg")

    listed = (await ann.get("/public-files")).json()
    gone = await admin.delete("/public-files/logo.svg")

    assert made.json() == gone.json() == {"ok": True}
    assert listed == [{"filename": "logo.svg"}, {"filename": "terms.html"}]
    assert (await ann.get("/public-files")).json() == [{"filename": "terms.html"}]
    assert problem(await admin.delete("/public-files/logo.svg"))[0] == 404
    assert (await admin.get("/files")).json() == []


async def test_users_cannot_change_public_files(ann: Client, admin: Client) -> None:
    await upload(admin, filename="terms.html")

    assert problem(await upload(ann, filename="terms.html"))[0] == 403
    assert problem(await ann.delete("/public-files/terms.html"))[0] == 403


async def test_a_public_file_needs_a_name(admin: Client) -> None:
    assert problem(await upload(admin))[0] == 400
    assert problem(await upload(admin, filename=" "))[0] == 400
    assert (await admin.get("/public-files")).json() == []
