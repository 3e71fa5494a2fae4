"""The MCP SDK's own client against the endpoints; the test stands in for the sign-in page."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from mcp.client.auth import OAuthClientProvider
from mcp.shared.auth import AuthorizationCodeResult, OAuthClientMetadata
from pydantic import AnyUrl
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from appmixer_mcp.oauth.client_documents import FetchedDocument
from appmixer_mcp.oauth.metadata import resource_metadata_url
from appmixer_mcp.oauth.types import AuthorizationRequest
from tests.foreign.python_assistant import Kept
from tests.oauth.browsing import ISSUER, Server
from tests.oauth.documents import Documents

DOCUMENT_URL = "https://assistant.example/oauth/client.json"
LISTENING = "http://localhost:51234/callback"


def protected(server: Server) -> Route:
    async def answer(request: Request) -> Response:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        caller = await server.grants.caller_of(token)
        if caller is None:
            where = resource_metadata_url(ISSUER, "/mcp")
            return Response(
                status_code=401,
                headers={"WWW-Authenticate": f'Bearer resource_metadata="{where}"'},
            )
        return PlainTextResponse(caller.user.user_id)

    return Route("/mcp", answer)


class Person:
    """Agrees to everything that a registered client asks for."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._answer = AuthorizationCodeResult(code="")

    async def open(self, url: str) -> None:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
        client = await self._server.clients.find(asked["client_id"])
        assert client is not None
        assert client.allows(asked["redirect_uri"])
        code = await self._server.grants.issue_code(
            AuthorizationRequest(
                client_id=client.client_id,
                redirect_uri=asked["redirect_uri"],
                state=asked["state"],
                code_challenge=asked["code_challenge"],
            ),
            self._server.user(),
        )
        self._answer = AuthorizationCodeResult(code=code, state=asked["state"], iss=ISSUER)

    async def come_back(self) -> AuthorizationCodeResult:
        return self._answer


@pytest.mark.parametrize("client_metadata_url", [None, DOCUMENT_URL], ids=["registers", "document"])
@pytest.mark.parametrize("method", ["none", "client_secret_post", "client_secret_basic", None])
async def test_the_official_client_signs_in_calls_and_refreshes(client_metadata_url, method):
    document = {"client_id": DOCUMENT_URL, "redirect_uris": ["http://localhost/callback"]}
    documents = Documents(
        {DOCUMENT_URL: FetchedDocument(body=json.dumps(document).encode(), max_age_s=0)}
    )
    server = Server(fetch=documents.fetch)
    server.app.routes.append(protected(server))
    person, kept = Person(server), Kept()
    provider = OAuthClientProvider(
        f"{ISSUER}/mcp",
        OAuthClientMetadata(redirect_uris=[AnyUrl(LISTENING)], token_endpoint_auth_method=method),
        kept,
        person.open,
        person.come_back,
        client_metadata_url=client_metadata_url,
    )

    first = await server.http.get("/mcp", auth=provider)
    given = kept.tokens
    provider.context.token_expiry_time = 1.0  # long ago, so that the next call refreshes
    second = await server.http.get("/mcp", auth=provider)

    assert [answer.status_code for answer in (first, second)] == [200, 200]
    assert first.text == second.text == server.user().user_id
    assert given is not None
    assert kept.tokens is not None
    assert kept.tokens.refresh_token != given.refresh_token
    assert documents.asked == ([DOCUMENT_URL] if client_metadata_url else [])
