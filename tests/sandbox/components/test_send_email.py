"""SendEmail: mails lie in the outbox."""

import json

import pytest

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.files import UserFiles
from tests.sandbox.harness import USER_ID, Run, Sandbox, entry


async def run_mail(sandbox: Sandbox, **fields: Json) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "mail": entry("email.SendEmail", "start", fields=fields),
        }
    )


async def test_a_mail_lies_in_the_outbox_of_the_flows_owner(sandbox: Sandbox) -> None:
    file = UserFiles(sandbox.database, sandbox.clock, USER_ID).create("a.txt", b"tea")

    run = await run_mail(
        sandbox,
        to="ann@example.com, bob@example.com",
        from_email="shop@example.com",
        from_name="Leaf & Bean\r\nBcc: eve@example.com",
        subject="Order {{{$.start.out.started}}}",
        html="<b>tea</b>",
        attachments={"ADD": [{"fileId": file["fileId"]}]},
    )

    (mail,) = sandbox.rows("SELECT * FROM outbox")
    assert run.sent("mail") == [{}]
    assert json.loads(mail["to_json"]) == ["ann@example.com", "bob@example.com"]
    assert mail["sender"] == "Leaf & Bean  Bcc: eve@example.com <shop@example.com>"
    assert mail["subject"] == "Order 2026-01-31T08:00:00.000Z"
    assert (mail["text"], mail["html"]) == ("", "<b>tea</b>")
    assert json.loads(mail["attachments_json"]) == [file["fileId"]]
    assert (mail["user_id"], mail["flow_id"]) == (USER_ID, run.flow_id)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"to": "Ann"}, "'to' must be an e-mail address"),
        ({"to": ["ann@example.com", ""]}, "'to' must be an e-mail address"),
        ({"to": "{{{$.start.out.nobody}}}"}, "to"),
        ({"to": "ann@example.com", "from_email": "shop"}, "'from_email'"),
        ({"to": "ann@example.com", "attachments": {"ADD": [{"fileId": "f"}]}}, "'f'"),
    ],
)
async def test_a_mail_that_cannot_be_sent_is_an_error(
    sandbox: Sandbox, fields: dict[str, Json], says: str
) -> None:
    run = await run_mail(sandbox, **fields)

    assert says in run.errors("mail")[0]["message"]
    assert len(run.unprocessed()) == 1
    assert sandbox.rows("SELECT * FROM outbox") == []
