"""Where somebody stands who reads log records as they come, and what has come since.

Records do not become visible in the order of their instants, so that the instant of the last one
seen is not enough: a cursor begins a little before it and names those that were seen since then.
"""

import hashlib
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Self

from appmixer_mcp.errors import InputError

from ._log_filters import LogFilter, written

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.models.logs import LogHit

_PAGE = 50
_LATE_MS = 10_000  # how much later than the next one a record may become visible
_MOST_REMEMBERED = 50
_DIGEST_BYTES = 6
_UNKNOWN_MS = 1 << 62  # newer than any: seen in an earlier call, and not met again yet


@dataclass
class LogCursor:
    """From when on records are wanted, but for those that were seen."""

    since_ms: int
    seen: dict[bytes, int] = field(default_factory=dict[bytes, int])
    """Digest of each record that was seen since then -> its instant."""

    @classmethod
    def at(cls, instant: datetime) -> Self:
        """Return the cursor of somebody who has seen nothing."""
        return cls(int(instant.timestamp() * 1000))

    @classmethod
    def read(cls, text: str) -> Self:
        """Return the cursor that `text` stands for.

        Raises:
            InputError: It stands for none.
        """
        instant, _, rest = text.partition(".")
        try:
            digests = urlsafe_b64decode(rest)
            since_ms = int(instant, 16)
            datetime.fromtimestamp(since_ms / 1000, UTC)
        except (ValueError, OverflowError, OSError) as error:
            raise InputError(
                "cursor must be one that wait_for_logs returned. Leave it out to begin anew."
            ) from error
        places = range(0, len(digests), _DIGEST_BYTES)
        return cls(
            since_ms,
            {digests[place : place + _DIGEST_BYTES]: _UNKNOWN_MS for place in places},
        )

    @property
    def text(self) -> str:
        """The cursor as a client keeps it."""
        return f"{max(0, self.since_ms):x}.{urlsafe_b64encode(b''.join(self.seen)).decode()}"

    @property
    def lucene(self) -> str:
        """The condition that records are not too old."""
        since = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=self.since_ms)
        return f"@timestamp:[{written(since)} TO *]"

    def is_new(self, hit: "LogHit") -> bool:
        """Say whether a record was not seen yet, and remember it."""
        digest = hashlib.blake2b(
            (hit.log_id or hit.model_dump_json()).encode(), digest_size=_DIGEST_BYTES
        ).digest()
        at = hit.logged_at or hit.grid_timestamp
        is_new = digest not in self.seen
        self.seen[digest] = int(at.timestamp() * 1000) if at else self.since_ms
        return is_new

    def advance(self) -> None:
        """Begin later, as far as nothing can be missed, so that less has to be remembered."""
        known = sorted((at for at in self.seen.values() if at != _UNKNOWN_MS), reverse=True)
        if not known:
            return
        since_ms = max(self.since_ms, known[0] - _LATE_MS)
        if len(known) > _MOST_REMEMBERED:
            since_ms = max(since_ms, known[_MOST_REMEMBERED - 1])
        self.since_ms = since_ms
        self.seen = {digest: at for digest, at in self.seen.items() if at >= since_ms}


class Looking:
    """Gathers records as they come."""

    def __init__(
        self,
        client: "AppmixerClient",
        wanted: LogFilter,
        lucene: str | None,
        cursor: LogCursor,
        most: int,
    ) -> None:
        self.found: list[LogHit] = []
        """Oldest first; at most so many."""
        self._client = client
        self._wanted = wanted
        self._lucene = lucene
        self._cursor = cursor
        self._most = most

    @property
    def cursor(self) -> LogCursor:
        """Where the next one goes on."""
        self._cursor.advance()
        return self._cursor

    async def look(self) -> None:
        """Add what has come, up to the most that is wanted."""
        since = self._cursor.lucene
        offset = 0
        while True:
            page = await self._client.logs.query_logs(
                query=f"{self._lucene} AND {since}" if self._lucene else since,
                flow_ids=self._wanted.flow_ids,
                sort=["@timestamp:asc"],
                size=_PAGE,
                from_=offset,
            )
            for hit in page.hits:
                if len(self.found) == self._most:
                    return
                if self._cursor.is_new(hit):
                    self.found.append(hit)
            if len(page.hits) < _PAGE:
                return
            offset += len(page.hits)
