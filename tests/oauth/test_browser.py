"""The sign-in page in a real browser: headless Chromium, driven over its own protocol."""

import re
import shutil
from pathlib import Path
from urllib.parse import parse_qs, quote, urlsplit

import pytest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse, RedirectResponse
from starlette.routing import Route

from tests.certificates import self_signed
from tests.oauth.browsing import PASSWORD, USERNAME, Server, client_of, link, open_tenant
from tests.serving import serving

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IMAGES = Path(__file__).parents[2] / "docs" / "images"

if CHROMIUM is None:
    pytest.skip("needs Chromium (the Debian package chromium)", allow_module_level=True)
playwright = pytest.importorskip(
    "playwright.async_api", reason="needs playwright (pip install --group browser)"
)
pytestmark = [pytest.mark.long, pytest.mark.xdist_group("browser")]  # they share one


class Assistant:
    """A client on this computer, as its own small web site."""

    def __init__(self, url):
        self.url = url
        self.elsewhere = url.replace("127.0.0.1", "localhost")
        self.app = Starlette(
            routes=[
                Route("/", self.home),
                Route("/callback", self.callback),
                Route("/hop", self.hop),
            ]
        )

    async def home(self, request):
        address = request.query_params["authorize"]
        return HTMLResponse(
            f'<iframe src="{address}"></iframe><a href="{address}" target="popup" rel="opener">'
            "connect</a>"
        )

    async def callback(self, _request):
        return HTMLResponse("<h1>Back at the assistant</h1>")

    async def hop(self, request):
        return RedirectResponse(f"{self.elsewhere}/callback?{request.url.query}", 302)


@pytest.fixture(scope="module")
async def assistant():
    made = []

    def make_app(url):
        made.append(Assistant(url))
        return made[0].app

    async with serving(make_app, lifespan=False):
        yield made[0]


@pytest.fixture(scope="module")
async def tenant(tmp_path_factory):
    async with open_tenant(tmp_path_factory.mktemp("tenant")) as tenant:
        yield tenant


@pytest.fixture(scope="module")
async def servers(tenant, tmp_path_factory):
    """The authorization server, over http and over https."""

    async def open_client():
        return client_of(tenant)

    found = {}

    def make_app(url):
        server = Server(issuer=url, open_client=open_client, tenant="api.acme.example")
        found[url.partition(":")[0]] = server
        return server.app

    certificate = self_signed(tmp_path_factory.mktemp("tls"), "localhost")
    async with (
        serving(make_app, lifespan=False),
        serving(make_app, lifespan=False, certificate=certificate),
    ):
        yield found


@pytest.fixture(scope="module")
def server(servers):
    return servers["http"]


@pytest.fixture(scope="module")
async def chromium():
    async with playwright.async_playwright() as started:
        # Chromium's sandbox refuses to run as root, which is who runs tests in a container.
        browser = await started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        await browser.close()


@pytest.fixture
async def new_page(chromium):
    """Open pages; whatever Chromium complains of on one of them is an error."""
    complaints = []
    contexts = []

    async def opened(**options):
        context = await chromium.new_context(
            ignore_https_errors=True, locale="en-GB", **({"viewport": SIZE} | options)
        )
        context.set_default_timeout(10_000)
        contexts.append(context)
        context.on("console", lambda message: complaints.append(message.text))
        return await context.new_page()

    yield opened
    for context in contexts:
        await context.close()
    assert [one for one in complaints if not one.startswith(A_STATUS)] == []


SIZE = {"width": 800, "height": 980}
A_STATUS = "Failed to load resource: the server responded with a status of "


async def address(server, redirect_uri, **parameters):
    client_id = await server.register(redirect_uri)
    return server.issuer + link(client_id, redirect_uri=redirect_uri, **parameters)


async def sign_in(page, password=PASSWORD):
    await page.get_by_label("User name or e-mail address").fill(USERNAME)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in and allow").click()


def brought_back(page):
    return {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}


@pytest.mark.parametrize(("scheme", "javascript"), [("http", True), ("https", False)])
async def test_a_wrong_password_is_said_and_the_right_one_leads_back(
    servers, assistant, new_page, scheme, javascript
):
    server = servers[scheme]
    page = await new_page(java_script_enabled=javascript)
    await page.goto(await address(server, f"{assistant.url}/callback"))

    await sign_in(page, "not-the-password")
    said = await page.get_by_role("alert").inner_text()
    is_focused = await page.locator("[role=alert]:focus").count()
    await sign_in(page)
    await page.wait_for_url(f"{assistant.url}/callback?**")

    assert "did not accept" in said
    assert is_focused
    given = brought_back(page)
    assert given.pop("code").startswith("amx_ac_")
    assert given == {"state": "s t&a=te", "iss": server.issuer}


async def test_cancel_leads_back_without_a_password(server, assistant, new_page):
    page = await new_page()
    await page.goto(await address(server, f"{assistant.url}/callback"))

    await page.get_by_role("button", name="Cancel").click()
    await page.wait_for_url(f"{assistant.url}/callback?**")

    assert brought_back(page)["error"] == "access_denied"
    assert brought_back(page)["iss"] == server.issuer


async def test_the_keyboard_alone_is_enough(server, assistant, new_page):
    page = await new_page()
    await page.goto(await address(server, f"{assistant.url}/callback"))

    for text in (USERNAME, PASSWORD):
        await page.keyboard.press("Tab")
        await page.keyboard.type(text)
    seen = []
    for _ in range(3):
        await page.keyboard.press("Tab")
        focused = page.locator(":focus")
        outline = await focused.evaluate("one => getComputedStyle(one).outlineStyle")
        seen.append((await focused.inner_text(), outline))
    for _ in range(3):
        await page.keyboard.press("Shift+Tab")
    await page.keyboard.press("Enter")
    await page.wait_for_url(f"{assistant.url}/callback?**")

    assert seen == [
        ("Sign in and allow", "solid"),
        ("Cancel", "solid"),
        ("Use an access token instead", "solid"),
    ]
    assert "code" in brought_back(page)


async def test_an_access_token_signs_in_too(server, tenant, assistant, new_page):
    async with client_of(tenant) as client:
        token = (await client.users.authenticate_user(USERNAME, PASSWORD)).token
    page = await new_page()
    await page.goto(await address(server, f"{assistant.url}/callback"))

    await page.get_by_text("Use an access token instead").click()
    await page.get_by_label("Access token of Appmixer").fill(token.get_secret_value())
    await page.get_by_role("button", name="Allow with this token").click()
    await page.wait_for_url(f"{assistant.url}/callback?**")

    assert "code" in brought_back(page)


async def test_a_client_that_redirects_once_more_is_reached(server, assistant, new_page):
    page = await new_page()
    await page.goto(await address(server, f"{assistant.url}/hop"))

    await sign_in(page)
    await page.wait_for_url(f"{assistant.elsewhere}/callback?**")

    assert "code" in brought_back(page)


async def test_an_application_is_opened_by_its_link_and_the_form_is_gone(server, new_page):
    page = await new_page()
    await page.goto(await address(server, "cursor://anysphere.cursor/callback"))

    await sign_in(page)
    onward = await page.get_by_role("link", name="continue there").get_attribute("href")

    assert await page.get_by_role("heading").inner_text() == "You are signed in"
    assert await page.get_by_label("Password").count() == 0
    assert re.match(r"cursor://anysphere\.cursor/callback\?code=amx_ac_", onward)


async def test_a_frame_of_another_site_stays_empty(server, assistant, chromium):
    asked = quote(await address(server, f"{assistant.url}/callback"))
    async with await chromium.new_context() as context:
        page = await context.new_page()
        async with page.expect_console_message() as complaint:
            await page.goto(f"{assistant.url}/?authorize={asked}")

        said = (await complaint.value).text
        inside = await page.frames[1].content()

    assert "frame-ancestors 'none'" in said
    assert "Password" not in inside


async def test_a_popup_can_still_tell_the_window_that_opened_it(server, assistant, chromium):
    asked = quote(await address(server, f"{assistant.url}/callback"))
    async with await chromium.new_context() as context:
        page = await context.new_page()
        await page.goto(f"{assistant.url}/?authorize={asked}")
        async with page.expect_popup() as opening:
            await page.get_by_role("link", name="connect").click()
        popup = await opening.value

        await sign_in(popup)
        await popup.wait_for_url(f"{assistant.url}/callback?**")
        knows_opener = await popup.evaluate("window.opener !== null")

    assert knows_opener


@pytest.mark.parametrize(
    ("color_scheme", "width"),
    [
        ("dark", 320),
        *(
            pytest.param(*one, marks=pytest.mark.long)
            for one in (("light", 320), ("light", 1280), ("dark", 1280))
        ),
    ],
)
async def test_the_page_can_be_read(server, new_page, color_scheme, width):
    page = await new_page(color_scheme=color_scheme, viewport={"width": width, "height": 600})
    long_name = "A program with a rather long name " + "w" * 46
    client_id = await server.register("https://assistant.example/cb", client_name=long_name)
    await page.goto(server.issuer + link(client_id, redirect_uri="https://assistant.example/cb"))
    await sign_in(page, "not-the-password")
    await page.get_by_text("Use an access token instead").click()

    seen = await page.evaluate(LOOK)

    assert seen["language"] == "en"
    assert seen["width"] <= width
    assert seen["texts"] > 15
    assert seen["faint"] == []
    assert seen["small"] == []


async def test_the_documentation_shows_the_page(request, server, assistant, new_page):
    page = await new_page(device_scale_factor=2)
    await page.goto(await address(server, f"{assistant.url}/callback"))

    picture = await page.screenshot()
    if request.config.getoption("--update-docs"):
        (IMAGES / "sign-in.png").write_bytes(picture)

    # Only its width: heights follow the fonts of the machine it was taken on.
    shown = (IMAGES / "sign-in.png").read_bytes()
    assert shown[:20] == picture[:20]


LOOK = """() => {
  const parts = color => color.match(/[\\d.]+/g).map(Number)
  const light = ([r, g, b]) => {
    const linear = v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4
    const [x, y, z] = [r, g, b].map(v => linear(v / 255))
    return .2126 * x + .7152 * y + .0722 * z
  }
  const behind = one => {
    for (; one; one = one.parentElement) {
      const color = parts(getComputedStyle(one).backgroundColor)
      if (color.length < 4 || color[3] > 0) return color
    }
  }
  const contrast = (one, color) => {
    const [a, b] = [light(parts(color)), light(behind(one))].sort((x, y) => y - x)
    return (a + .05) / (b + .05)
  }
  const texts = [...document.querySelectorAll("main *")].filter(one =>
    [...one.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
  const edges = [...document.querySelectorAll("input:not([type=hidden])")]
  const buttons = [...document.querySelectorAll("button, input:not([type=hidden])")]
  return {
    language: document.documentElement.lang,
    width: document.documentElement.scrollWidth,
    texts: texts.length,
    faint: [
      ...texts.filter(one => contrast(one, getComputedStyle(one).color) < 4.5),
      ...edges.filter(one => contrast(one.parentElement, getComputedStyle(one).borderColor) < 3),
    ].map(one => one.outerHTML),
    small: buttons.filter(one => one.getBoundingClientRect().height < 24).map(one => one.outerHTML),
  }
}"""
"""Measures the page as WCAG 2.2 AA does: contrast of texts (1.4.3) and of fields (1.4.11), reflow
(1.4.10) and the size of what is clicked (2.5.8)."""
