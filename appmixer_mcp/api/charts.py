"""Charts over a user's logs (Insights)."""

from collections.abc import Mapping
from typing import Any

from appmixer_mcp.errors import NotFoundError

from .call import Call, json_body, no_such, path, query
from .dialect import cut, refuse_arguments
from .models.base import ChartId
from .models.charts import Chart, ChartReference
from .resource import Resource


class Charts(Resource):
    """The charts of the signed-in user; the `openapi` dialect can list and read them."""

    async def list_charts(
        self,
        *,
        pattern: str | None = None,
        limit: int | None = None,
        offset: int | None = None,
        sort: str | None = None,
    ) -> list[Chart]:
        """Return one page of charts; empty when none fits.

        Args:
            pattern: Part of the name.
            limit: Page size; the API's own default is 100.
            offset: Index of the first chart, from 0.
            sort: `field:1` or `field:-1`.

        Raises:
            InputError: Among others that the `openapi` dialect has no `pattern` and no `sort`.
        """
        if self._openapi:
            refuse_arguments("list_charts", pattern=pattern, sort=sort)
            return cut(await self._all(), limit, offset)
        asked = query({"pattern": pattern, "limit": limit, "offset": offset, "sort": sort})
        return await self._transport.request(Call("GET", path("charts"), asked), list[Chart])

    async def get_chart(self, chart_id: ChartId) -> Chart:
        """Return one chart.

        Raises:
            NotFoundError: There is none, or it is another user's.
        """
        call = Call("GET", path("charts", chart_id), advice=_no_chart(chart_id))
        if not self._openapi:
            return await self._transport.request(call, Chart)
        for chart in await self._all():
            if chart.chart_id == chart_id:
                return chart
        raise NotFoundError(call.advice[404])

    async def create_chart(self, name: str, definition: Mapping[str, Any] | None = None) -> ChartId:
        """Create a chart and return its id.

        Args:
            name: What people see.
            definition: `index`, `type`, `query`, `options` and `traces`; each has a default.

        Raises:
            InputError: The API refuses the definition.
        """
        self._needs_appmixer("create_chart")
        call = Call("POST", path("charts"), body=json_body({**(definition or {}), "name": name}))
        return (await self._transport.request(call, ChartReference)).chart_id

    async def update_chart(self, chart_id: ChartId, definition: Mapping[str, Any]) -> Chart:
        """Change a chart and return it whole.

        Args:
            chart_id: Which one.
            definition: `name` and what `create_chart` takes. Some tenants may take what is left
                out for empty (no source says), so send all of it.
        """
        self._needs_appmixer("update_chart")
        call = Call(
            "PUT",
            path("charts", chart_id),
            body=json_body(dict(definition)),
            advice=_no_chart(chart_id),
        )
        return await self._transport.request(call, Chart)

    async def delete_chart(self, chart_id: ChartId) -> None:
        """Delete a chart; what it was drawn from stays."""
        self._needs_appmixer("delete_chart")
        call = Call("DELETE", path("charts", chart_id), advice=_no_chart(chart_id))
        await self._transport.send(call)

    async def _all(self) -> list[Chart]:
        return await self._transport.request(Call("GET", path("insights")), list[Chart])


def _no_chart(chart_id: ChartId) -> dict[int, str]:
    return no_such("chart", chart_id, "list_charts")
