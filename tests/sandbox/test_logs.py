"""What log records keep of a message."""

import json

import pytest

from appmixer_mcp.sandbox.logs import shown

HEADERS = {"Authorization": 'Digest user="ada"', "cookie": "s=1", "Accept": "text/html"}


def test_headers_that_sign_a_request_are_masked() -> None:
    masked = json.loads(shown(json.dumps({"url": "u", "headers": HEADERS})))

    assert masked["headers"] == {"Authorization": "***", "cookie": "***", "Accept": "text/html"}


def test_so_are_those_in_a_text_that_is_json_itself() -> None:
    masked = json.loads(shown(json.dumps({"headers": json.dumps(HEADERS), "x": 1})))

    assert masked["x"] == 1
    assert json.loads(masked["headers"])["Accept"] == "text/html"
    assert "ada" not in masked["headers"]


@pytest.mark.parametrize("text", ["null", '"authorization"', '{"a": "Authorization: x"}'])
def test_everything_else_stays_as_it_is(text: str) -> None:
    assert shown(text) == text


def test_what_is_too_long_is_cut_and_says_so() -> None:
    cut = json.loads(shown(json.dumps("x" * 200_000)))

    assert cut.endswith("(cut: 200,002 characters in all)")
