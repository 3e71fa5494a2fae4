"""Component types: what flows are built of."""

import re
from collections.abc import Mapping
from typing import Any, cast

from pydantic import JsonValue

from appmixer_mcp.errors import NotFoundError

from .call import Call, json_body, path, query, shown
from .dialect import missing
from .models.base import ComponentId
from .models.components import (
    App,
    AppList,
    ComponentManifest,
    ComponentName,
    UploadStatus,
    UploadTicket,
)
from .resource import Resource

_TYPE = re.compile(r"[^.*\s]+(?:\.[^.*\s]+){3}")


class Components(Resource):
    """The component types of the tenant, as far as the signed-in user sees them."""

    async def list_components(self) -> list[ComponentName]:
        """Return every component type; a tenant may have thousands."""
        return await self._transport.request(Call("GET", path("components")), list[ComponentName])

    async def list_apps(self) -> list[App]:
        """Return the apps that have components, each a service or a module of one."""
        found = await self._transport.request(Call("GET", path("apps")), AppList)
        return found.apps

    async def list_app_components(self, app: str) -> list[ComponentManifest]:
        """Return the manifests of an app, whole and with their icons: of a large one, megabytes.

        Args:
            app: Its name, as `list_apps` gives it.

        Raises:
            NotFoundError: The tenant has none of this name.
        """
        if self._openapi:
            return await self._manifests(app)
        advice = {404: f"This tenant has no app {shown(app)}. Call list_apps for those there are."}
        call = Call("GET", path("apps", "components"), query({"app": app}), advice=advice)
        return await self._transport.request(call, list[ComponentManifest])

    async def get_component(self, component_type: str) -> ComponentManifest:
        """Return a component type's manifest.

        Args:
            component_type: For example `appmixer.utils.http.Get`.

        Raises:
            NotFoundError: The tenant has none of this type, or not for this user.
        """
        if not _TYPE.fullmatch(component_type):  # a shorter selector asks for many manifests
            raise NotFoundError(_missing(component_type))
        for manifest in await self._manifests(component_type):
            if manifest.name == component_type:
                return manifest
        raise NotFoundError(_missing(component_type))

    async def call_component(
        self,
        component_type: str,
        out_port: str,
        *,
        component_id: ComponentId | None = None,
        properties: Mapping[str, Any] | None = None,
        messages: Mapping[str, Any] | None = None,
    ) -> JsonValue:
        """Call a component outside of any flow, and return what it sends to a port.

        Args:
            component_type: What is called, often one that lists things for others.
            out_port: Which answer is wanted.
            component_id: A component of a saved flow, whose account is used.
            properties: Its settings.
            messages: In port -> content, or in port/field -> value.

        Raises:
            UnavailableError: The component failed; the API then answers 500.
        """
        self._needs_appmixer("call_component")
        wanted: dict[str, Any] = {"properties": properties or {}, "messages": messages or {}}
        if component_id:
            wanted["componentId"] = component_id
        call = Call(
            "POST",
            path("component", *component_type.split(".")),
            query({"outPort": out_port}),
            json_body(wanted),
            advice={404: _missing(component_type)},
        )
        return await self._transport.request(call, cast("type[JsonValue]", JsonValue))

    async def publish_components(
        self, content: bytes | Mapping[str, Any], *, replace_all: bool = False
    ) -> str | None:
        """Upload components; return the ticket of the upload, None where the tenant is done.

        Args:
            content: A zip archive as Appmixer's command-line tool packs it, or the manifest of one
                component, which is all that the `openapi` dialect takes.
            replace_all: Remove what the service has and the archive has not.

        Raises:
            ForbiddenError: The user may not publish under this vendor.
        """
        is_archive = isinstance(content, bytes)
        if self._openapi and (is_archive or replace_all):
            raise missing("publish_components with an archive or replace_all")
        call = Call(
            "POST",
            path("components"),
            query({"replaceAll": True if replace_all else None}),
            content if isinstance(content, bytes) else json_body(dict(content)),
            content_type="application/octet-stream" if is_archive else "application/json",
        )
        if self._openapi:
            await self._transport.send(call)
            return None
        return (await self._transport.request(call, UploadTicket)).ticket

    async def upload_status(self, ticket: str) -> UploadStatus:
        """Return what has become of an upload."""
        self._needs_appmixer("upload_status")
        call = Call("GET", path("components", "uploader", ticket))
        return await self._transport.request(call, UploadStatus)

    async def delete_components(self, selector: str) -> None:
        """Uninstall a published component, module or service.

        Args:
            selector: `vendor.service[.module[.Component]]`.

        Raises:
            ForbiddenError: It is not this user's to remove.
        """
        call = Call("DELETE", path("components", selector), advice={404: _missing(selector)})
        await self._transport.send(call)

    async def _manifests(self, selector: str) -> list[ComponentManifest]:
        asked = query({"manifest": "yes", "selector": selector})
        call = Call("GET", path("components"), asked, advice={404: _missing(selector)})
        return await self._transport.request(call, list[ComponentManifest])


def _missing(component_type: str) -> str:
    return (
        f"This tenant has no component {shown(component_type)}. A type is "
        "vendor.service.module.Component, as get_flow shows it for each component; "
        "search_components finds types."
    )
