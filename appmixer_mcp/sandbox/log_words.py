"""What the index of words holds of a record, and how a phrase is looked for in it.

The tokenizer of `log_words` (schema/002) finds words of letters, digits and underscores, in any
case. What it would not part is parted here, alike in records and in what is looked for.
"""

import hashlib
import re
from functools import lru_cache

SCOPES = {"user_id": "u", "component_id": "c", "severity": "s"}
"""Columns of `log` of which the index holds a word each, and how that word begins."""
WORDS = {"msg": "msg_words", "err": "err_words", "input_messages": "input_words"}
"""Columns of `log` whose words the index holds, and its own names for them."""

_ESCAPE = re.compile(r'\\(?:u([0-9a-fA-F]{4})|([bfnrt])|(["\\/]))')
# Chinese and Japanese are written without spaces: each sign is a word, as for Elasticsearch.
_IDEOGRAPH = re.compile("([\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff])")
_WORD = re.compile(r"\w")


def scope_word(column: str, value: str) -> str:
    """Return the word that stands for a value of one of the columns in `SCOPES`."""
    return SCOPES[column] + _digest(value)


def flow_word(owner_id: str, flow_id: str) -> str:
    """Return the word that stands for a flow of an owner: of nobody else's flow with this id."""
    return "f" + _digest(f"{owner_id} {flow_id}")


def indexed(json_text: str) -> str:
    r"""Return what the index gets of a JSON text; `\n` in it is no part of the next word."""
    text = _ESCAPE.sub(_unescaped, json_text) if "\\" in json_text else json_text
    return _parted(text)


def quoted(text: str) -> str | None:
    """Return a text as a phrase of the index's query language, or None when it holds no word."""
    if not _WORD.search(text):
        return None
    return '"' + _parted(text).replace('"', " ") + '"'


@lru_cache(maxsize=4096)
def _digest(value: str) -> str:
    return hashlib.blake2b(value.encode(), digest_size=12).hexdigest()


def _parted(text: str) -> str:
    if text.isascii():
        return text.replace("\0", " ")
    return _IDEOGRAPH.sub(r" \1 ", text).replace("\0", " ")


def _unescaped(found: re.Match[str]) -> str:
    code, _, itself = found.groups()
    if code:
        character = chr(int(code, 16))
        return " " if "\ud800" <= character <= "\udfff" else character
    return itself or " "
