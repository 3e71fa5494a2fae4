"""The XML components, on documents from friends and from strangers."""

import json

import pytest

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._xml_document import read_xml
from appmixer_mcp.sandbox.components._xml_json import Naming, Reading, to_json
from appmixer_mcp.sandbox.components._xpath import evaluate
from appmixer_mcp.sandbox.context import Json
from tests.sandbox.harness import Run, Sandbox, entry

LIBRARY = (
    '<library xmlns:x="urn:x"><book id="1"><title>Tea</title></book>'
    '<book id="2" x:kind="used"><title>Ink &amp; pen</title></book></library>'
)


async def run_xml(sandbox: Sandbox, name: str, **fields: Json) -> Run:
    return await sandbox.run(
        {
            "start": entry("controls.OnStart"),
            "xml": entry(f"xml.{name}", "start", fields=fields),
        }
    )


def test_reading_that_takes_too_long_is_ended() -> None:
    root = read_xml(b"<a><b/></a>")

    with pytest.raises(ComponentFailedError, match="took longer than 10 s"):
        to_json(root, Reading(naming=Naming(), until_s=0))


@pytest.mark.parametrize(
    ("xml", "options", "value"),
    [
        ("<a>17</a>", {}, {"a": 17}),
        ("<a>17</a>", {"parseTagValue": False}, {"a": "17"}),
        ("<a/>", {}, {"a": ""}),
        ("<a> true </a>", {}, {"a": True}),
        ("<a> true </a>", {"trimValues": False, "parseTagValue": False}, {"a": " true "}),
        ("<a>12345678901234567890</a>", {}, {"a": "12345678901234567890"}),
        ("<a b='1'>x</a>", {}, {"a": {"@b": 1, "#text": "x"}}),
        ("<a b='1'>x</a>", {"ignoreAttributes": True}, {"a": "x"}),
        (
            "<a b='1'>x</a>",
            {"attributeNamePrefix": "_", "textNodeName": "$", "parseAttributeValue": False},
            {"a": {"_b": "1", "$": "x"}},
        ),
        ("<a>x</a>", {"alwaysCreateTextNode": True}, {"a": {"#text": "x"}}),
        ("<a><b>1</b><c/><b>2</b><!-- no --></a>", {}, {"a": {"b": [1, 2], "c": ""}}),
        ("<a><b>1</b></a>", {"alwaysArray": "a.b, x"}, {"a": {"b": [1]}}),
        ("<a>x<b>1</b>y</a>", {}, {"a": {"b": 1, "#text": "xy"}}),
        ("<a><![CDATA[<x>]]></a>", {}, {"a": "<x>"}),
        (
            "<n:a xmlns:n='urn:n' n:b='1'/>",
            {},
            {"n:a": {"@xmlns:n": "urn:n", "@n:b": 1}},
        ),
        ("<n:a xmlns:n='urn:n' n:b='1'/>", {"removeNSPrefix": True}, {"a": {"@b": 1}}),
        (
            '<?xml version="1.0" encoding="ISO-8859-2"?><a>Ž</a>',
            {"ignoreDeclaration": True},
            {"a": "Ž"},
        ),
        ('<?xml version="1.0"?><a/>', {}, {"?xml": {"@version": "1.0"}, "a": ""}),
    ],
)
async def test_xml_becomes_json(
    sandbox: Sandbox, xml: str, options: dict[str, Json], value: Json
) -> None:
    run = await run_xml(sandbox, "XmlToJson", xml=xml, **options)

    assert run.sent("xml") == [{"json": value}]


@pytest.mark.parametrize(
    ("value", "options", "xml"),
    [
        ({"a": {"@id": 1, "b": [1, "<"], "c": None}}, {},
         '<a id="1"><b>1</b><b>&lt;</b><c></c></a>'),
        ('{"a": {"#text": "x & y", "@q": "\\""}}', {}, "<a q='\"'>x &amp; y</a>"),
        ({"a": {"$": 1, "_b": True}}, {"attributeNamePrefix": "_", "textNodeName": "$"},
         '<a b="true">1</a>'),
        ({"a": {"@b": 1}}, {"ignoreAttributes": True, "suppressEmptyNode": True}, "<a/>"),
        ([{"id": 1}, {"id": 2}], {"arrayNodeName": "row"},
         "<row><id>1</id></row><row><id>2</id></row>"),
        ({"?xml": {"@version": 1}, "a": {"b": 1}}, {"format": True, "indentBy": 3},
         '<?xml version="1.0"?>\n<a>\n   <b>1</b>\n</a>'),
    ],
)  # fmt: skip
async def test_json_becomes_xml(
    sandbox: Sandbox, value: Json, options: dict[str, Json], xml: str
) -> None:
    run = await run_xml(sandbox, "JsonToXml", json=value, **options)

    assert run.sent("xml") == [{"xml": xml}]


@pytest.mark.parametrize(
    ("xpath", "result"),
    [
        ("//book[1]/title", "<title>Tea</title>"),
        ("//title/text()", ["Tea", "Ink & pen"]),
        ("//book[@x:kind]/@id", "2"),
        ("count(//book)", 2),
        ("count(//book) div 4", 0.5),
        ("boolean(//nothing)", False),
        ("string(//book[2]/title)", "Ink & pen"),
        ("//nothing", None),
    ],
)
def test_xpath_finds_nodes_and_values(xpath: str, result: Json) -> None:
    found = evaluate(f"{xpath}\0{LIBRARY}".encode())

    assert json.loads(found) == result


async def test_an_xpath_component_sends_what_was_found(sandbox: Sandbox) -> None:
    run = await run_xml(sandbox, "XPath", xml=LIBRARY, xpath="//book/@id")

    assert run.sent("xml") == [{"result": ["1", "2"]}]


async def test_xml_is_valid_or_it_is_told_where_it_goes_wrong(sandbox: Sandbox) -> None:
    good = await run_xml(sandbox, "ValidateXml", xml=LIBRARY)
    bad = await run_xml(sandbox, "ValidateXml", xml="<a>\n  <b></a>")

    assert good.sent("xml") == [{"isValid": True}]
    (told,) = bad.sent("xml")
    assert told["isValid"] is False
    assert told["err"]["code"] == "ERR_TAG_NAME_MISMATCH"
    assert told["err"]["line"] == 2
    assert "b" in told["err"]["msg"]


LAUGHS = (
    '<!DOCTYPE a [<!ENTITY b "bbbbbbbbbb"><!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">'
    '<!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]><a>&d;</a>'
)
OUTSIDE = '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/hostname">]><a>&b;</a>'


@pytest.mark.parametrize(
    ("name", "fields", "why"),
    [
        ("XmlToJson", {"xml": LAUGHS}, "entities"),
        ("XmlToJson", {"xml": OUTSIDE}, "entities"),
        ("XPath", {"xml": OUTSIDE, "xpath": "//a"}, "entities"),
        ("XmlToJson", {"xml": "<a>" * 50_000}, "not well-formed"),
        ("XmlToJson", {"xml": "<a"}, "not well-formed"),
        ("XmlToJson", {"xml": {"a": 1}}, "XML text"),
        ("XPath", {"xml": "<a/>", "xpath": "//["}, "XPath"),
        ("XPath", {"xml": "<a/>", "xpath": "//x:a"}, "XPath"),
        ("XPath", {"xml": "<a/>", "xpath": " "}, "//title"),
        ("JsonToXml", {"json": "{half"}, "JSON"),
        ("JsonToXml", {"json": [1]}, "name of its items"),
        ("JsonToXml", {"json": {"a b": 1}}, "'a b'"),
        ("JsonToXml", {"json": {"a": {"@x y": 1}}}, "'x y'"),
        ("JsonToXml", {"json": '{"a":' * 300 + "1" + "}" * 300}, "deep"),
        ("JsonToXml", {"json": {"a": 1}, "format": True, "indentBy": 99}, "indentBy"),
        ("JsonToXml", {"json": [1], "arrayNodeName": "x" * 101}, "100 characters"),
        ("JsonToXml", {"json": {"x" * 1_000: [{}] * 6_000}}, "at most 10,000,000"),
        ("XPath", {"xml": "<a>" * 200 + "x" * 60_000 + "</a>" * 200, "xpath": "//a"}, "at most"),
    ],
)
async def test_what_is_no_xml_or_could_do_harm_is_refused_for_good(
    sandbox: Sandbox, name: str, fields: dict[str, Json], why: str
) -> None:
    run = await run_xml(sandbox, name, **fields)

    assert why in run.errors("xml")[0]["message"]
    assert len(run.unprocessed()) == 1
