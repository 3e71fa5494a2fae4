"""Files of the one directory that the operator set aside on the server's machine."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.toolset import ToolContext

if TYPE_CHECKING:
    from appmixer_mcp.file_directory import FileDirectory

LocalName = Annotated[
    str, Field(description="Relative name in the server's own directory, such as may/stock.json.")
]


def directory_of(ctx: ToolContext, instead: str) -> "FileDirectory":
    """Return the directory.

    Args:
        ctx: The call's.
        instead: A sentence that says what to do where there is none.

    Raises:
        ConfigurationError: There is none.
    """
    if ctx.files is None:
        raise ConfigurationError(
            f"This server has no directory for files. {instead} On stdio and for `appmixer-mcp "
            "call`, the operator may set APPMIXER_FILES_DIR."
        )
    return ctx.files
