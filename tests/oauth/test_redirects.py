"""Where a client may have its answers sent."""

import pytest

from appmixer_mcp.oauth.redirects import LONGEST, inferred_type, is_same, problem

WEB = [
    "https://claude.ai/api/mcp/auth_callback",
    "https://a.example:8443/cb?of=1",
    "https://[2606:4700::1]/",
    "https://203.0.113.7/cb",
]
NATIVE = [
    "http://127.0.0.1/",
    "http://127.0.0.1:33418/",
    "http://[::1]:8080/cb",
    "http://localhost/callback",
    "http://localhost:6274/oauth/callback",
    "cursor://anysphere.cursor-retrieval/oauth/user-mcp/callback",
    "com.example.app:/oauth2redirect",
]


@pytest.mark.parametrize("uri", [*WEB, *NATIVE])
def test_a_native_client_may_use_https_loopback_and_a_scheme_of_its_own(uri):
    assert problem(uri, "native") == ""


@pytest.mark.parametrize("uri", WEB)
def test_a_web_client_may_use_https(uri):
    assert problem(uri, "web") == ""


@pytest.mark.parametrize("uri", NATIVE)
def test_a_web_client_may_use_nothing_else(uri):
    assert "https://" in problem(uri, "web")


@pytest.mark.parametrize(
    "uri",
    [
        "",
        "callback",
        "/callback",
        "//evil.example/callback",
        "https:",
        "https://",
        "https:///callback",
        "https:evil.example",
        "https://evil.example#fragment",
        "https://evil.example/#",
        "https://*.example.com/callback",
        "https://example.com/*",
        "https://user@evil.example/",
        "https://claude.ai@evil.example/",
        "https://claude.ai\\@evil.example/",
        "https://evil.example:0/",
        "https://evil.example:65536/",
        "https://evil.example:99999999/",
        "https://evil.example:\uff18\uff10/",
        "https://[::::]/",
        "https://[1.2.3.4]/",
        "https://a..example/",
        "https://0x7f.1/",
        "https://2130706433/",
        "https://127.1/",
        "https://EVIL.example/",
        "HTTPS://evil.example/",
        "https://evil.example/a b",
        "https://evil.example/\r\nSet-Cookie: a=b",
        "https://evil.example/\n",
        "https://evil.example/é",
        "https://evil.example/" + LONGEST * "a",
        "http://evil.example/",
        "http://127.0.0.2/",
        "http://127.1/",
        "http://0.0.0.0/",
        "http://10.0.0.1/",
        "http://localhost.evil.example/",
        "http://127.0.0.1.evil.example/",
        "http://localhost@evil.example/",
        "http://localhost:80@evil.example/",
        "http://localhost:65536/",
        "javascript:alert(1)",
        "javascript://%0aalert(1)",
        "JavaScript:alert(1)",
        "data:text/html,hello",
        "data:/text/html,hello",
        "vbscript:/x",
        "file:///etc/passwd",
        "blob:https://evil.example/1",
        "about:blank",
        "ftp://evil.example/",
        "ws://localhost/",
        "mailto:ann@evil.example",
        "ms-settings:/privacy",
        "urn:ietf:wg:oauth:2.0:oob",
        "cursor:callback",
        "googlechrome://evil.example/",
        "googlechromes://evil.example/",
        "firefox://open-url?url=https://evil.example",
        "firefox-focus://open-url?url=https://evil.example",
        "microsoft-edge-https://evil.example",
        "x-safari-https://evil.example",
        "yandexbrowser-open-url://evil.example",
        "res://evil.example/",
    ],
)
@pytest.mark.parametrize("kind", ["native", "web"])
def test_nobody_may_use_anything_else(uri, kind):
    assert problem(uri, kind) != ""


@pytest.mark.parametrize(
    ("asked", "registered"),
    [
        ("https://a.example/cb", "https://a.example/cb"),
        ("cursor://a/cb", "cursor://a/cb"),
        ("http://127.0.0.1:51234/cb", "http://127.0.0.1/cb"),
        ("http://127.0.0.1:51234/cb", "http://127.0.0.1:33418/cb"),
        ("http://[::1]:51234/cb?a=1", "http://[::1]/cb?a=1"),
        ("http://localhost:51234/callback", "http://localhost/callback"),
    ],
)
def test_a_redirect_uri_is_the_same_to_the_letter_but_for_a_port_of_loopback(asked, registered):
    assert is_same(asked, registered)


@pytest.mark.parametrize(
    ("asked", "registered"),
    [
        ("https://a.example/cb/", "https://a.example/cb"),
        ("https://a.example/cb", "https://a.example/cb/"),
        ("https://a.example/cb?x=1", "https://a.example/cb"),
        ("https://a.example/CB", "https://a.example/cb"),
        ("https://A.example/cb", "https://a.example/cb"),
        ("https://a.example:443/cb", "https://a.example/cb"),
        ("https://a.example:444/cb", "https://a.example/cb"),
        ("https://a.example/x/../cb", "https://a.example/cb"),
        ("https://a.example/%63b", "https://a.example/cb"),
        ("http://a.example/cb", "https://a.example/cb"),
        ("http://localhost:1/cb/", "http://localhost/cb"),
        ("http://localhost:1/", "http://localhost"),
        ("http://localhost:1/cb", "http://127.0.0.1:1/cb"),
        ("http://localhost:65536/cb", "http://localhost/cb"),
        ("http://localhost:1@evil.example/cb", "http://localhost/cb"),
        ("http://localhost.evil.example/cb", "http://localhost/cb"),
        ("https://localhost:2/cb", "https://localhost:1/cb"),
        ("cursor://a:2/cb", "cursor://a:1/cb"),
        ("", "https://a.example/cb"),
    ],
)
def test_any_other_difference_is_another_redirect_uri(asked, registered):
    assert not is_same(asked, registered)


@pytest.mark.parametrize(
    ("uris", "kind"),
    [
        (["https://a.example/cb"], "web"),
        (["http://localhost/callback", "http://127.0.0.1/callback"], "native"),
        (["https://vscode.dev/redirect", "http://127.0.0.1/"], "native"),
        (["cursor://a/cb"], "native"),
    ],
)
def test_a_client_that_does_not_say_what_it_is_shows_it_by_its_redirect_uris(uris, kind):
    assert inferred_type(uris) == kind
