"""A disk that takes no more: a clear refusal, and everything that was accepted is kept."""

from appmixer_mcp.sandbox.tenant import Tenant
from tests.sandbox.routes.conftest import Client, problem


def limit_pages(tenant: Tenant, more: int) -> None:
    """Have the file take so many further pages only, as a full disk would."""
    connection = tenant.database.connection
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages + more}")


async def test_what_was_accepted_before_the_disk_was_full_is_kept(
    tenant: Tenant, ann: Client
) -> None:
    store_id = (await ann.post("/stores", json={"name": "Full"})).json()["storeId"]
    limit_pages(tenant, 20)

    accepted, answer = 0, await ann.post(f"/store/{store_id}/0", json="x" * 3_000)
    while answer.status_code == 200:
        accepted += 1
        answer = await ann.post(f"/store/{store_id}/{accepted}", json="x" * 3_000)
    stored = (await ann.get("/store/count", params={"storeId": store_id})).json()["count"]
    limit_pages(tenant, 1_000)
    later = await ann.post(f"/store/{store_id}/later", json="y")

    status, message = problem(answer)
    assert (status, accepted > 3, stored) == (507, True, accepted)
    assert "disk is full" in message
    assert later.status_code == 200
