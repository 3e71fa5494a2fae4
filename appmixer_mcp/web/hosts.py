"""Host and Origin of every request, so that no web page's own name leads to this server."""

import re
from collections.abc import Callable, Collection, Sequence
from http import HTTPStatus
from ipaddress import IPv6Address
from typing import NamedTuple, TypeVar

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.web.local import is_loopback
from appmixer_mcp.web.refusals import refusal

_AUTHORITY = re.compile(r"(\[[0-9a-f:.]{2,45}\]|[a-z0-9_](?:[a-z0-9._-]{0,253}))(?::([0-9]{1,5}))?")
_DEFAULT_PORTS = {"http": "80", "https": "443"}
_FORMS = {
    "APPMIXER_ALLOWED_HOSTS": "names such as mcp.example.com or mcp.example.com:8443",
    "APPMIXER_ALLOWED_ORIGINS": "scheme and host such as https://app.example.com",
}

T = TypeVar("T")


class _Host(NamedTuple):
    name: str
    port: str
    """Empty where none is named."""

    @property
    def is_loopback(self) -> bool:
        return is_loopback(self.name)


class HostsAndOrigins:
    """Answers only requests that name this server, and of web pages only those that are allowed.

    Names of this machine itself are always answered. Where the public URL is served, its origin
    has to be among the origins: a form on our own page says where it came from, too.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        hosts: Sequence[str],
        origins: Sequence[str],
        loopback_origins: bool = False,
        exempt: Collection[str] = ("/healthz", "/readyz"),
    ) -> None:
        """Keep what is allowed.

        Args:
            app: Serves what is let through.
            hosts: Names or addresses; one without a port stands for every port.
            origins: Such as `https://app.example.com`.
            loopback_origins: Whether pages that this machine serves may call, from any port.
            exempt: Paths that whoever supervises the process asks for, under an address of its own.

        Raises:
            ConfigurationError: One of them is no host, or no origin.
        """
        self._app = app
        self._hosts = {_wanted("APPMIXER_ALLOWED_HOSTS", one, _host(one)) for one in hosts}
        self._origins = {_wanted("APPMIXER_ALLOWED_ORIGINS", one, _origin(one)) for one in origins}
        self._loopback_origins = loopback_origins
        self._exempt = frozenset(exempt)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        is_checked = scope["type"] == "http" and scope["path"] not in self._exempt
        refused = self._refusal(Headers(scope=scope)) if is_checked else None
        await (refused or self._app)(scope, receive, send)

    def _refusal(self, headers: Headers) -> JSONResponse | None:
        host = _only(headers.getlist("host"), _host)
        if host is None:
            return refusal(
                HTTPStatus.BAD_REQUEST,
                "invalid_host",
                "The request needs one Host header that is a name or an address.",
            )
        if not (host.is_loopback or self._hosts & {host, host._replace(port="")}):
            return refusal(
                HTTPStatus.MISDIRECTED_REQUEST,
                "unknown_host",
                "This server does not answer to the Host of the request. Its operator can add it "
                "to APPMIXER_ALLOWED_HOSTS.",
            )
        origins = headers.getlist("origin")
        if origins and not self._allows(_only(origins, _origin)):
            return refusal(
                HTTPStatus.FORBIDDEN,
                "forbidden_origin",
                "Web pages of this Origin may not call this server. Its operator can add it to "
                "APPMIXER_ALLOWED_ORIGINS.",
            )
        return None

    def _allows(self, origin: tuple[str, _Host] | None) -> bool:
        if origin is None:
            return False
        scheme, host = origin
        at_home = self._loopback_origins and host.is_loopback and scheme in _DEFAULT_PORTS
        return at_home or origin in self._origins


def _host(text: str) -> _Host | None:
    """Return a Host header as it can be compared; None for what is none."""
    found = _AUTHORITY.fullmatch(text.lower())
    if found is None:
        return None
    name, port = found[1], found[2] or ""
    if not name.startswith("["):
        return _Host(name.removesuffix("."), port)
    try:
        return _Host(str(IPv6Address(name[1:-1])), port)
    except ValueError:
        return None


def _origin(text: str) -> tuple[str, _Host] | None:
    """Return scheme and host of an Origin header; None for what is none, and for `null`."""
    scheme, separator, rest = text.lower().partition("://")
    host = _host(rest)
    if not separator or host is None or not re.fullmatch(r"[a-z][a-z0-9+.-]{0,40}", scheme):
        return None
    return scheme, host._replace(port=host.port or _DEFAULT_PORTS.get(scheme, ""))


def _only(values: list[str], parse: Callable[[str], T | None]) -> T | None:
    return parse(values[0]) if len(values) == 1 else None


def _wanted(setting: str, text: str, parsed: T | None) -> T:
    if parsed is None:
        raise ConfigurationError(f"{setting}: {text!r} cannot be used. Give {_FORMS[setting]}.")
    return parsed
