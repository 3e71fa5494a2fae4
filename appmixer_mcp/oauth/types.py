"""What the parts of the authorization server hand to each other."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

from pydantic import SecretStr

from appmixer_mcp.errors import AppmixerError
from appmixer_mcp.oauth import redirects

SCOPE = "appmixer"
"""The only scope there is: to act as the person who signed in."""

AuthMethod = Literal["none", "client_secret_post", "client_secret_basic"]
"""How a client proves at the token endpoint who it is."""
AUTH_METHODS: tuple[AuthMethod, ...] = get_args(AuthMethod)


class OAuthError(AppmixerError):
    """A request breaks the protocol; the text is for whoever wrote the client.

    Attributes:
        error: The code of RFC 6749, 7591 or 8707, such as `invalid_grant`.
        description: One sentence or two in plain ASCII; quotes no secret and no stranger's text.
        status: The HTTP status to answer with.
    """

    status: int

    def __init__(self, error: str, description: str, *, status: int = 400) -> None:
        super().__init__(description, status=status)
        self.error = error
        self.description = description


@dataclass(frozen=True, kw_only=True)
class Client:
    """A program that asks for tokens."""

    client_id: str
    """Ours for a registered client, else the https URL of its metadata document."""
    name: str
    """What it calls itself, cleaned and at most 80 characters; empty when it gave no name."""
    redirect_uris: tuple[str, ...]
    application_type: redirects.ApplicationType
    verified_host: str
    """The host that served its metadata document; empty for a registered client: unverified."""
    auth_method: AuthMethod
    secret_hash: str = ""
    """SHA-256 of its secret, in hex; empty for `none`."""

    def allows(self, redirect_uri: str) -> bool:
        """Return whether an answer may be sent there: it must be one of its own, to the letter.

        Only the port of a loopback address is free (RFC 8252 7.3).
        """
        return any(redirects.is_same(redirect_uri, known) for known in self.redirect_uris)


@dataclass(frozen=True, kw_only=True)
class AuthorizationRequest:
    """What a client asked for at `/authorize`, once it was checked."""

    client_id: str
    redirect_uri: str
    state: str | None
    code_challenge: str
    """For the method S256, the only one."""


@dataclass(frozen=True, kw_only=True)
class SignedInUser:
    """A person of the Appmixer tenant, and the token that acts for them."""

    user_id: str
    appmixer_token: SecretStr
    token_expires_at: datetime | None
    """None when the token does not say."""


@dataclass(frozen=True, kw_only=True)
class Caller:
    """Whom a valid access token stands for."""

    client_id: str
    grant_id: str
    user: SignedInUser


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """What the token endpoint gives."""

    access_token: SecretStr
    refresh_token: SecretStr
    expires_in_s: int
