"""The MCP server: the tools, resources and prompts that the settings leave, and its one boundary.

Here every error becomes a text that a model can act on, and every result becomes text and
structured content. What it serves is declared in tools/ and prompts/, which know nothing of MCP.
"""

import logging
import time
from collections.abc import Callable, Iterable
from contextlib import AbstractAsyncContextManager, nullcontext
from functools import partial
from typing import Any

import anyio
from mcp.server.caching import CacheHint
from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import (
    ResourceError,
    ResourceNotFoundError,
    ToolError,
    UnexpectedResourceError,
    UnexpectedToolError,
)
from mcp.server.request_state import RequestStateSecurity
from mcp.shared.exceptions import MCPError
from mcp.types import (
    INTERNAL_ERROR,
    INVALID_PARAMS,
    CallToolResult,
    Completion,
    CompletionArgument,
    CompletionContext,
    GetPromptResult,
    InputRequiredResult,
    PromptReference,
    ResourceTemplateReference,
)
from mcp.types import Prompt as McpPrompt
from mcp.types import Resource as McpResource
from mcp.types import ResourceTemplate as McpTemplate
from mcp.types import Tool as McpTool
from mcp_types.version import LATEST_MODERN_VERSION
from pydantic import AnyUrl

from appmixer_mcp import __version__
from appmixer_mcp.asking import AnswerAwaitedError, CallContext, person_behind
from appmixer_mcp.completing import Completer
from appmixer_mcp.errors import (
    AppmixerError,
    ConfigurationError,
    InputError,
    NotFoundError,
    NotSignedInError,
)
from appmixer_mcp.instructions import instructions
from appmixer_mcp.offering import Offering
from appmixer_mcp.options import ServerOptions
from appmixer_mcp.presets import GATEWAY
from appmixer_mcp.progress import Progress, reporting, unheard
from appmixer_mcp.prompting import load_prompts
from appmixer_mcp.resources import Resources, read
from appmixer_mcp.results import Outcome, Result, dump, shortened
from appmixer_mcp.session import Session, current_session
from appmixer_mcp.surface import Selection, chosen, current_selection, load_toolsets
from appmixer_mcp.toolset import ToolContext, Toolset, ToolSpec
from appmixer_mcp.wire import as_mcp_result, as_mcp_tool

logger = logging.getLogger(__name__)

_INTRODUCING = ("initialize", "server/discover")
"""What is answered with the instructions."""
_LISTS = CacheHint(ttl_ms=300_000)
"""What a client is served changes with its own address and headers, else only with a restart."""


def build_server(options: ServerOptions) -> "AppmixerServer":
    """Make the server.

    Raises:
        ConfigurationError: A name in `toolsets` is no preset, group or tool, or there is none.
    """
    toolsets = load_toolsets()
    if not options.toolsets:
        raise ConfigurationError("APPMIXER_TOOLSETS names nothing; use default, core or all.")
    try:
        selection = chosen(options.toolsets, toolsets)
    except ConfigurationError as error:
        raise ConfigurationError(f"APPMIXER_TOOLSETS: {error}") from error
    if options.read_only:
        selection = selection.without_writing()
    return AppmixerServer(options, toolsets.values(), selection)


class AppmixerServer(MCPServer[None]):
    """Serves the selected tools, resources and prompts; the SDK does the protocol.

    What is registered the SDK's own way, such as with `add_tool`, is served beside them.

    Attributes:
        offering: The tools that the settings leave.
        listed: Set once a client has seen the tools, when there is time for slower things.
    """

    def __init__(
        self, options: ServerOptions, toolsets: Iterable[Toolset], selection: Selection
    ) -> None:
        security = options.request_state or RequestStateSecurity.ephemeral()
        super().__init__(
            name="appmixer",
            title="Appmixer",
            version=__version__,
            website_url="https://www.appmixer.com",
            log_level="WARNING",
            subscriptions=options.subscriptions.bus if options.subscriptions else False,
            request_state_security=RequestStateSecurity(
                codec=security.codec,
                ttl=2 * options.confirmations.valid_s,  # within which we say that it is too late
                bind_principal=lambda ctx: self._session_of(ctx).principal,
            ),
            cache_hints={
                # What flows publish changes at any time, and not every client listens.
                "tools/list": CacheHint() if selection.offers_published else _LISTS,
                "prompts/list": _LISTS,
                "resources/list": _LISTS,
                "resources/templates/list": _LISTS,
            },
            middleware=[self._for_its_session],
        )
        toolsets = tuple(toolsets)
        tools = [spec for toolset in toolsets for spec in toolset.tools]
        if options.confirmations.policy == "token":
            tools = [spec.confirmed_by_token() for spec in tools]
        self.offering = Offering(tools, selection)
        self.listed = anyio.Event()
        self._options = options
        self._resources = Resources(spec for toolset in toolsets for spec in toolset.resources)
        self._prompts = {prompt.name: prompt for prompt in load_prompts()}
        for prompt in self._prompts.values():
            self.add_prompt(prompt.as_mcp())
        completions = [spec for toolset in toolsets for spec in toolset.completions]
        self._completer = Completer(completions, self._resources, self._prompts, self._offers)
        self.lowlevel.instructions = self._instructions(selection)
        self.completion()(self._complete)  # type: ignore[no-untyped-call] # the SDK's
        if (told := options.subscriptions) is not None:
            told.serve_on(self.lowlevel, self._resources.find, selection, options.limits)

    @property
    def lowlevel(self) -> Server[None]:
        """The SDK's server below, for transports that it offers no other way to."""
        return self._lowlevel_server

    async def list_tools(self) -> list[McpTool]:
        """Return the tools that are served, with their schemas and hints."""
        self.listed.set()
        session = current_session.get()
        offered = await self.offering.listed(session, self._limited(session))
        return [*map(as_mcp_tool, offered), *await super().list_tools()]

    async def call_tool(
        self,
        name: str,
        arguments: dict[str, Any],
        context: CallContext | None = None,
    ) -> CallToolResult | InputRequiredResult:
        """Run a tool; every failure that a caller can act on becomes a `ToolError`."""
        self.listed.set()
        spec = self.offering.find(name)
        if spec is None:
            if self._tool_manager.get_tool(name) is not None:
                return await super().call_tool(name, arguments, context)
            raise ToolError(self.offering.why_unknown(name))
        session = current_session.get()
        began = time.perf_counter()
        outcome = "cancelled"
        try:
            reports = reporting(name, context, self._options.progress_every_s)
            async with self._limited(session), reports as progress:
                result = await spec.call(self._tool_context(session, context, progress), arguments)
            answer = self._answer(result, context)
            outcome = "asked" if isinstance(result, Outcome) and not result.done else "done"
            await self._tell(spec, arguments, result)
        except AnswerAwaitedError as asked:
            outcome = "asked"
            return asked.request
        except AppmixerError as error:
            outcome = type(error).__name__
            raise ToolError(await self._said(error, session)) from error
        except MCPError:
            raise
        except Exception as error:
            outcome = "crashed"
            # Our own fault: its text may hold anything, so it goes to the log alone.
            raise UnexpectedToolError(f"Error executing tool {name}") from error
        finally:
            seconds = time.perf_counter() - began
            facts = {"tool": name, "outcome": outcome, "duration_ms": round(seconds * 1000)}
            extra = facts | {"principal": session.principal}
            logger.info("%(tool)s: %(outcome)s in %(duration_ms)d ms", facts, extra=extra)
            if self._options.observer is not None:
                known_as = GATEWAY if spec.group == GATEWAY else name  # strangers name theirs
                self._options.observer.tool_called(known_as, outcome, seconds)
        return answer

    async def list_resources(self) -> list[McpResource]:
        """Return the resources that have one address."""
        return [*self._resources.fixed(), *await super().list_resources()]

    async def list_resource_templates(self) -> list[McpTemplate]:
        """Return the resources that have one address for each object."""
        return [*self._resources.templates(), *await super().list_resource_templates()]

    async def read_resource(
        self, uri: AnyUrl | str, context: CallContext | None = None
    ) -> Iterable[ReadResourceContents] | InputRequiredResult:
        """Return what is under an address.

        Raises:
            ResourceError: It cannot be had; says why, and what to do.
        """
        found = self._resources.find(str(uri))
        if found is None:
            return await super().read_resource(uri, context)
        spec, values = found
        session = current_session.get()
        try:
            async with self._limited(session):
                text = await read(spec, self._tool_context(session, context), values)
        except (InputError, NotFoundError) as error:
            raise ResourceNotFoundError(await self._said(error, session)) from error
        except AppmixerError as error:
            raise ResourceError(await self._said(error, session)) from error
        except Exception as error:
            # Our own fault: its text may hold anything, so it goes to the log alone.
            raise UnexpectedResourceError(f"Error reading resource {spec.uri}") from error
        return [ReadResourceContents(content=text, mime_type=spec.mime_type)]

    async def list_prompts(self) -> list[McpPrompt]:
        """Return the prompts all of whose tools are served."""
        return [one for one in await super().list_prompts() if self._offers(one.name)]

    async def get_prompt(
        self,
        name: str,
        arguments: dict[str, Any] | None = None,
        context: CallContext | None = None,
    ) -> GetPromptResult | InputRequiredResult:
        """Fill in a prompt; an unknown one or a missing argument is the caller's to mend."""
        if not self._offers(name):
            raise MCPError(INVALID_PARAMS, f"The prompt {name} needs tools that are not served.")
        try:
            return await super().get_prompt(name, arguments, context)
        except ValueError as error:
            raise MCPError(code=INVALID_PARAMS, message=str(error)) from error

    async def _complete(
        self,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
        _context: CompletionContext | None,
    ) -> Completion | None:
        session = current_session.get()
        try:
            async with self._limited(session):
                return await self._completer.complete(
                    self._tool_context(session, None), ref, argument
                )
        except AppmixerError as error:
            raise MCPError(INTERNAL_ERROR, await self._said(error, session)) from error

    def _offers(self, prompt: str) -> bool:
        """Say whether every tool that a prompt needs is served."""
        known = self._prompts.get(prompt)
        needs = known.needs if known is not None else ()
        return all(self.offering.find(name) is not None for name in needs)

    def _session_of(self, ctx: ServerRequestContext[Any, Any]) -> Session:
        session_of = self._options.session_of
        return session_of(ctx) if session_of else self._options.session

    async def _for_its_session(
        self, ctx: ServerRequestContext[None, Any], call_next: CallNext
    ) -> HandlerResult:
        """Have everything that serves a request act for whoever sent it, on what they see."""
        served_to = self._options.served_to
        selection = self.offering.selection
        if served_to is not None:
            selection = served_to(ctx, selection)
        told = self._options.subscriptions
        of_session = current_session.set(self._session_of(ctx))
        of_selection = current_selection.set(selection)
        try:
            if ctx.method == "tools/list" and selection.offers_published and told is not None:
                await told.tell_of_tools(ctx)
            result = await call_next(ctx)
        finally:
            current_selection.reset(of_selection)
            current_session.reset(of_session)
        if ctx.method in _INTRODUCING and isinstance(result, dict):
            return self._introduction(result, selection)
        return result

    def _introduction(self, result: dict[str, Any], selection: Selection) -> dict[str, Any]:
        """Return what a client is told of the server, as far as it depends on the client."""
        if selection != self.offering.selection:
            result = {**result, "instructions": self._instructions(selection)}
        if selection.offers_published and self._options.subscriptions is not None:
            # The SDK has no way to say so to older clients.
            result["capabilities"]["tools"] = {"listChanged": True}
        return result

    def _instructions(self, selection: Selection) -> str:
        options = self._options
        return instructions(
            options.session,
            self.offering.ours(selection),
            policy=options.confirmations.policy,
            read_only=selection.read_only,
            broken=options.broken,
        )

    def _tool_context(
        self, session: Session, context: CallContext | None, progress: Progress = unheard
    ) -> ToolContext:
        confirmations = self._options.confirmations
        version = context.protocol_version if context is not None else None
        return ToolContext(
            session=session,
            confirmations=confirmations,
            protocol_version=version or LATEST_MODERN_VERSION,
            person=person_behind(context, confirmations, self._asking(session)),
            progress=progress,
            serves=self.offering.serves,
            journal=self._options.journal,
            files=self._options.files,
            profiles=self._options.profiles,
        )

    def _answer(self, result: Result, context: CallContext | None) -> CallToolResult:
        """Return a result in both channels; of what was cut, a resource may hold the whole."""
        version = context.protocol_version if context is not None else None
        found = self._resources.find(result.whole_at) if result.whole_at else None
        shown = result if found is not None else result.also_at("")
        return as_mcp_result(
            dump(shown, self._options.max_result_bytes),
            found and found[0],
            version or LATEST_MODERN_VERSION,
        )

    def _limited(self, session: Session) -> AbstractAsyncContextManager[None]:
        limits = self._options.limits
        return limits.call(session.principal) if limits is not None else nullcontext()

    def _asking(self, session: Session) -> Callable[[], AbstractAsyncContextManager[None]]:
        limits = self._options.limits
        return partial(limits.asking, session.principal) if limits is not None else nullcontext

    async def _tell(self, spec: ToolSpec, arguments: dict[str, Any], result: Result) -> None:
        acted = result.done if isinstance(result, Outcome) else not spec.hints.read_only
        if acted and self._options.subscriptions is not None:
            await self._options.subscriptions.tell(spec.changes, arguments, result)

    async def _said(self, error: AppmixerError, session: Session) -> str:
        """Return what the model reads; where only its client can sign in again, say that."""
        if not isinstance(error, NotSignedInError) or not session.how_to_sign_in:
            return shortened(str(error), self._options.max_result_bytes)
        await session.on_refused()
        return f"Appmixer does not accept this user's token any more. {session.how_to_sign_in}"
