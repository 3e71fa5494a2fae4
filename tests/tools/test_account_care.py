"""Single accounts: whether they still work, and removing them."""

import json

import httpx2
import pytest

from .conftest import as_user, between, tools_on

SECRET = "s3cret-of-the-account"


@pytest.fixture
async def tools(tenant):
    async with tools_on(tenant, "accounts", "flows") as tools:
        yield tools


async def account_of(tools):
    made = await tools("create_account", service="acme:crm", token={"apiKey": SECRET}, name="Sales")
    return made["account_id"]


async def test_deleting_an_account_shows_the_flows_that_stop(tools, tenant):
    account_id = await account_of(tools)
    crm = {"crm": {"type": "acme.crm.contacts.Create", "source": {}}}
    await tools("create_flow", name="Leads", descriptor=crm)
    await as_user(tenant, "PUT", f"/auth/component/crm/{account_id}", {})

    shown = await tools("get_account", account_id=account_id)
    preview = await tools("delete_account", account_id=account_id)
    done = await tools("delete_account", account_id=account_id, confirm=True)

    assert shown == {
        "account_id": account_id,
        "service": "acme:crm",
        "name": "Sales",
        "revoked": False,
        "valid": True,
    }
    assert preview["message"] == "Delete the account 'Sales' of 'acme:crm'?"
    assert preview["impact"][-1] == "The flow 'Leads' uses it, and stops."
    assert done["done"]
    assert SECRET not in json.dumps([shown, preview, done])
    assert "list_accounts" in await tools.refused("get_account", account_id=account_id)


async def test_a_flow_that_began_to_use_the_account_after_the_question_is_asked_about(
    tools, tenant
):
    account_id = await account_of(tools)
    await tools("delete_account", account_id=account_id)
    crm = {"crm": {"type": "acme.crm.contacts.Create", "source": {}}}
    await tools("create_flow", name="Leads", descriptor=crm)
    await as_user(tenant, "PUT", f"/auth/component/crm/{account_id}", {})

    answer = await tools("delete_account", account_id=account_id, confirm=True)

    assert answer["done"] is False


@pytest.mark.parametrize(
    ("answer", "valid"),
    [
        (httpx2.Response(200, json={"t1": "valid", "t2": "revoked"}), False),
        (httpx2.Response(404, json={"message": "Not Found"}), None),
    ],
)
async def test_an_account_that_the_service_no_longer_accepts_is_said_to_be_broken(
    answer, valid, tenant
):
    way = between(tenant, lambda one: answer if one.url.path.endswith("/test") else None)

    async with tools_on(tenant, "accounts", transport=way) as tools:
        account_id = await account_of(tools)

        shown = await tools("get_account", account_id=account_id)

        assert shown.get("valid") is valid
        assert ("connect it again" in shown.get("next_step", "")) == (valid is False)
