# ruff: noqa: PLC0415 - what start-up must not wait for is imported where it is used
"""The command line: which command runs, and with which settings."""

import argparse
import gc
import os
import signal
import sys
from collections.abc import Collection, Sequence
from contextlib import ExitStack
from dataclasses import fields
from typing import TYPE_CHECKING, Any, get_args

import anyio

from appmixer_mcp import __version__
from appmixer_mcp.errors import AppmixerError, ConfigurationError
from appmixer_mcp.log import set_up_logging
from appmixer_mcp.settings import PREFIX, Settings, load_settings
from appmixer_mcp.wiring import Wiring, sandbox_options

if TYPE_CHECKING:
    from appmixer_mcp.confirmation import Policy
    from appmixer_mcp.server import AppmixerServer
    from appmixer_mcp.subscribing import Subscriptions

Arguments = dict[str, Any]

_FAILED, _USAGE, _INTERRUPTED, _NOBODY_READS = 1, 2, 130, 141
_HIGHEST_PORT = 65_535
_SANDBOX_SETTINGS = [
    name for name in Settings.model_fields if name.startswith(("data_", "log_", "sandbox_"))
]
_FURTHER_FLAGS = {"data_dir": ["--data"], "sandbox_admins": ["--admin"]}
_ABOUT = """\
Serves Appmixer, the workflow automation platform, to AI assistants over MCP. Without a command
it serves over stdio. Without APPMIXER_BASE_URL it serves a sandbox of its own, which really runs
flows.
"""
_CALL_HELP = """\
A value is text unless the tool's schema says otherwise (`appmixer-mcp tools --json`); numbers, true
and false, lists and objects are JSON. key=@FILE and key=- read a file and stdin, and secrets are
taken only so. Exit code: 0 done, 1 the tool failed, 2 usage, 3 it has to be confirmed first.
"""

_PROFILE_HELP = """\
Profiles are kept in the file config.toml of your configuration directory, and chosen with
--profile NAME or APPMIXER_PROFILE. A token or password is asked for, or read from stdin, and is
kept in the keyring of the operating system where it has one, else in the file.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command.

    Args:
        argv: The command line without the program's name; the process's own by default.

    Returns:
        The exit code: 0 done, 1 something failed, 2 usage or configuration, 3 to be confirmed.
    """
    arguments = _parsed(argv)
    run = arguments.pop("run", _serve)
    # What this process writes, the sandbox's database above all, is for this user alone.
    os.umask(0o077)
    try:
        code: int = run(arguments)
        sys.stdout.flush()
    except KeyboardInterrupt:
        code = _INTERRUPTED
    except (BrokenPipeError, BaseExceptionGroup) as error:
        if isinstance(error, BaseExceptionGroup) and error.split(BrokenPipeError)[1] is not None:
            raise
        code = _nobody_reads()
    except AppmixerError as error:
        sys.stderr.write(f"{error}\n")
        code = _USAGE if isinstance(error, ConfigurationError) else _FAILED
    return code


def _nobody_reads() -> int:
    """Keep Python from writing, as it ends, what is left for a pipe such as `| head` closed."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return _NOBODY_READS


def _parsed(argv: Sequence[str] | None) -> Arguments:
    parser = _parser()
    known, rest = parser.parse_known_args(argv)
    arguments = vars(known)
    if "pairs" in arguments and not any(text.startswith("-") for text in rest):
        # argparse gives up a list of arguments as soon as an option stands among them.
        arguments["pairs"] += rest
    elif rest:
        parser.error(f"unrecognized arguments: {' '.join(rest)}")
    return arguments


def _parser() -> argparse.ArgumentParser:
    settings = _settings_parser(Settings.model_fields)
    parser = argparse.ArgumentParser(
        "appmixer-mcp",
        usage="appmixer-mcp [COMMAND] [OPTIONS]",
        description=_ABOUT,
        parents=[settings],
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"appmixer-mcp {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", prog="appmixer-mcp")

    def command(
        name: str,
        run: Any,
        text: str,
        *,
        takes: str = "[OPTIONS]",
        parents: Sequence[argparse.ArgumentParser] = (settings,),
        epilog: str | None = None,
    ) -> argparse.ArgumentParser:
        made = commands.add_parser(
            name,
            usage=f"appmixer-mcp {name} {takes}",
            help=text,
            parents=list(parents),
            argument_default=argparse.SUPPRESS,
            allow_abbrev=False,
            formatter_class=argparse.RawDescriptionHelpFormatter,
            description=f"{text[0].upper()}{text[1:]}.",
            epilog=epilog,
        )
        made.set_defaults(run=run)
        return made

    _add_serve_arguments(command("serve", _serve, "serve MCP, as without a command"))
    _add_sandbox_arguments(
        command(
            "sandbox",
            _sandbox,
            "serve the sandbox's REST API alone",
            parents=(_settings_parser(_SANDBOX_SETTINGS),),
        )
    )
    command("demo", _demo, "show what the server does, on a sandbox of its own", parents=())
    tools = command("tools", _tools, "list the tools")
    tools.add_argument("--json", action="store_true", help="with their schemas, as JSON")
    call = command(
        "call",
        _call,
        "call a tool and print its result as JSON",
        takes="TOOL [key=value ...] [OPTIONS]",
        epilog=_CALL_HELP,
    )
    call.add_argument("name", metavar="TOOL", help="its name")
    call.add_argument(
        "pairs", nargs="*", default=[], metavar="key=value", help="the tool's arguments"
    )
    call.add_argument(
        "--json",
        dest="json_text",
        metavar="TEXT",
        help="all arguments as one JSON object; @FILE and - read it from a file and stdin",
    )
    command("doctor", _doctor, "say what is configured, and what answers")
    _add_profile_arguments(
        command(
            "profile",
            _profile,
            "name tenants, each with its credentials",
            takes="list | add NAME --base-url URL | set-token | set-password | remove NAME",
            parents=(),
            epilog=_PROFILE_HELP,
        )
    )
    return parser


def _settings_parser(names: Collection[str]) -> argparse.ArgumentParser:
    """Make a flag of each of these settings that is no secret."""
    parser = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    group = parser.add_argument_group("settings", f"each overrides its {PREFIX} variable")
    for name, field in Settings.model_fields.items():
        if name not in names or "SecretStr" in repr(field.annotation):
            continue
        flags = [f"--{name.replace('_', '-')}", *_FURTHER_FLAGS.get(name, ())]
        options: Arguments = {"help": field.description, "dest": name}
        if field.annotation is bool:
            options["action"] = argparse.BooleanOptionalAction
        else:
            choices = [one for one in get_args(field.annotation) if isinstance(one, str)]
            options["metavar"] = "|".join(choices) or name.split("_")[-1].upper()
        group.add_argument(*flags, **options)
    return parser


def _add_serve_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--transport",
        choices=("stdio", "http", "sse"),
        help="http serves /mcp, and /sse for older clients; sse the latter alone",
    )
    parser.add_argument("--host", help="where to listen; 127.0.0.1 by default")
    parser.add_argument("--port", type=_port, help="8000 by default; 0 takes a free one")


def _add_sandbox_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="the address to listen on, 127.0.0.1 by default")
    parser.add_argument("--port", type=_port, help="2200 by default; 0 takes a free one")
    parser.add_argument(
        "--no-demo", dest="demo", action="store_false", help="leave an empty sandbox empty"
    )
    parser.add_argument(
        "--demo-password", metavar="PASSWORD", help="the demo user's, instead of a random one"
    )
    parser.add_argument(
        "--dialect",
        choices=("appmixer", "openapi"),
        help="which answer is given where the two documents of Appmixer's API disagree",
    )


def _add_profile_arguments(parser: argparse.ArgumentParser) -> None:
    actions = ("list", "add", "set-token", "set-password", "remove")
    parser.add_argument("action", choices=actions, help="what to do")
    parser.add_argument("name", nargs="?", default="", metavar="NAME", help="of the profile")
    parser.add_argument("--base-url", metavar="URL", help="the tenant's API")
    parser.add_argument("--username", help="to sign in with a password, instead of a token")
    parser.add_argument(
        "--api-dialect",
        choices=("appmixer", "openapi"),
        help="openapi for a tenant that knows only the paths of the OpenAPI document",
    )
    parser.add_argument(
        "--in-file", action="store_true", help="keep the secret in the file, not in the keyring"
    )


def _port(text: str) -> int:
    port = int(text) if text.isdecimal() else -1
    if not 0 <= port <= _HIGHEST_PORT:
        raise argparse.ArgumentTypeError(f"a port is a number from 0 to 65535, not {text!r}")
    return port


def _taken(arguments: Arguments, *, serving: bool = False) -> Settings:
    """Take the settings out of the arguments, and set up logging by them.

    Raises:
        ConfigurationError: A setting has a value that cannot be used.
    """
    flags = {name: arguments.pop(name) for name in Settings.model_fields if name in arguments}
    settings = load_settings(**flags)
    # What a server logs is noise in the output of a command, unless somebody asked for it.
    asked = serving or "log_level" in settings.model_fields_set
    set_up_logging(settings.log_level if asked else "WARNING", form=settings.log_format)
    return settings


def _serve(arguments: Arguments) -> int:
    transport = arguments.pop("transport", "stdio")
    if transport == "stdio" and arguments.keys() & {"host", "port", "auth"}:
        raise ConfigurationError("--host, --port and --auth go with --transport http or sse.")
    host, port = arguments.pop("host", "127.0.0.1"), arguments.pop("port", 8000)
    if transport != "stdio":
        from appmixer_mcp.web.serving import serve_http

        settings = _taken(arguments, serving=True)
        return serve_http(settings, host, port, "sse" if transport == "sse" else "all")
    broken = None
    try:
        settings = _taken(arguments, serving=True)
    except ConfigurationError as error:
        settings, broken = Settings.model_construct(), error
    anyio.run(_serve_stdio, settings, broken)
    return 0


def _built_quickly(wiring: Wiring) -> "tuple[AppmixerServer, Subscriptions]":
    """Build the server without the garbage collector looking through all that is there to stay."""
    gc.disable()
    try:
        from appmixer_mcp.state import MemoryState
        from appmixer_mcp.subscribing import Subscriptions
        from appmixer_mcp.wire import as_mcp_tool

        subscriptions = Subscriptions(MemoryState(), wiring.settings.watch_interval_s)
        server = wiring.server(subscriptions=subscriptions)
        for spec in server.offering.specs.values():
            as_mcp_tool(spec)  # makes the schemas, which a client is about to ask for
        return server, subscriptions
    finally:
        gc.freeze()
        gc.enable()


async def _serve_stdio(settings: Settings, broken: ConfigurationError | None) -> None:
    wiring = Wiring(settings, broken)
    traces = ExitStack()
    try:
        built = _built_quickly(wiring)
        if settings.tracing:
            from appmixer_mcp.tracing import set_up_tracing

            traces.callback(set_up_tracing())
    except ConfigurationError as error:
        # A client shows its user what a server says, but not why one does not start.
        wiring = Wiring(Settings.model_construct(), error)
        built = _built_quickly(wiring)
    with traces:
        await _serve_one_client(wiring, *built)


async def _serve_one_client(
    wiring: Wiring, server: "AppmixerServer", subscriptions: "Subscriptions"
) -> None:
    from appmixer_mcp.stdio import serve_stdio

    async with wiring, subscriptions.running(), anyio.create_task_group() as tasks:
        if sys.platform != "win32":
            tasks.start_soon(_end_on_signal, wiring)
        if wiring.broken is not None:
            sys.stderr.write(f"{wiring.broken}\n")
        elif wiring.session.in_sandbox:
            sys.stderr.write(
                "APPMIXER_BASE_URL is not set: serving the embedded sandbox in "
                f"{wiring.settings.data_dir}\n"
            )
            tasks.start_soon(wiring.keep_flows_running, server.listed)
        await serve_stdio(server)
        tasks.cancel_scope.cancel()


async def _end_on_signal(wiring: Wiring) -> None:
    """End in order, so that whoever shares the sandbox takes over at once."""
    with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
        async for number in signals:
            try:
                await wiring.aclose()
            finally:
                # The SDK waits for stdin in a thread that nothing but the client can end.
                os._exit(128 + number)


def _sandbox(arguments: Arguments) -> int:
    from appmixer_mcp.standalone import StandaloneOptions, run_sandbox

    settings = _taken(arguments, serving=True)
    options = StandaloneOptions(data_dir=settings.data_dir, **arguments)
    return run_sandbox(options, **sandbox_options(settings))


def _demo(_arguments: Arguments) -> int:
    from appmixer_mcp.demo import run_demo

    return anyio.run(run_demo)


def _tools(arguments: Arguments) -> int:
    from appmixer_mcp.calling import list_tools

    return list_tools(Wiring(_taken(arguments)).server(), as_json=arguments.get("json", False))


def _call(arguments: Arguments) -> int:
    from appmixer_mcp.calling import UsageError, call_tool, read_arguments

    settings = _taken(arguments)
    # One command is one call, so there is no earlier preview that could be confirmed.
    confirm: Policy = "off" if settings.confirm == "off" else "flag"

    wiring = Wiring(settings)
    server = wiring.server(confirm)
    try:
        given = read_arguments(server, **arguments)  # outside of the loop, for Ctrl-C to reach it
    except UsageError as error:
        sys.stderr.write(f"{error}\n")
        return _USAGE

    async def call() -> int:
        async with wiring:
            return await call_tool(server, arguments["name"], given)

    return anyio.run(call)


def _doctor(arguments: Arguments) -> int:
    from appmixer_mcp.doctor import examine

    return anyio.run(examine, _taken(arguments))


def _profile(arguments: Arguments) -> int:
    from appmixer_mcp.profile_command import ProfileArguments, run_profile

    # Settings in front of the command have no meaning here.
    names = [field.name for field in fields(ProfileArguments)]
    own = {name: arguments[name] for name in names if name in arguments}
    return run_profile(ProfileArguments(**own))
