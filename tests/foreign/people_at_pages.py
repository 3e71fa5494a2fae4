"""A person at the sign-in page: with a real browser, or with what a browser would send."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from tests.oauth.browsing import open_page, way_back
from tests.serving import PASSWORD, plain_http

SignIn = Callable[[str, str], Awaitable[None]]
"""Opens an address that a client wants opened, and signs in as whoever is named."""


async def sign_in_by_form(address: str, name: str) -> None:
    """Send the form as a browser does, and follow the way back to the client."""
    async with plain_http() as browser:
        browser.base_url = address.partition("/authorize")[0]
        page = await open_page(browser, address)
        allowed = await page.sign_in(f"{name}@example.com", PASSWORD)
        target, query = way_back(allowed)
        arrived = await browser.get(target, params=query)
    assert arrived.status_code == 200, arrived.text


@asynccontextmanager
async def chromium() -> AsyncIterator[SignIn]:
    """Open a browser without a screen, in which people sign in; skips the test without one."""
    playwright = pytest.importorskip(
        "playwright.async_api", reason="needs playwright (pip install --group browser)"
    )
    program = shutil.which("chromium") or shutil.which("chromium-browser")
    if program is None:
        pytest.skip("needs Chromium (the Debian package chromium)")

    async with playwright.async_playwright() as started:
        # Chromium's sandbox refuses to run as root, which is who runs tests in a container.
        browser = await started.chromium.launch(executable_path=program, args=["--no-sandbox"])

        async def sign_in(address: str, name: str) -> None:
            async with await browser.new_context() as context:  # of somebody who never was here
                context.set_default_timeout(20_000)
                page = await context.new_page()
                await page.goto(address)
                await page.get_by_label("User name or e-mail address").fill(f"{name}@example.com")
                await page.get_by_label("Password").fill(PASSWORD)
                await page.get_by_role("button", name="Sign in and allow").click()
                await page.get_by_role("heading", name="Back at the assistant").wait_for()

        yield sign_in
        await browser.close()
