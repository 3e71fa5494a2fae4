"""The fields that the conversions between XML and JSON share."""

from collections.abc import Mapping

from appmixer_mcp.sandbox.component import Field
from appmixer_mcp.sandbox.components._inputs import is_on, unusable
from appmixer_mcp.sandbox.components._xml_json import Naming
from appmixer_mcp.sandbox.context import Json
from appmixer_mcp.sandbox.javascript import to_text

_LONGEST_NAME = 100

PREFIX = Field(
    name="attributeNamePrefix", default="@", tooltip="What tells an attribute from an element."
)
TEXT_NAME = Field(
    name="textNodeName", default="#text", tooltip="Under which name text beside others lies."
)
IGNORE_ATTRIBUTES = Field(
    name="ignoreAttributes", type="toggle", default=False, tooltip="Leave attributes out."
)


def short_text(fields: Mapping[str, Json], field: Field) -> str:
    """Return what a field says, its default when it is empty.

    Raises:
        ComponentFailedError: It is longer than any name (retry=False): it is written many times.
    """
    text = to_text(fields.get(field.name) or field.default or "")
    if len(text) > _LONGEST_NAME:
        raise unusable(field.name, f"may have {_LONGEST_NAME} characters at most")
    return text


def naming_of(fields: Mapping[str, Json]) -> Naming:
    """Return what the fields say; an empty text counts as not set.

    Raises:
        ComponentFailedError: A name is too long (retry=False).
    """
    return Naming(
        attribute_prefix=short_text(fields, PREFIX),
        text_name=short_text(fields, TEXT_NAME),
        ignore_attributes=is_on(fields.get(IGNORE_ATTRIBUTES.name)),
    )
