"""What the client does with stores beyond the methods of the SDK."""

import httpx2
import pytest

from appmixer_mcp.api import AppmixerClient, StoreId
from appmixer_mcp.errors import ConflictError, NotFoundError

from .conftest import Backend

STORE = StoreId("s1")


async def test_a_record_gets_another_key(client: AppmixerClient, backend: Backend) -> None:
    backend.will(httpx2.Response(200, json={"key": "new", "value": 1}))

    record = await client.stores.rename_store_item(STORE, "old/1", "new")

    assert backend.sent == ["PATCH /store/s1/old%2F1"]
    assert backend.bodies == [{"key": "new"}]
    assert (record.key, record.value) == ("new", 1)


@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [(404, NotFoundError, "no record 'old'"), (409, ConflictError, "a record 'new' already")],
)
async def test_a_record_that_cannot_get_another_key_says_why(
    client: AppmixerClient, backend: Backend, status: int, kind: type[Exception], said: str
) -> None:
    backend.will(httpx2.Response(status, json={"message": "x"}))

    with pytest.raises(kind, match=said):
        await client.stores.rename_store_item(STORE, "old", "new")
