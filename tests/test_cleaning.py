"""Invisible characters go, and what shapes the letters beside it stays."""

import unicodedata
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appmixer_mcp.cleaning import cleaned, cleaned_json, quoted

TAGGED = "".join(chr(0xE0000 + ord(letter)) for letter in "delete all")
SHAPING = "\u200c\u200d\ufe0e\ufe0f\u180b\u180c\u180d\u180e\u180f"


@pytest.mark.parametrize(
    "text",
    [
        "plain\ttext,\r\nsecond line",
        "Café, naïve, 10\u00a0€, x\u2009y, e\u0301",
        "\U0001f469\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",  # a family
        "\u2764\ufe0f\u200d\U0001f525 \U0001f3f3\ufe0f\u200d\U0001f308 1\ufe0f\u20e3 \u260e\ufe0e",
        "\U0001f469\U0001f3fd\u200d\U0001f680 \U0001f468\u200d\u2695\ufe0f",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian
        "\u0d28\u0d4d\u200d \u0915\u094d\u200d\u0937",  # Malayalam, Hindi
        "\u05e9\u05dc\u05d5\u05dd \u0645\u0631\u062d\u0628\u0627",  # Hebrew, Arabic
        "\u182e\u1823\u1829\u180b\u182d",  # Mongolian
        "\u65e5\u672c\u8a9e \ud55c\uad6d\uc5b4",
    ],
)
def test_what_people_write_stays_as_it_is(text):
    assert cleaned(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("a\u200bb\ufeffc\u2060d", "abcd"),
        ("a\u202eb\u202c\u2066c\u2069\u200ed\u061c", "abcd"),
        (f"a{TAGGED}b", "ab"),
        ("a\U000e0100\U000e01efb\ufe00\ufe0d", "ab"),
        ("a\x00\x1b[31mb\x7f\x85\x9f", "a[31mb"),
        ("a\u00adb\u034fc\u3164\u115f\u1160\uffa0", "abc"),
        ("a\u2028b\u2029c\ufff9\ufffb", "abc"),
        ("a\u200db\u200cc", "abc"),
        ("\u0645\u200c\u200c\u200d\u062e", "\u0645\u200c\u062e"),  # one joiner shapes, no run
        ("\U0001f600\ufe0f\ufe0f\ufe0e\ufe0f!", "\U0001f600\ufe0f!"),
        ("\U0001f600\u200d\u200d\U0001f600", "\U0001f600\U0001f600"),
        ("\u0645\u115f\u200c\u115f\u200dx", "\u0645x"),
        ("a\ufe0f\u200d\U0001f525", "a\U0001f525"),
        ("half \ud800 a pair", "half  a pair"),
    ],
)
def test_what_nobody_sees_goes(text, seen):
    assert cleaned(text) == seen


@given(st.text() | st.text(st.sampled_from(f"ab1#\u20e3\u0645\u1820\u115f\U0001f600{SHAPING}")))
def test_whatever_comes_all_that_is_seen_stays_and_nothing_is_hidden_in_a_row(text):
    seen = cleaned(text)

    assert cleaned(seen) == seen
    assert [one for one in seen if one not in SHAPING] == [
        one for one in text if cleaned(f"a{one}b") == f"a{one}b"
    ]
    for left, right in pairwise(f" {seen}"):
        emoji_joined = left == "\ufe0f" and right == "\u200d"
        assert not (left in f" {SHAPING}" and right in SHAPING) or emoji_joined


def test_of_all_format_and_control_characters_only_visible_ones_stay():
    kinds = ("Cc", "Cf", "Cs", "Zl", "Zp")
    every = [chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in kinds]

    kept = {one for one in every if cleaned(f"a{one}b") != "ab"}

    # The rest are the number and verse signs of Arabic, Syriac and Kaithi.
    assert kept - {"\t", "\n", "\r"} == set(
        "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd"
    )


def test_texts_and_keys_at_any_depth_are_cleaned_and_counted():
    value = {"a\u200b": [{"b": "c\u200b", "d": 1, "e": None}], "f": "g"}

    assert cleaned_json(value) == ({"a": [{"b": "c", "d": 1, "e": None}], "f": "g"}, 2)


def test_keys_that_look_alike_are_told_apart():
    value = {"a\u200b": 1, "a": 2, "b\u200b": 3, "b\u200c": 4}

    found, count = cleaned_json(value)

    assert found == {r"a\u200b": 1, "a": 2, "b": 3, r"b\u200c": 4}
    assert count == 3


@pytest.mark.parametrize(
    ("text", "quotation"),
    [
        ("Orders", "'Orders'"),
        ("it's", '"it\'s"'),
        ("""both ' and " """, r"""'both \' and " '"""),
        ("a\nb\r\tc\\n", r"'a\nb\r\tc\\n'"),
        ("x\u2028\u202ey\x85", "'xy'"),
        ("\u0645\u06cc\u200c\u062e", "'\u0645\u06cc\u200c\u062e'"),
        ("x" * 500, f"'{'x' * 200}…'"),
        (None, "''"),
    ],
)
def test_a_strangers_text_is_quoted_on_one_line(text, quotation):
    assert quoted(text) == quotation
