"""Which process runs the sandbox of a data directory, where it answers, and its secrets.

The lock alone decides who the owner is: the operating system frees it however a process ends, so
that a `sandbox.json` beside a free lock is known to be stale.
"""

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from filelock import FileLock, Timeout

from appmixer_mcp.errors import ConfigurationError


@dataclass(frozen=True)
class Owner:
    """Where the process that owns a data directory answers."""

    url: str
    pid: int
    key: str
    """Signs local processes in as the demo user."""


@dataclass(frozen=True)
class Secrets:
    """What a data directory keeps for itself; random, made once."""

    jwt_key: str
    local_key: str
    demo_password: str


class DataDirectory:
    """A directory that holds one sandbox; at most one process owns it at a time."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = FileLock(path / "lock", mode=0o600, thread_local=False)
        self._owner = path / "sandbox.json"
        self._port = path / "port"
        self._secrets = path / "secrets.json"

    def try_own(self) -> bool:
        """Become the owner unless somebody is; never waits.

        Raises:
            ConfigurationError: The directory cannot be made or written.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
            # An owner that was killed left it, and its port may be anybody's by now.
            self._owner.unlink(missing_ok=True)
        except Timeout:
            return False
        except OSError as error:
            raise ConfigurationError(
                f"The data directory {self.path} cannot be used ({error.strerror}). Set "
                "APPMIXER_DATA_DIR to one that can be written."
            ) from error
        return True

    def owner(self) -> Owner | None:
        """Return what the owner announced; None before that, and after it ended.

        It may be stale, when an owner was killed: then the lock is free, or was until a moment ago.
        """
        try:
            return Owner(**_read(self._owner))
        except (OSError, ValueError, TypeError):
            return None

    @property
    def last_port(self) -> int:
        """The port of the previous owner, so that webhook URLs stay; 0 when there was none."""
        try:
            return int(self._port.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return 0

    def secrets(self) -> Secrets:
        """Return the directory's secrets, made by its first owner; only the owner may ask.

        Raises:
            ConfigurationError: The file is there but cannot be read.
        """
        try:
            return Secrets(**_read(self._secrets))
        except FileNotFoundError:
            made = Secrets(*(secrets.token_urlsafe(length) for length in (48, 32, 12)))
            _write(self._secrets, json.dumps(asdict(made)))
            return made
        except (OSError, ValueError, TypeError) as error:
            raise ConfigurationError(
                f"{self._secrets} cannot be read. Restore it, or remove it: users of the sandbox "
                "then sign in again."
            ) from error

    def announce(self, url: str, port: int, key: str) -> None:
        """Tell other processes where the owner answers; only the owner may."""
        _write(self._owner, json.dumps(asdict(Owner(url, os.getpid(), key))))
        _write(self._port, str(port))

    def release(self) -> None:
        """Stop being the owner; nothing happens to one that is not."""
        if self._lock.is_locked:
            self._owner.unlink(missing_ok=True)
            self._lock.release()


def _read(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(path.read_text(encoding="utf-8")))


def _write(path: Path, text: str) -> None:
    """Replace a file as a whole, so that nobody ever reads half of it."""
    beside = path.with_name(f"{path.name}.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(descriptor)
    beside.replace(path)
