"""What objects were is kept for their user alone, within bounds, whatever else happens."""

import os
import sqlite3
from functools import partial

import anyio
import pytest

from appmixer_mcp.errors import NotFoundError, UnavailableError
from appmixer_mcp.journal import Journal

ANN, BOB = "a" * 32, "b" * 32
NOISE = os.urandom(2_000).hex()  # which does not get smaller


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "journal.db"


@pytest.fixture
async def opened(path):
    """What opens the journal, as each of several processes does."""
    journals = []

    def opened(**options):
        journals.append(Journal(path, **options))
        return journals[-1]

    yield opened
    for journal in journals:
        await journal.aclose()


async def kept(journal, owner, object_id, name="Flow", *, text=""):
    state = {"name": name, "flow": {}, "description": text}
    change_id = await journal.begin(owner, "flow", object_id, name, state, tool="update_flow")
    await journal.finish(change_id, object_id, {"name": name, "flow": {"new": 1}})
    return change_id


async def names(journal, owner):
    changes, total = await journal.page(owner, limit=1_000, offset=0)
    assert total == len(changes)
    return [one.name for one in changes]


async def test_a_change_is_found_again_as_it_was_kept_by_another_process(opened):
    before = {"name": "Flow", "flow": {"b": {"x": 1.0}, "a": None}}
    first = opened(clock=lambda: 1_000.0)
    change_id = await first.begin(ANN, "flow", "f1", "Flow", before, tool="edit_flow")
    await first.finish(change_id, "f1", None)

    change, contents = await opened().find(ANN, change_id)

    assert list(contents.before["flow"]) == ["b", "a"]
    assert contents.before == before
    assert (contents.after, contents.knows_after, change.is_done) == (None, True, True)
    assert (change.tool, change.made_at.timestamp()) == ("edit_flow", 1_000.0)


async def test_a_change_that_never_ended_stays_listed_as_such(opened):
    change_id = await opened().begin(ANN, "flow", "f1", "Flow", {"flow": {}}, tool="edit_flow")

    (listed,), _ = await opened().page(ANN, limit=10, offset=0)

    assert (listed.change_id, listed.is_done) == (change_id, False)


async def test_only_its_owner_may_read_the_file(opened, path):
    await kept(opened(), ANN, "f1")

    modes = {one.name: one.stat().st_mode & 0o777 for one in path.parent.iterdir()}

    assert set(modes.values()) == {0o600}


async def test_the_oldest_changes_go_and_those_of_whoever_has_most_go_first(opened, path):
    journal = opened(max_bytes=50_000)
    bobs = await kept(journal, BOB, "f1", "Bob's", text=NOISE)

    anns = [await kept(journal, ANN, "f1", f"{number}", text=NOISE) for number in range(100)]

    left = await names(journal, ANN)
    assert left == [f"{number}" for number in reversed(range(100 - len(left), 100))]
    assert 10 < len(left) < 30
    assert (await journal.find(BOB, bobs))[0].name == "Bob's"
    assert (await journal.find(ANN, anns[-1]))[1].before["description"] == NOISE
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT count(*) FROM content").fetchone()[0] == len(left) + 1


async def test_a_forgotten_change_and_one_of_somebody_else_are_told_alike(opened):
    journal = opened()
    change_id = await kept(journal, ANN, "f1")

    with pytest.raises(NotFoundError, match="list_changes"):
        await journal.find(BOB, change_id)
    await journal.drop(change_id)
    with pytest.raises(NotFoundError, match="list_changes"):
        await journal.find(ANN, change_id)


async def test_what_is_larger_than_all_that_may_be_kept_is_told_before(opened):
    journal = opened(max_bytes=1_000)

    assert await journal.trouble(1_000) == ""
    assert "1,001 bytes" in await journal.trouble(1_001)
    assert "switched off" in await opened(max_bytes=0).trouble(0)


async def test_a_state_that_leaves_no_room_for_the_one_after_it_is_kept_alone(opened):
    journal = opened(max_bytes=4_000)
    before = {"name": "Flow", "flow": {}, "description": NOISE}
    change_id = await journal.begin(ANN, "flow", "f1", "Flow", before, tool="edit_flow")
    await journal.finish(change_id, "f1", before | {"name": "New"})

    change, contents = await journal.find(ANN, change_id)

    assert (contents.before, contents.knows_after, change.is_done) == (before, False, True)


async def test_a_full_disk_is_told_and_what_was_kept_stays(opened):
    journal = opened()
    await kept(journal, ANN, "f1", "first")
    connection = journal._storage._connection  # a disk of so many pages
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + 2}")

    with pytest.raises(UnavailableError, match="full or read-only"):
        await kept(journal, ANN, "f1", "second", text=os.urandom(20_000).hex())
    told = await journal.trouble(10)
    connection.execute("PRAGMA max_page_count = 100000")
    await kept(journal, ANN, "f1", "third")

    assert "could not be written last time" in told
    assert await journal.trouble(10) == ""
    assert await names(journal, ANN) == ["third", "first"]


async def test_many_writers_in_several_processes_lose_nothing(opened):
    journals = [opened() for _ in range(4)]

    with anyio.fail_after(20):
        async with anyio.create_task_group() as at_once:
            for number in range(40):
                at_once.start_soon(partial(kept, journals[number % 4], ANN, "f1", f"{number}"))

    assert sorted(await names(opened(), ANN), key=int) == [f"{number}" for number in range(40)]


async def test_an_object_that_came_back_under_another_id_takes_its_changes_along(opened):
    journal = opened()
    change_id = await kept(journal, ANN, "old")
    others = await kept(journal, BOB, "old")

    await journal.moved(ANN, "old", "new")

    assert (await journal.find(ANN, change_id))[0].object_id == "new"
    assert (await journal.find(BOB, others))[0].object_id == "old"


async def test_who_a_user_is_is_asked_once_for_each_sign_in(opened):
    journal, asked = opened(), []

    async def user_id():
        asked.append(1)
        return "u1"

    first = await journal.owner("session 1", "https://one.test", user_id)
    again = await journal.owner("session 1", "https://one.test", user_id)
    elsewhere = await journal.owner("session 2", "https://two.test/", user_id)

    assert first == again
    assert first != elsewhere
    assert len(asked) == 2


async def test_two_processes_do_not_change_the_same_flow_at_the_same_moment(opened):
    one, other = opened(), opened()
    order = []

    async def change(journal, name):
        async with journal.alone("f1"):
            order.append(f"{name} begins")
            await anyio.lowlevel.checkpoint()
            order.append(f"{name} ends")

    with anyio.fail_after(5):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(change, one, "one")
            tasks.start_soon(change, other, "other")

    assert [said.split()[0] for said in order[::2]] == [said.split()[0] for said in order[1::2]]


async def test_where_no_lock_can_be_made_a_change_goes_on(tmp_path):
    (tmp_path / "file").write_text("")

    async with Journal(tmp_path / "file" / "journal.db").alone("f1"):
        pass
