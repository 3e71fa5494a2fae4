"""The tools leave a model's context to the person: what they cost is bounded."""

import math

import pytest

from bench.tokens import MOST, MOST_OF_A_TOOL, cost, count
from tests.listings import MODES, shown_in


@pytest.mark.parametrize("mode", MODES, ids=str)
async def test_tools_cost_a_model_no_more_than_they_may(mode):
    spent = cost((await shown_in(mode))["tools"])

    assert spent.tokens <= MOST.get(mode.preset, math.inf)
    assert spent.tokens_of_longest <= MOST_OF_A_TOOL, spent.longest


def test_tokens_are_those_of_o200k():
    # Another implementation, gpt-tokenizer, counts as many.
    assert count("Appmixer runs flows; übermäßig, 自動化.") == 14
