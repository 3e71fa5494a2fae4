"""Encryption of what must not lie about readable: whom a grant stands for, and their token."""

import logging
import os
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from pydantic import SecretStr

from appmixer_mcp.keys import derived, encryption_keys

logger = logging.getLogger(__name__)
_NONCE_BYTES: Final = 12
_PURPOSE: Final = b"appmixer-mcp: users of grants, AES-256-GCM"


class Vault:
    """Seals texts with AES-256-GCM, each bound to the place where it lies.

    Args:
        encryption_key: Of at least 32 characters; several are comma-separated: the first one
            seals, each one opens, so that a key can be replaced while people stay signed in.

    Raises:
        ConfigurationError: There is no key, or one is too short.
    """

    def __init__(self, encryption_key: SecretStr) -> None:
        self._ciphers = [AESGCM(derived(key, _PURPOSE)) for key in encryption_keys(encryption_key)]
        self._has_complained = False

    def seal(self, text: str, *, bound_to: str) -> bytes:
        """Encrypt a text; it opens only with the same `bound_to`."""
        nonce = os.urandom(_NONCE_BYTES)
        return nonce + self._ciphers[0].encrypt(nonce, text.encode(), bound_to.encode())

    def open(self, sealed: bytes, *, bound_to: str) -> str | None:
        """Decrypt; None when no key fits, or when it was sealed for another place."""
        nonce, encrypted = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        for cipher in self._ciphers:
            try:
                return cipher.decrypt(nonce, encrypted, bound_to.encode()).decode()
            except InvalidTag:
                continue
        if not self._has_complained:
            self._has_complained = True
            logger.warning(
                "What was stored for a sign-in cannot be decrypted, so those people have to sign "
                "in again. When APPMIXER_ENCRYPTION_KEY is replaced, keep the old key as second."
            )
        return None
