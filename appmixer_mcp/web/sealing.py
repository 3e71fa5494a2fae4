"""What seals the state that clients carry between two requests, by a key that all workers have."""

import logging
import os

from mcp.server.request_state import RequestStateSecurity
from pydantic import SecretStr

from appmixer_mcp.errors import UnavailableError
from appmixer_mcp.keys import KEY_BYTES, derived, encryption_keys
from appmixer_mcp.state import SharedState

_FOR_A_YEAR_S = 365 * 24 * 3600.0
_PURPOSE = b"appmixer-mcp request state"

logger = logging.getLogger(__name__)


async def sealing(
    encryption_key: SecretStr | None, shared: SharedState | None
) -> RequestStateSecurity | None:
    """Return what seals; None where a key of this process alone will do.

    Args:
        encryption_key: The operator's; several are separated by commas, the first seals.
        shared: What other workers share; without an encryption key, the first of them makes one.

    Raises:
        ConfigurationError: An encryption key is too short.
    """
    if encryption_key is not None:
        keys = encryption_keys(encryption_key)
    else:
        keys = await _shared_key(shared) if shared is not None else []
    return RequestStateSecurity(keys=[derived(key, _PURPOSE) for key in keys]) if keys else None


async def _shared_key(shared: SharedState) -> list[bytes]:
    """Return the key that the first worker made; none when it cannot be had."""
    try:
        await shared.put_new("state-key", os.urandom(KEY_BYTES), ttl_s=_FOR_A_YEAR_S)
        key = await shared.get("state-key")
    except UnavailableError:
        key = None  # a worker has to start all the same: without one, uvicorn ends the others, too
    if key is None:
        logger.warning(
            "Redis did not answer at the start, so this worker alone can take the answers to what "
            "it asks clients. Start it again, or set APPMIXER_ENCRYPTION_KEY."
        )
    return [key] if key else []
