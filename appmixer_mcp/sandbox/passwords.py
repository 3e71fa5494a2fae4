"""Passwords: what is acceptable as one, and how it is kept and compared."""

import hashlib
import hmac
import secrets
from functools import partial

import anyio.to_thread
from anyio import CapacityLimiter

from appmixer_mcp.errors import InputError

PASSWORD_MIN = 5
"""Fewest characters of a password (documented)."""
_PASSWORD_MAX = 1_000
_SCRYPT_LOG2_N = 14


class Passwords:
    """Hashes and compares passwords, off the event loop."""

    def __init__(self) -> None:
        # A password costs 16 MB and a core for its time; more at once would only queue elsewhere.
        self._hashing = CapacityLimiter(2)

    async def hashed(self, password: str) -> str:
        """Return what is stored of a password."""
        make = partial(_hash, password, secrets.token_bytes(16))
        return await anyio.to_thread.run_sync(make, limiter=self._hashing)

    async def match(self, password: str, password_hash: str) -> bool:
        """Say whether a password is the stored one; nothing is when nothing (empty) is stored."""
        compare = partial(_matches, password, password_hash)
        return await anyio.to_thread.run_sync(compare, limiter=self._hashing)


def check_password(password: str) -> None:
    """Do nothing when a password may be used.

    Raises:
        InputError: It is too short or too long.
    """
    if not PASSWORD_MIN <= len(password) <= _PASSWORD_MAX:
        raise InputError(f"password must have {PASSWORD_MIN} to {_PASSWORD_MAX} characters.")


def _hash(password: str, salt: bytes) -> str:
    return f"scrypt:{_SCRYPT_LOG2_N}:{salt.hex()}:{_scrypt(password, salt, _SCRYPT_LOG2_N).hex()}"


def _matches(password: str, password_hash: str) -> bool:
    """Compare in the same time whether there is a password or not; without one nothing matches."""
    if not password_hash:
        _scrypt(password, bytes(16), _SCRYPT_LOG2_N)
        return False
    _, log2_n, salt, wanted = password_hash.split(":")
    found = _scrypt(password, bytes.fromhex(salt), int(log2_n))
    return hmac.compare_digest(found, bytes.fromhex(wanted))


def _scrypt(password: str, salt: bytes, log2_n: int) -> bytes:
    memory_bytes = 64 * 1024 * 1024
    return hashlib.scrypt(
        password.encode(), salt=salt, n=1 << log2_n, r=8, p=1, maxmem=memory_bytes, dklen=32
    )
