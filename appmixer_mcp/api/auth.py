"""With whom and where a client talks: base URL, access token, user name and password."""

import base64
import binascii
import json
from datetime import UTC, datetime
from typing import Literal, cast
from urllib.parse import urlsplit

import anyio
import httpx2
from pydantic import SecretStr

from appmixer_mcp.errors import AppmixerError, ConfigurationError

from .models.users import fits_header

SignedInWith = Literal[
    "nothing",
    "access token",
    "user name and password",
    "local sandbox key",
    "browser sign-in",
]


def checked_base_url(text: str) -> str:
    """Return a base URL without its trailing slash.

    Raises:
        ConfigurationError: It is no plain http or https address; the text never repeats it, because
            it may hold a password.
    """
    text = text.strip()
    try:
        parts = urlsplit(text)
        problem = _base_url_problem(parts.scheme, parts.hostname, parts.username, text)
        _ = parts.port, httpx2.URL(text)  # both raise on an impossible port or host
    except (ValueError, httpx2.InvalidURL):
        problem = "it cannot be read as an address"
    if problem:
        raise ConfigurationError(
            f"The base URL is not usable: {problem}. Set APPMIXER_BASE_URL to the address of the "
            "tenant's API, like https://api.example.appmixer.cloud."
        )
    return text.rstrip("/")


def _base_url_problem(scheme: str, host: str | None, username: str | None, text: str) -> str:
    if scheme not in ("http", "https"):
        return "it does not start with http:// or https://"
    if not host:
        return "it names no host"
    if username is not None:
        return "it holds a user name or password"
    if any(character in text for character in "?#\\") or not text.isprintable() or " " in text:
        return "it holds a query, a fragment, a backslash or a space"
    return ""


def expiry_of(token: str) -> datetime | None:
    """Read a JWT's expiry without verifying it; None when it has none or is no JWT."""
    try:
        _, payload, _ = token.split(".")
        padded = payload + "=" * (-len(payload) % 4)
        claims: object = json.loads(base64.b64decode(padded, altchars="-_", validate=True))
        expiry = cast("dict[str, object]", claims).get("exp") if isinstance(claims, dict) else None
        if isinstance(expiry, bool) or not isinstance(expiry, int | float):
            return None
        return datetime.fromtimestamp(expiry, UTC)
    except (ValueError, binascii.Error, OverflowError, OSError, RecursionError):
        return None


class SignIn:
    """One base URL and whoever is signed in there.

    A call keeps the session it began with, so that a token never reaches another tenant than the
    one it was made for when the base URL changes meanwhile.

    Attributes:
        base_url: Without a trailing slash; fixed for the life of the session.
        signed_in_with: What it was made with, unless whoever made it knew better.
        renewing: Held while somebody signs in again for all calls that wait.
        sign_ins: How many renewals have ended, well or not.
        sign_in_error: Why the last one failed; None when it did not.
    """

    def __init__(
        self,
        base_url: str,
        access_token: str | None = None,
        username: str | None = None,
        password: str | None = None,
        signed_in_with: SignedInWith | None = None,
    ) -> None:
        self.base_url = checked_base_url(base_url)
        self.renewing = anyio.Lock()
        self.sign_ins = 0
        self.sign_in_error: AppmixerError | None = None
        self._token: SecretStr | None = None
        self._credentials: tuple[str, SecretStr] | None = None
        if access_token:
            self.use_token(access_token)
        if username and password:
            self._credentials = (username, SecretStr(password))
        given: SignedInWith = "access token" if access_token else "nothing"
        self.signed_in_with: SignedInWith = signed_in_with or (
            "user name and password" if self._credentials else given
        )

    @property
    def token(self) -> str | None:
        """The access token to sign with, or None."""
        return self._token.get_secret_value() if self._token else None

    @property
    def credentials(self) -> tuple[str, str] | None:
        """User name and password for a new sign-in, or None."""
        if self._credentials is None:
            return None
        username, password = self._credentials
        return username, password.get_secret_value()

    def use_token(self, token: str) -> None:
        """Sign with this token from now on.

        Raises:
            ConfigurationError: The token is empty, or holds characters that no header can carry.
        """
        stripped = token.strip()
        if not fits_header(stripped):
            raise ConfigurationError(
                "The access token is empty, or holds a space, a line break or a character outside "
                "ASCII. Set APPMIXER_ACCESS_TOKEN to the token alone."
            )
        self._token = SecretStr(stripped)
