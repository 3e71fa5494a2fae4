"""The documents by which clients find their way to the sign-in page."""

import pytest
from mcp.shared.auth import OAuthMetadata, ProtectedResourceMetadata

from tests.oauth.browsing import ISSUER


@pytest.mark.parametrize(
    "path", ["", "/mcp", "/sse", "/mcp/x/flows,logs/readonly", "/sse/readonly"]
)
async def test_each_resource_names_the_public_origin_and_its_authorization_server(server, path):
    answer = await server.http.get(
        f"/.well-known/oauth-protected-resource{path}", headers={"Host": "evil.example"}
    )

    ProtectedResourceMetadata.model_validate(answer.json())
    assert answer.json() == {
        "resource": ISSUER,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["appmixer"],
        "bearer_methods_supported": ["header"],
        "resource_name": "Appmixer",
    }
    assert answer.headers["cache-control"] == "public, max-age=300"


async def test_the_authorization_server_says_what_it_can(server):
    answer = await server.http.get(
        "/.well-known/oauth-authorization-server", headers={"Host": "evil.example"}
    )

    OAuthMetadata.model_validate(answer.json())
    assert f'"issuer":"{ISSUER}"' in answer.text
    assert "evil.example" not in answer.text
    assert answer.json() == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/authorize",
        "token_endpoint": f"{ISSUER}/token",
        "registration_endpoint": f"{ISSUER}/register",
        "revocation_endpoint": f"{ISSUER}/revoke",
        "scopes_supported": ["appmixer"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": [
            "none",
            "client_secret_post",
            "client_secret_basic",
        ],
        "revocation_endpoint_auth_methods_supported": [
            "none",
            "client_secret_post",
            "client_secret_basic",
        ],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
    }
