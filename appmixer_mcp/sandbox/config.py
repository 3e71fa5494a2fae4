"""What a sandbox tenant is told when it is made; nothing here is read from the environment."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import SecretStr

LOCAL_USER = "demo@appmixer.local"
"""The user that the demo data belongs to and that local processes sign in as."""


@dataclass(frozen=True, kw_only=True)
class TenantConfig:
    """One tenant's settings. Limits and defaults are Appmixer's own where they are documented."""

    data_dir: Path
    """Holds the database; made with mode 0700 when it is missing."""
    public_url: str
    """Where the API answers, such as `http://127.0.0.1:2200`; webhook URLs start with it."""
    jwt_key: SecretStr
    """Signs access tokens (HS256), at least 32 characters."""
    local_key: SecretStr | None = None
    """Accepted as the password of `LOCAL_USER`, who is made when missing; None accepts no key."""
    demo_password: SecretStr | None = None
    """Password of `LOCAL_USER` when demo data is seeded; None lets only the local key in."""
    demo: bool = True
    """Whether an empty database is filled with the demo user's flows, store, task and chart."""
    dialect: Literal["appmixer", "openapi"] = "appmixer"
    """Which shape a path answers with where the two documents of the API disagree."""
    egress: Literal["public", "any", "off"] = "public"
    """Which addresses the HTTP components of a flow may reach."""
    cors_origins: tuple[str, ...] = ()
    """Further browser origins that may call the API, beside those on loopback."""
    allowed_hosts: tuple[str, ...] = ()
    """Further Host names that are answered, beside loopback names and that of `public_url`."""
    admins: tuple[str, ...] = ()
    """E-mail addresses whose users have the scope `admin`, beside those an administrator gave it.

    Nobody can sign up with one of them: whoever came first would be an administrator.
    """
    token_lifetime_s: int = 30 * 24 * 3600
    """How long an access token is valid (documented: GRIDD_JWT_TOKEN_EXP, 30 days)."""
    log_retention_s: int = 30 * 24 * 3600
    """How long log records are kept (ours); 0 keeps them for good."""
    webhook_timeout_s: float = 10.0
    """How long a webhook waits for the flow's answer (documented: WEBHOOK_REQUEST_TIMEOUT)."""
    webhook_max_bytes: int = 1_048_576
    """Largest webhook body (documented: LIMIT_WEBHOOK_BYTES)."""
    flow_max_bytes: int = 2_097_152
    """Largest flow body (documented: LIMIT_FLOW_UPDATE_BYTES)."""
    component_archive_max_bytes: int = 10_485_760
    """Largest archive of components (documented: LIMIT_CC_ARCHIVE_MAX_BYTES)."""
    file_max_bytes: int = 104_857_600
    """Largest file that is uploaded, all of its parts together (ours)."""
    dashboard_url: str = ""
    """Where people decide on tasks, for links in mails; empty means there is no such page."""
    retry_init_s: float = 60.0
    """First wait before a failed message is tried again; doubles (documented: RETRY_INIT_EXP)."""
    retry_max_count: int = 30
    """Most repetitions of one message (documented: RETRY_MAX_COUNT)."""
    timer_min_s: float = 60.0
    """Shortest timer a component can set; shorter ones are rounded up (documented: 60 s)."""
    tick_interval_s: float = 60.0
    """How often components with a tick look for news (documented: 60 s)."""
    receive_timeout_s: float = 1380.0
    """Longest a component may work on one message (documented: COMPONENT_RECEIVE_TIMEOUT)."""
    concurrency: int = 16
    """How many messages are worked on at once."""
