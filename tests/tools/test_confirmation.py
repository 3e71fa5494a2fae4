"""When a destructive call acts, by policy."""

import pytest

from appmixer_mcp.confirmation import Confirmations, Impact


def impact(**identity):
    return Impact(question="Delete?", losses=["all of it"], identity={"id": "f1"} | identity)


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def auto(clock):
    return Confirmations("auto", clock)


def decide(confirmations, *, confirm, principal="me", arguments=None, shown=None):
    arguments = {"flow_id": "f1"} if arguments is None else arguments
    return confirmations.decide(
        principal, "delete_flow", arguments, shown or impact(), confirm=confirm
    )


def test_confirming_without_a_preview_gives_the_preview(auto):
    assert not decide(auto, confirm=True).act


def test_confirming_after_the_preview_acts(auto):
    decide(auto, confirm=False)

    assert decide(auto, confirm=True).act


def test_a_preview_serves_once(auto):
    decide(auto, confirm=False)
    decide(auto, confirm=True)

    assert not decide(auto, confirm=True).act


def test_a_preview_of_other_arguments_does_not_count(auto):
    decide(auto, confirm=False, arguments={"flow_id": "f2"})

    assert not decide(auto, confirm=True).act


def test_a_preview_given_to_somebody_else_does_not_count(auto):
    decide(auto, confirm=False, principal="you")

    assert not decide(auto, confirm=True).act


def test_a_preview_is_good_for_ten_minutes(auto, clock):
    decide(auto, confirm=False)
    clock.now = 601

    assert not decide(auto, confirm=True).act


def test_what_changed_since_the_preview_is_shown_again(auto):
    decide(auto, confirm=False)

    changed = decide(auto, confirm=True, shown=impact(stage="running"))

    assert not changed.act
    assert "changed" in changed.next_step
    assert decide(auto, confirm=True, shown=impact(stage="running")).act


def test_the_flag_alone_is_enough_under_flag():
    confirmations = Confirmations("flag")

    assert not decide(confirmations, confirm=False).act
    assert decide(confirmations, confirm=True).act


def test_nothing_is_asked_under_off():
    assert decide(Confirmations("off"), confirm=False).act


def test_previews_that_nobody_answers_do_not_pile_up(auto):
    for number in range(3_000):
        decide(auto, confirm=False, arguments={"flow_id": str(number)})

    assert not decide(auto, confirm=True, arguments={"flow_id": "0"}).act
    assert decide(auto, confirm=True, arguments={"flow_id": "2999"}).act
