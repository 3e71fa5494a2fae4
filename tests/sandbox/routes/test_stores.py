"""Data stores and their records."""

import csv
import io
from datetime import timedelta
from typing import Any

import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from tests.sandbox.routes.conftest import Client, problem


async def new_store(client: Client, name: str = "Store", **records: object) -> str:
    store_id = str((await client.post("/stores", json={"name": name})).json()["storeId"])
    for key, value in records.items():
        (await client.post(f"/store/{store_id}/{key}", json=value)).raise_for_status()
    return store_id


async def keys(client: Client, store_id: str, **query: Any) -> list[str]:
    answer = await client.get("/store", params={"storeId": store_id, **query})
    return [record["key"] for record in answer.raise_for_status().json()]


@pytest.mark.parametrize("path", ["/stores", "/data-stores"])
async def test_stores_are_listed_and_shown_in_both_dialects(ann: Client, path: str) -> None:
    first, second = await new_store(ann, "A"), await new_store(ann, "B")

    listed = (await ann.get(path)).json()
    shown = (await ann.get(f"{path}/{first}")).json()

    assert [one["storeId"] for one in listed] == [first, second]
    assert shown == {"storeId": first, "name": "A"}


async def test_every_store_is_listed_when_no_limit_is_named(ann: Client) -> None:
    for number in range(101):
        await new_store(ann, f"Store {number}")

    assert len((await ann.get("/stores")).json()) == 101
    assert len((await ann.get("/stores", params={"limit": 3, "offset": 1})).json()) == 3


async def test_a_renamed_store_tells_its_old_name(ann: Client) -> None:
    store_id = await new_store(ann, "Old")

    answer = await ann.put(f"/stores/{store_id}", json={"name": "New"})

    assert answer.json() == {"oldName": "Old", "storeId": store_id}
    assert (await ann.get(f"/stores/{store_id}")).json()["name"] == "New"


@pytest.mark.parametrize("path", ["/stores", "/data-stores"])
async def test_a_deleted_store_takes_its_records_along(ann: Client, path: str) -> None:
    store_id = await new_store(ann, a=1)

    await ann.delete(f"{path}/{store_id}")

    assert problem(await ann.get(f"/stores/{store_id}")) == (404, "Store not found.")
    assert problem(await ann.get(f"/store/{store_id}/a"))[0] == 404
    assert problem(await ann.delete(f"{path}/{store_id}"))[0] == 404


@pytest.mark.parametrize("body", [{}, {"name": " "}, {"name": 1}, {"name": "x" * 501}])
async def test_a_store_needs_a_name(ann: Client, body: dict[str, object]) -> None:
    assert problem(await ann.post("/stores", json=body))[0] == 400


@pytest.mark.parametrize(
    ("content", "content_type", "value"),
    [
        (b'{"a": [1]}', "application/json", {"a": [1]}),
        (b"17", "application/json; charset=utf-8", 17),
        (b"null", "application/json", None),
        (b"17", "text/plain", "17"),
        ("žluť".encode(), "text/plain", "žluť"),
        (b"", "text/plain", ""),
    ],
)
async def test_the_body_of_a_record_is_its_value(
    ann: Client, content: bytes, content_type: str, value: object
) -> None:
    store_id = await new_store(ann)
    headers = {"Content-Type": content_type}

    written = await ann.post(f"/store/{store_id}/k", content=content, headers=headers)

    shown = (await ann.get(f"/store/{store_id}/k")).json()
    assert written.json()["value"] == shown["value"] == value
    assert shown["storeId"] == store_id
    assert "oldValue" not in written.json()


async def test_writing_a_key_again_keeps_when_it_was_made(ann: Client, clock: ManualClock) -> None:
    store_id = await new_store(ann, k="old")
    clock.turn(timedelta(hours=1))

    record = (await ann.post(f"/store/{store_id}/k", json="new")).json()

    assert (record["value"], record["oldValue"]) == ("new", "old")
    assert record["createdAt"] == "2026-01-31T08:00:00.000Z"
    assert record["updatedAt"] == "2026-01-31T09:00:00.000Z"


@pytest.mark.parametrize("key", ["a/b", "../x", "a b", "100%", "é", "find", "?", "*"])
async def test_any_text_can_be_a_key(ann: Client, key: str) -> None:
    store_id = await new_store(ann, other=1)
    path = f"/store/{store_id}/{''.join(f'%{byte:02X}' for byte in key.encode())}"

    written = (await ann.post(path, json=2)).json()

    assert written["key"] == key
    assert (await ann.get(path)).json()["value"] == 2
    assert (await ann.delete(path)).status_code == 200
    assert await keys(ann, store_id) == ["other"]


async def test_a_value_that_is_no_text_and_no_json_is_refused(ann: Client) -> None:
    store_id = await new_store(ann)
    text = {"Content-Type": "text/plain"}
    json_type = {"Content-Type": "application/json"}

    no_text = await ann.post(f"/store/{store_id}/k", content=b"\xff", headers=text)
    no_json = await ann.post(f"/store/{store_id}/k", content=b"{", headers=json_type)
    long_key = await ann.post(f"/store/{store_id}/{'k' * 1001}", json=1)

    assert [problem(one)[0] for one in (no_text, no_json, long_key)] == [400, 400, 400]
    assert await keys(ann, store_id) == []


async def test_records_come_in_pages_in_the_asked_for_order(
    ann: Client, clock: ManualClock
) -> None:
    store_id = await new_store(ann, b=1)
    clock.turn(timedelta(seconds=1))
    await ann.post(f"/store/{store_id}/a", json=2)
    clock.turn(timedelta(seconds=1))
    await ann.post(f"/store/{store_id}/c", json=10)

    assert await keys(ann, store_id) == ["a", "b", "c"]
    assert await keys(ann, store_id, sort="updatedAt:-1") == ["c", "a", "b"]
    assert await keys(ann, store_id, sort="value:1") == ["b", "a", "c"]
    assert await keys(ann, store_id, limit=1, offset=1) == ["b"]
    assert await keys(ann, store_id, limit=0) == []
    assert await keys(ann, store_id, offset=3) == []


async def test_a_pattern_is_looked_for_in_keys_and_values(ann: Client) -> None:
    store_id = await new_store(ann, alpha="first", beta={"city": "Alphaville"}, gamma=5)

    found = await keys(ann, store_id, pattern="ALPHA")
    count = await ann.get("/store/count", params={"storeId": store_id, "pattern": "alpha"})

    assert found == ["alpha", "beta"]
    assert count.json() == {"count": 2}
    assert await keys(ann, store_id, pattern="^g") == ["gamma"]


async def test_records_need_a_store(ann: Client) -> None:
    assert problem(await ann.get("/store")) == (400, "storeId is required.")
    assert problem(await ann.get("/store/count", params={"storeId": "x"}))[0] == 404


@pytest.mark.parametrize(
    ("change", "after"),
    [
        ({"value": 2}, ("k", 2)),
        ({"value": None}, ("k", None)),
        ({"key": "n"}, ("n", 1)),
        ({"key": "n", "value": 2}, ("n", 2)),
        ({"key": "k"}, ("k", 1)),
        ({}, ("k", 1)),
    ],
)
async def test_a_record_can_get_another_key_and_value(
    ann: Client, change: dict[str, object], after: tuple[str, object]
) -> None:
    store_id = await new_store(ann, k=1)

    answer = await ann.patch(f"/store/{store_id}/k", json=change)

    records = (await ann.get("/store", params={"storeId": store_id})).json()
    assert [(one["key"], one["value"]) for one in records] == [after]
    assert (answer.json()["key"], answer.json()["value"]) == after


async def test_a_change_that_would_overwrite_another_record_changes_nothing(ann: Client) -> None:
    store_id = await new_store(ann, a=1, b=2)

    taken = await ann.patch(f"/store/{store_id}/a", json={"key": "b", "value": 3})
    missing = await ann.patch(f"/store/{store_id}/x", json={"value": 3})

    assert problem(taken)[0] == 409
    assert problem(missing) == (404, "Record not found.")
    assert (await ann.get(f"/store/{store_id}/a")).json()["value"] == 1


async def test_several_records_are_deleted_at_once(ann: Client) -> None:
    first, second = await new_store(ann, a=1, b=2), await new_store(ann, c=3)
    items = [
        {"storeId": first, "key": "a"},
        {"storeId": second, "key": "c"},
        {"storeId": first, "key": "unknown"},
    ]

    answer = await ann.request("DELETE", "/store", json=items)

    assert answer.json() == {"deletedCount": 2}
    assert await keys(ann, first) == ["b"]


async def test_one_unknown_store_keeps_all_records(ann: Client) -> None:
    store_id = await new_store(ann, a=1)
    items = [{"storeId": store_id, "key": "a"}, {"storeId": "unknown", "key": "a"}]

    answer = await ann.request("DELETE", "/store", json=items)

    assert problem(answer)[0] == 404
    assert await keys(ann, store_id) == ["a"]


@pytest.mark.parametrize("items", [{}, [{"key": "a"}], ["a"], None])
async def test_records_to_delete_are_named_by_store_and_key(ann: Client, items: object) -> None:
    assert problem(await ann.request("DELETE", "/store", json=items))[0] == 400


async def test_an_empty_change_leaves_the_record_as_old_as_it_is(
    ann: Client, clock: ManualClock
) -> None:
    store_id = await new_store(ann, k=1)
    clock.turn(timedelta(hours=1))

    record = (await ann.patch(f"/store/{store_id}/k", json={})).json()
    changed = (await ann.patch(f"/store/{store_id}/k", json={"value": 2})).json()

    assert record["updatedAt"] == record["createdAt"] == changed["createdAt"]
    assert (changed["oldValue"], changed["updatedAt"]) == (1, "2026-01-31T09:00:00.000Z")


async def test_a_whole_store_is_downloaded_as_json(ann: Client) -> None:
    store_id = await new_store(ann, "Žluté", a=1, b="text", c={"x": [None]})
    for number in range(120):  # more than is read at once
        await ann.post(f"/store/{store_id}/n{number:03}", json=number)

    answer = await ann.get(f"/store/download/{store_id}")

    listed = await ann.get("/store", params={"storeId": store_id, "limit": 1000})
    assert answer.json() == listed.json()
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].endswith("filename*=UTF-8''%C5%BDlut%C3%A9.json")


async def test_a_whole_store_is_downloaded_as_a_table(ann: Client) -> None:
    store_id = await new_store(ann, "S", a='x,"y"\nz', b={"x": 1}, c="=1+1")

    answer = await ann.get(f"/store/download/{store_id}", params={"format": "csv"})

    assert [row[:2] for row in csv.reader(io.StringIO(answer.text, newline=""))] == [
        ["key", "value"],
        ["a", 'x,"y"\nz'],
        ["b", '{"x":1}'],
        ["c", "=1+1"],
    ]
    assert answer.headers["content-disposition"] == 'attachment; filename="S.csv"'


async def test_an_empty_store_is_downloaded_as_an_empty_list(ann: Client) -> None:
    store_id = await new_store(ann)

    assert (await ann.get(f"/store/download/{store_id}?format=json")).json() == []
    assert problem(await ann.get(f"/store/download/{store_id}?format=xml"))[0] == 400
    assert problem(await ann.get("/store/download/unknown"))[0] == 404
