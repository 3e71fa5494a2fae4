"""Who a client is that calls the token or the revocation endpoint."""

import base64
from collections.abc import Mapping
from http import HTTPStatus
from urllib.parse import unquote_plus

from appmixer_mcp.oauth.client_documents import host_of
from appmixer_mcp.oauth.clients import Clients, is_document_url, is_secret_of
from appmixer_mcp.oauth.types import OAuthError


async def authenticated_client(
    clients: Clients, form: Mapping[str, str], authorization: str
) -> str:
    """Return the id of the client that made a request.

    A client that has a secret may send it either way, whatever it registered: several send it
    otherwise than they said. A client with a metadata document is public; its document is not read
    again, so that people stay signed in while the site that serves it does not answer.

    Args:
        clients: Where to look for it.
        form: The parameters of the request.
        authorization: The header; empty when there is none.

    Raises:
        OAuthError: It does not say who it is, or has not proved it.
    """
    named, secret = _named(form, authorization)
    if is_document_url(named):
        host_of(named)
        return named
    client = await clients.find(named)
    if client is None or (client.auth_method != "none" and not is_secret_of(client, secret)):
        # One text for both, so that nobody learns which clients there are.
        raise OAuthError(
            "invalid_client",
            "The client is not registered, or its secret is not right. Register again.",
            status=HTTPStatus.UNAUTHORIZED,
        )
    return client.client_id


def _named(form: Mapping[str, str], authorization: str) -> tuple[str, str]:
    scheme, _, encoded = authorization.partition(" ")
    client_id, secret = form.get("client_id", ""), form.get("client_secret", "")
    if scheme.lower() == "basic":
        name, password = _basic(encoded)
        if secret or client_id not in {"", name}:
            raise OAuthError(
                "invalid_request", "The client names itself twice; use one way to authenticate."
            )
        client_id, secret = name, password
    if not client_id:
        raise OAuthError("invalid_client", "client_id is missing.", status=HTTPStatus.UNAUTHORIZED)
    return client_id, secret


def _basic(encoded: str) -> tuple[str, str]:
    try:
        name, colon, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:  # no base64, or no UTF-8
        colon = name = password = ""
    if not colon:
        raise OAuthError(
            "invalid_client",
            "The Basic credentials cannot be read.",
            status=HTTPStatus.UNAUTHORIZED,
        )
    return unquote_plus(name), unquote_plus(password)
