"""A data directory in which a tenant was opened once: making its tables takes half of a start."""

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from appmixer_mcp.sandbox.database import Database

_FILE = "tenant.db"


def blank(directory: Path) -> Path:
    """Make a directory with the database of a tenant that nobody has used; returns it."""
    directory.mkdir(mode=0o700)
    file = directory / _FILE
    file.touch(mode=0o600)
    file.write_bytes(_database())
    return directory


@cache
def _database() -> bytes:
    with TemporaryDirectory() as directory:
        file = Path(directory) / _FILE
        Database(file).close()
        return file.read_bytes()
