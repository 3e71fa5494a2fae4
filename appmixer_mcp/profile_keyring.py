"""Tokens and passwords of profiles in the keyring of the operating system, where it has one.

An entry belongs to a profile and its base URL, so that a profile whose base URL was changed by hand
finds none. Importing this module takes a while, so it is imported where it is used.
"""

import contextlib
from collections.abc import Generator

import keyring
from keyring.backends import fail, null
from keyring.errors import KeyringError, PasswordDeleteError

from appmixer_mcp.errors import ConfigurationError

_SERVICE = "appmixer-mcp"
_KINDS = ("access_token", "password")


def has_keyring() -> bool:
    """Say whether there is a keyring that keeps something."""
    return not isinstance(keyring.get_keyring(), fail.Keyring | null.Keyring)


def read_secrets(profile: str, base_url: str) -> dict[str, str]:
    """Return the profile's `access_token` and `password`, those that are kept.

    Raises:
        ConfigurationError: The keyring holds neither, or does not give them.
    """
    with _answering(profile):
        kept = {
            kind: keyring.get_password(_SERVICE, _entry(profile, base_url, kind)) for kind in _KINDS
        }
    found = {kind: secret for kind, secret in kept.items() if secret}
    if not found:
        raise ConfigurationError(
            f"The keyring holds no token and no password of the profile {profile!r} for "
            f"{base_url}. Give it again: appmixer-mcp profile set-token {profile}"
        )
    return found


def keep_secret(profile: str, base_url: str, kind: str, secret: str) -> None:
    """Keep a token or a password, in the place of an older one.

    Raises:
        ConfigurationError: The keyring does not take it.
    """
    with _answering(profile):
        keyring.set_password(_SERVICE, _entry(profile, base_url, kind), secret)


def forget_secrets(profile: str, base_url: str) -> None:
    """Remove what is kept of a profile, if anything is.

    Raises:
        ConfigurationError: The keyring does not let go of it.
    """
    for kind in _KINDS:
        with _answering(profile), contextlib.suppress(PasswordDeleteError):  # there is none
            keyring.delete_password(_SERVICE, _entry(profile, base_url, kind))


def _entry(profile: str, base_url: str, kind: str) -> str:
    return f"{kind} of {profile} at {base_url}"


@contextlib.contextmanager
def _answering(profile: str) -> Generator[None]:
    try:
        yield
    except KeyringError as error:
        raise ConfigurationError(
            f"The keyring does not answer for the profile {profile!r} ({type(error).__name__}). "
            f"Unlock it, or keep the token in the file: appmixer-mcp profile set-token {profile} "
            "--in-file"
        ) from error
