"""What is refused before a flow descriptor is sent anywhere."""

import pytest

from appmixer_mcp.descriptor import check_descriptor, check_entries

TRIGGER = {"type": "appmixer.utils.controls.OnStart"}


def receiver(**more):
    return {
        "type": "appmixer.utils.controls.Condition",
        "source": {"in": {"start": ["out"]}},
        **more,
    }


def transform(**path):
    return {"transform": {"in": path}}


SOUND = {
    "an empty flow": {},
    "two linked components": {"start": TRIGGER, "next": receiver()},
    "an out port as plain text": {"start": TRIGGER, "n": receiver(source={"in": {"start": "out"}})},
    "a null config": {"start": TRIGGER | {"config": None}},
    "a cycle": {
        "start": TRIGGER,
        "a": receiver(source={"in": {"start": ["out"], "b": ["true"]}}),
        "b": receiver(source={"in": {"a": ["true"]}}),
    },
    "error handling": {
        "start": TRIGGER | {"errorHandling": {"autoRetry": False, "onError": "errorPort"}}
    },
    "a transform for the link": {
        "start": TRIGGER,
        "next": receiver(config=transform(start={"out": {"type": "json2new", "lambda": {"a": 1}}})),
    },
}


@pytest.mark.parametrize("descriptor", SOUND.values(), ids=SOUND)
def test_a_sound_descriptor_has_no_problem(descriptor):
    assert check_descriptor(descriptor) == []


UNSOUND = {
    "no object": ([], "A flow descriptor is an object"),
    "an entry that is no object": ({"a": "x"}, "must be an object"),
    "no type": ({"a": {}}, "`type` is missing"),
    "a type of three parts": ({"a": {"type": "x.y.Z"}}, "vendor.service.module.Component"),
    "an unknown key": ({"a": TRIGGER | {"sources": {}}}, "`sources` is not a key"),
    "an id with a slash": ({"a/b": TRIGGER}, "letters, digits"),
    "text where a number belongs": ({"a": TRIGGER | {"x": "12"}}, "`x` has the wrong type"),
    "an unknown sender": (
        {"a": receiver(source={"in": {"ghost": ["out"]}})},
        "names the component 'ghost'",
    ),
    "no out port": (
        {"start": TRIGGER, "a": receiver(source={"in": {"start": []}})},
        "at least one",
    ),
    "true for an out port": (
        {"start": TRIGGER, "a": receiver(source={"in": {"start": True}})},
        "at least one",
    ),
    "an out port twice": (
        {"start": TRIGGER, "a": receiver(source={"in": {"start": ["out", "out"]}})},
        "each once",
    ),
    "a transform of no link": (
        {
            "start": TRIGGER,
            "a": receiver(config=transform(start={"wrong": {"type": "json2new", "lambda": {}}})),
        },
        "Malformed transformation",
    ),
    "an unknown transform type": (
        {
            "start": TRIGGER,
            "a": receiver(config=transform(start={"out": {"type": "xml", "lambda": {}}})),
        },
        "json2new",
    ),
    "a transform without a lambda": (
        {"start": TRIGGER, "a": receiver(config=transform(start={"out": {"type": "json2new"}}))},
        "lambda must be an object",
    ),
    "negative retries": ({"a": TRIGGER | {"errorHandling": {"maxRetries": -1}}}, "maxRetries"),
    "an unknown way out": ({"a": TRIGGER | {"errorHandling": {"onError": "ignore"}}}, "onError"),
}


@pytest.mark.parametrize(("descriptor", "said"), UNSOUND.values(), ids=UNSOUND)
def test_an_unsound_descriptor_is_told_what_to_mend(descriptor, said):
    problems = check_descriptor(descriptor)

    assert any(said in str(problem) for problem in problems), problems


def test_every_problem_is_listed_at_once():
    descriptor = {"a": {"type": "bad"}, "b": receiver(source={"in": {"x": ["out"]}}), "c": 3}

    assert {problem.component_id for problem in check_descriptor(descriptor)} == {"a", "b", "c"}


def test_a_draft_may_hold_links_that_lead_nowhere():
    assert check_entries({"a": receiver(source={"in": {"ghost": ["out"]}})}) == []


def test_a_descriptor_of_three_megabytes_is_refused_with_its_size():
    descriptor = {"a": TRIGGER | {"label": "x" * 3_000_000}}

    (problem,) = check_descriptor(descriptor)

    assert "3,000," in problem.message
    assert "2,097,152" in problem.message


def test_a_descriptor_of_two_thousand_components_is_sound():
    chain = {"c0": TRIGGER} | {
        f"c{n}": receiver(source={"in": {f"c{n - 1}": ["true"]}}) for n in range(1, 2000)
    }

    assert check_descriptor(chain) == []
