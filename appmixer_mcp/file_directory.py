"""The one directory of this machine that files are read from and written to.

A name is walked part by part from the opened directory, and no link on the way is followed. What
is checked is what is opened, so that nobody can put a link in its place in between.
"""

import errno
import os
import re
import stat
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from appmixer_mcp.cleaning import cleaned, quoted
from appmixer_mcp.errors import ConfigurationError, ConflictError, InputError, NotFoundError

MOST_BYTES = 9_000_000
"""Largest file that is read or written."""

_LONGEST_NAME = 1_000
_LINKS = (errno.ELOOP, errno.ENOTDIR, errno.EMLINK)


class FileDirectory:
    """Reads and writes files below one directory, by relative names."""

    def __init__(self, path: Path, most_bytes: int = MOST_BYTES) -> None:
        """Open nothing yet.

        Args:
            path: The directory; it may itself be reached through links, which are the operator's.
            most_bytes: Of one file.
        """
        self._path = path
        self._most_bytes = most_bytes

    def read(self, name: str) -> bytes:
        """Return the content of a file.

        Raises:
            InputError: The name leads elsewhere, or to what is no plain file, or to a large one.
            NotFoundError: There is no such file.
            ConfigurationError: The directory, or the file in it, cannot be opened.
        """
        with self._folder_of(name) as (folder, last):
            _refuse_unless_plain(name, os.stat(last, dir_fd=folder, follow_symlinks=False))
            # What only waits or acts when it is opened may have come there since.
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            with os.fdopen(os.open(last, flags, dir_fd=folder), "rb") as file:
                _refuse_unless_plain(name, os.fstat(file.fileno()))
                content = file.read(self._most_bytes + 1)
        self._refuse_large(name, len(content))
        return content

    def write(self, name: str, content: bytes) -> None:
        """Write a new file; whatever has its name already is left as it is.

        Raises:
            InputError: The name leads elsewhere, or the content is too large.
            ConflictError: There is something of this name.
            NotFoundError: There is no such folder to put it in.
            ConfigurationError: The directory cannot be opened or written to.
        """
        self._refuse_large(name, len(content))
        with self._folder_of(name) as (folder, last):
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            descriptor = os.open(last, flags, 0o600, dir_fd=folder)
            try:
                with os.fdopen(descriptor, "wb") as file:
                    file.write(content)
            except OSError:  # such as a full disk; half a file looks like a whole one
                os.unlink(last, dir_fd=folder)
                raise

    @contextmanager
    def _folder_of(self, name: str) -> Generator[tuple[int, str]]:
        """Open the folder that a name lies in; give it with the last part of the name."""
        *folders, last = _parts(name)
        if os.open not in os.supports_dir_fd:
            raise ConfigurationError(
                "This system cannot open files without following links, so APPMIXER_FILES_DIR "
                "serves none on it. Pass the content instead."
            )
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC
        try:
            folder = os.open(self._path, flags)
        except OSError as error:
            raise _unusable(error) from error
        try:
            for one in folders:
                within = os.open(one, flags | os.O_NOFOLLOW, dir_fd=folder)
                os.close(folder)
                folder = within
            yield folder, last
        except OSError as error:
            raise _refusal(name, error) from error
        finally:
            os.close(folder)

    def _refuse_large(self, name: str, size_bytes: int) -> None:
        if size_bytes > self._most_bytes:
            raise InputError(
                f"The file {quoted(name)} is larger than {self._most_bytes:,} bytes, which is the "
                "most that is read or written at once."
            )


def _parts(name: str) -> list[str]:
    """Split a name, if it is one of a file below the directory on every system."""
    parts = name.split("/")
    hidden = any(part.startswith(".") for part in parts)  # also the parts . and ..
    outside = "" in parts or "\\" in name or re.match("[A-Za-z]:", name)
    if hidden or outside or len(name) > _LONGEST_NAME or cleaned(name) != name or _breaks(name):
        raise InputError(
            f"{quoted(name)} is no name of a file below the server's directory: it must be "
            "relative, such as reports/may.csv, with no part that begins with a dot, no backslash, "
            "and nothing that cannot be seen."
        )
    return parts


def _breaks(name: str) -> bool:
    return any(character in name for character in "\t\r\n")


def _refuse_unless_plain(name: str, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise InputError(
            f"{quoted(name)} is no plain file but a folder, a link or a device, which are not "
            "read. Name a file."
        )


def _refusal(name: str, error: OSError) -> Exception:
    match error.errno:
        case errno.ENOENT:
            return NotFoundError(
                f"There is nothing of the name {quoted(name)} in the server's directory, or no "
                "such folder. Folders are not made; check the name."
            )
        case errno.EEXIST:
            return ConflictError(
                f"There is a file {quoted(name)} in the server's directory already, and it is not "
                "overwritten. Choose another name."
            )
        case errno.ENAMETOOLONG:
            return InputError(f"The name {quoted(name)} is too long. Choose a shorter one.")
        case number if number in _LINKS:
            return InputError(
                f"{quoted(name)} goes through what is no folder but a file or a link; links are "
                "not followed."
            )
        case _:
            return _unusable(error)


def _unusable(error: OSError) -> ConfigurationError:
    reason = os.strerror(error.errno) if error.errno else "it cannot be opened"
    return ConfigurationError(
        f"The directory of APPMIXER_FILES_DIR, or something in it, cannot be used: {reason}. The "
        "operator has to mend that; content can be passed without it."
    )
