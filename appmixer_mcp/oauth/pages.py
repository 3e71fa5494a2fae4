"""The pages that a person sees: sign-in and consent in one, what went wrong, and the way back.

Everything that a client says of itself is a stranger's text. Jinja escapes it; what is invisible
was taken out where it came in, and it is shown apart from our own sentences.
"""

import math
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.responses import HTMLResponse

from appmixer_mcp.oauth.types import Client

_LONGEST_SCHEME = 80
_LONGEST_HOST = 253
_DEFAULT_PORT = 443


@dataclass(frozen=True, kw_only=True)
class SignInPage:
    """What the sign-in page shows.

    Attributes:
        problem: Why the last attempt failed; empty for the first.
        username: As it was typed, to be typed only once.
        with_token: Whether the last attempt was made with an access token.
        retry_after_s: Seconds to wait, where there is a wait.
    """

    client: Client
    redirect_uri: str
    pending_id: str
    problem: str = ""
    username: str = ""
    with_token: bool = False
    retry_after_s: float | None = None


class Pages:
    """Renders pages, with the headers that keep other sites and caches out of them."""

    def __init__(self, tenant: str, *, read_only: bool = False) -> None:
        """Read the templates.

        Args:
            tenant: What the Appmixer tenant is called.
            read_only: Whether nothing can be changed here.
        """
        self._read_only = read_only
        folder = Path(__file__).parent / "templates"
        self._jinja = Environment(
            loader=FileSystemLoader(folder), autoescape=True, undefined=StrictUndefined
        )
        self._style = (folder / "style.css").read_text(encoding="utf-8")
        self._tenant = tenant

    def sign_in(self, page: SignInPage, status: int = 200) -> HTMLResponse:
        """Return the page on which a person signs in and decides."""
        response = self._rendered(
            "sign_in.html",
            status,
            page=page,
            tenant=self._tenant,
            read_only=self._read_only,
            name=page.client.name,
            destination=destination(page.redirect_uri),
        )
        return _waiting(response, page.retry_after_s)

    def problem(
        self, title: str, text: str, status: int, *, retry_after_s: float | None = None
    ) -> HTMLResponse:
        """Return a page that says what went wrong and what to do."""
        response = self._rendered("problem.html", status, title=title, text=text)
        return _waiting(response, retry_after_s)

    def refused(self, location: str, redirect_uri: str, text: str) -> HTMLResponse:
        """Return a page that says why a client's request was refused, and leads on if asked to.

        Anybody may register any address, so nobody is sent there without having decided anything:
        our address would lend its good name to every link (RFC 9700 4.11.2).
        """
        return self._rendered(
            "refused.html", 400, text=text, location=location, destination=destination(redirect_uri)
        )

    def way_back(self, location: str, client: Client, *, allowed: bool) -> HTMLResponse:
        """Return a page that leads the browser on to the client at once.

        A redirect would do, but Chromium holds each step that follows a form against form-action:
        a client whose address redirects once more, to another origin or into an application, would
        be cut off. It would also leave the filled form on the screen where an application takes
        over. And so form-action can stay `'self'`.
        """
        response = self._rendered(
            "way_back.html", 200, name=client.name, location=location, allowed=allowed
        )
        response.headers["Refresh"] = f"0;url={location}"
        return response

    def _rendered(self, template: str, status: int, **values: Any) -> HTMLResponse:
        nonce = secrets.token_urlsafe(16)
        text = self._jinja.get_template(template).render(nonce=nonce, style=self._style, **values)
        return HTMLResponse(text, status, headers=_headers(nonce))


def destination(redirect_uri: str) -> str:
    """Say where an answer goes: a host, this computer, or an application by its links."""
    scheme = redirect_uri.partition(":")[0]
    if scheme == "http":  # which may be registered for loopback alone
        return "this computer"
    if scheme != "https":
        return f"the application on this device that opens {scheme[:_LONGEST_SCHEME]}: links"
    parts = urlsplit(redirect_uri)
    port = "" if parts.port in (None, _DEFAULT_PORT) else f":{parts.port}"
    return f"{(parts.hostname or '')[:_LONGEST_HOST]}{port}"


def _headers(nonce: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; style-src 'nonce-{nonce}'; img-src data:; form-action 'self'; "
            "frame-ancestors 'none'; base-uri 'none'"
        ),
        "X-Frame-Options": "DENY",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
        # `no-referrer` would make browsers send `Origin: null` with the form.
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


def _waiting(response: HTMLResponse, retry_after_s: float | None) -> HTMLResponse:
    if retry_after_s is not None:
        response.headers["Retry-After"] = str(math.ceil(retry_after_s))
    return response
