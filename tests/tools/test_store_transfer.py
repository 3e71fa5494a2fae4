"""Whole stores: read out, saved to a file, and many records written at once."""

import json

import pytest

from appmixer_mcp.journal import Journal

from .conftest import tools_on
from .serving_all import all_tools


@pytest.fixture(scope="module")
async def tools(tmp_path_factory):
    async with all_tools(tmp_path_factory.mktemp("stores")) as tools:
        yield tools


@pytest.fixture
async def store(tools):
    return (await tools("create_store", name="Stock"))["store_id"]


def text(key, value):
    return {"key": key, "value": value}


def of_json(key, value):
    return {"key": key, "value": json.dumps(value), "value_is_json": True}


MIXED = [
    text("a/b c", "5"),
    of_json("b", {"n": [1, None]}),
    of_json("c", 5),
    of_json("d", value=True),
]


async def content(tools, store):
    return (await tools("export_store", store_id=store))["items"]


async def test_what_is_exported_can_be_imported_elsewhere_and_is_the_same(tools, store):
    other = (await tools("create_store", name="Copy"))["store_id"]
    await tools("import_store_items", store_id=store, items=MIXED)

    await tools("import_store_items", store_id=other, items=await content(tools, store))

    assert await content(tools, other) == await content(tools, store) == MIXED


async def test_a_saved_store_is_a_file_that_can_be_imported(tools, store):
    other = (await tools("create_store", name="Copy"))["store_id"]
    await tools("import_store_items", store_id=store, items=MIXED)

    saved = await tools("save_store", store_id=store, to_file="stock.json")
    await tools("import_store_items", store_id=other, from_file="stock.json")

    assert saved["count"] == 4
    assert await content(tools, other) == MIXED


async def test_a_table_of_a_store_calculates_nothing_that_a_stranger_wrote(tools, store):
    items = [text("k", "=HYPERLINK(1)"), text("n", "-5"), of_json("o", {"a": 1})]
    await tools("import_store_items", store_id=store, items=items)

    await tools("save_store", store_id=store, to_file="stock.csv")

    lines = (tools.directory / "stock.csv").read_text().splitlines()
    assert lines[0] == "key,value,created_at,updated_at"
    assert [line.rsplit(",", 2)[0] for line in lines[1:]] == [
        "k,'=HYPERLINK(1)",
        "n,-5",
        'o,"{""a"": 1}"',
    ]


async def test_an_import_overwrites_nothing_unless_it_is_told_to_and_agreed(tools, store):
    await tools("import_store_items", store_id=store, items=[text("k", "old"), of_json("t", 1)])
    new = [text("k", "new"), of_json("t", value=True), text("l", "more")]

    said = await tools.refused("import_store_items", store_id=store, items=new)
    untouched = await content(tools, store)
    asked = await tools("import_store_items", store_id=store, items=new, overwrite=True)
    done = await tools(
        "import_store_items", store_id=store, items=new, overwrite=True, confirm=True
    )

    assert "'k', 't'" in said
    assert "overwrite=true" in said
    assert untouched == [text("k", "old"), of_json("t", 1)]
    assert "'k', 't'" in asked["impact"][0]
    assert done["written_count"] == 3
    assert await content(tools, store) == [
        text("k", "new"),
        text("l", "more"),
        of_json("t", value=True),
    ]


async def test_an_import_is_taken_back_by_its_change_id(tools, store):
    old = [text("k", "old")]
    await tools("import_store_items", store_id=store, items=old)
    new = {"items": [text("k", "new"), text("l", "more")], "overwrite": True}
    done = await tools.confirmed("import_store_items", store_id=store, **new)

    await tools.confirmed("undo_change", change_id=done["change_id"])

    assert await content(tools, store) == old


async def test_an_import_that_was_made_already_changes_nothing_and_asks_nobody(tools, store):
    await tools("import_store_items", store_id=store, items=MIXED)

    again = await tools("import_store_items", store_id=store, items=MIXED)

    assert (again["done"], again["unchanged_count"]) == (True, 4)
    assert "change_id" not in again


async def test_an_import_that_stops_half_way_says_how_to_go_on(tools, store):
    items = [text("a", "1"), text("k" * 1_001, "too long a key for this tenant")]

    said = await tools.refused("import_store_items", store_id=store, items=items)
    (change, *_) = (await tools("list_changes", object_id=store))["items"]

    assert "goes on where it stopped" in said
    assert change["interrupted"]


@pytest.mark.parametrize(
    ("arguments", "advice"),
    [
        ({}, "either items"),
        ({"items": [text("k", "1")], "from_file": "x.json"}, "either items"),
        ({"items": [text("k", "1"), text("k", "2")]}, "more than once: 'k'"),
        ({"items": [text("k", "{") | {"value_is_json": True}]}, "'k' is not JSON"),
        ({"items": [text(str(n), "") for n in range(1_001)]}, "items"),
        ({"from_file": "../secret.json"}, "name of a file"),
        ({"from_file": "no-records.json"}, "holds no records"),
        ({"from_file": "one-record.json"}, "holds no records"),
    ],
)
async def test_what_cannot_be_imported_is_refused_with_the_reason(arguments, advice, tools, store):
    (tools.directory / "no-records.json").write_text("[1]")
    (tools.directory / "one-record.json").write_text('"text"')

    said = await tools.refused("import_store_items", store_id=store, **arguments)

    assert advice in said
    assert await content(tools, store) == []


async def test_an_object_of_keys_and_values_can_be_imported_from_a_file(tools, store):
    (tools.directory / "object.json").write_text('{"k": {"n": 1}, "l": "text"}')

    await tools("import_store_items", store_id=store, from_file="object.json")

    assert await content(tools, store) == [of_json("k", {"n": 1}), text("l", "text")]


async def test_a_long_export_goes_on_where_it_was_cut(tools, store):
    items = [text(f"{number:03}", "v" * 2_000) for number in range(25)]
    await tools("import_store_items", store_id=store, items=items)

    first = await tools("export_store", store_id=store)
    second = await tools("export_store", store_id=store, offset=first["next_offset"])
    third = await tools("export_store", store_id=store, offset=second["next_offset"])

    assert first["items"] + second["items"] + third["items"] == items
    assert first["total"] == 25
    assert "next_offset" not in third


async def test_without_a_directory_for_files_there_is_another_way(tools, store):
    async with tools_on(tools.tenant) as without:
        said = await without.refused("save_store", store_id=store, to_file="stock.json")
        done = await without("import_store_items", store_id=store, items=[text("k", "v")])

    assert "export_store" in said
    assert "change_id" not in done


async def test_an_import_that_could_not_be_taken_back_asks_first(tools, store, tmp_path):
    off = Journal(tmp_path / "off.db", max_bytes=0)
    async with tools_on(tools.tenant, journal=off) as without:
        asked = await without("import_store_items", store_id=store, items=[text("k", "v")])
        untouched = await content(tools, store)
        done = await without(
            "import_store_items", store_id=store, items=[text("k", "v")], confirm=True
        )

    assert asked["impact"] == [
        "undo_change cannot take this back: the journal of changes is switched off."
    ]
    assert untouched == []
    assert done["written_count"] == 1
    assert "change_id" not in done
