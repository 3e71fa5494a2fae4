"""What the resources of the client have in common."""

from .dialect import Dialect, missing
from .transport import Transport


class Resource:
    """The methods of one kind of object."""

    def __init__(self, transport: Transport, dialect: Dialect) -> None:
        self._transport = transport
        self._openapi = dialect == "openapi"

    def _needs_appmixer(self, method: str) -> None:
        """Refuse a method that the `openapi` dialect has no call for."""
        if self._openapi:
            raise missing(method)
