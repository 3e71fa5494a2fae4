"""What is believed of a token, asked for by a client or by the server itself."""

import httpx2

from appmixer_mcp.api import AppmixerClient
from appmixer_mcp.state import MemoryState
from appmixer_mcp.web.verifiers import BearerVerifier

URL = "https://tenant.example"


async def test_many_sign_ins_that_have_ended_do_not_keep_a_watch_from_seeing_that():
    accepts, now = [True], [0.0]

    def tenant(request):
        token = request.headers["Authorization"].removeprefix("Bearer ")
        status, user = (200, {"id": token}) if accepts[0] else (401, {})
        return httpx2.Response(status, json=user)

    async def open_as(token, _signed_in_with):
        transport = httpx2.MockTransport(tenant)
        return AppmixerClient(URL, access_token=token.get_secret_value(), transport=transport)

    verifier = BearerVerifier(URL, open_as, MemoryState(), clock=lambda: now[0])
    verified = [await verifier.verify(f"token-{one}", "192.0.2.1") for one in range(40)]
    accepts[0] = False
    said = []
    for _ in range(2):
        now[0] += 100
        said += [await one.session.is_signed_in() for one in verified if one]

    assert said == [False] * 80
