"""What a client asks for at `/authorize`: checked, or refused at the right place.

While it is not certain where the client is, nobody is redirected: the person sees why. From then on
there is an answer for the client, with `iss`, so that it knows who answers (RFC 9207). It is sent
at once to a client on the person's own machine; to others the person may take it.
"""

import re
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from appmixer_mcp.oauth.clients import Clients
from appmixer_mcp.oauth.metadata import check_resources
from appmixer_mcp.oauth.parameters import Parameters, read
from appmixer_mcp.oauth.types import AuthorizationRequest, Client, OAuthError

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")  # a SHA-256 in base64url (RFC 7636 4.2)
_LONGEST_QUERY = 8_192  # what a link holds is stored while its page is open


class AnsweredError(OAuthError):
    """A request was refused, and the client is to hear of it.

    Attributes:
        redirect_uri: The address that the client gave.
        location: The same with the answer, for the browser to go there.
    """

    redirect_uri: str = ""
    location: str = ""

    @property
    def goes_to_this_machine(self) -> bool:
        """Whether the client waits on the person's own machine."""
        return self.redirect_uri.startswith("http://")  # which may be registered for loopback alone


@dataclass(frozen=True)
class AuthorizationRequests:
    """Checks what clients ask for."""

    clients: Clients
    issuer: str

    async def checked(self, query: str) -> tuple[Client, AuthorizationRequest]:
        """Return who asks, and for what.

        Args:
            query: Of the URL, still encoded.

        Raises:
            AnsweredError: The client made a mistake and is to be told.
            OAuthError: The person is to be told, because the client cannot be.
            UnavailableError: The client's metadata document cannot be fetched now.
        """
        asked = _asked(query)
        client = await self._client(asked)
        wanted = _to_client(client, asked)
        try:
            return client, self._wanted(wanted, asked)
        except OAuthError as error:
            answered = AnsweredError(error.error, error.description)
            answered.redirect_uri = wanted.redirect_uri
            answered.location = self.answer(
                wanted, error=error.error, error_description=error.description
            )
            raise answered from error

    def answer(self, request: AuthorizationRequest, **parameters: str) -> str:
        """Return the address that brings an answer to the client, with its state and our name."""
        uri = request.redirect_uri
        state = {} if request.state is None else {"state": request.state}
        more = urlencode({**parameters, **state, "iss": self.issuer})
        if "?" not in uri:
            return f"{uri}?{more}"
        return f"{uri}{more}" if uri.endswith(("?", "&")) else f"{uri}&{more}"

    async def _client(self, asked: Parameters) -> Client:
        if not asked.repeated.isdisjoint(("client_id", "redirect_uri")):
            raise OAuthError("invalid_request", "The link names its program or address twice.")
        client_id = asked.once.get("client_id")
        client = await self.clients.find(client_id) if client_id else None
        if client is None:
            raise OAuthError(
                "invalid_client",
                "This server does not know the program that sent you here. Remove the connection "
                "in that program and add it again.",
            )
        return client

    def _wanted(self, wanted: AuthorizationRequest, asked: Parameters) -> AuthorizationRequest:
        asked.check_repeated()
        _check_response(asked)
        challenge = asked.once.get("code_challenge", "")
        if asked.once.get("code_challenge_method") != "S256" or not _CHALLENGE.fullmatch(challenge):
            raise OAuthError(
                "invalid_request",
                "PKCE is required: send code_challenge, and code_challenge_method=S256.",
            )
        check_resources(self.issuer, asked.resources)
        return replace(wanted, code_challenge=challenge)


def _asked(query: str) -> Parameters:
    if len(query) > _LONGEST_QUERY:
        raise OAuthError("invalid_request", "The link is too long.")
    try:
        return read(query)
    except ValueError:
        raise OAuthError("invalid_request", "The link has too many parameters.") from None


def _to_client(client: Client, asked: Parameters) -> AuthorizationRequest:
    given = asked.once.get("redirect_uri")
    if given is None and len(client.redirect_uris) != 1:
        raise OAuthError("invalid_request", "The link does not say where to go afterwards.")
    if given is not None and not client.allows(given):
        raise OAuthError(
            "invalid_request",
            "The link leads to an address that its program did not register. Do not follow it "
            "unless you know why.",
        )
    return AuthorizationRequest(
        client_id=client.client_id,
        redirect_uri=client.redirect_uris[0] if given is None else given,
        state=asked.once.get("state"),
        code_challenge="",
    )


def _check_response(asked: Parameters) -> None:
    for name in ("request", "request_uri"):  # parameters in a JWT
        if name in asked.once:
            raise OAuthError(f"{name}_not_supported", f"The parameter {name} is not supported.")
    if asked.needed("response_type") != "code":
        raise OAuthError("unsupported_response_type", "The only response_type is code.")
    if asked.once.get("response_mode", "query") != "query":
        raise OAuthError("invalid_request", "The only response_mode is query.")
