"""MCP over HTTP for many people: `uvicorn --factory appmixer_mcp.web:create_app`."""

import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from starlette.applications import Starlette


def create_app() -> "Starlette":
    """Return the application that the `APPMIXER_` variables describe; nothing is opened yet.

    Where a setting has to be mended, it says which on stderr and ends the process with uvicorn's
    own exit code for that, or uvicorn would start worker after worker in its place.
    """
    os.umask(0o077)  # what this process writes is for its user alone
    from uvicorn.config import STARTUP_FAILURE  # noqa: PLC0415 - for whoever imports only a part

    from appmixer_mcp.errors import ConfigurationError  # noqa: PLC0415 - likewise
    from appmixer_mcp.log import set_up_logging  # noqa: PLC0415 - likewise
    from appmixer_mcp.settings import load_settings  # noqa: PLC0415 - likewise
    from appmixer_mcp.web.app import build_app  # noqa: PLC0415 - likewise

    try:
        settings = load_settings()
        set_up_logging(settings.log_level, form=settings.log_format)
        return build_app(settings)
    except ConfigurationError as error:
        sys.stderr.write(f"{error}\n")
        raise SystemExit(STARTUP_FAILURE) from None
