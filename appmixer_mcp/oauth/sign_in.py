"""Signs a person in at the Appmixer tenant, and says no in the same way whatever was wrong."""

import logging
import time
from collections.abc import Awaitable, Callable

import anyio
from pydantic import SecretStr

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.errors import (
    ConfigurationError,
    ForbiddenError,
    InputError,
    NotFoundError,
    NotSignedInError,
    RateLimitedError,
    UnavailableError,
    UnexpectedAnswerError,
)
from appmixer_mcp.oauth.types import SignedInUser

logger = logging.getLogger(__name__)

_REFUSED = "Appmixer did not accept this sign-in. Check what you entered and try again."
_LEAST_S = 0.5
"""No refusal comes sooner, so that its time does not tell whether there is such a user."""
_LONGEST_SECRET = 10_000


class SignIn:
    """The door to one tenant.

    Attributes:
        tenant: What the page calls it.
    """

    def __init__(
        self,
        open_client: Callable[[], Awaitable[AppmixerClient]],
        *,
        tenant: str,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    ) -> None:
        """Keep what makes a client.

        Args:
            open_client: Gives a client of the tenant that nobody is signed in with; it is closed.
            tenant: What the page calls it, such as its host name.
            clock: Seconds, never going back.
            sleep: What delays a refusal.
        """
        self.tenant = tenant
        self._open_client = open_client
        self._clock = clock
        self._sleep = sleep

    async def with_password(self, username: str, password: SecretStr) -> SignedInUser:
        """Sign in with what the person has at the tenant.

        Raises:
            NotSignedInError: User name and password do not go together; the same for all reasons.
            UnavailableError: The tenant does not answer, or is too busy.
            UnexpectedAnswerError: It answered with no token; a second factor may be needed.
        """
        return await self._evenly(self._password(username, password))

    async def with_token(self, token: SecretStr) -> SignedInUser:
        """Take an access token of the tenant that the person brings.

        Raises:
            NotSignedInError: The tenant refuses it.
            UnavailableError: The tenant does not answer, or is too busy.
            UnexpectedAnswerError: It answered with no user.
        """
        return await self._evenly(self._token(token))

    async def _password(self, username: str, password: SecretStr) -> SignedInUser:
        secret = password.get_secret_value()
        if not username or not 0 < len(secret) <= _LONGEST_SECRET:
            raise NotSignedInError(_REFUSED)
        async with await self._open_client() as client:
            result = await client.users.authenticate_user(username, secret)
            return await _who(client, result.token)

    async def _token(self, token: SecretStr) -> SignedInUser:
        secret = token.get_secret_value().strip()
        secret = secret[7:].lstrip() if secret[:7].lower() == "bearer " else secret
        if not 0 < len(secret) <= _LONGEST_SECRET:
            raise NotSignedInError(_REFUSED)
        async with await self._open_client() as client:
            try:
                client.set("access_token", secret)
            except ConfigurationError as error:  # characters that no token has
                raise NotSignedInError(_REFUSED) from error
            return await _who(client, SecretStr(secret))

    async def _evenly(self, signing_in: Awaitable[SignedInUser]) -> SignedInUser:
        begun_at = self._clock()
        try:
            return await signing_in
        except (NotSignedInError, ForbiddenError, NotFoundError, InputError) as error:
            await self._sleep(max(0.0, _LEAST_S - (self._clock() - begun_at)))
            raise NotSignedInError(_REFUSED) from error
        except UnexpectedAnswerError as error:
            logger.warning("a sign-in got an answer that is none: %s", error)
            raise UnexpectedAnswerError(
                "Appmixer answered, but not with a sign-in that this page can finish. If your "
                "account needs a second factor or single sign-on, use an access token instead.",
            ) from error
        except (UnavailableError, RateLimitedError, ConfigurationError) as error:
            logger.warning("a sign-in could not be tried: %s", error)
            raise UnavailableError(
                "Appmixer does not answer at the moment. Nothing was lost: try again in a minute."
            ) from error


async def _who(client: AppmixerClient, token: SecretStr) -> SignedInUser:
    user = await client.users.get_user()
    if user.is_active is False:
        raise NotSignedInError(_REFUSED)
    return SignedInUser(
        user_id=user.user_id,
        appmixer_token=token,
        token_expires_at=client.token_expires_at,
    )
