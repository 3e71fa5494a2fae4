"""Codes by which somebody who forgot their password gives themselves another one.

Source: the two calls are documented; how long a code is good for, and that another one is not
mailed within ten minutes, are ours.
"""

import hashlib
import secrets

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.clock import Clock, to_ms
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.outbox import Outbox
from appmixer_mcp.sandbox.users import User, Users

_GOOD_FOR_MS = 3_600_000
_BETWEEN_MAILS_MS = 600_000  # long enough to use a code before a stranger can have it replaced


class PasswordResets:
    """Makes and takes codes; the database knows only their hashes."""

    def __init__(self, database: Database, clock: Clock, users: Users) -> None:
        self._database = database
        self._clock = clock
        self._users = users

    def offer(self, user: User) -> None:
        """Mail a code to a user, in place of any before; nothing within ten minutes."""
        now_ms = to_ms(self._clock.now())
        row = self._database.row(
            "SELECT created_ms FROM password_reset WHERE user_id = ?", (user.user_id,)
        )
        if row is not None and now_ms - row["created_ms"] < _BETWEEN_MAILS_MS:
            return
        code = secrets.token_urlsafe(24)
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO password_reset VALUES (?, ?, ?)",
                (user.user_id, _hash(code), now_ms),
            )
            Outbox(self._database, self._clock).add(
                user.user_id,
                to=[user.email],
                subject="Reset your password",
                text=f"The code is {code}. It is good for one hour, and for one new password. If "
                "you did not ask for it, nothing has changed.",
            )

    async def use(self, code: str, password: str) -> None:
        """Give the user that a code was mailed to another password.

        Raises:
            InputError: The code is none, was used, or is too old; or the password is unacceptable.
        """
        self._user_id(code)  # before a core is kept busy
        password_hash = await self._users.hashed(password)
        with self._database.transaction():
            self._users.store_password(self._user_id(code), password_hash)

    def _user_id(self, code: str) -> str:
        row = self._database.row(
            "SELECT user_id FROM password_reset WHERE code_hash = ? AND created_ms > ?",
            (_hash(code), to_ms(self._clock.now()) - _GOOD_FOR_MS),
        )
        if row is None:
            raise InputError("The code is wrong, was used already, or is older than an hour.")
        user_id: str = row["user_id"]
        return user_id


def _hash(code: str) -> str:
    """Return what is stored; a code is long and random, so that no slow hash is needed."""
    return hashlib.sha256(code.encode()).hexdigest()
