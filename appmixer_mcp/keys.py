"""The operator's encryption keys, and the key that is made of one for each purpose."""

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from pydantic import SecretStr

from appmixer_mcp.errors import ConfigurationError

KEY_BYTES = 32
_SHORTEST = 32


def encryption_keys(setting: SecretStr) -> list[bytes]:
    """Return what APPMIXER_ENCRYPTION_KEY holds: first the key that encrypts, then older ones.

    Raises:
        ConfigurationError: There is no key, or one is too short.
    """
    given = (key.strip() for key in setting.get_secret_value().split(","))
    keys = [key for key in given if key]
    if not keys or any(len(key) < _SHORTEST for key in keys):
        raise ConfigurationError(
            f"APPMIXER_ENCRYPTION_KEY: each key needs at least {_SHORTEST} characters. "
            "Make one with: openssl rand -base64 32"
        )
    return [key.encode() for key in keys]


def derived(key: bytes, purpose: bytes) -> bytes:
    """Return the `KEY_BYTES` for one purpose, which tell nothing of those for another."""
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose).derive(key)
