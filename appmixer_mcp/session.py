"""Whose credentials serve a call: one signed-in user of one tenant, opened at the first call."""

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING
from uuid import uuid4

import anyio
from pydantic import SecretStr

from appmixer_mcp.cleaning import quoted
from appmixer_mcp.errors import (
    AppmixerError,
    ConfigurationError,
    ForbiddenError,
    InputError,
    NotSignedInError,
)

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient

SANDBOX = "sandbox"
"""Names the embedded sandbox wherever a base URL is asked for."""

OpenClient = Callable[[str], Awaitable["AppmixerClient"]]
"""Takes a base URL or `SANDBOX`, gives a client with the credentials for it, if any."""


async def _nothing_to_do() -> None:
    pass


async def _always() -> bool:
    return True


class Session:
    """The user and tenant that calls act for.

    Attributes:
        last_error: What the tenant refused last, as `on('error')` of Appmixer's SDK reports it.
        last_sign_in_error: When it last did not accept who calls.
        how_to_sign_in: Why nobody signs in through a tool, and how instead; empty where one may.
        is_signed_in: Asks whether the sign-in is still good; raises AppmixerError when that cannot
            be told.
    """

    def __init__(
        self,
        base_url: str,
        open_client: OpenClient,
        *,
        allowed_base_urls: tuple[str, ...] = (),
        broken: ConfigurationError | None = None,
        owner: str = "",
        how_to_sign_in: str = "",
        on_refused: Callable[[], Awaitable[None]] = _nothing_to_do,
        is_signed_in: Callable[[], Awaitable[bool]] = _always,
    ) -> None:
        """Keep what is needed to open a client later; nothing is opened yet.

        Args:
            base_url: The tenant's, or `SANDBOX`.
            open_client: Makes the client.
            allowed_base_urls: Where `configure` may switch to, beside `base_url` and `SANDBOX`.
            broken: What the operator has to mend; every call then raises it.
            owner: Names the verified user, the same in every process; empty for a session that is
                its own owner, whoever signs in.
            how_to_sign_in: Tells callers instead of signing them in.
            on_refused: Called when the tenant no longer accepts the user's token.
            is_signed_in: See the attribute; always, where signing out is this session's own matter.
        """
        self.base_url = base_url
        self.last_error: AppmixerError | None = None
        self.last_sign_in_error: AppmixerError | None = None
        self.how_to_sign_in = how_to_sign_in
        self.on_refused = on_refused
        self.is_signed_in = is_signed_in
        self._owner = owner
        self._open_client = open_client
        self._allowed = (base_url, SANDBOX, *allowed_base_urls)
        self._broken = broken
        self._client: AppmixerClient | None = None
        self._lock = anyio.Lock()
        self._id = uuid4().hex
        self._sign_ins = 0

    @property
    def principal(self) -> str:
        """Tells one user of one tenant from another; what is kept for later is kept under it."""
        return f"{self.base_url}#{self._owner or f'{self._id}.{self._sign_ins}'}"

    @property
    def audience(self) -> str:
        """Who hears of what this session changes: its verified user everywhere, else itself.

        Unlike the principal it stays when somebody else signs in, for who listens stays too.
        """
        return self.principal if self._owner else self._id

    @property
    def in_sandbox(self) -> bool:
        """Whether the embedded sandbox serves, not a real tenant."""
        return self.base_url == SANDBOX

    async def client(self) -> "AppmixerClient":
        """Return the client, opened by the first call.

        Raises:
            ConfigurationError: A setting has to be mended first.
        """
        if self._broken is not None:
            raise self._broken
        async with self._lock:
            if self._client is None:
                self._client = await self._open_client(self.base_url)
                self._client.on("error", self._note)
            return self._client

    async def sign_in(self, username: str, password: SecretStr, *, new: bool = False) -> None:
        """Sign in, or sign up first when `new`; from then on this user's token is used.

        Raises:
            ForbiddenError: Here one signs in otherwise; says how.
        """
        self._refuse_where_fixed()
        client = await self.client()
        sign = client.users.signup_user if new else client.users.authenticate_user
        await sign(username, password.get_secret_value())
        self._signed_in()

    async def configure(self, base_url: str, access_token: SecretStr | None) -> None:
        """Change the tenant, the token, or both; another tenant drops every credential.

        Raises:
            ForbiddenError: Here one signs in otherwise; says how.
            InputError: The base URL is not one that the operator allowed.
        """
        self._refuse_where_fixed()
        url = base_url.rstrip("/")
        if url and url not in self._allowed:
            raise InputError(
                f"The operator does not allow the base URL {quoted(url.rpartition('@')[2])}. "
                f"Allowed are {', '.join(dict.fromkeys(self._allowed))}; more go into "
                "APPMIXER_ALLOWED_BASE_URLS."
            )
        if url and url != self.base_url:
            await self.aclose()
            self.base_url = url
            self._signed_in()
        if access_token is not None:
            client = await self.client()
            client.set("access_token", access_token.get_secret_value())
            self._signed_in()

    async def aclose(self) -> None:
        """Close the client, if one was opened."""
        async with self._lock:
            client, self._client = self._client, None
            if client is not None:
                await client.aclose()

    def _refuse_where_fixed(self) -> None:
        if self.how_to_sign_in:
            raise ForbiddenError(f"Nobody signs in through a tool here. {self.how_to_sign_in}")

    def _signed_in(self) -> None:
        self._sign_ins += 1
        self.last_error = self.last_sign_in_error = None

    def _note(self, error: AppmixerError) -> None:
        if nobody_asked.get():
            return
        self.last_error = error
        if isinstance(error, NotSignedInError):
            self.last_sign_in_error = error


current_session: ContextVar[Session] = ContextVar("current_session")
"""The session that the request under way acts for; set by the server for each request."""
nobody_asked: ContextVar[bool] = ContextVar("nobody_asked", default=False)
"""Whether the server looks by itself; what fails then is not what a caller was refused last."""
