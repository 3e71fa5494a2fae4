"""The users of a tenant: sign-up, sign-in, access tokens."""

import hashlib
import hmac
import json
import re
import secrets
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import anyio.to_thread
import jwt
from anyio import CapacityLimiter

from appmixer_mcp.errors import ConflictError, ForbiddenError, InputError, NotSignedInError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.component import Json
from appmixer_mcp.sandbox.config import LOCAL_USER, TenantConfig
from appmixer_mcp.sandbox.database import Database

PASSWORD_MIN = 5
"""Fewest characters of a password (documented)."""
_PASSWORD_MAX = 1_000
_NAME = re.compile(r"[^\s\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,252}[^\s\x00-\x1f\x7f])?")
_SCRYPT_LOG2_N = 14
_BAD_TOKEN = "Invalid JWT: key or signature is invalid"  # noqa: S105 - an error text, as documented


@dataclass(frozen=True, kw_only=True)
class User:
    """Somebody with an account of this tenant."""

    user_id: str
    username: str
    email: str
    """In lower case; people tasks find their persons by it, so no two users share one."""
    scope: tuple[str, ...] = ("user",)
    plan: str = "free"
    is_active: bool = True
    metadata: Mapping[str, Json] = field(default_factory=dict[str, Json])
    created_ms: int = 0

    def shown(self) -> dict[str, Json]:
        """Return the user as the API does."""
        return {
            "id": self.user_id,
            "username": self.username,
            "email": self.email,
            "isActive": self.is_active,
            "plan": self.plan,
            "scope": list(self.scope),
            "metadata": dict(self.metadata),
            "created": iso(self.created_ms),
        }


class Users:
    """Knows who may come in."""

    def __init__(self, config: TenantConfig, database: Database, clock: Clock) -> None:
        self._config = config
        self._database = database
        self._clock = clock
        # A password costs 16 MB and a core for its time; more at once would only queue elsewhere.
        self._hashing = CapacityLimiter(2)

    async def sign_up(
        self, username: str, email: str, password: str, metadata: Mapping[str, Json]
    ) -> User:
        """Make a user; nobody becomes an administrator this way, not even the first.

        Raises:
            InputError: The name or the password is not acceptable.
            ConflictError: Somebody has that name or e-mail address.
        """
        if not (_NAME.fullmatch(username) and _NAME.fullmatch(email)):
            raise InputError("username and email must be 1 to 254 printable characters.")
        if not PASSWORD_MIN <= len(password) <= _PASSWORD_MAX:
            raise InputError(f"password must have {PASSWORD_MIN} to {_PASSWORD_MAX} characters.")
        if LOCAL_USER in (username.lower(), email.lower()):
            raise ConflictError("This user name is kept for the tenant's own demo user.")
        password_hash = await self._hashed(password)
        return self.add(username, email, password_hash, metadata)

    async def sign_in(self, name: str, password: str) -> User:
        """Return the user with this user name or e-mail address and password.

        Raises:
            ForbiddenError: There is no such user.
            NotSignedInError: The password is wrong.

        Source: documented so by the SDK (403 means: unknown user); 401 is our choice.
        """
        if self._is_local_key(name, password):
            return self._local_user()
        row = self._named(name)
        compare = partial(_matches, password, "" if row is None else row["password_hash"])
        matches = await anyio.to_thread.run_sync(compare, limiter=self._hashing)
        if row is None:
            raise ForbiddenError("User not found.")
        if not matches:
            raise NotSignedInError("Wrong password.")
        return _user(row)

    async def local_password_hash(self) -> str:
        """Return the hash of the demo user's password; empty when none is configured."""
        password = self._config.demo_password
        return await self._hashed(password.get_secret_value()) if password else ""

    async def renew_local_password(self) -> None:
        """Have the demo user, if there is one, sign in with the password that is configured now."""
        row, password = self._named(LOCAL_USER), self._config.demo_password
        if row is None or password is None:
            return
        compare = partial(_matches, password.get_secret_value(), row["password_hash"])
        if not await anyio.to_thread.run_sync(compare, limiter=self._hashing):
            password_hash = await self.local_password_hash()
            with self._database.transaction() as connection:
                connection.execute(
                    "UPDATE user SET password_hash = ? WHERE user_id = ?",
                    (password_hash, row["user_id"]),
                )

    def add(
        self, username: str, email: str, password_hash: str, metadata: Mapping[str, Json]
    ) -> User:
        """Store a user; an empty hash is one that no password fits.

        Raises:
            ConflictError: Somebody has that name or e-mail address.
        """
        user = User(
            user_id=secrets.token_hex(12),
            username=username,
            email=email.lower(),
            metadata=metadata,
            created_ms=to_ms(self._clock.now()),
        )
        with self._database.transaction() as connection:
            if self._named(username) or self._named(user.email):
                raise ConflictError("There already is a user with this name or e-mail address.")
            connection.execute(
                "INSERT INTO user (user_id, username, email, password_hash, scope_json,"
                " metadata_json, created_ms) VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    user.user_id, user.username, user.email, password_hash,
                    json.dumps(user.scope), json.dumps(metadata), user.created_ms,
                ),
            )  # fmt: skip
        return user

    def none_yet(self) -> bool:
        """Say whether the tenant has no user at all."""
        return self._database.row("SELECT 1 FROM user") is None

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
        """Return whose access token this is.

        Raises:
            NotSignedInError: It is no valid token of this tenant, or has expired.
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
        return _user(row)

    def _is_local_key(self, name: str, password: str) -> bool:
        key = self._config.local_key
        if key is None or name.lower() != LOCAL_USER:
            return False
        return hmac.compare_digest(password.encode(), key.get_secret_value().encode())

    def _local_user(self) -> User:
        row = self._named(LOCAL_USER)
        return self.add(LOCAL_USER, LOCAL_USER, "", {}) if row is None else _user(row)

    def _named(self, name: str) -> sqlite3.Row | None:
        return self._database.row(
            "SELECT * FROM user WHERE username = ? OR email = ?", (name, name.lower())
        )

    async def _hashed(self, password: str) -> str:
        make = partial(_hash, password, secrets.token_bytes(16))
        return await anyio.to_thread.run_sync(make, limiter=self._hashing)


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


def _user(row: sqlite3.Row) -> User:
    return User(
        user_id=row["user_id"],
        username=row["username"],
        email=row["email"],
        scope=tuple(json.loads(row["scope_json"])),
        plan=row["plan"],
        is_active=bool(row["is_active"]),
        metadata=json.loads(row["metadata_json"]),
        created_ms=row["created_ms"],
    )
