"""Public files: names that administrators give to files of the tenant.

Where anybody reads them is not documented, so nothing here sends their content.
"""

from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.files import UserFiles
from appmixer_mcp.sandbox.routes import multipart
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint

_OF_THE_TENANT = ""  # the user who owns them


class PublicFile(TypedDict):
    """A public file as the API shows it."""

    filename: str


class Done(TypedDict):
    """An answer that says that it is done."""

    ok: bool


async def list_public_files(call: Call) -> Json:
    """List the tenant's public files by name."""
    found = await call.services.database.read(_files(call).every)
    listed: list[PublicFile] = [{"filename": one["filename"]} for one in found]
    return sorted(listed, key=lambda one: one["filename"])


async def upload_public_file(call: Call) -> Json:
    """Store a public file, over the one with the same name."""
    files, limit = _files(call), call.services.config.file_max_bytes
    async with multipart.form(call, limit) as form:
        upload, name = multipart.file_in(form, limit), form.get("filename")
        if not isinstance(name, str) or not name.strip():
            raise InputError("The form has no filename.")
        file_id = files.begin(name, upload.content_type or "", parts_total=1)
        try:
            stored = await files.append(file_id, upload.read, number=1, parts_total=1)
        finally:
            files.discard(file_id)  # does nothing to what was stored
    await _remove(call, stored["filename"], but=file_id)
    done: Done = {"ok": True}
    return done


async def delete_public_file(call: Call) -> Json:
    """Delete a public file."""
    if not await _remove(call, call.path("filename")):
        raise NotFoundError("File not found.")
    done: Done = {"ok": True}
    return done


async def _remove(call: Call, filename: str, *, but: str = "") -> int:
    files = _files(call)
    found = await call.services.database.read(files.every)
    named = [one["fileId"] for one in found if one["filename"] == filename]
    return await files.remove_many(file_id for file_id in named if file_id != but)


def _files(call: Call) -> UserFiles:
    return UserFiles(call.services.database, call.services.clock, _OF_THE_TENANT)


ENDPOINTS = (
    Endpoint("GET", "/public-files", list_public_files, answer=list[PublicFile]),
    Endpoint(
        "POST",
        "/public-files",
        upload_public_file,
        admin=True,
        body_type="multipart/form-data",
        answer=Done,
    ),
    Endpoint("DELETE", "/public-files/{filename}", delete_public_file, admin=True, answer=Done),
)
