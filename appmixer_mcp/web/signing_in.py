"""Mode `oauth`: our authorization server, and what knows its tokens, on one public address."""

import logging
from collections.abc import Callable
from functools import partial
from urllib.parse import urlsplit

from pydantic import SecretStr
from starlette.routing import Route

from appmixer_mcp.oauth.clients import Clients
from appmixer_mcp.oauth.grants import Grants
from appmixer_mcp.oauth.metadata import resource_metadata_url
from appmixer_mcp.oauth.routes import OAuthServices, oauth_routes
from appmixer_mcp.oauth.sign_in import SignIn
from appmixer_mcp.oauth.vault import Vault
from appmixer_mcp.settings import Settings
from appmixer_mcp.state import SharedState
from appmixer_mcp.web.verifiers import OAuthVerifier
from appmixer_mcp.wiring import Wiring

logger = logging.getLogger(__name__)


def oauth_parts(
    settings: Settings,
    wiring: Wiring,
    state: SharedState,
    *,
    on_outcome: Callable[[str], None],
) -> tuple[list[Route], OAuthVerifier]:
    """Return the routes of the authorization server, and what verifies its tokens.

    Args:
        settings: The operator's.
        wiring: Opens clients of the tenant.
        state: Keeps sign-ins, for all workers.
        on_outcome: Hears how each attempt to sign in ended.
    """
    url = settings.public_url
    grants = Grants(
        state, Vault(settings.encryption_key or SecretStr("")), issuer=url, base_url=wiring.base_url
    )

    def noted(outcome: str) -> None:
        logger.info("A sign-in: %s", outcome)
        on_outcome(outcome)

    services = OAuthServices(
        public_url=url,
        clients=Clients(state),
        grants=grants,
        state=state,
        sign_in=SignIn(partial(wiring.client_of, None), tenant=_name(wiring.base_url)),
        read_only=settings.read_only,
        on_outcome=noted,
    )
    metadata_url = partial(resource_metadata_url, url)
    verifier = OAuthVerifier(wiring.base_url, wiring.client_of, grants, metadata_url)
    return oauth_routes(services), verifier


def _name(base_url: str) -> str:
    """Return what people call the tenant."""
    return urlsplit(base_url).netloc or "the sandbox of this server"
