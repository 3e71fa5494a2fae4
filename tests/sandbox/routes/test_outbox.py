"""The outbox."""

from datetime import timedelta

from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.outbox import Outbox
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client


async def test_each_user_sees_the_own_mails_newest_first(
    ann: Client, bob: Client, tenant: Tenant, clock: ManualClock
) -> None:
    outbox = Outbox(tenant.database, clock)
    user_id = (await ann.get("/user")).json()["id"]
    outbox.add(user_id, to=["x@example.com"], subject="First", text="one", sender="me@example.com")
    clock.turn(timedelta(seconds=1))
    outbox.add(user_id, to=["y@example.com"], subject="Second", text="two")

    mails = (await ann.get("/outbox")).json()
    found = (await ann.get("/outbox", params={"filter": "subject:First"})).json()

    assert [mail["subject"] for mail in mails] == ["Second", "First"]
    assert found == [mails[1]]
    assert (found[0]["from"], found[0]["to"]) == ("me@example.com", ["x@example.com"])
    assert (await bob.get("/outbox")).json() == []
