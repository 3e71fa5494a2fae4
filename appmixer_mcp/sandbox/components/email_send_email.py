"""SendEmail: sends a mail, which the sandbox keeps in its outbox."""

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import emails, entries, plain_text
from appmixer_mcp.sandbox.context import Context


async def _receive(ctx: Context) -> None:
    given = {name: plain_text(ctx.content.get(name)) for name in ("subject", "text", "html")}
    attached = entries("attachments", ctx.content.get("attachments"))
    file_ids = [plain_text(one.get("fileId")) for one in attached]
    for file_id in file_ids:
        ctx.files.info(file_id)  # fails when there is no such file
    ctx.send_mail(
        to=emails("to", ctx.content.get("to")), sender=_sender(ctx), attachments=file_ids, **given
    )
    ctx.send("out", {})


def _sender(ctx: Context) -> str:
    address = plain_text(ctx.content.get("from_email")).strip()
    if not address:
        return ""
    name = plain_text(ctx.content.get("from_name")).replace("\n", " ").replace("\r", " ")
    sender = emails("from_email", address)[0]
    return f"{name} <{sender}>" if name else sender


COMPONENT = Component(
    type="appmixer.utils.email.SendEmail",
    label="Send Email",
    description="Sends a mail. The sandbox sends none: it keeps them in its outbox.",
    in_ports=(
        InPort(
            fields=(
                Field(name="to", required=True, tooltip="One address, or several with commas."),
                Field(name="from_email"),
                Field(name="from_name"),
                Field(name="subject"),
                Field(name="text", type="textarea"),
                Field(name="html", type="textarea"),
                Field(
                    name="attachments",
                    type="expression",
                    tooltip='{"ADD": [{"fileId": "…"}]}',
                ),
            )
        ),
    ),
    out_ports=(OutPort(),),
    receive=_receive,
)
