"""The journal of changes: what flows, stores and records were before a tool wrote to them."""

from .journal import UNWRITABLE, USUAL_MAX_BYTES, Change, Contents, Journal, Kind
from .states import ABSENT, State, digest_of, flow_state, json_size

__all__ = [
    "ABSENT",
    "UNWRITABLE",
    "USUAL_MAX_BYTES",
    "Change",
    "Contents",
    "Journal",
    "Kind",
    "State",
    "digest_of",
    "flow_state",
    "json_size",
]
