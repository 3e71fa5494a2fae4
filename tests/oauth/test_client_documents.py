"""Fetching the metadata document of a client; names lead where a test says."""

import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import anyio
import pytest
from anyio.abc import SocketAttribute, SocketStream
from anyio.streams.tls import TLSStream

from appmixer_mcp.errors import AppmixerError, UnavailableError
from appmixer_mcp.oauth.client_documents import MOST_BYTES, FetchedDocument, fetch_document, host_of
from appmixer_mcp.oauth.types import OAuthError
from tests.certificates import self_signed
from tests.sandbox.loopback import PUBLIC_ADDRESS, Net, Server, http_answer

HOST = "assistant.example"
URL = f"https://{HOST}/oauth/client.json"
BODY = json.dumps({"client_id": URL, "redirect_uris": ["http://localhost/callback"]}).encode()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    return self_signed(tmp_path_factory.mktemp("certificate"), HOST)


@asynccontextmanager
async def served_with_tls(
    certificate, *answers: bytes, hangs: bool = False
) -> AsyncIterator[Server]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    server = Server(list(answers), hangs)
    listener = await anyio.create_tcp_listener(local_host="127.0.0.1", local_port=0)
    server.port = listener.extra(SocketAttribute.local_port)  # noqa: S610 - no Django here

    async def handle(stream: SocketStream) -> None:
        async with stream:
            # Errors are those of a client that does not trust the certificate.
            with suppress(ssl.SSLError, anyio.BrokenResourceError, anyio.EndOfStream):
                await server.handle(await TLSStream.wrap(stream, ssl_context=context))

    with anyio.fail_after(5):
        async with listener, anyio.create_task_group() as tasks:
            tasks.start_soon(listener.serve, handle)
            yield server
            tasks.cancel_scope.cancel()


def trusting(certificate) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=certificate)


async def fetched(net: Net, url: str = URL, certificate=None) -> FetchedDocument:
    trusted = trusting(certificate) if certificate else None
    return await fetch_document(url, resolve=net.resolve, connect=net.connect, trusted=trusted)


async def outcome(certificate, answer: bytes) -> FetchedDocument | AppmixerError:
    """Fetch the document from a public server that gives this answer."""
    async with served_with_tls(certificate, answer) as server:
        net = Net({HOST: [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})
        try:
            return await fetched(net, URL, certificate)
        except AppmixerError as error:
            return error


async def test_a_document_is_fetched_from_the_address_that_was_checked(certificate):
    answer = http_answer(200, BODY, "application/json", Cache_Control="public, max-age=3600")
    async with served_with_tls(certificate, answer) as server:
        net = Net({HOST: [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        document = await fetched(net, URL, certificate)

    assert (document.body, document.max_age_s) == (BODY, 3600)
    assert (net.asked, net.connected) == ([f"{HOST}:443"], [(PUBLIC_ADDRESS, 443)])
    assert server.requests[0].startswith("GET /oauth/client.json HTTP/1.1\r\n")
    assert f"Host: {HOST}\r\n" in server.requests[0]


@pytest.mark.parametrize(
    "addresses",
    [
        ["169.254.169.254"],
        ["127.0.0.1"],
        ["10.0.0.1"],
        ["::1"],
        ["fd00:ec2::254"],
        ["::ffff:169.254.169.254"],
        [PUBLIC_ADDRESS, "169.254.169.254"],
        [],
    ],
)
async def test_a_host_with_an_address_that_is_not_public_is_refused_without_a_connection(addresses):
    net = Net({HOST: addresses}, {})

    with pytest.raises(OAuthError, match="no public address") as caught:
        await fetched(net)

    assert net.connected == []
    assert caught.value.error == "invalid_client"


async def test_a_name_that_does_not_exist_is_refused_like_a_private_one():
    async def resolve(_host, _port):
        raise OSError("no such name")

    with pytest.raises(OAuthError, match="no public address"):
        await fetch_document(URL, resolve=resolve)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_to_the_metadata_address_is_not_followed(certificate, status):
    moved = http_answer(status, b"", Location="http://169.254.169.254/latest/meta-data/")
    async with served_with_tls(certificate, moved) as server:
        net = Net({HOST: [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        with pytest.raises(OAuthError, match="status 200"):
            await fetched(net, URL, certificate)

    assert net.asked == [f"{HOST}:443"]
    assert net.connected == [(PUBLIC_ADDRESS, 443)]


async def test_a_certificate_that_nobody_vouches_for_is_not_accepted(certificate):
    async with served_with_tls(certificate, http_answer(200, BODY, "application/json")) as server:
        net = Net({HOST: [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        with pytest.raises(UnavailableError):
            await fetched(net)

    assert server.requests == []


@pytest.mark.parametrize("status", [201, 204, 400, 403, 404, 410])
async def test_an_answer_other_than_200_is_no_document(certificate, status):
    refused = await outcome(certificate, http_answer(status, b"", "application/json"))

    assert isinstance(refused, OAuthError)
    assert "status 200" in str(refused)


@pytest.mark.parametrize("status", [429, 500, 502, 503])
async def test_a_server_that_is_in_trouble_may_be_asked_again(certificate, status):
    refused = await outcome(certificate, http_answer(status, b"", "application/json"))

    assert isinstance(refused, UnavailableError)


@pytest.mark.parametrize("kind", ["text/html", "text/plain", "application/jsonp", "x/json"])
async def test_what_is_not_served_as_json_is_no_document(certificate, kind):
    refused = await outcome(certificate, http_answer(200, BODY, kind))

    assert isinstance(refused, OAuthError)
    assert "application/json" in str(refused)


@pytest.mark.parametrize(
    "kind", ["application/json", "Application/JSON; charset=utf-8", "application/cimd+json"]
)
async def test_json_may_have_parameters_and_a_name_of_its_own(certificate, kind):
    document = await outcome(certificate, http_answer(200, BODY, kind))

    assert isinstance(document, FetchedDocument)
    assert document.body == BODY


async def test_a_document_over_the_limit_is_not_read_to_its_end(certificate):
    largest, larger = [
        await outcome(certificate, http_answer(200, b" " * size, "application/json"))
        for size in (MOST_BYTES, MOST_BYTES + 1)
    ]

    assert isinstance(largest, FetchedDocument)
    assert isinstance(larger, OAuthError)
    assert "10,000" in str(larger)


async def test_a_server_that_never_finishes_is_given_up(certificate):
    half = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    async with served_with_tls(certificate, half, hangs=True) as server:
        net = Net({HOST: [PUBLIC_ADDRESS]}, {PUBLIC_ADDRESS: server})

        with pytest.raises(UnavailableError):
            await fetch_document(
                URL,
                resolve=net.resolve,
                connect=net.connect,
                trusted=trusting(certificate),
                timeout_s=0.2,
            )


async def test_a_server_that_is_not_there_may_be_asked_again():
    with pytest.raises(UnavailableError):
        await fetched(Net({HOST: [PUBLIC_ADDRESS]}, {}))


@pytest.mark.parametrize(
    ("header", "max_age_s"),
    [
        ("max-age=600", 600),
        ("Public, Max-Age=600, immutable", 600),
        ("no-store", 0),
        ("max-age=-1", 0),
        ("max-age=99999999999999999999", 0),
        ("s-maxage", 0),
    ],
)
async def test_how_long_a_document_may_be_kept_is_read_from_its_answer(
    certificate, header, max_age_s
):
    answer = http_answer(200, BODY, "application/json", Cache_Control=header)

    document = await outcome(certificate, answer)

    assert isinstance(document, FetchedDocument)
    assert document.max_age_s == max_age_s


@pytest.mark.parametrize(
    "url",
    [
        "https://claude.ai/oauth/claude-code-client-metadata",
        "https://vscode.dev/oauth/client-metadata.json",
        "https://chatgpt.com/oauth/codex/client.json",
        "https://assistant.example/client?of=1",
        "https://xn--bcher-kva.example/client.json",
    ],
)
def test_an_https_url_with_a_path_names_a_document(url):
    assert host_of(url) == url.split("/")[2]


@pytest.mark.parametrize(
    "url",
    [
        "http://assistant.example/client.json",
        "https://assistant.example",
        "https://assistant.example/",
        "https://assistant.example?client",
        "https://assistant.example/client#fragment",
        "https://user@assistant.example/client",
        "https://assistant.example@evil.example/client",
        "https://assistant.example:443/client",
        "https://assistant.example:8443/client",
        "https://assistant.example:/client",
        "https://assistant.example/a/../client",
        "https://assistant.example/./client",
        "https://assistant.example/a/%2e%2E/client",
        "https://assistant.example/client/..",
        "https://assistant.example\\@evil.example/client",
        "https://assistant.example./client",
        "https://ASSISTANT.example/client",
        "HTTPS://assistant.example/client",
        "https://localhost/client",
        "https://intranet/client",
        "https://127.0.0.1/client",
        "https://169.254.169.254/client",
        "https://2130706433/client",
        "https://0x7f.1/client",
        "https://1.2.3.0x4/client",
        "https://[::1]/client",
        "https://-a.example/client",
        "https://a_b.example/client",
        "https://b\u00fccher.example/client",
        "https://assistant.example/cl\u00efent",
        "https://assistant.example/a b",
        "https://assistant.example/client\n",
        "https://assistant.example/" + "a" * 500,
        "javascript:alert(1)",
        "",
    ],
)
async def test_any_other_client_id_names_none_and_nothing_is_looked_up(url):
    net = Net({}, {})

    with pytest.raises(OAuthError):
        await fetched(net, url)

    assert net.asked == []
