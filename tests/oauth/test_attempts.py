"""How often somebody may try to sign in."""

from contextlib import AsyncExitStack

import anyio
import pytest

from appmixer_mcp.errors import AppmixerError, NotSignedInError, RateLimitedError, UnavailableError
from appmixer_mcp.oauth.attempts import AttemptLimits, Attempts
from appmixer_mcp.state import MemoryState
from tests.oauth.browsing import Clock, LostState, Naps

HOME, ELSEWHERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def state(clock):
    return MemoryState(clock.seconds)


@pytest.fixture
def naps():
    return Naps()


@pytest.fixture
def attempts(state, naps):
    return Attempts(state, sleep=naps)


async def fail(
    attempts, address=HOME, username="ann", error: type[AppmixerError] = NotSignedInError
):
    with pytest.raises(error):
        async with attempts.attempt(address, username):
            raise error("refused")


async def succeed(attempts, address=HOME, username="ann"):
    async with attempts.attempt(address, username):
        pass


async def refused(attempts, address=HOME, username="ann"):
    """Return the wait of an attempt that is not let through."""
    with pytest.raises(RateLimitedError) as caught:
        await succeed(attempts, address, username)
    assert caught.value.retry_after_s is not None
    return caught.value.retry_after_s


async def test_each_failure_makes_the_next_attempt_slower_up_to_ten_seconds(attempts, naps):
    for _ in range(9):
        await fail(attempts)

    assert naps.asked_s == [0, 0.5, 1, 2, 4, 8, 10, 10, 10]


async def test_the_right_password_makes_attempts_fast_again(attempts, naps):
    await fail(attempts)
    await fail(attempts)
    await succeed(attempts)
    await succeed(attempts)

    assert naps.asked_s == [0, 0.5, 1, 0]


async def test_failures_are_forgotten_after_a_quarter_of_an_hour(attempts, naps, clock):
    await fail(attempts)
    clock.turn(seconds=901)
    await fail(attempts)

    assert naps.asked_s == [0, 0]


async def test_another_user_is_not_slowed_down(attempts, naps):
    await fail(attempts, username="ann")
    await fail(attempts, username="bob")

    assert naps.asked_s == [0, 0]


@pytest.mark.parametrize("spelling", ["ANN", " ann ", "\uff41nn"])
async def test_other_spellings_of_a_name_count_as_the_same(attempts, naps, spelling):
    await fail(attempts, username="ann")
    await fail(attempts, username=spelling)

    assert naps.asked_s == [0, 0.5]


async def test_a_tenant_that_does_not_answer_is_no_failure_of_the_user(state, naps):
    attempts = Attempts(state, limits=AttemptLimits(from_address=1), sleep=naps)

    for _ in range(3):
        await fail(attempts, error=UnavailableError)

    assert naps.asked_s == [0, 0, 0]


async def test_workers_count_together(state, naps):
    await fail(Attempts(state, sleep=naps))
    await fail(Attempts(state, sleep=naps))

    assert naps.asked_s == [0, 0.5]


async def test_an_address_has_to_wait_after_too_many_failures_and_nobody_else(state, naps, clock):
    attempts = Attempts(state, limits=AttemptLimits(from_address=2), sleep=naps)
    await fail(attempts, username="ann")
    await fail(attempts, username="bob")

    wait_s = await refused(attempts, username="cid")
    await succeed(attempts, ELSEWHERE, "cid")
    clock.turn(seconds=wait_s)

    await succeed(attempts, username="cid")
    assert 0 < wait_s <= 600


async def test_what_succeeds_does_not_use_up_an_address(state, naps):
    attempts = Attempts(state, limits=AttemptLimits(from_address=1), sleep=naps)

    for _ in range(5):
        await succeed(attempts)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
        ("", "", True),
        ("a socket", "a socket", True),
    ],
)
async def test_one_subscriber_is_one_address(state, naps, one, other, same):
    attempts = Attempts(state, limits=AttemptLimits(from_address=1), sleep=naps)
    await fail(attempts, one, "ann")

    if same:
        await refused(attempts, other, "bob")
    else:
        await succeed(attempts, other, "bob")


async def test_everybody_together_has_to_wait_at_most_a_minute(state, naps):
    attempts = Attempts(state, limits=AttemptLimits(in_all=1), sleep=naps)
    await succeed(attempts, HOME, "ann")

    assert 0 < await refused(attempts, ELSEWHERE, "bob") <= 60


async def test_an_address_over_its_limit_takes_nothing_from_the_others(state, naps):
    attempts = Attempts(state, limits=AttemptLimits(from_address=1, in_all=3), sleep=naps)
    await fail(attempts)
    for _ in range(5):
        await refused(attempts)

    await succeed(attempts, ELSEWHERE, "bob")


async def test_a_token_is_limited_by_address_but_not_slowed_down(state, naps):
    attempts = Attempts(state, limits=AttemptLimits(from_address=2), sleep=naps)
    await fail(attempts, username="")
    await fail(attempts, username="")

    await refused(attempts, username="")
    assert naps.asked_s == []


@pytest.mark.parametrize(
    ("limits", "username", "address"),
    [
        ({"waiting_for_user_from_address": 1}, "ann", HOME),
        ({"waiting_for_user": 1}, "ann", ELSEWHERE),
        ({"waiting": 1}, "bob", ELSEWHERE),
        ({"waiting": 1}, "", ELSEWHERE),
    ],
)
async def test_what_would_wait_beside_too_many_is_refused_until_they_are_done(
    state, naps, limits, username, address
):
    attempts = Attempts(state, limits=AttemptLimits(**limits), sleep=naps)

    async with attempts.attempt(HOME, "ann"):
        wait_s = await refused(attempts, address, username)
    await succeed(attempts, address, username)

    assert wait_s == 10


async def test_a_guesser_leaves_room_for_the_person_who_is_elsewhere(attempts):
    async with AsyncExitStack() as guesses:
        for _ in range(2):
            await guesses.enter_async_context(attempts.attempt(ELSEWHERE, "ann"))
        await refused(attempts, ELSEWHERE, "ann")

        await succeed(attempts, HOME, "ann")


async def test_many_guessers_leave_room_for_the_person_who_is_elsewhere(attempts):
    guessers = [f"198.51.100.{number}" for number in range(5)]
    for address in guessers:
        await fail(attempts, address, "ann")
    async with AsyncExitStack() as guesses:
        for address in 2 * guessers:
            await guesses.enter_async_context(attempts.attempt(address, "ann"))
        await refused(attempts, guessers[0], "ann")

        await succeed(attempts, HOME, "ann")


async def test_one_site_with_many_ipv6_networks_cannot_use_up_what_is_for_all(state, naps):
    limits = AttemptLimits(from_site=3, pages_for_site=3, in_all=5)
    attempts = Attempts(state, limits=limits, sleep=naps)
    for number in range(3):
        await fail(attempts, f"2001:db8:1:{number}::1", f"user {number}")
        await attempts.page(f"2001:db8:1:{number}::1")

    await refused(attempts, "2001:db8:1:ffff::1", "ann")
    with pytest.raises(RateLimitedError):
        await attempts.page("2001:db8:1:ffff::1")
    await succeed(attempts, "2001:db8:2::1", "ann")
    await attempts.page("2001:db8:2::1")


async def test_who_leaves_while_waiting_makes_room(state):
    attempts = Attempts(state, limits=AttemptLimits(waiting=1), sleep=anyio.sleep)
    await fail(attempts)
    with anyio.move_on_after(0):
        await succeed(attempts)

    async with attempts.attempt(HOME):
        pass


async def test_no_key_holds_a_user_name_or_an_address(naps):
    keys = set()

    class Watched(MemoryState):
        async def add(self, key, amount=1, *, ttl_s):
            keys.add(key)
            return await super().add(key, amount, ttl_s=ttl_s)

    await fail(Attempts(Watched(), sleep=naps), username="ann@example.com")

    assert len(keys) == 5
    assert not [key for key in keys if "ann" in key or HOME in key]


async def test_without_the_shared_state_nobody_gets_in():
    attempts = Attempts(LostState())

    for _ in range(3):
        with pytest.raises(UnavailableError):
            await succeed(attempts)
