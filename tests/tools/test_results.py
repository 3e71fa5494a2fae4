"""How results become text and structured content, and how they are cut."""

import json

from pydantic import Field

from appmixer_mcp.results import Object, Page, Result, Text, dump


class Thing(Result):
    name: str
    note: Text = None
    table: Object = Field(default_factory=dict)


class Things(Page):
    items: list[Thing]


class Whole(Result):
    part: Thing


def things(count: int, note: str = "n", **page) -> Things:
    return Things.of([Thing(name=str(n), note=note) for n in range(count)], limit=count, **page)


def test_text_and_structured_content_are_the_same_facts():
    content, text = dump(Thing(name="ä", table={"a": None}), 20_000)

    assert json.loads(text) == content == {"name": "ä", "table": {"a": None}}


def test_an_absent_value_is_left_out_and_a_null_inside_data_is_kept():
    content, _ = dump(Thing(name="a", table={"x": None}), 20_000)

    assert "note" not in content
    assert content["table"] == {"x": None}


def test_a_page_names_the_offset_of_the_next_one_until_the_end():
    first = Things.of([Thing(name="a")], offset=0, limit=1, total=2)
    last = Things.of([Thing(name="b")], offset=1, limit=1, total=2)

    assert (first.next_offset, last.next_offset) == (1, None)


def test_a_page_that_is_not_full_knows_the_total():
    assert Things.of([Thing(name="a")], offset=4, limit=10).total == 5


def test_long_texts_are_cut_before_items_are_dropped():
    content, text = dump(things(10, note="x" * 10_000, offset=0, total=10), 10_000)

    assert len(text) <= 10_000
    assert len(content["items"]) == 10
    assert "more characters" in content["items"][0]["note"]
    assert "left_out" in content


def test_items_that_do_not_fit_are_on_the_next_page():
    content, text = dump(things(1_000, offset=50, total=2_000), 5_000)

    assert len(text.encode()) <= 5_000
    assert content["next_offset"] == 50 + len(content["items"])
    assert f"of {1_000}" in content["left_out"]


def test_a_page_keeps_one_item_however_long_it_is():
    content, _ = dump(things(3, note="\U0001f600" * 10_000, offset=7, total=10), 500)

    assert len(content["items"]) == 1
    assert content["next_offset"] == 8


def test_a_text_that_is_cut_says_how_much_of_the_whole_is_missing():
    content, _ = dump(Thing(name="a", note="x" * 10_000), 500)

    assert content["note"] == f"{'x' * 250}… [9750 more characters]"


def test_everything_that_was_left_out_is_named():
    content, _ = dump(things(1_000, note="x" * 300, offset=0, total=1_000), 5_000)

    assert "Texts over 250 characters were cut" in content["left_out"]
    assert "items did not fit" in content["left_out"]


def test_a_part_with_fields_of_its_own_is_never_torn():
    content, _ = dump(Whole(part=Thing(name="n" * 300, note="\0" * 300)), 500)

    assert content["part"].keys() >= {"name", "note"}


def test_items_cut_from_the_last_page_can_still_be_reached():
    content, _ = dump(things(1_000, offset=0, total=1_000), 5_000)

    assert content["next_offset"] == len(content["items"]) < 1_000


def test_a_map_that_does_not_fit_loses_its_end_and_says_so():
    table = {f"key {n}": n for n in range(5_000)}

    content, text = dump(Thing(name="a", table=table), 5_000)

    assert len(text) <= 5_000
    assert 0 < len(content["table"]) < 5_000
    assert "of 5000 table did not fit" in content["left_out"]
