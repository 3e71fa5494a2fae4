"""Publishing components: archives in, their descriptions out."""

from itertools import islice

import anyio.to_thread
from starlette.responses import Response

from appmixer_mcp.errors import ForbiddenError, InputError
from appmixer_mcp.sandbox.catalogue import is_own
from appmixer_mcp.sandbox.component_archive import KINDS, read_archive, write_archive
from appmixer_mcp.sandbox.component_manifest import (
    MOST_PROBLEMS,
    ComponentManifest,
    Kind,
    ManifestProblem,
    problems,
)
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.custom_components import CustomComponents, Manifest, UploadStatus
from appmixer_mcp.sandbox.jobs import Ticket
from appmixer_mcp.sandbox.jsontext import dumps
from appmixer_mcp.sandbox.listing import flag
from appmixer_mcp.sandbox.routes.endpoint import Call, Empty, Endpoint, Parameter, parse_json


async def publish_component(call: Call) -> Ticket:
    """Publish a zip archive of components, or the manifest of one; the ticket tells the outcome.

    The sandbox keeps the descriptions alone: it never executes the archive's JavaScript.
    """
    content = await call.content(call.services.config.component_archive_max_bytes)
    replace_all = flag(call.query, "replaceAll")
    is_json = "json" in call.request.headers.get("content-type", "")
    read = _one_manifest if is_json else _archive_manifests
    manifests, wrong = await anyio.to_thread.run_sync(read, content)
    if wrong and is_json:
        raise InputError("; ".join(problem["message"] for problem in wrong))
    with call.services.database.transaction():
        custom = _custom_components(call)
        if not wrong:
            custom.publish(call.user.user_id, call.user.vendor, manifests, replace_all=replace_all)
        return {"ticket": custom.keep_upload(call.user.user_id, wrong)}


async def get_upload_status(call: Call) -> UploadStatus:
    """Tell what has become of an archive; the sandbox has done with it when it gives the ticket."""
    return _custom_components(call).upload(call.user.user_id, call.path("ticket"))


async def download_components(call: Call) -> Response:
    """Download the descriptions of published components as a zip archive."""
    selector = call.path("selector")
    _refuse_own(selector, "has no files to download")
    found = _custom_components(call).of_publisher(call.user.user_id, selector)
    files = {one.path: dumps(one.body).encode() for one in found}
    archive = await anyio.to_thread.run_sync(write_archive, files)
    headers = {"content-disposition": f'attachment; filename="{selector}.zip"'}
    return Response(archive, media_type="application/zip", headers=headers)


async def delete_components(call: Call) -> Empty:
    """Uninstall a published component, module or service."""
    selector = call.path("selector")
    _refuse_own(selector, "cannot be deleted")
    _custom_components(call).remove(call.user.user_id, selector)
    return {}


def _archive_manifests(content: bytes) -> tuple[list[Manifest], list[ManifestProblem]]:
    bodies: dict[str, tuple[Kind, Json]] = {
        path: (KINDS[path.rpartition("/")[2]], _parsed(path, text))
        for path, text in read_archive(content).items()
    }
    every = (
        problem for path, (kind, body) in bodies.items() for problem in problems(kind, body, path)
    )
    wrong = list(islice(every, MOST_PROBLEMS))
    if wrong:
        return [], wrong
    manifests = {(kind, body["name"]): Manifest(kind, body) for kind, body in bodies.values()}
    if len(manifests) < len(bodies):
        raise InputError("Two files of the archive describe something of the same name.")
    return list(manifests.values()), []


def _one_manifest(content: bytes) -> tuple[list[Manifest], list[ManifestProblem]]:
    body = parse_json(content)
    wrong = problems("component", body, "manifest")
    return ([], wrong) if wrong else ([Manifest("component", body)], [])


def _parsed(path: str, text: bytes) -> Json:
    try:
        return parse_json(text)
    except InputError as error:
        reason = str(error).replace("The request body", "It")
        raise InputError(f"{path} cannot be read. {reason}") from error


def _refuse_own(selector: str, what: str) -> None:
    if is_own(selector):
        raise ForbiddenError(f"{selector} belongs to the sandbox itself and {what}.")


def _custom_components(call: Call) -> CustomComponents:
    return CustomComponents(call.services.database, call.services.clock)


ENDPOINTS = (
    Endpoint(
        "POST",
        "/components",
        publish_component,
        query=(Parameter(name="replaceAll", kind="boolean"),),
        body=ComponentManifest,
        body_type="application/octet-stream, application/zip, application/json",
        answer=Ticket,
        statuses=(403, 409),
    ),
    Endpoint("GET", "/components/uploader/{ticket}", get_upload_status, answer=UploadStatus),
    Endpoint(
        "GET",
        "/components/{selector}",
        download_components,
        answer_type="application/zip",
        statuses=(403,),
    ),
    Endpoint(
        "DELETE",
        "/components/{selector}",
        delete_components,
        answer=Empty,
        statuses=(403,),
    ),
)
