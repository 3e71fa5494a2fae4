"""What is encrypted at rest, and which keys open it."""

import logging

import pytest
from pydantic import SecretStr

from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.oauth.vault import Vault

OLD = "o" * 32
NEW = "n" * 32


def vault(keys: str) -> Vault:
    return Vault(SecretStr(keys))


def test_a_sealed_text_opens_and_cannot_be_read():
    sealed = vault(OLD).seal("a secret", bound_to="here")

    assert b"a secret" not in sealed
    assert vault(OLD).open(sealed, bound_to="here") == "a secret"


def test_the_same_text_is_sealed_differently_each_time():
    one = vault(OLD)

    assert one.seal("a secret", bound_to="here") != one.seal("a secret", bound_to="here")


def test_an_old_key_still_opens_when_it_comes_second():
    sealed = vault(OLD).seal("a secret", bound_to="here")

    assert vault(f"{NEW}, {OLD}").open(sealed, bound_to="here") == "a secret"


def test_the_first_key_seals():
    sealed = vault(f"{NEW},{OLD}").seal("a secret", bound_to="here")

    assert vault(NEW).open(sealed, bound_to="here") == "a secret"
    assert vault(OLD).open(sealed, bound_to="here") is None


def test_what_was_sealed_for_another_place_does_not_open():
    sealed = vault(OLD).seal("a secret", bound_to="here")

    assert vault(OLD).open(sealed, bound_to="there") is None


def test_a_single_changed_bit_is_noticed():
    sealed = bytearray(vault(OLD).seal("a secret", bound_to="here"))
    sealed[-1] ^= 1

    assert vault(OLD).open(bytes(sealed), bound_to="here") is None


def test_a_wrong_key_is_said_once_in_the_log(caplog):
    sealed = vault(OLD).seal("a secret", bound_to="here")
    other = vault(NEW)

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            other.open(sealed, bound_to="here")

    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "APPMIXER_ENCRYPTION_KEY" in caplog.text


@pytest.mark.parametrize("keys", ["", ",", "short", f"{OLD},short"])
def test_a_missing_or_short_key_is_the_operators_to_mend(keys):
    with pytest.raises(ConfigurationError, match="APPMIXER_ENCRYPTION_KEY") as caught:
        vault(keys)

    assert "short," not in str(caught.value)
