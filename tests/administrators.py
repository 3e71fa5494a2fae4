"""Somebody who may look after other users: no call of a tenant's makes the first one."""

from appmixer_mcp.sandbox.tenant import Tenant


def make_administrator(tenant: Tenant, email: str) -> None:
    """Give a user who has signed up, or signed in once, the rights of an administrator."""
    with tenant.database.transaction() as connection:
        changed = connection.execute(
            """UPDATE user SET scope_json = '["user", "admin"]' WHERE email = ?""", (email,)
        )
    assert changed.rowcount == 1, f"nobody has the address {email}"
