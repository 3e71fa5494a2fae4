"""GetFeed and NewFeedItem, on feeds that the test serves."""

import pytest

from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Run, Sandbox, entry
from tests.sandbox.loopback import Server, http_answer

URL = "http://news.example/feed"

RSS = """<?xml version="1.0"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/modules/content/">
<channel><title>Tea news</title><link>http://news.example</link>
<description>All on tea</description>
<image><url>http://news.example/i.png</url><title>I</title><link>http://news.example</link></image>
<item><title>Green</title><link>http://news.example/1</link><guid>g1</guid>
<pubDate>Sat, 31 Jan 2026 08:00:00 +0100</pubDate><category>tea</category><category>leaf</category>
<description>short</description>
<content:encoded><![CDATA[<p>Much &amp; <b>more</b></p>]]></content:encoded>
</item>{more}</channel></rss>"""
ATOM = """<feed xmlns="http://www.w3.org/2005/Atom"><title>Ink</title><subtitle>On ink</subtitle>
<link rel="self" href="http://news.example/self"/><link href="http://news.example/"/>
<entry><title>Blue</title><link rel="alternate" href="http://news.example/2"/><id>urn:2</id>
<updated>2026-01-30T10:00:00Z</updated><category term="ink"/>
<summary>A summary</summary></entry></feed>"""
RDF = """<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"
 xmlns="http://purl.org/rss/1.0/"
 xmlns:dc="http://purl.org/dc/elements/1.1/"><channel><title>Old</title></channel>
<item><title>One</title><link>http://news.example/3</link><dc:date>2026-01-01</dc:date></item></rdf:RDF>"""


@pytest.fixture
def sandbox(online: Sandbox) -> Sandbox:
    return online


def feed_answer(text: str) -> bytes:
    return http_answer(200, text.encode(), "application/xml")


async def get_feed(sandbox: Sandbox, url: Json = URL) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "feed": entry("rss.GetFeed", "start", fields={"url": url}),
        }
    )


async def test_an_rss_feed_is_read(sandbox: Sandbox, server: Server) -> None:
    server.answers = [feed_answer(RSS.replace("{more}", ""))]

    run = await get_feed(sandbox)

    assert run.sent("feed") == [
        {
            "feed": {
                "feedUrl": URL,
                "title": "Tea news",
                "description": "All on tea",
                "link": "http://news.example",
                "items": [
                    {
                        "title": "Green",
                        "link": "http://news.example/1",
                        "pubDate": "Sat, 31 Jan 2026 08:00:00 +0100",
                        "content": "<p>Much &amp; <b>more</b></p>",
                        "contentSnippet": "Much & more",
                        "guid": "g1",
                        "categories": ["tea", "leaf"],
                        "isoDate": "2026-01-31T07:00:00.000Z",
                    }
                ],
                "image": {
                    "url": "http://news.example/i.png",
                    "title": "I",
                    "link": "http://news.example",
                },
            }
        }
    ]


@pytest.mark.parametrize(
    ("text", "title", "item"),
    [
        (
            ATOM,
            "Ink",
            {
                "title": "Blue", "link": "http://news.example/2", "guid": "urn:2",
                "content": "A summary", "categories": ["ink"],
                "isoDate": "2026-01-30T10:00:00.000Z",
            },
        ),
        (RDF, "Old", {"title": "One", "link": "http://news.example/3", "guid": "",
                      "pubDate": "2026-01-01"}),
        (ATOM.replace("</id>", "</ID>"), "Ink", {"title": "Blue"}),
    ],
)  # fmt: skip
async def test_other_kinds_of_feeds_and_damaged_ones_are_read(
    sandbox: Sandbox, server: Server, text: str, title: str, item: dict[str, Json]
) -> None:
    server.answers = [feed_answer(text)]

    run = await get_feed(sandbox)

    feed = run.sent("feed")[0]["feed"]
    assert feed["title"] == title
    assert item.items() <= feed["items"][0].items()


@pytest.mark.parametrize(
    ("url", "answer", "why"),
    [
        (URL, feed_answer("<html><body/></html>"), "'html'"),
        (URL, feed_answer("no xml at all"), "XML"),
        (URL, http_answer(404, b""), "404"),
        ("news", b"", "http://"),
    ],
)
async def test_what_is_no_feed_is_refused_for_good(
    sandbox: Sandbox, server: Server, url: str, answer: bytes, why: str
) -> None:
    server.answers = [answer]

    run = await get_feed(sandbox, url)

    assert why in run.errors("feed")[0]["message"]
    assert len(run.unprocessed()) == 1


async def test_only_items_that_are_new_since_the_start_trigger(
    sandbox: Sandbox, server: Server
) -> None:
    new = "".join(f"<item><title>{name}</title></item>" for name in ("Black", "White"))
    server.answers = [
        feed_answer(RSS.replace("{more}", "")),
        http_answer(500, b""),
        feed_answer(RSS.replace("{more}", new)),
        feed_answer(RSS.replace("{more}", new)),
    ]
    run = await sandbox.run({"feed": entry("rss.NewFeedItem", properties={"url": URL})})

    for _ in range(4):
        await run.turn(60)

    assert [item["title"] for item in run.sent("feed")] == ["White", "Black"]
    assert server.answers == []
