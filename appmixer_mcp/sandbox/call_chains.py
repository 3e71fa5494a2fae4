"""Through which webhooks a run was reached from within the tenant, so that a loop is seen (ours).

A flow may call a webhook of its own tenant, and that one another. What a run came through travels
along with such calls, from one correlation to the next.
"""

from collections import OrderedDict
from urllib.parse import quote

HEADER = "x-appmixer-sandbox-through"
"""Goes with calls of the tenant's own webhooks alone."""
_MOST_RUNS = 10_000
_LONGEST_CHAIN = 20

Run = tuple[str, str]
"""A flow's id and a correlation id."""


class CallChains:
    """What the newest runs came through, in memory: it only guards against loops."""

    def __init__(self) -> None:
        self._chains: OrderedDict[Run, str] = OrderedDict()

    def begin(self, run: Run, component_id: str, header: str) -> None:
        """Note that a run begins at a webhook.

        Args:
            run: The flow's.
            component_id: Whose webhook was called.
            header: What came along with the call; empty when it came from outside.
        """
        through = dict.fromkeys([*header.split(), link(run[0], component_id)])
        self._note(run, " ".join([*through][-_LONGEST_CHAIN:]))

    def follow(self, run: Run, cause: Run) -> None:
        """Note that a run was begun by another one, past any webhook."""
        chain = self.of(cause)
        if chain:
            self._note(run, chain)

    def of(self, run: Run) -> str:
        """Return what a run came through as the header says it; empty when that is not known."""
        return self._chains.get(run, "")

    def _note(self, run: Run, chain: str) -> None:
        self._chains[run] = chain
        self._chains.move_to_end(run)
        if len(self._chains) > _MOST_RUNS:
            self._chains.popitem(last=False)


def link(flow_id: str, component_id: str) -> str:
    """Return how a webhook stands in the header."""
    return f"{quote(flow_id, safe='')}/{quote(component_id, safe='')}"
