"""A difference between two flows is shown whatever else differs."""

import copy

import pytest

from appmixer_mcp.editing import readable_diff
from tests.editing.sandbox_types import GET, ON_START, SET, WEBHOOK


def bound(variable, text="{{{b}}}", **more):
    """Return a component that takes a variable, and stands in for whatever `more` says."""
    binding = {"variable": variable, **more}
    transform = {
        "type": "json2new",
        "modifiers": {"url": {"b": binding}},
        "lambda": {"url": text},
    }
    return {
        "type": GET,
        "label": "Take",
        "source": {"in": {"hook": ["request"]}},
        "config": {"transform": {"in": {"hook": {"request": transform}}}},
    }


HIDING = [
    # What is in the configuration stands for what is beside it.
    (
        lambda flow: flow["take"].update(type=SET, config=flow["take"]["config"] | {"type": GET}),
        f"type: '{GET}' -> '{SET}'",
    ),
    # The same words for another component: labels are swapped, or hold a dot.
    (
        lambda flow: flow.update(
            hook=flow["hook"] | {"label": "Safe"},
            safe=flow["safe"] | {"label": "Hook"},
            take=bound("$.hook.out.x"),
        ),
        "'{{safe.out.x}}' -> '{{hook.out.x}}'",
    ),
    (lambda flow: flow.update(take=bound("$.dotted.x")), "'{{Safe.out.x}}' -> '{{dotted.x}}'"),
    # The words of an expression that are none.
    (lambda flow: flow.update(take=bound("", "{{Safe.out.x}}")), "-> '{{{{Safe.out.x}}'"),
    # A modifier that takes what no expression can say.
    (
        lambda flow: flow.update(take=bound("$.safe.out.x", functions=[{"name": "g", "do": 1}])),
        '"do": 1',
    ),
]


@pytest.mark.parametrize(("change", "shows"), HIDING)
def test_no_difference_hides_behind_another_one(change, shows):
    before = {
        "hook": {"type": WEBHOOK, "label": "Hook"},
        "safe": {"type": ON_START, "label": "Safe"},
        "dotted": {"type": ON_START, "label": "Safe.out"},
        "take": bound("$.safe.out.x"),
    }
    after = copy.deepcopy(before)
    change(after)
    after["take"]["config"]["properties"] = {"harmless": "and seen"}

    lines = readable_diff(before, after, most=20)

    assert any("harmless" in line for line in lines)
    assert any(shows in line for line in lines), lines
