"""Files that flows read and write."""

from pydantic import AliasChoices, Field

from .base import ApiModel, FileId, Instant


class FileInfo(ApiModel):
    """A file, without its content."""

    file_id: FileId = Field(
        validation_alias=AliasChoices("fileId", "id"), serialization_alias="fileId"
    )
    """A UUID."""

    filename: str | None = None
    """As it was uploaded; not unique."""

    length: int | None = None
    """Size in bytes."""

    content_type: str | None = None
    """Media type, as whoever uploaded it said."""

    md5: str | None = None
    """Of the content; absent while parts of it are missing."""

    uploaded_at: Instant = Field(
        default=None,
        validation_alias=AliasChoices("uploadDate", "createdAt"),
        serialization_alias="uploadDate",
    )
    """When it was stored."""
