"""MCP over HTTP for many people: `uvicorn --factory appmixer_mcp.web:create_app`."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette


def create_app() -> "Starlette":
    """Return the application that the `APPMIXER_` variables describe; nothing is opened yet.

    Raises:
        ConfigurationError: A setting has to be mended; says which.
    """
    os.umask(0o077)  # what this process writes is for its user alone
    from appmixer_mcp.log import set_up_logging  # noqa: PLC0415 - for whoever imports only a part
    from appmixer_mcp.settings import load_settings  # noqa: PLC0415 - likewise
    from appmixer_mcp.web.app import build_app  # noqa: PLC0415 - likewise

    settings = load_settings()
    set_up_logging(settings.log_level, form=settings.log_format)
    return build_app(settings)
