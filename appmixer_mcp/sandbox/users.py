"""The users of a tenant: sign-up, sign-in, access tokens, and what administrators change."""

import hmac
import json
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NotRequired

import jwt
from typing_extensions import TypedDict

from appmixer_mcp.errors import (
    ConflictError,
    ForbiddenError,
    InputError,
    NotFoundError,
    NotSignedInError,
)
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.config import LOCAL_USER, TenantConfig
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.passwords import Passwords, check_password

_NAME = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,252}[^\s\x00-\x1f\x7f])?")
_BAD_TOKEN = "Invalid JWT: key or signature is invalid"  # noqa: S105 - an error text, as documented
_TAKEN = "There already is a user with this name or e-mail address."


class UserShown(TypedDict):
    """A user as the API shows one."""

    id: str
    userId: str
    username: str
    email: NotRequired[str]
    isActive: bool
    plan: str
    scope: list[str]
    vendor: list[str]
    metadata: dict[str, Json]
    created: str


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody with an account of this tenant."""

    user_id: str
    username: str
    email: str
    """In lower case; people tasks find their persons by it, so no two users share one. It is the
    user name where none was given, which need not be an address."""
    scope: tuple[str, ...] = ("user",)
    plan: str = "free"
    is_active: bool = True
    vendor: tuple[str, ...] = ()
    """Whose components the user may publish; empty: the tenant's rule for all."""
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json])
    created_ms: int = 0

    def shown(self) -> UserShown:
        """Return the user as the API does."""
        shown: UserShown = {
            "id": self.user_id,
            "userId": self.user_id,
            "username": self.username,
            "isActive": self.is_active,
            "plan": self.plan,
            "scope": list(self.scope),
            "vendor": list(self.vendor),
            "metadata": dict(self.metadata),
            "created": iso(self.created_ms),
        }
        if "@" in self.email:
            shown["email"] = self.email
        return shown


@dataclass(frozen=True, kw_only=True)
class UserChange:
    """What an administrator changes of a user; None leaves a part as it is."""

    username: str | None = None
    email: str | None = None
    password: str | None = None
    scope: tuple[str, ...] | None = None
    vendor: tuple[str, ...] | None = None
    metadata: Mapping[str, Json] | None = None


class Users:
    """Knows who may come in."""

    def __init__(self, config: TenantConfig, database: Database, clock: Clock) -> None:
        self._config = config
        self._database = database
        self._clock = clock
        self._passwords = Passwords()
        self._admins = frozenset(email.lower() for email in config.admins)

    async def sign_up(
        self, username: str, email: str, password: str, metadata: Mapping[str, Json]
    ) -> User:
        """Make a user; nobody becomes an administrator this way, not even the first.

        Raises:
            InputError: The name or the password is not acceptable.
            ForbiddenError: The address is an administrator's: whoever came first would be one.
            ConflictError: Somebody has that name or e-mail address.
        """
        _check_names(username, email)
        check_password(password)
        if LOCAL_USER in (username.lower(), email.lower()):
            raise ConflictError("This user name is kept for the tenant's own demo user.")
        if email.lower() in self._admins and self._named(email) is None:
            raise ForbiddenError(
                "This e-mail address is named as an administrator's. Sign up before it is, or have "
                "an administrator give it to a user."
            )
        return self.add(username, email, await self._passwords.hashed(password), metadata)

    async def sign_in(self, name: str, password: str) -> User:
        """Return the user with this user name or e-mail address and password.

        Raises:
            ForbiddenError: There is no such user.
            NotSignedInError: The password is wrong, or the user is being deleted.

        Source: documented so by the SDK (403 means: unknown user); 401 is our choice.
        """
        if self._is_local_key(name, password):
            return self._local_user()
        row = self._named(name)
        stored = "" if row is None else row["password_hash"]
        matches = await self._passwords.match(password, stored)
        if row is None:
            raise ForbiddenError("User not found.")
        if not (matches and row["is_active"]):
            raise NotSignedInError("Wrong password.")
        return self._user(row)

    async def change_password(self, user: User, old_password: str, new_password: str) -> None:
        """Give a user another password; tokens that were given out stay good.

        Raises:
            InputError: The new password is not acceptable.
            ForbiddenError: The old one is wrong (ours: a 401 would say that the token is bad).
        """
        check_password(new_password)
        row = self._database.row("SELECT * FROM user WHERE user_id = ?", (user.user_id,))
        stored = "" if row is None else row["password_hash"]
        if not await self._passwords.match(old_password, stored):
            raise ForbiddenError("oldPassword is wrong.")
        await self.set_password(user.user_id, new_password)

    async def set_password(self, user_id: str, password: str) -> None:
        """Give a user a password without asking for the old one.

        Raises:
            InputError: The password is not acceptable.
        """
        check_password(password)
        self.store_password(user_id, await self._passwords.hashed(password))

    def store_password(self, user_id: str, password_hash: str) -> None:
        """Replace what is stored of a user's password; a code for a forgotten one is void then."""
        with self._database.transaction() as connection:
            connection.execute(
                "UPDATE user SET password_hash = ? WHERE user_id = ?", (password_hash, user_id)
            )
            connection.execute("DELETE FROM password_reset WHERE user_id = ?", (user_id,))

    async def hashed(self, password: str) -> str:
        """Return what is stored of a password.

        Raises:
            InputError: The password is not acceptable.
        """
        check_password(password)
        return await self._passwords.hashed(password)

    async def local_password_hash(self) -> str:
        """Return the hash of the demo user's password; empty when none is configured."""
        password = self._config.demo_password
        return await self._passwords.hashed(password.get_secret_value()) if password else ""

    async def renew_local_password(self) -> None:
        """Have the demo user, if there is one, sign in with the password that is configured now."""
        row, password = self._named(LOCAL_USER), self._config.demo_password
        if row is None or password is None:
            return
        if not await self._passwords.match(password.get_secret_value(), row["password_hash"]):
            self.store_password(row["user_id"], await self.local_password_hash())

    def add(
        self, username: str, email: str, password_hash: str, metadata: Mapping[str, Json]
    ) -> User:
        """Store a user; an empty hash is one that no password fits.

        Raises:
            ConflictError: Somebody has that name or e-mail address.
        """
        user_id = secrets.token_hex(12)
        with self._database.transaction() as connection:
            if self._named(username) or self._named(email):
                raise ConflictError(_TAKEN)
            connection.execute(
                "INSERT INTO user (user_id, username, email, password_hash, scope_json,"
                """ metadata_json, created_ms) VALUES (?, ?, ?, ?, '["user"]', ?, ?)""",
                (
                    user_id, username, email.lower(), password_hash, json.dumps(metadata),
                    to_ms(self._clock.now()),
                ),
            )  # fmt: skip
        return self.one(user_id)

    def none_yet(self) -> bool:
        """Say whether the tenant has no user at all."""
        return self._database.row("SELECT 1 FROM user") is None

    def every(self, connection: sqlite3.Connection) -> list[User]:
        """Return all users, oldest first. For `read`."""
        rows = connection.execute("SELECT * FROM user ORDER BY created_ms, rowid")
        return [self._user(row) for row in rows]

    def one(self, user_id: str) -> User:
        """Return a user.

        Raises:
            NotFoundError: There is no such user.
        """
        row = self._database.row("SELECT * FROM user WHERE user_id = ?", (user_id,))
        if row is None:
            raise NotFoundError("User not found.")
        return self._user(row)

    def with_email(self, email: str) -> User:
        """Return the user with an e-mail address.

        Raises:
            NotFoundError: There is no such user.
        """
        row = self._database.row("SELECT * FROM user WHERE email = ?", (email.lower(),))
        if row is None:
            raise NotFoundError("User not found.")
        return self._user(row)

    async def change(self, user_id: str, change: UserChange) -> User:
        """Change what is given of a user and return it.

        Raises:
            NotFoundError: There is no such user.
            InputError: A name or the password is not acceptable.
            ConflictError: Somebody else has that name or e-mail address.
        """
        password_hash = None if change.password is None else await self.hashed(change.password)
        with self._database.transaction() as connection:
            before = self.one(user_id)
            username = before.username if change.username is None else change.username
            email = before.email if change.email is None else change.email.lower()
            scope = before.scope if change.scope is None else change.scope
            vendor = before.vendor if change.vendor is None else change.vendor
            metadata = before.metadata if change.metadata is None else change.metadata
            _check_names(username, email)
            for name in (username, email):
                taken_by = self._named(name)
                if taken_by is not None and taken_by["user_id"] != user_id:
                    raise ConflictError(_TAKEN)
            connection.execute(
                "UPDATE user SET username = ?, email = ?, scope_json = ?, vendor_json = ?,"
                " metadata_json = ? WHERE user_id = ?",
                (
                    username, email, json.dumps(scope), json.dumps(vendor), json.dumps(metadata),
                    user_id,
                ),
            )  # fmt: skip
            if password_hash is not None:
                self.store_password(user_id, password_hash)
        return self.one(user_id)

    def token(self, user: User) -> str:
        """Return a new access token of a user."""
        now_s = to_ms(self._clock.now()) // 1000
        claims: dict[str, Json] = {
            "id": user.user_id,
            "sub": user.user_id,
            "scope": list(user.scope),
            "iat": now_s,
            "exp": now_s + self._config.token_lifetime_s,
        }
        return jwt.encode(claims, self._config.jwt_key.get_secret_value(), algorithm="HS256")

    def of_token(self, token: str) -> User:
        """Return whose access token this is, with the scopes that the user has by now.

        Raises:
            NotSignedInError: It is no valid token of this tenant, has expired, or its user is gone.
        """
        try:
            # Expiry is judged by the tenant's clock, below, and not by the machine's.
            claims: dict[str, Json] = jwt.decode(
                token,
                self._config.jwt_key.get_secret_value(),
                algorithms=["HS256"],
                options={"require": ["exp", "sub"], "verify_exp": False, "verify_iat": False},
            )
        except jwt.PyJWTError as error:
            raise NotSignedInError(_BAD_TOKEN) from error
        expires_s = claims["exp"]
        if not isinstance(expires_s, int) or expires_s * 1000 <= to_ms(self._clock.now()):
            raise NotSignedInError("Invalid JWT: the token has expired")
        row = self._database.row("SELECT * FROM user WHERE user_id = ?", (claims["sub"],))
        if row is None or not row["is_active"]:
            raise NotSignedInError(_BAD_TOKEN)
        return self._user(row)

    def _is_local_key(self, name: str, password: str) -> bool:
        key = self._config.local_key
        if key is None or name.lower() != LOCAL_USER:
            return False
        return hmac.compare_digest(password.encode(), key.get_secret_value().encode())

    def _local_user(self) -> User:
        row = self._named(LOCAL_USER)
        return self.add(LOCAL_USER, LOCAL_USER, "", {}) if row is None else self._user(row)

    def _named(self, name: str) -> sqlite3.Row | None:
        return self._database.row(
            "SELECT * FROM user WHERE username = ? OR email = ?", (name, name.lower())
        )

    def _user(self, row: sqlite3.Row) -> User:
        scope: list[str] = json.loads(row["scope_json"])
        if row["email"] in self._admins and "admin" not in scope:
            scope.append("admin")
        return User(
            user_id=row["user_id"],
            username=row["username"],
            email=row["email"],
            scope=tuple(scope),
            plan=row["plan"],
            is_active=bool(row["is_active"]),
            vendor=tuple(json.loads(row["vendor_json"])),
            metadata=json.loads(row["metadata_json"]),
            created_ms=row["created_ms"],
        )


def _check_names(username: str, email: str) -> None:
    if not (_NAME.fullmatch(username) and _NAME.fullmatch(email)):
        raise InputError("username and email must be 1 to 254 printable characters.")
