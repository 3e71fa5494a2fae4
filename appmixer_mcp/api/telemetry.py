"""Telemetry: how much the signed-in user's flows do."""

from datetime import date

from .call import Call, path, query
from .models.telemetry import Usage
from .resource import Resource


class Telemetry(Resource):
    """The signed-in user's usage; that of others is for administrators, and has no method."""

    async def get_telemetry(
        self, *, first_day: date | None = None, last_day: date | None = None
    ) -> Usage:
        """Return how many messages there were, and what runs now.

        Args:
            first_day: Messages from this day on, in UTC; the tenant chooses if None.
            last_day: Until this day, included; until now if None.
        """
        self._needs_appmixer("get_telemetry")
        asked = query(
            {
                "from": first_day.isoformat() if first_day else None,
                "to": last_day.isoformat() if last_day else None,
            }
        )
        call = Call("GET", path("telemetry"), asked, advice={404: "This tenant has no telemetry."})
        return await self._transport.request(call, Usage)
