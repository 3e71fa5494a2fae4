"""The two documents by which clients find their way, and what counts as our resource.

They are written as plain JSON and not with the SDK's models, whose URL type may write a URL
otherwise than it was configured: the issuer must be the same to the byte wherever it stands.
"""

from collections.abc import Iterable

from appmixer_mcp.oauth.types import AUTH_METHODS, SCOPE, OAuthError

AUTHORIZATION_SERVER_PATH = "/.well-known/oauth-authorization-server"
PROTECTED_RESOURCE_PATH = "/.well-known/oauth-protected-resource"
RESOURCE_PATHS = ("/mcp", "/sse")
"""Where MCP is served; each has its own document, which says the same (RFC 9728 3.1)."""


def authorization_server(issuer: str) -> dict[str, object]:
    """Return the metadata of the authorization server (RFC 8414).

    Args:
        issuer: The public origin, without a slash at its end; every URL is made of it.
    """
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/authorize",
        "token_endpoint": f"{issuer}/token",
        "registration_endpoint": f"{issuer}/register",
        "revocation_endpoint": f"{issuer}/revoke",
        "scopes_supported": [SCOPE],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": AUTH_METHODS,
        "revocation_endpoint_auth_methods_supported": AUTH_METHODS,
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
    }


def protected_resource(issuer: str) -> dict[str, object]:
    """Return the metadata of the protected resource (RFC 9728): the whole public origin."""
    return {
        "resource": issuer,
        "authorization_servers": [issuer],
        "scopes_supported": [SCOPE],
        "bearer_methods_supported": ["header"],
        "resource_name": "Appmixer",
    }


def resource_metadata_url(issuer: str, path: str) -> str:
    """Return where the metadata of the resource is that a request to a path was for.

    Args:
        issuer: The public origin, to which all but the `RESOURCE_PATHS` belong.
        path: Such as `/mcp`, or one below it, of which nothing is repeated.
    """
    above = (one for one in RESOURCE_PATHS if f"{path}/".startswith(f"{one}/"))
    return f"{issuer}{PROTECTED_RESOURCE_PATH}{next(above, '')}"


def check_resources(issuer: str, resources: Iterable[str]) -> None:
    """Refuse resources (RFC 8707) that are neither the public origin nor below it.

    Raises:
        OAuthError: With the code `invalid_target`.
    """
    for resource in resources:
        is_ours = resource == issuer or resource.startswith((f"{issuer}/", f"{issuer}?"))
        if not is_ours or "#" in resource:
            raise OAuthError(
                "invalid_target",
                f"The resource must be {issuer} or a URL below it; no other is served here.",
            )
