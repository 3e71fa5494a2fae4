"""Modifiers of the category Text."""

import base64
import hashlib
import re
from collections.abc import Callable
from functools import partial
from urllib.parse import quote, unquote

from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import UNDEFINED, is_truthy, parse_number, to_text
from appmixer_mcp.sandbox.modifier import MOST_CHARACTERS, Argument, Modifier, bounded
from appmixer_mcp.sandbox.pattern import Match, search, search_all

_WORD = re.compile(
    r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[^\W\d_a-zA-Z]+|\d+"  # as lodash's words: caps, words, digits
)
_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})+")
_URL = re.compile(r"\bhttps?://[^\s<>\"'`]+", re.IGNORECASE)
_URL_TAIL = ".,;:!?)]}"
_COMPONENT_SAFE = "!'()*-._~"
_URL_SAFE = _COMPONENT_SAFE + ";,/?:@&=+$#"
_GROUP_REFERENCE = re.compile(r"\$(\$|&|\d{1,2})")
_FLAGS = tuple(Argument(name, "boolean") for name in ("global", "multiline", "ignorecase"))
_HTML = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


def _or_default(value: Json, default: Json) -> Json:
    return default if value in (UNDEFINED, None, "") else value


def _length(value: Json, default: int) -> int:
    number = parse_number(value)
    return default if number is None else bounded(int(max(0, min(number, 2 * MOST_CHARACTERS))))


def _flags(*, multiline: Json, ignorecase: Json) -> re.RegexFlag:
    multi = re.MULTILINE if is_truthy(multiline) else re.NOFLAG
    return multi | (re.IGNORECASE if is_truthy(ignorecase) else re.NOFLAG)


def _regex(
    value: Json, pattern: Json, *, global_: Json = None, multiline: Json = None,
    ignorecase: Json = None,
) -> Json:  # fmt: skip
    text, flags = to_text(value), _flags(multiline=multiline, ignorecase=ignorecase)
    if is_truthy(global_):
        return [match.group() for match in search_all(to_text(pattern), text, flags)] or None
    match = search(to_text(pattern), text, flags)
    return None if match is None else [match.group(), *match.groups()]


def _replace(
    value: Json, pattern: Json, replacer: Json, *, regex: Json = None, global_: Json = None,
    multiline: Json = None, ignorecase: Json = None,
) -> Json:  # fmt: skip
    text, wanted = to_text(value), to_text(pattern)
    replacement = to_text(_or_default(replacer, ""))
    if not is_truthy(regex):
        bounded(len(text) + text.count(wanted) * len(replacement))
        return text.replace(wanted, replacement)
    flags = _flags(multiline=multiline, ignorecase=ignorecase)
    if is_truthy(global_):
        matches = search_all(wanted, text, flags)
    else:
        first = search(wanted, text, flags)
        matches = [] if first is None else [first]
    parts: list[str] = []
    end = 0
    for match in matches:
        parts += (text[end : match.start()], _expanded(replacement, match))
        end = match.end()
    bounded(sum(map(len, parts)))
    return "".join((*parts, text[end:]))


def _expanded(replacement: str, match: Match) -> str:
    def referred(reference: re.Match[str]) -> str:
        name = reference[1]
        if name == "$":
            return "$"
        if name == "&":
            return match.group()
        number = int(name)
        known = 0 < number <= len(match.groups())
        return (match.group(number) or "") if known else reference.group()

    return _GROUP_REFERENCE.sub(referred, replacement)


def _on_text(function: Callable[[str], Json], value: Json) -> Json:
    return function(to_text(value))


def _hash(algorithm: str, value: Json) -> Json:
    return hashlib.new(algorithm, _bytes(value), usedforsecurity=False).hexdigest()


def _bytes(value: Json) -> bytes:
    return to_text(value).encode("utf-8", "surrogatepass")


def _base64(value: Json) -> Json:
    return base64.b64encode(_bytes(value)).decode()


def _extract_emails(value: Json) -> Json:
    return _EMAIL.findall(to_text(value)) or None


def _extract_urls(value: Json) -> Json:
    return [url.rstrip(_URL_TAIL) for url in _URL.findall(to_text(value))]


def _encode_url(value: Json, whole: Json) -> Json:
    return quote(to_text(value), safe=_URL_SAFE if is_truthy(whole) else _COMPONENT_SAFE)


def _decode_url(value: Json, whole: Json) -> Json:
    text = to_text(value)
    if not is_truthy(whole):
        return unquote(text, errors="strict")
    kept = "|".join(f"%{ord(letter):02X}" for letter in ";,/?:@&=+$#")
    parts = re.split(f"({kept})", text, flags=re.IGNORECASE)
    return "".join(
        part if index % 2 else unquote(part, errors="strict") for index, part in enumerate(parts)
    )


def _trim(strip: Callable[..., str], value: Json, characters: Json) -> Json:
    wanted = _or_default(characters, None)
    return strip(to_text(value), None if wanted is None else to_text(wanted))


def _truncate(value: Json, length: Json, omission: Json) -> Json:
    text, most = to_text(value), _length(length, 1)
    tail = "..." if omission in (UNDEFINED, None) else to_text(omission)
    return text if len(text) <= most else text[: max(0, most - len(tail))] + tail


def _split(value: Json, delimiter: Json) -> Json:
    text = to_text(value)
    if delimiter in (UNDEFINED, None):
        return [text]
    separator = to_text(delimiter)
    return text.split(separator) if separator else list(text)


def _pad(value: Json, length: Json, side: Json, characters: Json) -> Json:
    text, filler = to_text(value), to_text(_or_default(characters, " "))
    missing = _length(length, 0) - len(text)
    if missing <= 0:
        return text
    left = {"Pad Left": missing, "Pad Right": 0}.get(to_text(side), missing // 2)
    return _repeated(filler, left) + text + _repeated(filler, missing - left)


def _repeated(filler: str, length: int) -> str:
    return (filler * (length // len(filler) + 1))[:length]


def _escape_html(value: Json) -> Json:
    return to_text(value).translate(_HTML)


def _words(value: Json) -> list[str]:
    return _WORD.findall(to_text(value).replace("'", "").replace("\u2019", ""))


def _joined_words(separator: str, value: Json) -> Json:
    return separator.join(word.lower() for word in _words(value))


def _camel_case(value: Json) -> Json:
    joined = "".join(word.capitalize() for word in _words(value))
    return joined[:1].lower() + joined[1:]


def _lower_first(value: Json) -> Json:
    text = to_text(value)
    return text[:1].lower() + text[1:]


def _upper_first(value: Json) -> Json:
    text = to_text(value)
    return text[:1].upper() + text[1:]


MODIFIERS = (
    Modifier(
        id="g_lowercase", label="Lowercase", categories=("text",), returns="string",
        run=partial(_on_text, str.lower),
    ),
    Modifier(
        id="g_uppercase", label="Uppercase", categories=("text",), returns="string",
        run=partial(_on_text, str.upper),
    ),
    Modifier(
        id="g_regex", label="Regex", categories=("text",), returns="list", run=_regex,
        arguments=(Argument("pattern", "text"),),
        named=_FLAGS,
        slow=True,
    ),
    Modifier(
        id="g_md5", label="MD5", categories=("text",), returns="string",
        run=partial(_hash, "md5"),
    ),
    Modifier(
        id="g_sha1", label="SHA1", categories=("text",), returns="string",
        run=partial(_hash, "sha1"),
    ),
    Modifier(
        id="g_sha256", label="SHA256", categories=("text",), returns="string",
        run=partial(_hash, "sha256"),
    ),
    Modifier(
        id="g_sha512", label="SHA512", categories=("text",), returns="string",
        run=partial(_hash, "sha512"),
    ),
    Modifier(
        id="g_base64", label="Base64", categories=("text",), returns="string", run=_base64,
    ),
    Modifier(
        id="g_extractEmail", label="Extract Email Addresses", categories=("text",),
        returns="list", run=_extract_emails, slow=True,
    ),
    Modifier(
        id="g_extractUrls", label="Extract URLs", categories=("text",), returns="list",
        run=_extract_urls,
    ),
    Modifier(
        id="g_encodeUrl", label="Encode URL", categories=("text",), returns="string",
        run=_encode_url, arguments=(Argument("ignore protocol prefix and domain", "boolean"),),
    ),
    Modifier(
        id="g_decodeUrl", label="Decode URL", categories=("text",), returns="string",
        run=_decode_url, arguments=(Argument("ignore protocol prefix and domain", "boolean"),),
    ),
    Modifier(
        id="g_trim", label="Trim", categories=("text",), returns="string",
        run=partial(_trim, str.strip), arguments=(Argument("chars", "text"),),
    ),
    Modifier(
        id="g_trimStart", label="Trim Start", categories=("text",), returns="string",
        run=partial(_trim, str.lstrip), arguments=(Argument("chars", "text"),),
    ),
    Modifier(
        id="g_trimEnd", label="Trim End", categories=("text",), returns="string",
        run=partial(_trim, str.rstrip), arguments=(Argument("chars", "text"),),
    ),
    Modifier(
        id="g_truncate", label="Truncate", categories=("text",), returns="string", run=_truncate,
        arguments=(Argument("length", "number"), Argument("omission", "text")),
    ),
    Modifier(
        id="g_escapeHtml", label="Escape HTML", categories=("text",), returns="string",
        run=_escape_html,
    ),
    Modifier(
        id="g_splitWords", label="Extract Words", categories=("text",), returns="list",
        run=_words,
    ),
    Modifier(
        id="g_splitByWhitespace", label="Split By Whitespace", categories=("text",),
        returns="list", run=partial(_on_text, str.split),
    ),
    Modifier(
        id="g_replace", label="Replace", categories=("text",), returns="string", run=_replace,
        arguments=(Argument("pattern", "text"), Argument("replacer", "text")),
        named=(Argument("regex", "boolean"), *_FLAGS),
        slow=True,
    ),
    Modifier(
        id="g_split", label="Split", categories=("text",), returns="list", run=_split,
        arguments=(Argument("delimiter", "text"),),
    ),
    Modifier(
        id="g_pad", label="Padding", categories=("text",), returns="string", run=_pad,
        arguments=(
            Argument("length", "number"), Argument("side", "text"), Argument("chars", "text"),
        ),
    ),
    Modifier(
        id="g_kebabCase", label="Kebab Case", categories=("text",), returns="string",
        run=partial(_joined_words, "-"),
    ),
    Modifier(
        id="g_camelCase", label="Camel Case", categories=("text",), returns="string",
        run=_camel_case,
    ),
    Modifier(
        id="g_snakeCase", label="Snake Case", categories=("text",), returns="string",
        run=partial(_joined_words, "_"),
    ),
    Modifier(
        id="g_lowerFirst", label="Lower First", categories=("text",), returns="string",
        run=_lower_first,
    ),
    Modifier(
        id="g_upperFirst", label="Upper First", categories=("text",), returns="string",
        run=_upper_first,
    ),
)  # fmt: skip
