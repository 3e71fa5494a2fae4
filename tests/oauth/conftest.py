"""A browser at the sign-in page of an authorization server, and the client that sent it there."""

import pytest

from tests.oauth.browsing import Server, link, open_page


@pytest.fixture
def server():
    return Server()


@pytest.fixture
async def browser(server):
    async with server.browser() as browser:
        yield browser


@pytest.fixture
async def client_id(server):
    return await server.register()


@pytest.fixture
async def page(browser, client_id):
    return await open_page(browser, link(client_id))
