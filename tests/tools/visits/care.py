"""Calls every tool that looks after users, single accounts, files and unprocessed messages."""

import base64
import json

from appmixer_mcp.file_directory import FileDirectory
from appmixer_mcp.sandbox.config import LOCAL_USER
from tests.administrators import make_administrator
from tests.tools.conftest import FAILING
from tests.tools.touring import LONG, NAME

CUT = ["get_file", "list_files", "list_unprocessed", "retry_unprocessed"]


def options(tenant, directory):
    return {"files": FileDirectory(directory)}


async def visit(tour):
    await tour("get_api_info")
    for part in (visit_users, visit_account, visit_files, visit_messages):
        await part(tour)


async def visit_users(tour):
    await tour("get_user")
    make_administrator(tour.tenant, LOCAL_USER)
    made = await tour.api("POST", "/user", {"username": "eve@example.com", "password": "of-eve"})
    user_id = made["user"]["id"]
    await tour.confirmed("update_user", user_id=user_id, username="eva@example.com")
    await tour.confirmed("delete_user", user_id=user_id)


async def visit_account(tour):
    account = {"service": "acme:crm", "token": {"key": "k"}}
    account_id = (await tour("create_account", **account))["account_id"]
    await tour("get_account", account_id=account_id)
    await tour.confirmed("delete_account", account_id=account_id)


async def visit_files(tour):
    await tour("list_files")
    made = [
        await tour("upload_file", filename=f"{number} {NAME}.txt", content=LONG)
        for number in range(6)
    ]
    file_id = made[0]["file"]["file_id"]
    await tour("list_files")
    await tour("list_files", fields=["filename"])
    await tour("get_file", file_id=file_id)
    await tour("save_file", file_id=file_id, to_file="saved.txt")
    content = base64.b64encode(b"\xff" * 20_000).decode()
    binary = await tour("upload_file", filename="b.bin", content=content, is_base64=True)
    await tour("get_file", file_id=binary["file"]["file_id"])
    await tour.confirmed("delete_file", file_id=file_id)


async def visit_messages(tour):
    await tour("list_unprocessed")
    for number in range(4):
        descriptor = json.loads(json.dumps(FAILING).replace("no-such-store", f"none {LONG}"))
        made = await tour("create_flow", name=f"{number} {NAME}", descriptor=descriptor)
        await tour("start_flow", flow_id=made["flow_id"])
    await tour.tenant.engine.wait_idle()
    await tour("list_unprocessed", fields=["error"])
    found = (await tour("list_unprocessed"))["items"]
    ids = [one["message_id"] for one in found]
    await tour("retry_unprocessed", message_ids=ids[:1])
    await tour.tenant.engine.wait_idle()
    await tour("retry_unprocessed", message_ids=[ids[0], *(f"{n} {NAME}" for n in range(5))])
    await tour.tenant.engine.wait_idle()
    await tour.confirmed("delete_unprocessed", message_ids=ids[:1])
