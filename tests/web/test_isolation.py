"""Nobody gets another's data, however many use one server at once."""

import anyio
import pytest

from tests.processes import call, stdio_server
from tests.serving import client_of, sign_in

# Beside 32 starting processes, nothing answers in time.
pytestmark = pytest.mark.xdist_group("isolation")
SESSIONS_OF_EACH = 16


@pytest.mark.parametrize(
    ("auth", "way"),
    [
        ("bearer", "modern"),
        *(
            pytest.param(*one, marks=pytest.mark.long)
            for one in (
                ("bearer", "legacy"),
                ("bearer", "sse"),
                ("oauth", "legacy"),
                ("oauth", "modern"),
                ("oauth", "sse"),
            )
        ),
    ],
)
async def test_two_people_with_sixteen_sessions_each_see_their_own_flows_alone(
    tenant, serve, auth, way
):
    tokens = {name: await tenant.sign_up(name) for name in ("ann", "bob")}
    for name, token in tokens.items():
        await tenant.own_flow(token, f"flow of {name}")
    seen = []

    async def use(url, name):
        async with client_of(url, way, tokens[name]) as client:
            flows = (await call(client, "list_flows"))["items"]
            session = await call(client, "get_session")
            seen.append((name, [flow["name"] for flow in flows], session["user"]))

    async with serve(auth=auth, calls_per_minute=0, calls_at_once=0) as url:
        if auth == "oauth":
            tokens = {name: await sign_in(url, name) for name in tokens}
        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for _ in range(SESSIONS_OF_EACH):
                    for name in tokens:
                        tasks.start_soon(use, url, name)

    assert len(seen) == 2 * SESSIONS_OF_EACH
    assert all(one == (n := one[0], [f"flow of {n}"], f"{n}@example.com") for one in seen)


@pytest.mark.long
async def test_two_people_with_sixteen_processes_over_stdio_each_see_their_own_flows_alone(
    tenant, tmp_path
):
    tokens = {name: await tenant.sign_up(name) for name in ("ann", "bob")}
    for name, token in tokens.items():
        await tenant.own_flow(token, f"flow of {name}")
    seen = []

    async def use(name):
        settings = {"APPMIXER_BASE_URL": tenant.url, "APPMIXER_ACCESS_TOKEN": tokens[name]}
        with (tmp_path / "errors").open("a+") as errors:
            async with stdio_server(tmp_path / "data", errors, **settings) as client:
                flows = (await call(client, "list_flows"))["items"]
                seen.append((name, [flow["name"] for flow in flows]))

    with anyio.fail_after(180):
        async with anyio.create_task_group() as tasks:
            for _ in range(SESSIONS_OF_EACH):
                for name in tokens:
                    tasks.start_soon(use, name)

    assert len(seen) == 2 * SESSIONS_OF_EACH
    assert all(flows == [f"flow of {name}"] for name, flows in seen)
