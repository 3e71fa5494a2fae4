"""What becomes of streams that are open when a sign-in ends."""

import anyio
import pytest

from appmixer_mcp.errors import RateLimitedError, UnavailableError
from appmixer_mcp.session import Session
from appmixer_mcp.web.open_requests import OpenRequests


async def never(base_url):
    raise AssertionError(base_url)


class Person:
    """Somebody with a stream, whose sign-in the test ends."""

    def __init__(self):
        self.signed_in: bool | None = True
        self.looked_at = anyio.Event()
        self.ended = anyio.Event()

    async def is_signed_in(self):
        self.looked_at.set()
        if self.signed_in is None:
            raise UnavailableError("Nobody answers.")
        return self.signed_in

    async def stream(self, requests):
        with requests.held(Session("sandbox", never, is_signed_in=self.is_signed_in)):
            await anyio.sleep_forever()
        self.ended.set()


@pytest.fixture
async def watching():
    requests = OpenRequests(most_of_one=10)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(requests.watch, 0.001)
        yield lambda person: tasks.start_soon(person.stream, requests)
        tasks.cancel_scope.cancel()


async def test_a_stream_ends_when_its_person_is_signed_in_no_more(watching):
    ann, bob = Person(), Person()
    watching(ann)
    watching(bob)

    ann.signed_in = False

    with anyio.fail_after(5):
        await ann.ended.wait()
        await bob.looked_at.wait()
    assert not bob.ended.is_set()


async def test_a_stream_goes_on_while_nobody_can_say_whether_its_person_is_signed_in(watching):
    ann = Person()
    ann.signed_in = None
    watching(ann)

    with anyio.fail_after(5):
        await ann.looked_at.wait()
        ann.looked_at = anyio.Event()
        await ann.looked_at.wait()
    assert not ann.ended.is_set()


async def test_one_user_s_open_streams_leave_room_for_the_others():
    requests = OpenRequests(most_of_one=1)
    ann, bob = (Session("sandbox", never, owner=name) for name in ("ann", "bob"))

    with requests.held(ann):
        with pytest.raises(RateLimitedError):
            requests.held(ann)
        with requests.held(bob):
            pass
    with requests.held(ann):
        pass
