"""FormTrigger and FormAction: the page that people see, and what becomes of what they fill in."""

from urllib.parse import urlsplit

import pytest

from appmixer_mcp.sandbox import components
from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Sandbox, entry

FIELDS: Json = {
    "ADD": [
        {"label": "Your name", "type": "text", "defaultValue": '"><script>alert(1)</script>'},
        {"label": "Age", "type": "number", "index": -1, "description": "In years"},
        {"label": "Member", "type": "checkbox"},
    ]
}


async def test_a_get_shows_the_form_and_a_post_is_an_entry(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {"form": entry("forms.FormTrigger", properties={"title": "Join", "fields": FIELDS})}
    )

    page = await run.call("form", method="GET")
    thanks = await run.call(
        "form", {"field_0": "Ada", "field_1": "36", "field_2": "on", "other": "x"}
    )
    unchecked = await run.call("form", {"field_0": "Bob", "field_1": ""})

    assert page.status == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    html = page.body.decode()
    assert html.index("field_1") < html.index("field_0")
    assert "In years" in html
    assert "Thank you!" in thanks.body.decode()
    assert unchecked.status == 200
    assert run.sent("form", "entry") == [
        {"field_0": "Ada", "field_1": 36, "field_2": True},
        {"field_0": "Bob", "field_1": "", "field_2": False},
    ]


async def test_nothing_that_a_flow_writes_into_a_form_runs_in_a_browser(sandbox: Sandbox) -> None:
    properties: dict[str, Json] = {
        "title": "<script>1</script>",
        "description": "<img src=x onerror=1>",
        "fields": FIELDS,
        "cta": "<b>",
        "thanksMessage": "<script>2</script>",
        "thanksImage": 'javascript:1"',
        "script": "steal()",
        "stylesheet": "body{color:red}</style><script>3</script>",
    }
    run = await sandbox.run({"form": entry("forms.FormTrigger", properties=properties)})

    for answer in (await run.call("form", method="GET"), await run.call("form", {})):
        html = answer.body.decode()
        assert "<script" not in html.replace("<\\/style><script>3", "")
        assert html.count("</style>") == 2
        assert "onerror=1>" not in html
        assert "javascript:" not in html
        assert "steal()" not in html
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src" not in policy


async def test_an_image_is_shown_with_the_thanks(sandbox: Sandbox) -> None:
    image = "https://a.example/i.png?a=1&b=2"
    run = await sandbox.run({"form": entry("forms.FormTrigger", properties={"thanksImage": image})})

    thanks = await run.call("form", {})

    assert 'src="https://a.example/i.png?a=1&amp;b=2"' in thanks.body.decode()


@pytest.mark.parametrize("data", [None, "text", [1], 5])
async def test_a_post_that_is_no_form_is_an_empty_entry(sandbox: Sandbox, data: Json) -> None:
    run = await sandbox.run({"form": entry("forms.FormTrigger", properties={"fields": FIELDS})})

    answer = await run.call("form", data)

    assert answer.status == 200
    assert run.sent("form", "entry") == [{"field_0": None, "field_1": None, "field_2": False}]


async def test_a_form_for_each_message_goes_on_with_that_message(sandbox: Sandbox) -> None:
    run = await sandbox.run(
        {
            "hook": entry("http.WebhookTrigger"),
            "ask": entry(
                "forms.FormAction",
                ("hook", "request"),
                fields={"title": "Order {{{$.hook.request.data.id}}}", "fields": FIELDS},
            ),
            "done": entry(
                "controls.SetVariable",
                ("ask", "entry"),
                fields={
                    "variables": {
                        "ADD": [
                            {
                                "name": "said",
                                "type": "text",
                                "text": "{{{$.hook.request.data.id}}} {{{$.ask.entry.field_0}}}",
                            }
                        ]
                    }
                },
            ),
        }
    )
    for order_id in (1, 2):
        await run.call("hook", {"id": order_id}, correlation_id=f"c{order_id}")
    links = [urlsplit(one["weblink"]) for one in run.sent("ask", "form")]
    queries: list[dict[str, Json]] = [{"form": link.query.partition("=")[2]} for link in links]

    page = await run.call("ask", method="GET", query=queries[0])
    await run.call("ask", {"field_0": "Ada"}, query=queries[1])
    await run.call("ask", {"field_0": "Bob"}, query=queries[0])

    assert links[0].path == f"/flows/{run.flow_id}/components/ask"
    assert "<h1>Order 1</h1>" in page.body.decode()
    assert run.sent("done") == [{"said": "2 Ada"}, {"said": "1 Bob"}]
    entries = run.logs(component_id="ask", port="entry", port_type="out")
    assert [row["correlation_id"] for row in entries] == ["c2", "c1"]


@pytest.mark.parametrize("query", [{}, {"form": "none"}, {"form": ["a", "b"]}])
async def test_a_form_that_is_not_there_is_not_found(
    sandbox: Sandbox, query: dict[str, Json]
) -> None:
    run = await sandbox.run(
        {"start": entry("controls.OnStart"), "ask": entry("forms.FormAction", "start")}
    )

    answer = await run.call("ask", method="GET", query=query)

    assert answer.status == 404
    assert run.errors() == []


@pytest.mark.parametrize("fields", ["{half", {"ADD": [{"type": "file"}]}, {"ADD": [{}] * 201}])
async def test_a_form_that_cannot_be_shown_keeps_the_flow_from_starting(
    sandbox: Sandbox, fields: Json
) -> None:
    component = components.find("appmixer.utils.forms.FormTrigger")
    assert component is not None

    (problem,) = component.check({"fields": fields})

    assert "fields" in problem
