"""Metadata documents of clients, as their sites serve them."""

from dataclasses import dataclass, field

from appmixer_mcp.oauth.client_documents import FetchedDocument


@dataclass
class Documents:
    """Metadata documents by URL, and which of them were asked for."""

    served: dict[str, FetchedDocument | Exception]
    asked: list[str] = field(default_factory=list[str])

    async def fetch(self, url: str) -> FetchedDocument:
        self.asked.append(url)
        found = self.served[url]
        if isinstance(found, Exception):
            raise found
        return found
