"""Whose credentials serve a call: one signed-in user of one tenant, opened at the first call."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

import anyio
from pydantic import SecretStr

from appmixer_mcp.errors import AppmixerError, ConfigurationError, InputError

if TYPE_CHECKING:
    from appmixer_mcp.api import AppmixerClient
    from appmixer_mcp.api.client import SignedInWith

SANDBOX = "sandbox"
"""Names the embedded sandbox wherever a base URL is asked for."""

OpenClient = Callable[[str], Awaitable["AppmixerClient"]]
"""Takes a base URL or `SANDBOX`, gives a client with the operator's credentials for it, if any."""


class Session:
    """The user and tenant that the calls of one process act for.

    Attributes:
        last_error: What the tenant refused last, as `on('error')` of Appmixer's SDK reports it.
    """

    def __init__(
        self,
        base_url: str,
        open_client: OpenClient,
        *,
        allowed_base_urls: tuple[str, ...] = (),
        broken: ConfigurationError | None = None,
    ) -> None:
        """Keep what is needed to open a client later; nothing is opened yet.

        Args:
            base_url: The tenant's, or `SANDBOX`.
            open_client: Makes the client.
            allowed_base_urls: Where `configure` may switch to, beside `base_url` and `SANDBOX`.
            broken: What the operator has to mend; every call then raises it.
        """
        self.base_url = base_url
        self.last_error: AppmixerError | None = None
        self.signed_in_with: SignedInWith = "nothing"
        self._open_client = open_client
        self._allowed = (base_url, SANDBOX, *allowed_base_urls)
        self._broken = broken
        self._client: AppmixerClient | None = None
        self._lock = anyio.Lock()
        self._sign_ins = 0

    @property
    def principal(self) -> str:
        """Tells one signed-in user of one tenant from another, within this process."""
        return f"{self.base_url}#{self._sign_ins}"

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
                self.signed_in_with = self._client.signed_in_with
            return self._client

    async def sign_in(self, username: str, password: SecretStr, *, new: bool = False) -> None:
        """Sign in, or sign up first when `new`; from then on this user's token is used."""
        client = await self.client()
        sign = client.users.signup_user if new else client.users.authenticate_user
        await sign(username, password.get_secret_value())
        self._signed_in("user name and password")

    async def configure(self, base_url: str, access_token: SecretStr | None) -> None:
        """Change the tenant, the token, or both; another tenant drops every credential.

        Raises:
            InputError: The base URL is not one that the operator allowed.
        """
        url = base_url.rstrip("/")
        if url and url not in self._allowed:
            raise InputError(
                f"The operator does not allow the base URL {url.rpartition('@')[2]!r}. Allowed are "
                f"{', '.join(dict.fromkeys(self._allowed))}; more go into "
                "APPMIXER_ALLOWED_BASE_URLS."
            )
        if url and url != self.base_url:
            await self.aclose()
            self.base_url = url
            self._signed_in("nothing")
        if access_token is not None:
            client = await self.client()
            client.set("access_token", access_token.get_secret_value())
            self._signed_in("access token")

    async def aclose(self) -> None:
        """Close the client, if one was opened."""
        async with self._lock:
            client, self._client = self._client, None
            if client is not None:
                await client.aclose()

    def _signed_in(self, how: "SignedInWith") -> None:
        self._sign_ins += 1
        self.signed_in_with = how
        self.last_error = None

    def _note(self, error: AppmixerError) -> None:
        self.last_error = error
