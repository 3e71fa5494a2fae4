"""Every route of the authorization server, and what they share."""

from collections.abc import Callable
from dataclasses import dataclass

from starlette.routing import Route

from appmixer_mcp.oauth.attempts import Attempts
from appmixer_mcp.oauth.authorization_requests import AuthorizationRequests
from appmixer_mcp.oauth.authorize import Authorize, Outcome
from appmixer_mcp.oauth.clients import Clients
from appmixer_mcp.oauth.endpoints import Endpoints
from appmixer_mcp.oauth.grants import Grants
from appmixer_mcp.oauth.metadata import (
    AUTHORIZATION_SERVER_PATH,
    PROTECTED_RESOURCE_PATH,
    RESOURCE_PATHS,
)
from appmixer_mcp.oauth.pages import Pages
from appmixer_mcp.oauth.pending import BrowserCookie, PendingRequests
from appmixer_mcp.oauth.sign_in import SignIn
from appmixer_mcp.state import SharedState


def _nobody_counts(_: Outcome) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class OAuthServices:
    """What the authorization server works with."""

    public_url: str
    """The issuer: scheme and host as the operator configured them, without a slash at the end."""
    clients: Clients
    grants: Grants
    state: SharedState
    sign_in: SignIn
    attempts: Attempts | None = None
    """None: the usual limits."""
    read_only: bool = False
    """Whether the operator lets nothing be changed."""
    on_outcome: Callable[[Outcome], None] = _nobody_counts
    """Hears how each stay on the sign-in page went on, for the metrics."""


def _authorize(services: OAuthServices) -> Authorize:
    return Authorize(
        requests=AuthorizationRequests(services.clients, services.public_url),
        pending=PendingRequests(services.state),
        attempts=services.attempts or Attempts(services.state),
        sign_in=services.sign_in,
        grants=services.grants,
        pages=Pages(services.sign_in.tenant, read_only=services.read_only),
        cookie=BrowserCookie(services.public_url),
        on_outcome=services.on_outcome,
    )


def oauth_routes(services: OAuthServices) -> list[Route]:
    """Return the routes of the authorization server, and of the metadata that leads to it."""
    endpoints = Endpoints(
        issuer=services.public_url,
        clients=services.clients,
        grants=services.grants,
        state=services.state,
    )
    return [
        Route("/authorize", _authorize(services).answer, methods=["GET", "POST"]),
        Route("/token", endpoints.token, methods=["POST"]),
        Route("/revoke", endpoints.revoke, methods=["POST"]),
        Route("/register", endpoints.register, methods=["POST"]),
        Route(AUTHORIZATION_SERVER_PATH, endpoints.authorization_server),
        *(
            Route(f"{PROTECTED_RESOURCE_PATH}{path}", endpoints.protected_resource)
            for path in (
                "",
                *RESOURCE_PATHS,
                *(f"{path}/{{below:path}}" for path in RESOURCE_PATHS),
            )
        ),
    ]
