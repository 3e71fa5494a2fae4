# ruff: noqa: PLC0415 - what start-up must not wait for is imported where it is used
"""Named tenants of the operator, with the credentials for each, kept in one file.

    [profiles.acme]
    base_url = "https://api.acme.appmixer.cloud"
    username = "ann@example.com"    # optional, and so are api_dialect and the two below
    keyring = true                  # the token or password is in the keyring of the OS

Where there is no keyring, `access_token` or `password` stand in the file itself, which then nobody
else may read.
"""

import os
import re
import stat
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast

from platformdirs import user_config_path
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    StringConstraints,
    ValidationError,
)

from appmixer_mcp.errors import ConfigurationError

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient

Credentials = dict[str, Any]
"""Some of `access_token`, `username` and `password`, as `AppmixerClient` takes them."""
MakeClient = Callable[..., "AppmixerClient"]
"""Takes a base URL, `dialect` and credentials."""

_OTHERS = stat.S_IRWXG | stat.S_IRWXO


def config_file() -> Path:
    """Return where the profiles are kept, `~/.config/appmixer-mcp/config.toml` on Linux."""
    return user_config_path("appmixer-mcp", appauthor=False) / "config.toml"


def _tenant_address(text: str) -> str:
    if not text.startswith(("http://", "https://")) or "@" in text:
        raise ValueError("it must start with http:// or https://, and hold no user name")
    return text.rstrip("/")


class Profile(BaseModel):
    """One tenant, and whose credentials serve there."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, defer_build=True)

    base_url: Annotated[str, AfterValidator(_tenant_address)]
    api_dialect: Literal["appmixer", "openapi"] = "appmixer"
    username: str = ""
    access_token: SecretStr | None = None
    password: SecretStr | None = None
    keyring: bool = False

    @property
    def holds_secrets(self) -> bool:
        """Whether a token or password stands in the file itself."""
        return self.access_token is not None or self.password is not None

    @property
    def where(self) -> str:
        """Where its credentials are, for people."""
        kept = ["in the keyring"] if self.keyring else []
        kept += ["in the file"] if self.holds_secrets else []
        return " and ".join(kept) or "none"


PROFILE_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_Name = Annotated[str, StringConstraints(pattern=rf"^{PROFILE_NAME.pattern}$")]


class _Profiles(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    profiles: dict[_Name, Profile] = Field(default_factory=dict[str, Profile])


@dataclass(frozen=True)
class _Opened:
    profile: Profile
    credentials: Credentials
    client: "AppmixerClient"


class Profiles:
    """The profiles of one file, read anew whenever one is asked for.

    Attributes:
        file: Where they are kept; it need not exist.
    """

    def __init__(self, file: Path | None = None, make_client: MakeClient | None = None) -> None:
        """Read nothing yet.

        Args:
            file: Instead of the one in the user's configuration directory.
            make_client: Makes the clients of `open`; by default each has connections of its own.
        """
        self.file = file or config_file()
        self._make_client = make_client
        self._opened: dict[str, _Opened] = {}

    def every(self) -> dict[str, Profile]:
        """Return the profiles by name; empty when there is no file.

        Raises:
            ConfigurationError: The file cannot be used; names it, and the line or key.
        """
        try:
            with self.file.open("rb") as opened:
                mode = stat.S_IMODE(_mode_of(opened.fileno()))
                text = opened.read().decode()
        except FileNotFoundError:
            return {}
        except (OSError, UnicodeError) as error:
            raise ConfigurationError(f"{self.file} cannot be read: {_reason_of(error)}.") from None
        found = self._parsed(text)
        if mode & _OTHERS and any(one.holds_secrets for one in found.values()):
            raise ConfigurationError(
                f"{self.file} holds a token or a password, and others may use it (mode "
                f"{mode:04o}). Run: chmod 600 '{self.file}'"
            )
        return found

    def names(self) -> list[str]:
        """Return the names of the profiles, in the order of the file; empty when there is none.

        Raises:
            ConfigurationError: As for `every`.
        """
        return list(self.every())

    def get(self, name: str) -> Profile:
        """Return one profile.

        Raises:
            ConfigurationError: There is none of this name, or the file cannot be used.
        """
        found = self.every()
        if name not in found:
            there_are = f"It has {', '.join(found)}." if found else "It has none."
            raise ConfigurationError(
                f"There is no profile {name!r} in {self.file}. {there_are} "
                "`appmixer-mcp profile add NAME --base-url URL` makes one."
            )
        return found[name]

    async def credentials(self, name: str, base_url: str) -> Credentials:
        """Return what signs in as a profile; empty when it has no credentials.

        Args:
            name: The profile's.
            base_url: Where they are to be sent. They are for the profile's own base URL alone, so
                there are none for another.

        Raises:
            ConfigurationError: There is no such profile, or the keyring does not give them.
        """
        profile = self.get(name)
        if base_url.rstrip("/") != profile.base_url:
            return {}
        found: Credentials = {
            kind: secret.get_secret_value()
            for kind in ("access_token", "password")
            if (secret := cast("SecretStr | None", getattr(profile, kind))) is not None
        }
        if profile.keyring:
            import anyio.to_thread

            from appmixer_mcp.profile_keyring import read_secrets

            # It may ask the person to unlock it.
            kept = await anyio.to_thread.run_sync(read_secrets, name, profile.base_url)
            found = kept | found
        if "password" in found:
            found["username"] = profile.username
        return found

    async def open(self, name: str) -> "AppmixerClient":
        """Return a client signed in as a profile; it stays open until `aclose`.

        Raises:
            ConfigurationError: There is no such profile, or its credentials cannot be had.
        """
        profile = self.get(name)
        credentials = await self.credentials(name, profile.base_url)
        opened = self._opened.get(name)
        if opened is None or (opened.profile, opened.credentials) != (profile, credentials):
            if self._make_client is None:
                from appmixer_mcp.api import AppmixerClient

                self._make_client = AppmixerClient
            client = self._make_client(profile.base_url, dialect=profile.api_dialect, **credentials)
            if opened is not None:
                await opened.client.aclose()
            opened = self._opened[name] = _Opened(profile, credentials, client)
        return opened.client

    async def aclose(self) -> None:
        """Close every client that was opened."""
        while self._opened:
            _, opened = self._opened.popitem()
            await opened.client.aclose()

    def _parsed(self, text: str) -> dict[str, Profile]:
        import tomllib

        try:
            return _Profiles.model_validate(tomllib.loads(text)).profiles
        except tomllib.TOMLDecodeError as error:
            raise ConfigurationError(f"{self.file} is no TOML: {error}.") from None
        except ValidationError as error:
            said = [_said(cast("dict[str, Any]", one)) for one in error.errors(include_input=False)]
            raise ConfigurationError(f"{self.file} cannot be used. {' '.join(said)}") from None


def _mode_of(descriptor: int) -> int:
    """Return the mode of the file that was opened; on Windows nobody else's rights are in it."""
    return os.fstat(descriptor).st_mode if os.name == "posix" else 0


def _reason_of(error: OSError | UnicodeError) -> str:
    return "it is not UTF-8" if isinstance(error, UnicodeError) else str(error.strerror)


def _said(problem: dict[str, Any]) -> str:
    """Say in our words which key is wrong; never its value, which may be a secret."""
    location: tuple[str, ...] = problem["loc"]
    if location[-1] == "[key]":
        return f"{location[-2]!r}: a profile's name has letters, digits, _ and - only."
    key = ".".join(map(str, location))
    keys = ", ".join(Profile.model_fields if len(location) > 1 else _Profiles.model_fields)
    expected = problem.get("ctx", {}).get("expected", "")
    error = problem.get("ctx", {}).get("error", "")
    said = {
        "extra_forbidden": f"is no key; there are {keys}",
        "missing": "is missing",
        "value_error": f"is wrong: {error}",
        "bool_type": "must be true or false",
        "literal_error": f"must be {expected}",
        "dict_type": "must be a table",
        "model_type": "must be a table",
    }
    return f"{key} {said.get(problem['type'], 'must be a text')}."
