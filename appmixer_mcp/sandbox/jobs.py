"""Work that somebody has done and asks after by a ticket.

Source: documented as work in the background. Here it is over before the ticket is given out, so
that the status is always the last one (ours).
"""

from typing import Literal, NotRequired
from uuid import uuid4

from typing_extensions import TypedDict

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.clock import Clock, to_ms
from appmixer_mcp.sandbox.database import Database

_KEPT_MS = 24 * 3600 * 1000
Status = Literal["completed", "failed"]


class Ticket(TypedDict):
    """What to ask after work by."""

    ticket: str


class JobStatus(TypedDict):
    """How far a job is, under the names of all clients."""

    status: Status
    state: Status
    stepsTotal: int
    stepsDone: int
    stepsCompleted: int
    progress: float
    error: NotRequired[str]
    """Only where something failed: some clients take an answer with an error for a failure."""


class Jobs:
    """The tickets of one user; they are good for a day."""

    def __init__(self, database: Database, clock: Clock, user_id: str) -> None:
        self._database = database
        self._clock = clock
        self._user_id = user_id

    def done(self, subject: str, steps: int, *, failed: int = 0, error: str = "") -> str:
        """Note work that is done and return its ticket.

        Args:
            subject: The id of the user or the flow that it was about.
            steps: Of how many parts it was made up.
            failed: How many of them failed.
            error: Why; empty when none did.
        """
        ticket, now_ms = str(uuid4()), to_ms(self._clock.now())
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM job WHERE created_ms < ?", (now_ms - _KEPT_MS,))
            connection.execute(
                "INSERT INTO job VALUES (?, ?, ?, ?, ?, ?, ?)",
                (ticket, self._user_id, subject, steps, steps - failed, error, now_ms),
            )
        return ticket

    def status(self, ticket: str, subject: str | None = None) -> JobStatus:
        """Return how far a job is.

        Raises:
            NotFoundError: This user has no such ticket (any more), or for something else.
        """
        row = self._database.row(
            "SELECT * FROM job WHERE ticket = ?1 AND user_id = ?2 AND (?3 IS NULL OR subject = ?3)",
            (ticket, self._user_id, subject),
        )
        if row is None:
            raise NotFoundError("Ticket not found.")
        status: Status = "failed" if row["error"] else "completed"
        shown: JobStatus = {
            "status": status,
            "state": status,
            "stepsTotal": row["steps"],
            "stepsDone": row["steps_done"],
            "stepsCompleted": row["steps_done"],
            "progress": 1.0,
        }
        if row["error"]:
            shown["error"] = row["error"]
        return shown
