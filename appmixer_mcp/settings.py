"""Every setting, read once from the environment by `cli.py` and handed on."""

import difflib
import os
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from platformdirs import user_data_path
from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from appmixer_mcp.confirmation import Policy
from appmixer_mcp.errors import ConfigurationError
from appmixer_mcp.log import Form, Level

PREFIX = "APPMIXER_"
_LOOPBACK_NAMES = ("localhost", "127.0.0.1", "::1")


def _reason(message: str) -> str:
    """Say in our words what pydantic says of a value."""
    for theirs, ours in (
        ("Value error, ", ""),
        ("Input should be a valid boolean, unable to interpret input", "it must be true or false"),
        ("Input should be ", "it must be "),
    ):
        if message.startswith(theirs):
            return ours + message.removeprefix(theirs)
    return message


def _web_address(text: str) -> str:
    if text and not text.startswith(("http://", "https://")):
        raise ValueError("it must start with http:// or https://")
    if "@" in text:  # it is shown to every client
        raise ValueError("it must not hold a user name or password; they have their own settings")
    return text


def _web_addresses(text: str) -> str:
    for address in listed(text):
        _web_address(address)
    return text


def _origin(text: str) -> str:
    text = _web_address(text).rstrip("/")
    parts = urlsplit(text)
    if parts.port and parts.port == {"https": 443, "http": 80}.get(parts.scheme):
        raise ValueError("it must not name the usual port, which clients leave out")
    if text and (not parts.hostname or text != f"{parts.scheme}://{parts.netloc.lower()}"):
        raise ValueError("it must be scheme and host alone, such as https://mcp.example.com")
    if parts.scheme == "http" and parts.hostname not in _LOOPBACK_NAMES:
        raise ValueError("it must start with https://, except on this machine itself")
    return text


def _own_home(path: Path | None) -> Path | None:
    return path.expanduser() if path else None


def _networks(text: str) -> str:
    for network in listed(text):
        try:
            ip_network(network)
        except ValueError:
            raise ValueError("each must be an address or a network such as 10.0.0.0/8") from None
    return text


class Settings(BaseSettings):
    """The operator's settings; each is an environment variable with the prefix `APPMIXER_`."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True
    )

    base_url: Annotated[str, AfterValidator(_web_address)] = Field(
        default="", description="The tenant's API, such as `https://api.acme.appmixer.cloud`. "
        "Without it the embedded sandbox serves.",
    )  # fmt: skip
    access_token: SecretStr | None = Field(
        default=None, description="Signs the server in to the tenant."
    )
    username: str = Field(
        default="", description="Signs in with a password instead, and again when a token expires."
    )
    password: SecretStr | None = Field(default=None, description="Goes with the user name.")
    api_dialect: Literal["appmixer", "openapi"] = Field(
        default="appmixer",
        description="`openapi` for a tenant that knows only the paths of the OpenAPI document "
        "(`/data-stores`, `/insights`, `PUT /flows/{id}/start`).",
    )
    profile: str = Field(
        default="", description="Takes tenant, dialect and credentials from the profile of this "
        "name, which `appmixer-mcp profile add` made; each setting of its own wins over it.",
    )  # fmt: skip
    allowed_base_urls: Annotated[str, AfterValidator(_web_addresses)] = Field(
        default="", description="Further base URLs, comma-separated, that `configure_session` may "
        "switch to.",
    )  # fmt: skip
    connect_timeout_s: float = Field(
        default=5.0, gt=0, description="Longest wait for a connection to the tenant."
    )
    timeout_s: float = Field(
        default=30.0, gt=0, description="Longest wait for a whole answer of the tenant."
    )
    toolsets: str = Field(
        default="default", description="Presets (default, sdk, core, all), groups and single "
        "tools, comma-separated. The group gateway is served only if named.",
    )  # fmt: skip
    read_only: bool = Field(
        default=False, description="Removes every tool that writes, from the list and the call."
    )
    confirm: Policy = Field(
        default="auto",
        description="When a destructive call acts: `auto` when the person said yes, asked through "
        "the client where it can, else after a preview and `confirm=true`; `token` likewise, but "
        "with the token of the preview; `flag` with `confirm=true` alone; `off` at once.",
    )
    confirm_timeout_s: float = Field(
        default=600.0,
        gt=0,
        le=86_400,
        description="How long a question or a preview waits for its answer.",
    )
    max_result_bytes: int = Field(
        default=20_000, ge=2_000, description="Longest text of a tool's result; more is cut."
    )
    watch_interval_s: float = Field(
        default=1.0,
        gt=0,
        description="Between two looks at what a subscribed client listens to, at least.",
    )
    log_level: Annotated[Level, BeforeValidator(str.upper)] = Field(
        default="INFO", description="What is logged to stderr."
    )
    log_format: Form = Field(default="text", description="`json` logs one JSON object a line.")
    tracing: bool = Field(
        default=False,
        description="Sends OpenTelemetry traces, as the `OTEL_` variables say; needs the extra "
        "`appmixer-mcp[otel]`.",
    )
    auth: Literal["none", "bearer", "oauth"] = Field(
        default="none",
        description="Whose credentials serve a call over HTTP: `none` the operator's, on this "
        "machine only; `bearer` the Appmixer token that each request brings; `oauth` whoever "
        "signed in through the browser.",
    )
    public_url: Annotated[str, AfterValidator(_origin)] = Field(
        default="", description="Where people and clients reach the server, such as "
        "`https://mcp.example.com`; `oauth` needs it.",
    )  # fmt: skip
    encryption_key: SecretStr | None = Field(
        default=None,
        description="Encrypts Appmixer's tokens at rest, at least 32 characters; `oauth` needs "
        "it. Several, comma-separated: the first encrypts, each decrypts.",
    )
    redis_url: SecretStr | None = Field(
        default=None, description="Shares sign-ins, limits and notices between several workers."
    )
    allowed_hosts: str = Field(
        default="", description="Further Host names, comma-separated, that HTTP requests may name "
        "beside those of this machine and of the public URL.",
    )  # fmt: skip
    allowed_origins: str = Field(
        default="", description="Further origins, comma-separated, of web pages that may call."
    )
    trusted_proxies: Annotated[str, AfterValidator(_networks)] = Field(
        default="", description="Addresses and networks, comma-separated, of proxies whose "
        "`X-Forwarded-For` is believed.",
    )  # fmt: skip
    max_sessions: int = Field(
        default=1_000,
        gt=0,
        description="Most open sessions of older clients, and as many SSE "
        "streams; one user has at most a tenth of either.",
    )
    session_idle_s: float = Field(
        default=1_800.0, gt=0, description="How long a session may stay unused."
    )
    max_body_bytes: int = Field(
        default=4_194_304, ge=65_536, description="Largest body of an HTTP request."
    )
    body_timeout_s: float = Field(
        default=15.0, gt=0, description="Longest wait for the body of an HTTP request."
    )
    max_requests: int = Field(
        default=500, gt=0, description="Most HTTP requests, open streams included, at once."
    )
    calls_per_minute: int = Field(
        default=300,
        ge=0,
        description="Most tool calls of one user a minute over HTTP; 0: no limit.",
    )
    calls_at_once: int = Field(
        default=16, ge=0, description="Most tool calls of one user at once over HTTP; 0: no limit."
    )
    metrics_token: SecretStr | None = Field(
        default=None, description="Lets `/metrics` be read from elsewhere than this machine."
    )
    data_dir: Annotated[Path, AfterValidator(Path.expanduser)] = Field(
        default_factory=lambda: user_data_path("appmixer-mcp", appauthor=False),
        description="Where the embedded sandbox keeps its data and every server its journal of "
        "changes; the user data directory if unset.",
    )
    journal_max_bytes: int = Field(
        default=67_108_864, ge=0,
        description="How much of what flows, stores and records were before each change is kept "
        "in the data directory, for `undo_change`; 0 keeps nothing.",
    )  # fmt: skip
    files_dir: Annotated[Path | None, AfterValidator(_own_home)] = Field(
        default=None,
        description="The one directory that tools save files to and read them from (`save_file`, "
        "`upload_file`, `export_flow` and others), on stdio and by `call` alone; none if unset.",
    )
    sandbox_egress: Literal["public", "any", "off"] = Field(
        default="public",
        description="Which addresses the sandbox's flows may call: public ones, any, or none.",
    )
    sandbox_cors_origins: str = Field(
        default="", description="Further browser origins, comma-separated, that the sandbox's API "
        "answers; those on loopback always may.",
    )  # fmt: skip
    sandbox_allowed_hosts: str = Field(
        default="", description="Further Host names, comma-separated, that the sandbox answers."
    )
    sandbox_admins: str = Field(
        default="", description="E-mail addresses, comma-separated, of the sandbox's users that "
        "may administer it; nobody can sign up with one of these any more.",
    )  # fmt: skip
    sandbox_log_days: int = Field(
        default=30, ge=0, le=36_500,
        description="How many days the sandbox keeps log records; 0 keeps them for good.",
    )  # fmt: skip
    sandbox_dashboard_url: str = Field(
        default="",
        description="Page of people tasks that the sandbox's approval mails lead to.",
    )
    sandbox_timer_min_s: float = Field(
        default=60.0, ge=0, description="Shortest timer of the sandbox's flows; Appmixer's is 60."
    )


def load_settings(**flags: object) -> Settings:
    """Read the environment; a flag that is not None overrides its variable.

    Raises:
        ConfigurationError: A variable has a value that cannot be used, looks like a setting that
            is written otherwise, or needs another one; names each, shows no value.
    """
    misspelt = [
        f"{name} is no setting; did you mean {near}?"
        for name, near in unknown_variables().items()
        if near
    ]
    if misspelt:  # the server would work without it, on another tenant perhaps
        raise ConfigurationError(" ".join(misspelt))
    try:
        given = {name: value for name, value in flags.items() if value is not None}
        settings = Settings(**given)  # type: ignore[arg-type] # checked by the model itself
    except ValidationError as error:
        said = [
            f"{PREFIX}{str(one['loc'][0]).upper()}: {_reason(one['msg'])}."
            for one in error.errors(include_input=False)
        ]
        raise ConfigurationError("A setting cannot be used. " + " ".join(said)) from None
    if settings.profile:
        settings = _with_profile(settings, base_url_by_flag="base_url" in given)
    _refuse_halves(settings)
    return settings


def _with_profile(settings: Settings, *, base_url_by_flag: bool) -> Settings:
    """Take from the profile what is not set otherwise; its secrets stay where they are kept."""
    from appmixer_mcp.profiles import Profiles  # noqa: PLC0415 - most starts need none

    profile = Profiles().get(settings.profile)
    other = settings.base_url.rstrip("/") not in ("", profile.base_url)
    if other and not base_url_by_flag:  # the wrong tenant would be served, which nobody sees
        raise ConfigurationError(
            f"{PREFIX}BASE_URL names another tenant than the profile {settings.profile!r}. Unset "
            "it, or leave the profile out."
        )
    if other:
        return settings
    taken = {"base_url": profile.base_url, "api_dialect": profile.api_dialect}
    absent = taken.keys() - settings.model_fields_set
    return settings.model_copy(update={name: taken[name] for name in absent})


def unknown_variables() -> dict[str, str]:
    """Return each variable with our prefix that is no setting, and the setting it looks like."""
    known = [f"{PREFIX}{name.upper()}" for name in Settings.model_fields]
    unknown = [name for name in os.environ if name.startswith(PREFIX) and name not in known]
    near = {name: difflib.get_close_matches(name, known, n=1, cutoff=0.85) for name in unknown}
    return {name: found[0] if found else "" for name, found in near.items()}


def _refuse_halves(settings: Settings) -> None:
    if bool(settings.username) != (settings.password is not None):
        raise ConfigurationError(f"{PREFIX}USERNAME and {PREFIX}PASSWORD go together; set both.")
    if not settings.base_url and (settings.username or settings.access_token):
        raise ConfigurationError(
            f"There are credentials, but no {PREFIX}BASE_URL for them. Set it to the tenant's API, "
            "or remove them to work on the sandbox."
        )


def listed(text: str) -> list[str]:
    """Split a comma-separated setting; empty when there is nothing in it."""
    return [part.strip() for part in text.split(",") if part.strip()]
