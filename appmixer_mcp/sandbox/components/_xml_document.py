"""Reading XML from strangers: no entity is expanded, nothing is fetched, all is bounded."""

from collections.abc import Iterator, Mapping
from typing import Protocol, cast

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._file_content import check_size
from appmixer_mcp.sandbox.components._inputs import unusable
from appmixer_mcp.sandbox.context import Json


class Element(Protocol):
    """What is used of lxml's elements, whose class has no public name."""

    @property
    def tag(self) -> object:
        """`{namespace}name`; no text for comments and instructions."""
        ...

    @property
    def text(self) -> str | None:
        """What stands before the first child."""
        ...

    @property
    def tail(self) -> str | None:
        """What stands behind the element."""
        ...

    @property
    def prefix(self) -> str | None:
        """That of its namespace."""
        ...

    @property
    def nsmap(self) -> Mapping[str | None, str]:
        """Prefix -> namespace, as far as they are known here."""
        ...

    @property
    def attrib(self) -> Mapping[str, str]:
        """Name -> value, names as in `tag`."""
        ...

    def __iter__(self) -> Iterator["Element"]:
        """Give the children."""
        ...

    def itertext(self) -> Iterator[str]:
        """Give all text within."""
        ...

    def iter(self, *tags: str) -> Iterator["Element"]:
        """Give itself and all elements within, or those with a tag."""
        ...

    def getparent(self) -> "Element | None":
        """Return the element around it."""
        ...


def xml_bytes(field: str, value: Json) -> bytes:
    """Return the XML text of a field as UTF-8.

    Raises:
        ComponentFailedError: It is no text, or is too large (retry=False).
    """
    if not isinstance(value, str):
        raise unusable(field, "must be an XML text")
    content = value.strip().encode("utf-8", "replace")
    check_size(len(content))
    return content


def read_xml(content: bytes, *, damaged: bool = False) -> Element:
    """Return the root element of a document.

    Args:
        content: At most 10 MB; see `xml_bytes`.
        damaged: Whether to make the best of a document that is not well-formed, in the encoding
            that it declares; else it is UTF-8.

    Raises:
        ComponentFailedError: It is not well-formed, or defines entities (retry=False).
    """
    from lxml import etree  # noqa: PLC0415 - takes a while to load; most sandboxes never need it

    if b"<!ENTITY" in content:
        raise ComponentFailedError(
            "The XML defines entities, which are not expanded here. Leave them out.", retry=False
        )
    parser = etree.XMLParser(
        encoding=None if damaged else "utf-8",
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        recover=damaged,
    )
    try:
        read = etree.fromstring(content, parser)
    except etree.XMLSyntaxError as error:
        raise ComponentFailedError(
            f"The XML is not well-formed: {error.msg}.", retry=False
        ) from error
    if cast("object", read) is None:  # so it is when nothing could be made of a damaged one
        raise ComponentFailedError("The XML holds no element.", retry=False)
    return cast("Element", read)
