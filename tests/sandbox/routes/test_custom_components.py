"""Components that users publish."""

import io
import json
import zipfile
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx2
import pytest

from appmixer_mcp.errors import InputError
from appmixer_mcp.sandbox.clock import ManualClock
from appmixer_mcp.sandbox.config import TenantConfig
from appmixer_mcp.sandbox.custom_components import CustomComponents, Manifest, is_published
from appmixer_mcp.sandbox.database import Database
from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import TRIGGER, Client, Connect, problem, saved

FIND = "acme.crm.contacts.FindContact"
LIST = "acme.crm.contacts.ListContacts"
SERVICE = {
    "name": "acme.crm",
    "label": "Acme CRM",
    "category": "sales",
    "description": "Customers.",
    "icon": "data:image/png;base64,AAAA",
}


@pytest.fixture
def config(config: TenantConfig) -> TenantConfig:
    return replace(config, component_archive_max_bytes=20_000)


def component(name: str = FIND, **more: Any) -> dict[str, Any]:
    return {
        "name": name,
        "label": "Find a contact",
        "auth": {"service": "acme:crm"},
        "inPorts": [{"name": "in", "schema": {"type": "object"}}],
        "outPorts": ["out", {"name": "notFound", "options": [{"label": "Id", "value": "id"}]}],
        **more,
    }


def archive(*manifests: tuple[str, Any]) -> bytes:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("acme/crm/auth.js", "module.exports = {};")
        for path, manifest in manifests:
            content = manifest if isinstance(manifest, str) else json.dumps(manifest)
            made.writestr(path, content)
    return packed.getvalue()


def archive_of(manifests: Iterable[dict[str, Any]]) -> bytes:
    return archive(*((f"{one['name'].replace('.', '/')}/component.json", one) for one in manifests))


async def publish(client: Client, content: bytes, **query: str) -> httpx2.Response:
    headers = {"content-type": "application/octet-stream"}
    return await client.post("/components", content=content, headers=headers, params=query)


async def published(client: Client, *names: str, **query: str) -> None:
    answer = await publish(client, archive_of(component(name) for name in names), **query)
    ticket = answer.raise_for_status().json()["ticket"]
    assert "err" not in (await client.get(f"/components/uploader/{ticket}")).json()


async def custom(client: Client) -> list[str]:
    types = (await client.get("/components")).json()
    return [one for one in types if not one.startswith("appmixer.")]


async def test_a_published_component_is_listed_with_its_manifest(ann: Client) -> None:
    await published(ann, FIND)

    manifests = (await ann.get("/components", params={"manifest": "yes", "selector": FIND})).json()
    of_app = (await ann.get("/apps/components", params={"app": "acme.crm"})).json()

    assert manifests == [component()]
    assert of_app == [component()]
    assert await custom(ann) == [FIND]


async def test_its_service_is_an_app_and_a_module_of_its_own_another(ann: Client) -> None:
    module = {"name": "acme.crm.deals", "label": "Deals"}
    await publish(
        ann,
        archive(
            ("a/component.json", component()),
            ("b/component.json", component("acme.crm.deals.Win")),
            ("c/component.json", component("acme.shop.orders.Ship")),
            ("service.json", SERVICE),
            ("d/module.json", module),
        ),
    )

    apps = (await ann.get("/apps")).json()

    assert apps["acme.crm"] == SERVICE
    assert apps["acme.crm.deals"]["label"] == "Deals"
    assert apps["acme.shop"]["label"] == "Shop"
    assert "acme.crm.contacts" not in apps


async def test_a_bundle_is_listed_beside_the_tenants_own(ann: Client) -> None:
    bundle = {"name": "acme.crm", "version": "2.1.0", "changelog": {"2.1.0": ["New."]}}
    await publish(ann, archive(("component.json", component()), ("bundle.json", bundle)))

    bundles = {one["name"]: one["version"] for one in (await ann.get("/bundles")).json()}

    assert bundles["acme.crm"] == "2.1.0"
    assert bundles["appmixer.utils.http"]


async def test_other_users_see_what_is_published_and_visitors_do_not(
    ann: Client, bob: Client, visitor: Client
) -> None:
    await published(ann, FIND)

    assert await custom(bob) == [FIND]
    assert await custom(visitor) == []
    assert "acme.crm" not in (await visitor.get("/apps")).json()


async def test_publishing_again_replaces_and_leaves_the_rest(ann: Client) -> None:
    await published(ann, FIND, LIST)

    await publish(ann, archive_of([component(FIND, label="Better")]))

    manifests = (await ann.get("/components?manifest=yes&selector=acme")).json()
    assert [one["label"] for one in manifests] == ["Better", "Find a contact"]


async def test_replace_all_takes_the_place_of_the_whole_service(ann: Client) -> None:
    await published(ann, FIND, LIST, "acme.crmx.a.B")

    await published(ann, FIND, replaceAll="true")

    assert await custom(ann) == [FIND, "acme.crmx.a.B"]


async def test_the_descriptions_can_be_downloaded(ann: Client) -> None:
    service = ("acme/crm/service.json", SERVICE)
    await publish(ann, archive(("x/component.json", component()), service))

    answer = await ann.get("/components/acme.crm")

    with zipfile.ZipFile(io.BytesIO(answer.content)) as unpacked:
        files = {name: json.loads(unpacked.read(name)) for name in unpacked.namelist()}
    assert answer.headers["content-type"] == "application/zip"
    assert files == {
        "acme/crm/service.json": SERVICE,
        "acme/crm/contacts/FindContact/component.json": component(),
    }


@pytest.mark.parametrize(
    ("selector", "left"),
    [(FIND, [LIST]), ("acme.crm.contacts", []), ("acme.crm", [])],
)
async def test_a_selector_deletes_what_it_names(
    ann: Client, selector: str, left: list[str]
) -> None:
    await published(ann, FIND, LIST)

    assert (await ann.delete(f"/components/{selector}")).status_code == 200

    assert await custom(ann) == left
    assert problem(await ann.delete(f"/components/{selector}"))[0] == 404


async def test_only_who_published_a_service_can_change_it(ann: Client, bob: Client) -> None:
    await published(ann, FIND)
    content = archive_of([component(LIST)])

    answers = [
        await publish(bob, content),
        await publish(bob, content, replaceAll="true"),
        await bob.get(f"/components/{FIND}"),
        await bob.delete("/components/acme.crm"),
    ]

    assert [problem(answer)[0] for answer in answers] == [403] * 4
    assert await custom(ann) == [FIND]


async def test_nobody_publishes_or_takes_what_is_the_sandboxs_own(ann: Client) -> None:
    own = archive_of([component("appmixer.utils.http.Get")])

    assert problem(await publish(ann, own))[0] == 409
    assert problem(await ann.get("/components/appmixer.utils.http"))[0] == 403
    assert problem(await ann.delete("/components/appmixer.utils.http.Get"))[0] == 403


async def test_a_user_with_a_vendor_publishes_for_that_vendor_alone(
    ann: Client, database: Database
) -> None:
    with database.transaction() as connection:
        connection.execute("""UPDATE user SET vendor_json = '["acme"]'""")

    await published(ann, FIND)
    answer = await publish(ann, archive_of([component("other.crm.contacts.Find")]))

    assert problem(answer) == (403, "You may publish for acme, not for other.")


async def test_one_manifest_alone_can_be_published_as_json(ann: Client) -> None:
    good = await ann.post("/components", json=component())
    bad = await ann.post("/components", json={"name": "acme.crm"})

    assert good.json()["ticket"]
    assert problem(bad)[0] == 400
    assert await custom(ann) == [FIND]


@pytest.mark.parametrize(
    ("manifest", "keyword", "path"),
    [
        ({"label": "No name"}, "required", ".name"),
        (component("acme.crm.Find"), "pattern", ".name"),
        (component("acme.crm.contacts.Find Contact"), "pattern", ".name"),
        (component(f"acme.crm.contacts.{'F' * 200}"), "maxLength", ".name"),
        (component(label=5), "type", ".label"),
        (component(private="yes"), "type", ".private"),
        (component(inPorts={"in": {}}), "type", ".inPorts"),
        (component(inPorts=[{}]), "required", ".inPorts[0].name"),
        (component(outPorts=["out", "out"]), "uniqueItems", ".outPorts"),
        (component(properties=[]), "type", ".properties"),
        ([], "type", ""),
    ],
)
async def test_the_ticket_tells_what_is_wrong_with_a_manifest(
    ann: Client, manifest: Any, keyword: str, path: str
) -> None:
    content = archive(("good/component.json", component(LIST)), ("bad/component.json", manifest))

    ticket = (await publish(ann, content)).json()["ticket"]

    status = (await ann.get(f"/components/uploader/{ticket}")).json()
    assert status["finished"]
    assert status["err"]
    assert (keyword, path) in [(one["keyword"], one["dataPath"]) for one in status["data"]]
    assert status["data"][0]["message"].startswith("bad/component.json: ")
    assert await custom(ann) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        archive(("component.json", "{")),
        archive(("component.json", "[" * 5_000 + "]" * 5_000)),
        archive(("component.json", '{"name": NaN}')),
        archive(("a/component.json", component()), ("b/component.json", component())),
        archive(("../component.json", component())),
    ],
)
async def test_an_archive_that_cannot_be_read_is_refused(ann: Client, content: bytes) -> None:
    assert problem(await publish(ann, content))[0] == 400
    assert await custom(ann) == []


async def test_an_archive_that_is_too_large_is_refused(ann: Client) -> None:
    assert problem(await publish(ann, bytes(20_001)))[0] == 413


async def test_one_user_cannot_fill_the_list_of_everybody(
    database: Database, clock: ManualClock
) -> None:
    custom_components = CustomComponents(database, clock)
    large = component(description="a" * 6_000_000)

    custom_components.publish("ann", (), [Manifest("component", large)], replace_all=False)
    with pytest.raises(InputError, match="at most"):
        custom_components.publish(
            "ann", (), [Manifest("component", {**large, "name": LIST})], replace_all=False
        )

    assert not is_published(database, LIST)


async def test_a_ticket_is_its_users_own_and_known_for_a_day(
    ann: Client, bob: Client, clock: ManualClock
) -> None:
    ticket = (await publish(ann, archive_of([component()]))).json()["ticket"]
    path = f"/components/uploader/{ticket}"

    assert problem(await bob.get(path))[0] == 404
    clock.turn(timedelta(days=1, seconds=1))
    await publish(ann, archive_of([component()]))
    assert problem(await ann.get(path))[0] == 404


async def test_a_flow_with_a_published_component_says_why_it_does_not_start(ann: Client) -> None:
    await published(ann, FIND)
    flow_id = await saved(ann, {TRIGGER: {"type": "appmixer.utils.controls.OnStart"}, "c": {
        "type": FIND, "source": {"in": {TRIGGER: ["out"]}},
    }})  # fmt: skip

    answer = await ann.post(f"/flows/{flow_id}/coordinator", json={"command": "start"})

    status, message = problem(answer)
    assert status == 400
    assert FIND in message
    assert "does not execute its JavaScript" in message


async def test_private_components_are_listed_to_administrators_alone(
    tenant: Tenant, config: TenantConfig, clock: ManualClock, ann: Client, connect: Connect
) -> None:
    await publish(ann, archive_of([component(private=True)]))
    root = connect("root@example.com")
    with tenant.database.transaction() as connection:
        connection.execute(
            """UPDATE user SET scope_json = '["user", "admin"]' WHERE email = 'root@example.com'"""
        )

    assert FIND not in (await ann.get("/components")).json()
    assert FIND not in (await ann.get("/components?private=yes")).json()
    assert problem(await ann.get("/apps/components?app=acme.crm"))[0] == 404
    assert FIND in (await root.get("/components")).json()
    assert FIND not in (await root.get("/components?private=no")).json()


@pytest.fixture
def database(tenant: Tenant) -> Database:
    return tenant.database
