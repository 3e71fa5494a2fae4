"""Text as letters and digits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from appmixer_mcp.sandbox import base62

texts = st.text(st.characters(codec="utf-8"), max_size=300)


@given(texts)
def test_every_text_comes_back_from_letters_and_digits(text: str) -> None:
    encoded = base62.encode(text)

    assert encoded.isascii()
    assert encoded.isalnum()
    assert base62.decode(encoded) == text


@given(st.text(max_size=100))
def test_what_encodes_no_text_is_refused_or_is_what_a_text_encodes_to(encoded: str) -> None:
    try:
        text = base62.decode(encoded)
    except ValueError:
        return

    assert base62.encode(text) == encoded.lstrip("0")


@pytest.mark.parametrize("encoded", ["", "0", "http://x", "2", base62.encode("\x00")[:-1] + "_"])
def test_digits_that_are_none_are_refused(encoded: str) -> None:
    with pytest.raises(ValueError, match="base 62"):
        base62.decode(encoded)
