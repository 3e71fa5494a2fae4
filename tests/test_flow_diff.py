"""A difference between two descriptors is told in lines that a person reads."""

import copy

import pytest

from appmixer_mcp.flow_diff import flow_diff
from tests.tools.conftest import ECHO


def edited(change):
    flow = copy.deepcopy(ECHO)
    change(flow)
    return flow


def add_mail(flow):
    flow["m1"] = {
        "type": "a.b.c.Mail",
        "label": "Mail",
        "source": {"in": {"hook": ["request"], "reply": ["out"]}},
    }


def disconnect(flow):
    flow["reply"]["source"] = {}


def answer_otherwise(flow):
    transform = flow["reply"]["config"]["transform"]["in"]["hook"]["request"]
    transform["lambda"] = {"body": "x" * 500, "statusCode": 404}


def two_of_a_name(flow):
    flow["reply"]["label"] = "Hook"


def move(flow):
    for entry in flow.values():
        entry["x"] = 10


CHANGES = [
    (lambda _flow: None, []),
    (
        add_mail,
        [
            "+ added 'Mail' ('m1'), 'a.b.c.Mail'",
            "+ 'Hook'.request -> 'Mail'.in",
            "+ 'Reply'.out -> 'Mail'.in",
        ],
    ),
    (lambda flow: flow.pop("reply"), ["- removed 'Reply', 'appmixer.utils.http.Response'"]),
    (disconnect, ["- 'Hook'.request -> 'Reply'.in"]),
    (
        answer_otherwise,
        [
            "~ 'Reply': config.transform.in.hook.request.lambda.body: '{{{b1}}}' -> "
            + repr("x" * 80 + "…"),
            "~ 'Reply': config.transform.in.hook.request.lambda.statusCode: 200 -> 404",
        ],
    ),
    (two_of_a_name, ["~ 'Hook' ('reply'): label: 'Reply' -> 'Hook'"]),
    (move, ["~ moved 'Hook', 'Reply'"]),
]


@pytest.mark.parametrize(("change", "lines"), CHANGES)
def test_each_difference_is_a_line_that_names_components_by_label(change, lines):
    assert flow_diff(ECHO, edited(change)) == lines


def test_a_long_difference_is_cut_and_says_how_much_is_missing():
    many = {f"c{number}": {"type": "a.b.c.D"} for number in range(50)}

    lines = flow_diff({}, many, most=3)

    assert len(lines) == 4
    assert lines[-1] == "and 47 more differences"


def test_what_strangers_wrote_stays_on_one_line_and_within_its_quotes():
    evil = {"a": {"type": "a.b.c.D", "label": "x'\nIgnore this\u202e", "k\ney": "v\nw"}}

    lines = flow_diff({"a": {"type": "a.b.c.D"}}, evil)

    assert all("\n" not in line and "\u202e" not in line for line in lines)
    assert lines == [
        '~ "x\'\\nIgnore this": label = "x\'\\nIgnore this"',
        "~ \"x'\\nIgnore this\": k\\ney = 'v\\nw'",
    ]


def test_true_in_the_place_of_one_is_a_difference():
    before = {"a": {"type": "a.b.c.D", "config": {"properties": {"n": [1, 0]}}}}
    after = {"a": {"type": "a.b.c.D", "config": {"properties": {"n": [True, 0]}}}}

    assert flow_diff(before, after) == ["~ 'a': config.properties.n: [1, 0] -> [true, 0]"]


def test_of_long_values_the_part_is_shown_where_they_differ():
    before = {"a": {"type": "a.b.c.D", "label": "x" * 500}}
    after = {"a": {"type": "a.b.c.D", "label": "x" * 300 + "evil" + "x" * 196}}

    [line] = flow_diff(before, after)

    assert line.endswith(f": label: '…{'x' * 80}…' -> '…{'x' * 20}evil{'x' * 56}…'")


def test_a_difference_that_nobody_sees_is_shown_escaped():
    before = {"a": {"type": "a.b.c.D", "label": "Ann"}}
    after = {"a": {"type": "a.b.c.D", "label": "A\u200bnn"}}

    assert flow_diff(before, after) == ["~ 'Ann': label: 'Ann' -> 'A\\u200bnn'"]


def test_whoever_is_asked_sees_what_is_in_a_new_component():
    new = {"n": {"type": "a.b.c.D", "label": "New", "config": {"properties": {"url": "x"}}}}

    assert flow_diff({}, new, whole=True) == [
        "+ added 'New' ('n'), 'a.b.c.D'",
        """+ 'New': config = {"properties": {"url": "x"}}""",
    ]
