"""Who hears that something has changed."""

import pytest
from mcp.server.subscriptions import ResourceUpdated
from mcp.shared.exceptions import MCPError

from appmixer_mcp.notices import Notices
from appmixer_mcp.session import Session, current_session
from appmixer_mcp.state import MemoryState

CHANGE = ResourceUpdated(uri="appmixer://flows/1")


async def _no_client(base_url):
    raise AssertionError(f"{base_url} is not asked")


@pytest.fixture
def acting_as():
    """What makes the rest of a test the doing of somebody."""
    before = current_session.set(Session("https://tenant.example", _no_client, owner="nobody"))

    def act(owner):
        current_session.set(Session("https://tenant.example", _no_client, owner=owner))

    yield act
    current_session.reset(before)


async def test_a_user_with_too_many_subscriptions_gets_no_more_and_takes_nobody_elses(acting_as):
    notices = Notices(MemoryState(), most_of_one=2)
    acting_as("ann")
    end, _ = [notices.subscribe(list[object]().append) for _ in range(2)]

    with pytest.raises(MCPError, match="subscriptions of yours"):
        notices.subscribe(list[object]().append)

    end()
    end()  # a second time says nothing
    notices.subscribe(list[object]().append)
    with pytest.raises(MCPError):
        notices.subscribe(list[object]().append)
    acting_as("bob")
    notices.subscribe(list[object]().append)


async def test_a_change_is_heard_by_the_user_who_made_it_alone(acting_as):
    notices, anns, bobs = Notices(MemoryState()), list[object](), list[object]()
    acting_as("bob")
    notices.subscribe(bobs.append)
    acting_as("ann")
    end = notices.subscribe(anns.append)

    await notices.publish(CHANGE)
    end()
    await notices.publish(CHANGE)

    assert (anns, bobs) == ([CHANGE], [])
