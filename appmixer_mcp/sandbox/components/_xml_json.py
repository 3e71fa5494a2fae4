"""XML as JSON and back: attributes have a prefix, text beside them a name, repeats are lists."""

import math
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._file_content import check_size
from appmixer_mcp.sandbox.components._inputs import as_object
from appmixer_mcp.sandbox.components._xml_document import Element
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import is_list, is_object, to_number, to_text

DECLARATION = "?xml"
_DEEPEST = 200
_LONGEST_S = 10.0
_NAME = re.compile(r"[^\W\d][\w.\-]*(:[^\W\d][\w.\-]*)?")
_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_EXACT_DIGITS = 15
_DECLARATION = re.compile(r"<\?xml\s[^<>]{0,200}\?>")
_DECLARED = re.compile(r"(version|encoding|standalone)\s*=\s*(\"[^\"]*\"|'[^']*')")


@dataclass(frozen=True, kw_only=True)
class Naming:
    """How attributes and text are told from elements."""

    attribute_prefix: str = "@"
    text_name: str = "#text"
    ignore_attributes: bool = False


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What becomes of the contents of a document."""

    naming: Naming
    parse_text: bool = True
    """Whether the text of an element may become a number or boolean."""
    parse_attributes: bool = True
    trim: bool = True
    remove_prefixes: bool = False
    always_text_name: bool = False
    """Whether text lies under its name even where there is nothing beside it."""
    always_lists: frozenset[str] = field(default_factory=frozenset[str])
    """Paths such as `root.item` of elements that are lists even when they occur once."""
    until_s: float = field(default_factory=lambda: time.monotonic() + _LONGEST_S)
    """When it has taken too long, by the monotonic clock."""


def to_json(root: Element, reading: Reading) -> dict[str, Json]:
    """Return `{name: content}` of a document's root.

    Raises:
        ComponentFailedError: It takes too long (retry=False).
    """
    name = _name(root, reading)
    content = _content(root, reading, name)
    return {name: [content] if name in reading.always_lists else content}


def declaration_of(xml: str, naming: Naming) -> dict[str, Json]:
    """Return what the declaration at the beginning of a document says; empty without one."""
    declaration = _DECLARATION.match(xml)
    if declaration is None:
        return {}
    declared = _DECLARED.findall(declaration[0])
    return {f"{naming.attribute_prefix}{name}": value[1:-1] for name, value in declared}


def _content(element: Element, reading: Reading, path: str) -> Json:
    _check_time(reading)
    naming = reading.naming
    found: dict[str, Json] = {}
    if not naming.ignore_attributes:
        for name, value in _attributes(element, reading):
            parsed = _value(value, reading, parse=reading.parse_attributes)
            found[f"{naming.attribute_prefix}{name}"] = parsed
    repeated: set[str] = set()
    texts = [element.text or ""]
    for child in element:
        texts.append(child.tail or "")
        if not isinstance(child.tag, str):  # a comment or an instruction
            continue
        name = _name(child, reading)
        child_path = f"{path}.{name}"
        content = _content(child, reading, child_path)
        if name not in found:
            found[name] = [content] if child_path in reading.always_lists else content
            if child_path in reading.always_lists:
                repeated.add(name)
        elif name in repeated:
            found[name].append(content)
        else:
            found[name] = [found[name], content]
            repeated.add(name)
    text = _value("".join(texts), reading, parse=reading.parse_text)
    if not found and not reading.always_text_name:
        return text
    if text != "" and not (found and isinstance(text, str) and not text.strip()):
        found[naming.text_name] = text
    return found


def _check_time(reading: Reading) -> None:
    if time.monotonic() > reading.until_s:  # each element may know thousands of namespaces
        raise ComponentFailedError(
            f"Reading the XML took longer than {_LONGEST_S:g} s. Make it smaller, or declare fewer "
            "namespaces.",
            retry=False,
        )


def _attributes(element: Element, reading: Reading) -> Iterator[tuple[str, str]]:
    parent = element.getparent()
    known: Mapping[str | None, str] = {} if parent is None else parent.nsmap
    for prefix, uri in element.nsmap.items():
        if known.get(prefix) != uri and not reading.remove_prefixes:
            yield (f"xmlns:{prefix}" if prefix else "xmlns"), uri
    prefixes = {uri: prefix for prefix, uri in element.nsmap.items() if prefix}
    for full_name, value in element.attrib.items():
        uri, _, local = full_name.rpartition("}")
        prefix = "xml" if uri == "{http://www.w3.org/XML/1998/namespace" else prefixes.get(uri[1:])
        with_prefix = prefix and not reading.remove_prefixes
        yield (f"{prefix}:{local}" if with_prefix else local), value


def _name(element: Element, reading: Reading) -> str:
    local = str(element.tag).rpartition("}")[2]
    if element.prefix and not reading.remove_prefixes:
        return f"{element.prefix}:{local}"
    return local


def _value(text: str, reading: Reading, *, parse: bool) -> Json:
    if reading.trim:
        text = text.strip()
    if not parse or not text.strip():
        return text
    if text.strip() in ("true", "false"):
        return text.strip() == "true"
    number = to_number(text)
    digits = sum(letter.isdigit() for letter in text)
    return number if math.isfinite(number) and digits <= _EXACT_DIGITS else text


class XmlWriter:
    """Writes JSON as XML.

    Args:
        naming: How attributes and text are told from elements.
        array_name: The element of each item of a list that has no name of its own.
        indent: What each level is indented by; empty for one line.
        suppress_empty: Whether an element without content is `<a/>` instead of `<a></a>`.
    """

    def __init__(
        self,
        naming: Naming,
        *,
        array_name: str = "",
        indent: str = "",
        suppress_empty: bool = False,
    ) -> None:
        self._naming = naming
        self._array_name = array_name
        self._indent = indent
        self._suppress_empty = suppress_empty
        self._size = 0

    def write(self, value: Json) -> str:
        """Return the XML of an object, or of a list when there is a name for its items.

        Raises:
            ComponentFailedError: A name is none that XML allows, a value has no place, or it is
                nested too deeply or too large (retry=False).
        """
        if is_list(value) and self._array_name:
            value = {self._array_name: value}
        if not is_object(value):
            raise _failed("must be an object; for a list give the name of its items, too")
        lines: list[str] = []
        for name, content in value.items():
            if name == DECLARATION:
                lines.append(self._declaration(content))
            else:
                lines += self._elements(name, content, 0)
        return ("\n" if self._indent else "").join(lines)

    def _declaration(self, value: Json) -> str:
        prefix = self._naming.attribute_prefix
        given = as_object(value)
        version = given.get(f"{prefix}version", "1.0")
        # Read as a number, the version has lost its zero.
        shown = {"version": "1.1" if to_text(version) == "1.1" else "1.0"}
        if f"{prefix}encoding" in given:
            shown["encoding"] = to_text(given[f"{prefix}encoding"])
        attributes = "".join(f" {name}={_quoted(text)}" for name, text in shown.items())
        return f"<?xml{attributes}?>"

    def _elements(self, name: str, value: Json, depth: int) -> list[str]:
        if depth > _DEEPEST:
            raise _failed(f"is nested more than {_DEEPEST} levels deep")
        _check_name(name)
        if is_list(value):
            return [line for one in value for line in self._elements(name, one, depth + 1)]
        attributes, text, children = self._parts(value)
        opening = f"<{name}{attributes}"
        margin = self._indent * depth
        self._size += 2 * len(margin) + 2 * len(name) + len(attributes) + len(text)
        check_size(self._size)
        inner = [
            line
            for child, content in children.items()
            for line in self._elements(child, content, depth + 1)
        ]
        if not inner and not text and self._suppress_empty:
            return [f"{margin}{opening}/>"]
        if not inner or not self._indent:
            return [f"{margin}{opening}>{text}{''.join(inner)}</{name}>"]
        return [f"{margin}{opening}>{text}", *inner, f"{margin}</{name}>"]

    def _parts(self, value: Json) -> tuple[str, str, Mapping[str, Json]]:
        """Return the attributes as they are written, the text escaped, and the child elements."""
        if not is_object(value):
            return "", _escaped(value), {}
        prefix, attributes, text = self._naming.attribute_prefix, "", ""
        children: dict[str, Json] = {}
        for name, content in value.items():
            if name == self._naming.text_name:
                text = _escaped(content)
            elif prefix and name.startswith(prefix):
                _check_name(name.removeprefix(prefix))
                if not self._naming.ignore_attributes:
                    quoted = _quoted("" if content is None else to_text(content))
                    attributes += f" {name.removeprefix(prefix)}={quoted}"
            else:
                children[name] = content
        return attributes, text, children


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise _failed(f"has the name {name!r}, which XML does not allow")


def _escaped(value: Json) -> str:
    return escape(_ILLEGAL.sub("", "" if value is None else to_text(value)))


def _quoted(text: str) -> str:
    return quoteattr(_ILLEGAL.sub("", text))


def _failed(reason: str) -> ComponentFailedError:
    return ComponentFailedError(f"The JSON cannot become XML: it {reason}.", retry=False)
