"""What all state machines share: how they are run, and how lists are paged through."""

from typing import Any, ClassVar
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.contract.living import Living, Person

ROUNDS = [12, pytest.param(200, marks=pytest.mark.long)]
_STEPS = 15

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)
"""Any text that can be sent and stored."""
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | TEXTS
    | st.floats(allow_nan=False, allow_infinity=False, width=32),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)  # fmt: skip


class Machine(RuleBasedStateMachine):
    """A state machine of a new user, who has nothing yet."""

    tenant: ClassVar[Living]

    def __init__(self) -> None:
        super().__init__()
        self.person = self.tenant.user(f"{uuid4()}@example.com")


def run(machine: type[Machine], tenant: Living, rounds: int) -> None:
    """Take a machine through its rounds."""
    run_state_machine_as_test(
        type(machine.__name__, (machine,), {"tenant": tenant}),
        settings=settings(
            max_examples=rounds,
            stateful_step_count=_STEPS,
            derandomize=True,
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=[*HealthCheck],  # pyright: ignore[reportArgumentType] - an enumeration is iterable
        ),
    )


def paged(person: Person, path: str, size: int, **query: str) -> list[Any]:
    """Return all items of a list, read page by page."""
    items: list[Any] = []
    while True:
        page = person.got("GET", path, limit=str(size), offset=str(len(items)), **query)
        assert len(page) <= size
        items += page
        if len(page) < size:
            return items
