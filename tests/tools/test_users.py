"""The tools of the group users, for the tenant's administrators."""

import json

import pytest

from appmixer_mcp.sandbox.config import LOCAL_USER

from .conftest import BASE_URL, Tools, session_on, tenant_in, tools_on

GROUPS = ("users", "session", "flows")
EVE = {"username": "eve@example.com", "password": "secret-of-eve"}


class Other(Tools):
    user_id = ""


@pytest.fixture
async def tenant(tmp_path):
    async with tenant_in(tmp_path, admins=(LOCAL_USER,)) as tenant:
        yield tenant


@pytest.fixture
async def tools(tenant):
    async with tools_on(tenant, *GROUPS) as tools:
        yield tools


@pytest.fixture
async def eve(tenant):
    """The tools of somebody who is no administrator."""
    nobody = session_on(tenant, username=None, password=None)
    async with tools_on(tenant, *GROUPS, session=nobody) as tools:
        other = Other(tools.client)
        other.user_id = (await other("signup_user", **EVE))["user_id"]
        yield other


async def test_the_tenant_tells_its_version_to_anybody(tools):
    found = await tools("get_api_info")

    assert found["base_url"] == BASE_URL
    assert found["status"] == "ok"
    assert found["version"]


async def test_an_administrator_changes_a_user_after_seeing_what_changes(tools, eve):
    changes = {"user_id": eve.user_id, "username": "eva@example.com", "scope": ["user", "tester"]}

    preview = await tools("update_user", **changes, password="new-secret-of-eve")
    done = await tools("update_user", **changes, password="new-secret-of-eve", confirm=True)

    assert preview["message"] == "Change the user 'eve@example.com'?"
    assert preview["impact"] == [
        "The user name becomes 'eva@example.com'.",
        "The password changes; the present one is no longer accepted.",
        "All roles (scope) are then: 'user', 'tester'.",
    ]
    assert "new-secret" not in json.dumps([preview, done])
    user = await eve("authenticate_user", username="eva@example.com", password="new-secret-of-eve")
    assert user["scope"] == ["user", "tester"]
    assert user["email"] == "eve@example.com"


async def test_a_deleted_user_is_gone_with_all_flows(tools, eve, tenant):
    await eve("create_flow", name="Eve's")

    preview = await tools("delete_user", user_id=eve.user_id)
    done = await tools("delete_user", user_id=eve.user_id, confirm=True)

    assert "'eve@example.com'" in preview["message"]
    assert not any("signed in here" in line for line in preview["impact"])
    assert done["message"] == f"Deleted the user '{eve.user_id}'."
    assert tenant.database.rows("SELECT 1 FROM flow") == []
    await eve.refused("authenticate_user", **EVE)


async def test_who_deletes_oneself_is_told_so_first(tools):
    me = (await tools("get_user"))["user_id"]

    preview = await tools("delete_user", user_id=me)

    assert preview["impact"][0] == "It is the user who is signed in here."


async def test_nobody_but_an_administrator_may_and_the_refusal_says_so(tools, eve):
    admin = (await tools("get_user"))["user_id"]

    for call in (
        ("delete_user", {"user_id": admin}),
        ("update_user", {"user_id": eve.user_id, "scope": ["admin"]}),
    ):
        said = await eve.refused(call[0], **call[1])
        assert "administrator" in said
        said = await eve.refused(call[0], **call[1], confirm=True)
        assert "administrator" in said

    assert (await eve("get_user"))["scope"] == ["user"]


async def test_changing_nothing_and_changing_nobody_are_refused(tools, eve):
    assert "Nothing to change" in await tools.refused("update_user", user_id=eve.user_id)
    assert "'ghost'" in await tools.refused("delete_user", user_id="ghost")


async def test_a_tenant_of_the_smaller_dialect_deletes_by_the_id_alone(tmp_path):
    async with tenant_in(tmp_path, admins=(LOCAL_USER,), dialect="openapi") as tenant:
        session = session_on(tenant, dialect="openapi")
        async with tools_on(tenant, *GROUPS, session=session) as tools:
            me = (await tools("get_user"))["user_id"]

            preview = await tools("update_user", user_id=me, username="boss@example.com")
            await tools("update_user", user_id=me, username="boss@example.com", confirm=True)

            assert preview["message"] == f"Change the user with the id '{me}'?"
            assert (await tools("get_user"))["username"] == "boss@example.com"
