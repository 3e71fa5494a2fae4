"""Passwords changed, forgotten and set anew."""

import re
from datetime import timedelta
from typing import Any

import pytest

from appmixer_mcp.sandbox.clock import ManualClock
from tests.sandbox.routes.conftest import Client, Connect, problem


async def signed_up(visitor: Client, name: str = "ann@example.com") -> dict[str, str]:
    """Sign up and return the headers of a signed-in user."""
    answer = await visitor.post("/user", json={"username": name, "password": "first"})
    return {"Authorization": f"Bearer {answer.raise_for_status().json()['token']}"}


async def sign_in(visitor: Client, password: str) -> int:
    body = {"username": "ann@example.com", "password": password}
    return (await visitor.post("/user/auth", json=body)).status_code


async def mailed_codes(visitor: Client, headers: dict[str, str]) -> list[str]:
    mails = (await visitor.get("/outbox", headers=headers)).raise_for_status().json()
    return [re.findall(r"[\w-]{32}", mail["text"])[0] for mail in mails]


async def forgotten(visitor: Client) -> None:
    answer = await visitor.post("/user/forgot-password", json={"email": "Ann@Example.com"})
    assert (answer.status_code, answer.json()) == (200, {})


async def reset(visitor: Client, code: str, password: str) -> Any:
    return await visitor.post("/forgot-password/reset", json={"code": code, "password": password})


async def test_a_changed_password_signs_in_and_the_old_one_does_not(visitor: Client) -> None:
    headers = await signed_up(visitor)
    body = {"oldPassword": "first", "newPassword": "second"}

    answer = await visitor.post("/user/change-password", json=body, headers=headers)

    assert answer.status_code == 200
    assert (await sign_in(visitor, "first"), await sign_in(visitor, "second")) == (401, 200)
    assert (await visitor.get("/user", headers=headers)).status_code == 200


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"oldPassword": "wrong", "newPassword": "second"}, 403),
        ({"oldPassword": "first", "newPassword": "four"}, 400),
        ({"newPassword": "second"}, 400),
    ],
)
async def test_a_password_is_only_changed_by_who_knows_it(
    visitor: Client, body: dict[str, str], status: int
) -> None:
    headers = await signed_up(visitor)

    answer = await visitor.post("/user/change-password", json=body, headers=headers)

    assert problem(answer)[0] == status
    assert await sign_in(visitor, "first") == 200


@pytest.mark.parametrize("path", ["/forgot-password/reset", "/user/forgot-password/reset"])
async def test_a_mailed_code_gives_a_new_password_once(visitor: Client, path: str) -> None:
    headers = await signed_up(visitor)
    await forgotten(visitor)
    [code] = await mailed_codes(visitor, headers)

    first = await visitor.post(path, json={"code": code, "password": "second"})
    again = await visitor.post(path, json={"code": code, "password": "third"})

    assert (first.status_code, first.json()) == (200, {})
    assert problem(again)[0] == 400
    assert (await sign_in(visitor, "first"), await sign_in(visitor, "second")) == (401, 200)


async def test_a_code_is_good_for_an_hour(visitor: Client, clock: ManualClock) -> None:
    headers = await signed_up(visitor)
    await forgotten(visitor)
    [code] = await mailed_codes(visitor, headers)

    clock.turn(timedelta(hours=1))

    assert problem(await reset(visitor, code, "second"))[0] == 400
    assert await sign_in(visitor, "first") == 200


async def test_a_later_code_replaces_the_one_before(visitor: Client, clock: ManualClock) -> None:
    headers = await signed_up(visitor)
    await forgotten(visitor)
    clock.turn(timedelta(minutes=11))
    await forgotten(visitor)
    new, old = await mailed_codes(visitor, headers)

    assert problem(await reset(visitor, old, "second"))[0] == 400
    assert (await reset(visitor, new, "second")).status_code == 200


async def test_nobody_can_fill_an_outbox_with_codes(visitor: Client) -> None:
    headers = await signed_up(visitor)

    for _ in range(3):
        await forgotten(visitor)

    assert len(await mailed_codes(visitor, headers)) == 1


async def test_a_changed_password_voids_a_code(visitor: Client) -> None:
    headers = await signed_up(visitor)
    await forgotten(visitor)
    [code] = await mailed_codes(visitor, headers)
    body = {"oldPassword": "first", "newPassword": "second"}
    await visitor.post("/user/change-password", json=body, headers=headers)

    assert problem(await reset(visitor, code, "third"))[0] == 400


async def test_an_unknown_address_is_told_so(visitor: Client) -> None:
    answer = await visitor.post("/user/forgot-password", json={"email": "nobody@example.com"})

    assert problem(answer) == (404, "User not found.")


async def test_an_administrator_sets_anybodys_password(
    visitor: Client, root: Client, ann: Client
) -> None:
    body = {"email": "ann@example.com", "password": "second"}

    assert problem(await ann.post("/user/reset-password", json=body))[0] == 403
    assert (await root.post("/user/reset-password", json=body)).status_code == 200
    assert await sign_in(visitor, "second") == 200


async def test_a_password_for_nobody_is_not_set(root: Client, connect: Connect) -> None:
    body = {"email": "nobody@example.com", "password": "second"}

    assert problem(await root.post("/user/reset-password", json=body))[0] == 404
