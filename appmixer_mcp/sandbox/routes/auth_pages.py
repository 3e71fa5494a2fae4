"""The page that a browser sees when it connects an account."""

import html
import json
import secrets

from starlette.responses import HTMLResponse

from appmixer_mcp.sandbox.auth_tickets import Outcome

_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{title}</title>
<style nonce="{nonce}">body{{font:1rem/1.5 sans-serif;margin:4rem auto;max-width:34rem}}</style>
<h1>{title}</h1>
<p>{text}</p>
<p>You can close this window.</p>
<script nonce="{nonce}">
if (window.opener) window.opener.postMessage({message}, "*");
</script>
</html>
"""


def outcome_page(outcome: Outcome) -> HTMLResponse:
    """Return the page that says how it ended, and tells the window that opened it.

    The message `appmixer.auth.success.TICKET`, or `failure`, is documented. It goes to any opener:
    the ticket says nothing to who does not have the user's access token.
    """
    service = html.escape(outcome.service)
    if outcome.error:
        title, result = "No account was connected", "failure"
        text = f"The sandbox was told of an error: {html.escape(outcome.error)}."
    else:
        title, result = "A sandbox account was connected", "success"
        text = (
            f"This is a sandbox: nobody has signed in to {service}. An account of {service} that "
            "holds no credentials was made, so that flows can be tried out with it."
        )
    nonce = secrets.token_urlsafe(16)
    message = json.dumps(f"appmixer.auth.{result}.{outcome.ticket}")
    return HTMLResponse(
        _PAGE.format(title=title, text=text, nonce=nonce, message=message),
        headers={
            "cache-control": "no-store",
            "content-security-policy": (
                f"default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; "
                "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
            ),
            "referrer-policy": "no-referrer",
            "x-content-type-options": "nosniff",
        },
    )
