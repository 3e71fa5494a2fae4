"""Completing the arguments of resources by id, and those of prompts by name."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

from mcp.types import Completion, CompletionArgument, PromptReference, ResourceTemplateReference

from appmixer_mcp.cleaning import cleaned
from appmixer_mcp.prompting import PromptFile
from appmixer_mcp.resources import Resources
from appmixer_mcp.surface import current_selection
from appmixer_mcp.toolset import Choice, CompletionSpec, ToolContext

_MOST = 100
"""More values the protocol does not allow."""
_LONGEST_NAME = 200


class Completer:
    """Finds what an argument can be; nothing of what is not served is told."""

    def __init__(
        self,
        specs: Iterable[CompletionSpec],
        resources: Resources,
        prompts: Mapping[str, PromptFile],
        offers: Callable[[str], bool],
    ) -> None:
        """Take what completes arguments, and whose.

        Args:
            specs: How arguments are completed.
            resources: Take arguments by id.
            prompts: Take arguments by name.
            offers: Says whether a prompt is served.
        """
        self._specs = {spec.argument: spec for spec in specs}
        self._resources = resources
        self._prompts = prompts
        self._offers = offers

    async def complete(
        self,
        context: ToolContext,
        ref: PromptReference | ResourceTemplateReference,
        argument: CompletionArgument,
    ) -> Completion | None:
        """Return values for an argument; None where nothing completes it."""
        by_name = isinstance(ref, PromptReference)
        spec = self._specs.get(self._like(ref, argument.name))
        if spec is None or not current_selection.get().allows(spec):
            return None
        choices = await spec.function(context, argument.value)
        values = _names(choices) if by_name else [one.value for one in choices]
        has_more = len(values) > _MOST
        total = None if has_more else len(values)  # most are looked for no further
        return Completion(values=values[:_MOST], total=total, has_more=has_more)

    def _like(self, ref: PromptReference | ResourceTemplateReference, argument: str) -> str:
        """Return the name under which an argument is completed; empty if it is not."""
        if isinstance(ref, ResourceTemplateReference):
            return argument if self._resources.takes(ref.uri, argument) else ""
        prompt = self._prompts.get(ref.name)
        if prompt is None or not self._offers(ref.name):
            return ""
        return prompt.completes.get(argument, "")


def _names(choices: Sequence[Choice]) -> list[str]:
    """Return what people call each choice; its id where that would not find it again."""
    bearers = Counter(one.name for one in choices)
    return [
        one.name if bearers[one.name] == 1 and _can_be_typed(one.name) else one.value
        for one in choices
    ]


def _can_be_typed(name: str) -> bool:
    is_short = 0 < len(name.strip()) <= _LONGEST_NAME
    return is_short and len(name.splitlines()) == 1 and cleaned(name) == name
