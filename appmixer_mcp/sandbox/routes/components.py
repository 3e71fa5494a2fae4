"""What flows can be built of: apps, component types, bundles."""

from collections.abc import Sequence

from typing_extensions import TypedDict

from appmixer_mcp.errors import InputError, NotFoundError
from appmixer_mcp.sandbox.catalogue import App, Bundle, Catalogue
from appmixer_mcp.sandbox.component_manifest import ComponentManifest
from appmixer_mcp.sandbox.listing import flag
from appmixer_mcp.sandbox.routes.endpoint import Call, Endpoint, Parameter


class ComponentName(TypedDict):
    """A component type in the dialect `openapi`."""

    name: str
    label: str
    type: str


async def list_apps(call: Call) -> dict[str, App] | list[App]:
    """List the apps that have components."""
    found = await _catalogue(call).apps()
    if call.services.config.dialect == "openapi":
        return found
    return {app["name"]: app for app in found}


async def list_app_components(call: Call) -> list[ComponentManifest]:
    """List the manifests of one app; `appmixer.utils` names all apps of that service."""
    app = call.query.get("app", "")
    if not app:
        raise InputError("Name the app, as in ?app=appmixer.utils.http.")
    found = await _catalogue(call).manifests(app)
    if not found:
        raise NotFoundError(f"There is no app with the name {app!r}.")
    return found


async def list_components(
    call: Call,
) -> Sequence[str] | Sequence[ComponentManifest] | Sequence[ComponentName]:
    """List component types, or with `manifest=yes` their manifests."""
    found = await _catalogue(call).manifests(call.query.get("selector", ""))
    if flag(call.query, "manifest"):
        return found
    if call.services.config.dialect == "openapi":
        return [_named(one) for one in found]
    return [one["name"] for one in found]


async def list_bundles(call: Call) -> list[Bundle]:
    """List the installed bundles."""
    return await _catalogue(call).bundles()


def _named(manifest: ComponentManifest) -> ComponentName:
    name = manifest["name"]
    return {"name": name, "label": manifest.get("label", ""), "type": name}


def _catalogue(call: Call) -> Catalogue:
    """Return what the caller sees: private components only an administrator who does not refuse.

    Source: documented, but that visitors without a token do not see what is published: ours.
    """
    user, wanted = call.visitor, flag(call.query, "private", default=True)
    is_admin = user is not None and "admin" in user.scope
    return Catalogue(
        call.services.database,
        published=user is not None,
        private=is_admin and wanted,
    )


_YES_OR_NO = ("yes", "no")

ENDPOINTS = (
    Endpoint(
        "GET", "/apps", list_apps, auth="optional", answer=dict[str, App], answer_openapi=list[App]
    ),
    Endpoint(
        "GET",
        "/apps/components",
        list_app_components,
        query=(Parameter(name="app", required=True),),
        answer=list[ComponentManifest],
        statuses=(404,),
    ),
    Endpoint(
        "GET",
        "/components",
        list_components,
        auth="optional",
        query=(
            Parameter(name="manifest", options=_YES_OR_NO),
            Parameter(name="selector"),
            Parameter(name="private", options=_YES_OR_NO),
        ),
        answer=list[str] | list[ComponentManifest],
        answer_openapi=list[ComponentName] | list[ComponentManifest],
    ),
    Endpoint("GET", "/bundles", list_bundles, answer=list[Bundle]),
)
