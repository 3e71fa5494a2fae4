"""The outbox: mails that nobody sends, for whoever tests what writes them."""

from typing_extensions import TypedDict

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.listing import listing
from appmixer_mcp.sandbox.outbox import mails
from appmixer_mcp.sandbox.routes.endpoint import LISTING, Call, Endpoint

_PATTERN_IN = ("subject", "text")

Mail = TypedDict(
    "Mail",
    {
        "mailId": str,
        "to": list[str],
        "from": str,
        "subject": str,
        "text": str,
        "html": str,
        "attachments": list[str],
        "flowId": str,
        "componentId": str,
        "created": str,
    },
)
"""A mail as the outbox shows it; attachments are file ids."""


async def list_mails(call: Call) -> Json:
    """List the mails that the user's flows and the tenant itself have written, newest first."""
    asked, user_id = listing(call.query, identity="mailId"), call.user.user_id
    return await call.services.database.read(
        lambda connection: asked.listed(mails(connection, user_id), pattern_in=_PATTERN_IN)
    )


ENDPOINTS = (Endpoint("GET", "/outbox", list_mails, query=LISTING, answer=list[Mail], ours=True),)
