"""What is done for the log behind everything else: its words are indexed, old records removed."""

import logging
import sqlite3
from datetime import timedelta

import anyio.lowlevel

from appmixer_mcp.sandbox.clock import Clock, to_ms
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.log_ids import first_seq
from appmixer_mcp.sandbox.log_index import index_all, remove_some

_PAUSE = timedelta(seconds=1)
_BETWEEN_REMOVALS = timedelta(minutes=1)

logger = logging.getLogger(__name__)


async def keep_logs(database: Database, clock: Clock, retention_s: int) -> None:
    """Look after the log until cancelled, in batches that let others have their turn.

    Args:
        database: The tenant's.
        clock: Says when a record is too old.
        retention_s: How long records are kept; 0 keeps them for good.
    """
    next_removal_at = clock.now()
    while True:
        try:
            await index_all(database)
            if clock.now() >= next_removal_at:
                next_removal_at = clock.now() + _BETWEEN_REMOVALS
                await remove_all(database, clock, retention_s)
        except sqlite3.Error:  # the disk may be full; the next round finds everything as it was
            logger.exception("the log could not be looked after")
        await clock.sleep_until(clock.now() + _PAUSE)


async def remove_all(database: Database, clock: Clock, retention_s: int) -> None:
    """Remove what is too old, and what is left of deleted flows."""
    oldest = to_ms(clock.now()) - retention_s * 1000 if retention_s else 0
    while remove_some(database, first_seq(oldest)):
        await anyio.lowlevel.checkpoint()
