"""What a tenant says about itself."""

from .call import Call
from .models.system import ApiInfo
from .resource import Resource


class System(Resource):
    """The tenant as a whole; the same call in both dialects."""

    async def get_api_info(self) -> ApiInfo:
        """Return the tenant's version; works without anybody signed in.

        Raises:
            UnexpectedAnswerError: What answers is a web page, so no API.
        """
        return await self._transport.request(Call("GET", "/", signed=False), ApiInfo)
