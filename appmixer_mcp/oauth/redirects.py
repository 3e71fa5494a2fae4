"""Where a client may have its answers sent: redirect URIs, checked once and compared exactly."""

import re
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

ApplicationType = Literal["web", "native"]
"""`web` runs on a server, `native` on the person's own machine (OpenID Connect registration)."""

MOST = 20
"""How many redirect URIs a client may have."""
LONGEST = 500
"""How many characters a redirect URI may have."""

_SCHEME = re.compile(r"([a-z][a-z0-9+.-]+):")
_CHARACTERS = re.compile(r"[A-Za-z0-9._~:/?\[\]@!$&'()+,;=%-]+")  # RFC 3986 without # and *
_LABEL = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_WEB_ADDRESS = re.compile(
    rf"https?://(?:\[(?P<ipv6>[0-9a-f:.]+)\]|(?P<host>{_LABEL}(?:\.{_LABEL})*))"
    r"(?::(?P<port>[0-9]{1,5}))?(?:[/?].*)?"
)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*")  # as the last label, it makes a host an IPv4 address
# `localhost` is one of them although RFC 8252 8.3 advises clients against it: Claude Code and most
# clients on a person's machine use it, with whatever port is free. A code that reaches the wrong
# port of that machine is worth nothing without the verifier of PKCE.
_LOOPBACK = re.compile(
    r"(?P<origin>http://(?:127\.0\.0\.1|\[::1\]|localhost))(?::(?P<port>[0-9]{1,5}))?"
    r"(?P<rest>(?:[/?].*)?)"
)
_LAST_PORT = 65_535
# Schemes on which a browser acts itself, or which lead to files or to another protocol.
# fmt: off
_NEVER_NATIVE = frozenset((
    "about", "afp", "android-app", "blob", "chrome", "chrome-extension", "cifs", "content", "data",
    "dav", "davs", "edge", "file", "filesystem", "ftp", "ftps", "gopher", "hcp", "intent",
    "ios-app", "itms-services", "its", "jar", "javascript", "ldap", "ldaps", "livescript",
    "mailto", "mhtml", "mk", "moz-extension", "nfs", "rdp", "res", "resource", "search-ms",
    "sftp", "shell", "smb", "ssh", "telnet", "urn", "vbscript", "view-source", "vnc", "webdav",
    "ws", "wss",
))
# fmt: on
# Links that open any web address in a browser: the answer would go to a host that nobody was shown.
_OPENS_A_BROWSER = re.compile(
    r"(?:googlechromes?|firefox|microsoft-edge|brave|vivaldi|opera|ddgquicklink)(?:-.*)?"
    r"|.*-https?|.*-open-url"
)


def problem(redirect_uri: str, application_type: ApplicationType) -> str:
    """Say why a client of this type may not register a redirect URI; empty when it may."""
    scheme = _SCHEME.match(redirect_uri)
    if len(redirect_uri) > LONGEST:
        return f"A redirect URI is longer than {LONGEST} characters."
    if "#" in redirect_uri or "*" in redirect_uri:
        return "A redirect URI has a fragment or a wildcard; give each address in full."
    if scheme is None or not _CHARACTERS.fullmatch(redirect_uri):
        return "A redirect URI is not absolute, or holds characters that no URI may hold."
    if application_type == "web" and scheme[1] != "https":
        return "A redirect URI of a web application must begin with https://."
    return _problem_with_target(scheme[1], redirect_uri)


def is_same(asked: str, registered: str) -> bool:
    """Return whether an answer may go to `asked` because `registered` is known.

    Compared character by character; only the port of a loopback address is free, because a native
    client cannot know it before it listens (RFC 8252 7.3).
    """
    if asked == registered:
        return True
    one, other = _loopback(asked), _loopback(registered)
    if one is None or other is None:
        return False
    return (one["origin"], one["rest"]) == (other["origin"], other["rest"])


def inferred_type(redirect_uris: Sequence[str]) -> ApplicationType:
    """Return what a client is that does not say: `web` when all its addresses are https.

    OpenID Connect's default is `web` for all, but clients that do not know the parameter register
    `http://localhost/…` and `cursor://…`.
    """
    is_web = all(uri.startswith("https://") for uri in redirect_uris)
    return "web" if is_web else "native"


def _problem_with_target(scheme: str, uri: str) -> str:
    if scheme == "https":
        return "" if _is_web_address(uri) else "A redirect URI has user info, or no valid host."
    if scheme == "http":
        is_fine = _loopback(uri) is not None
        return "" if is_fine else "A redirect URI with http:// leads elsewhere than to loopback."
    is_known_danger = (
        scheme in _NEVER_NATIVE
        or scheme.startswith("ms-")
        or _OPENS_A_BROWSER.fullmatch(scheme) is not None
    )
    if is_known_danger or not uri.startswith(f"{scheme}:/"):
        return "A redirect URI has a scheme that leads to no application of its own."
    return ""


def _is_web_address(uri: str) -> bool:
    found = _WEB_ADDRESS.fullmatch(uri)
    return found is not None and _is_port(found["port"]) and _is_host(found)


def _is_host(found: re.Match[str]) -> bool:
    """Say whether browsers read a host as it is written, which `0x7f.1` and `127.1` are not."""
    try:
        if found["ipv6"] is not None:
            IPv6Address(found["ipv6"])
        elif _NUMBER.fullmatch(found["host"].rpartition(".")[2]):
            IPv4Address(found["host"])
    except ValueError:
        return False
    return True


def _loopback(uri: str) -> re.Match[str] | None:
    found = _LOOPBACK.fullmatch(uri)
    return found if found is not None and _is_port(found["port"]) else None


def _is_port(digits: str | None) -> bool:
    return digits is None or 0 < int(digits) <= _LAST_PORT
