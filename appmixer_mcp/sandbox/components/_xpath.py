"""The evaluation of XPath expressions; runs confined, since nested ones need time without end."""

from copy import deepcopy

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._file_content import check_size
from appmixer_mcp.sandbox.components._xml_document import read_xml
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import tidy
from appmixer_mcp.sandbox.jsontext import dumps


def evaluate(given: bytes) -> bytes:
    """Return the JSON text of what an expression finds.

    A number, boolean or text is itself. Of nodes, one is itself, several are a list and none is
    null (ours, as in the modifier JSON path); an element is its XML text, an attribute its value.

    Args:
        given: The expression and the document, in this order, a zero byte between them.

    Raises:
        ComponentFailedError: The document is not well-formed or the expression none (retry=False).
    """
    from lxml import etree  # noqa: PLC0415 - takes a while to load

    expression, _, document = given.partition(b"\0")
    root = read_xml(document)
    prefixes = {prefix: uri for one in root.iter() for prefix, uri in one.nsmap.items() if prefix}
    try:
        found = etree.XPath(expression.decode(), namespaces=prefixes)(root)  # type: ignore[arg-type] # pyright: ignore[reportArgumentType] - it is lxml's own element
    except (etree.XPathError, ValueError) as error:
        raise ComponentFailedError(
            f"The XPath expression cannot be evaluated: {error}.", retry=False
        ) from error
    if not isinstance(found, list):
        return dumps(_shown(found)).encode()
    nodes: list[Json] = []
    size = 0
    for node in found:
        nodes.append(_shown(node))
        size += len(str(nodes[-1]))
        check_size(size)  # nodes within nodes are written again and again
    return dumps(nodes if len(nodes) > 1 else next(iter(nodes), None)).encode()


def _shown(node: object) -> Json:
    from lxml import etree  # noqa: PLC0415 - see above

    if etree.iselement(node):
        alone = deepcopy(node)
        etree.cleanup_namespaces(alone)  # else it would declare all that are known around it
        return etree.tostring(alone, encoding="unicode", with_tail=False)
    if isinstance(node, float):
        return tidy(node)
    return node if isinstance(node, bool) else str(node)
