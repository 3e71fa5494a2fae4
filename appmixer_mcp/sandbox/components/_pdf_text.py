"""The text of a PDF; runs confined, since a damaged PDF can keep its reader busy without end."""

import io

from appmixer_mcp.errors import ComponentFailedError
from appmixer_mcp.sandbox.components._file_content import check_size

_MOST_PAGES = 2_000


def text_of_pdf(content: bytes) -> bytes:
    """Return the text of all pages in UTF-8, a blank line between them.

    Raises:
        ComponentFailedError: It is no PDF, is protected, or has too many pages (retry=False).
    """
    import logging  # noqa: PLC0415 - with pypdf, below

    from pypdf import PdfReader  # noqa: PLC0415 - takes a while to load
    from pypdf.errors import PyPdfError  # noqa: PLC0415

    logging.disable()  # standard error is for the one message that ends the work
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted and not reader.decrypt(""):
            raise ComponentFailedError("The PDF is protected by a password.", retry=False)
        if len(reader.pages) > _MOST_PAGES:
            raise ComponentFailedError(
                f"The PDF has {len(reader.pages):,} pages; at most {_MOST_PAGES:,} are read.",
                retry=False,
            )
        pages = [page.extract_text() for page in reader.pages]
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ComponentFailedError(
            f"The file cannot be read as a PDF: {error}.", retry=False
        ) from error
    text = "\n\n".join(pages).encode("utf-8", "replace")
    check_size(len(text))
    return text
