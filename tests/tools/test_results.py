"""How results become text and structured content, and how they are cut."""

import json

from pydantic import Field

from appmixer_mcp.results import Object, Outcome, Page, Result, Text, dump, shortened


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
    content, text, _ = dump(Thing(name="ä", table={"a": None}), 20_000)

    assert json.loads(text) == content == {"name": "ä", "table": {"a": None}}


def test_an_absent_value_is_left_out_and_a_null_inside_data_is_kept():
    content, _, _ = dump(Thing(name="a", table={"x": None}), 20_000)

    assert "note" not in content
    assert content["table"] == {"x": None}


def test_a_page_names_the_offset_of_the_next_one_until_the_end():
    first = Things.of([Thing(name="a")], offset=0, limit=1, total=2)
    last = Things.of([Thing(name="b")], offset=1, limit=1, total=2)

    assert (first.next_offset, last.next_offset) == (1, None)


def test_a_page_that_is_not_full_knows_the_total():
    assert Things.of([Thing(name="a")], offset=4, limit=10).total == 5


def test_long_texts_are_cut_before_items_are_dropped():
    content, text, _ = dump(things(10, note="x" * 10_000, offset=0, total=10), 10_000)

    assert len(text) <= 10_000
    assert len(content["items"]) == 10
    assert "more characters" in content["items"][0]["note"]
    assert "left_out" in content


def test_items_that_do_not_fit_are_on_the_next_page():
    content, text, _ = dump(things(1_000, offset=50, total=2_000), 5_000)

    assert len(text.encode()) <= 5_000
    assert content["next_offset"] == 50 + len(content["items"])
    assert f"of {1_000}" in content["left_out"]


def test_a_page_keeps_one_item_however_long_it_is():
    content, _, _ = dump(things(3, note="\U0001f600" * 10_000, offset=7, total=10), 500)

    assert len(content["items"]) == 1
    assert content["next_offset"] == 8


def test_a_text_that_is_cut_says_how_much_of_the_whole_is_missing():
    content, _, _ = dump(Thing(name="a", note="x" * 10_000), 500)

    assert content["note"] == f"{'x' * 250}… [9750 more characters]"


def test_everything_that_was_left_out_is_named():
    content, _, _ = dump(things(1_000, note="x" * 400, offset=0, total=1_000), 5_000)

    assert "Texts over 312 characters were cut" in content["left_out"]
    assert "items did not fit" in content["left_out"]


def test_a_part_with_fields_of_its_own_is_never_torn():
    content, _, _ = dump(Whole(part=Thing(name="n" * 300, note="\0" * 300)), 500)

    assert content["part"].keys() >= {"name", "note"}


def test_items_cut_from_the_last_page_can_still_be_reached():
    content, _, _ = dump(things(1_000, offset=0, total=1_000), 5_000)

    assert content["next_offset"] == len(content["items"]) < 1_000


def test_a_map_that_does_not_fit_loses_its_end_and_says_so():
    table = {f"key {n}": n for n in range(5_000)}

    content, text, _ = dump(Thing(name="a", table=table), 5_000)

    assert len(text) <= 5_000
    assert 0 < len(content["table"]) < 5_000
    assert "of 5000 table did not fit" in content["left_out"]


def test_what_was_removed_because_nobody_sees_it_is_told_in_both_channels():
    thing = Thing(name="a\u200b", note="b", table={"c\u202e": ["d\u200b"]})

    content, text, _ = dump(thing, 20_000)

    assert content["name"] == "a"
    assert content["table"] == {"c": ["d"]}
    assert "Invisible characters were removed from 3 texts" in content["left_out"]
    assert json.loads(text) == content


def test_what_was_removed_and_what_was_cut_are_both_told():
    content, _, _ = dump(things(1_000, note="n\u200b", offset=0, total=1_000), 5_000)

    assert "Invisible characters were removed from 1000 texts" in content["left_out"]
    assert "items did not fit" in content["left_out"]


def test_a_result_that_was_cut_names_the_resource_that_is_not():
    thing = Thing(name="a", note="x" * 10_000).also_at("appmixer://things/{}", "a/b")

    assert dump(thing, 20_000).whole_at == ""
    assert dump(thing, 20_000).content.get("left_out") is None
    assert dump(thing, 2_000).whole_at == "appmixer://things/a%2Fb"
    assert (
        dump(thing, 2_000)
        .content["left_out"]
        .endswith("The resource appmixer://things/a%2Fb is not cut.")
    )


def test_one_long_text_alone_is_shown_as_far_as_there_is_room():
    content, text, _ = dump(Thing(name="a", note="x" * 30_000), 20_000)

    assert len(content["note"]) > 10_000
    assert len(text) <= 20_000


def test_texts_that_were_short_enough_are_not_said_to_be_cut():
    content, _, _ = dump(things(1_000, offset=0, total=1_000), 5_000)

    assert "Texts" not in content["left_out"]


def test_what_is_asked_stays_whole_when_there_is_too_much_to_lose():
    question = "q" * 400 + "?"
    preview = Outcome(done=False, message=question, impact=["loss " * 40] * 50)

    content, text, _ = dump(preview, 2_000)

    assert content["message"] == question
    assert 0 < len(content["impact"]) < 50
    assert "of 50 impact did not fit" in content["left_out"]
    assert len(text) <= 2_000


def test_an_error_text_holds_nothing_invisible_and_is_cut():
    assert shortened("a\u202eb\ud800", 100) == "ab"
    assert len(shortened("x" * 500, 100)) < 150
