"""`appmixer-mcp profile`: names tenants, and keeps a token or password for each."""

import contextlib
import getpass
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, cast

from appmixer_mcp.api.auth import SignIn
from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.profile_keyring import forget_secrets, has_keyring, keep_secret
from appmixer_mcp.profiles import PROFILE_NAME, Profiles

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

Action = Literal["list", "add", "set-token", "set-password", "remove"]
Kind = Literal["access_token", "password"]

_DONE = 0


@dataclass(frozen=True, kw_only=True)
class ProfileArguments:
    """What stands on the command line."""

    action: Action
    name: str = ""
    base_url: str = ""
    username: str = ""
    api_dialect: str = ""
    in_file: bool = False
    """Keeps the secret in the file though there is a keyring."""


def run_profile(arguments: ProfileArguments, profiles: Profiles | None = None) -> int:
    """Do what was asked, and say so.

    Args:
        arguments: What was asked.
        profiles: Those of another file than the user's.

    Returns:
        The exit code, 0.

    Raises:
        ConfigurationError: It cannot be done; says what to write instead.
    """
    profiles = profiles or Profiles()
    if arguments.action == "list":
        return _list(profiles)
    if not PROFILE_NAME.fullmatch(arguments.name):
        raise ConfigurationError(
            f"Name the profile: appmixer-mcp profile {arguments.action} NAME. A name has letters, "
            "digits, _ and - only."
        )
    match arguments.action:
        case "add":
            _add(profiles, arguments)
        case "remove":
            _remove(profiles, arguments.name)
        case "set-token":
            _set_secret(profiles, arguments, "access_token")
        case "set-password":
            _set_secret(profiles, arguments, "password")
    return _DONE


def _list(profiles: Profiles) -> int:
    found = profiles.every()
    if not found:
        _say(f"There is no profile in {profiles.file}; `appmixer-mcp profile add` makes one.")
    for name, one in found.items():
        user = f" as {one.username}" if one.username else ""
        _say(f"{name}: {one.base_url}{user}, credentials: {one.where}")
    return _DONE


def _add(profiles: Profiles, arguments: ProfileArguments) -> None:
    name = arguments.name
    if name in profiles.every():
        raise ConfigurationError(
            f"There is a profile {name!r} in {profiles.file} already. `appmixer-mcp profile "
            f"set-token {name}` changes its token, `remove {name}` makes room for another one."
        )
    if not arguments.base_url:
        raise ConfigurationError("Name the tenant's API: --base-url https://api.acme.example.com")
    entry: dict[str, Any] = {"base_url": SignIn(arguments.base_url).base_url}
    if arguments.username:
        entry["username"] = arguments.username
    if arguments.api_dialect:
        entry["api_dialect"] = arguments.api_dialect
    kind: Kind = "password" if arguments.username else "access_token"
    secret = _read_secret(kind, name)
    _change(profiles, name, entry, kind, secret, in_file=arguments.in_file)
    _say(f"Added the profile {name} to {profiles.file}.")
    if not secret:
        command = "set-password" if arguments.username else "set-token"
        _say(f"It has no credentials; `appmixer-mcp profile {command} {name}` gives it some.")
    _say(f"`appmixer-mcp doctor --profile {name}` says whether it works.")


def _set_secret(profiles: Profiles, arguments: ProfileArguments, kind: Kind) -> None:
    profile = profiles.get(arguments.name)
    if kind == "password" and not profile.username:
        raise ConfigurationError(
            f"The profile {arguments.name!r} has no username for a password to go with; add one "
            f"to {profiles.file}, or use set-token."
        )
    secret = _read_secret(kind, arguments.name)
    if not secret:
        raise ConfigurationError("Nothing was given, so nothing was changed.")
    _change(profiles, arguments.name, {}, kind, secret, in_file=arguments.in_file)
    _say(f"Kept it for the profile {arguments.name}, {profiles.get(arguments.name).where}.")


def _remove(profiles: Profiles, name: str) -> None:
    profile = profiles.get(name)
    if profile.keyring:
        forget_secrets(name, profile.base_url)
    document = _read(profiles.file)
    del _tables(document)[name]
    _write(profiles.file, document)
    _say(f"Removed the profile {name}, and what was kept of its credentials.")


def _read_secret(kind: Kind, name: str) -> str:
    """Take a secret from the terminal, unseen, or from the first line of stdin."""
    what = "Password" if kind == "password" else "Access token"
    if sys.stdin.isatty():
        given = getpass.getpass(f"{what} of the profile {name} (empty: none): ")
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if given and kind == "access_token":
        SignIn("https://unused.example", given)  # which refuses what no header can carry
        given = given.strip()
    return given


def _change(
    profiles: Profiles,
    name: str,
    entry: dict[str, Any],
    kind: Kind,
    secret: str,
    *,
    in_file: bool,
) -> None:
    """Write a profile's table with these entries, and its secret where secrets are kept."""
    document = _read(profiles.file)
    table = cast("dict[str, Any]", _tables(document).setdefault(name, {}))
    table.update(entry)
    if secret:
        _keep(name, table, kind, secret, in_file=in_file or not has_keyring())
    _write(profiles.file, document)


def _keep(name: str, table: dict[str, Any], kind: Kind, secret: str, *, in_file: bool) -> None:
    base_url = str(table["base_url"]).rstrip("/")
    if not in_file:
        keep_secret(name, base_url, kind, secret)
        table.pop(kind, None)
        table["keyring"] = True
        return
    table[kind] = secret
    if table.pop("keyring", False):
        # A keyring that does not answer is why one keeps a secret in the file.
        with contextlib.suppress(ConfigurationError):
            forget_secrets(name, base_url)


def _read(file: Path) -> "TOMLDocument":
    import tomlkit  # noqa: PLC0415 - only what writes needs it

    return tomlkit.parse(file.read_text("utf-8")) if file.exists() else tomlkit.document()


def _tables(document: "TOMLDocument") -> dict[str, Any]:
    import tomlkit  # noqa: PLC0415 - as above

    if "profiles" not in document:
        document["profiles"] = tomlkit.table(is_super_table=True)
    return cast("dict[str, Any]", document["profiles"])


def _write(file: Path, document: "TOMLDocument") -> None:
    """Put the file in the place of the older one, whole or not at all, for this user alone."""
    import tomlkit  # noqa: PLC0415 - as above

    file = file.resolve()  # a link stays one
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=".config-")  # mode 0600
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
                opened.write(tomlkit.dumps(document))
            Path(name).replace(file)
        except OSError:  # such as a full disk; it may hold a secret by then
            Path(name).unlink()
            raise
    except OSError as error:
        raise ConfigurationError(f"{file} cannot be written: {error.strerror}.") from error


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
