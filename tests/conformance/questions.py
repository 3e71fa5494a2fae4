"""Fixtures of the conformance suite that ask the client: names and values are the suite's."""

from typing import Annotated, Any, Literal

from mcp.server.elicitation import ElicitationResult
from mcp.server.mcpserver import Context, Elicit, ListRoots, Resolve, Sample
from mcp.server.mcpserver.prompts.base import UserMessage
from mcp.types import (
    CreateMessageResult,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
    ListRootsResult,
    SamplingMessage,
    TextContent,
)
from pydantic import BaseModel, Field, WithJsonSchema


class Person(BaseModel):
    username: str = Field(description="User's response")
    email: str = Field(description="User's email address")


class Name(BaseModel):
    name: str


class Color(BaseModel):
    color: str


class Agreement(BaseModel):
    ok: bool


class Defaults(BaseModel):
    """One field of each kind, filled in beforehand."""

    name: str = "John Doe"
    age: int = 30
    score: float = 95.5
    status: Literal["active", "inactive", "pending"] = "active"
    verified: bool = True


def _titled(**titles: str) -> list[dict[str, str]]:
    return [{"const": value, "title": title} for value, title in titles.items()]


class Choices(BaseModel):
    """One field for each way to offer a choice."""

    untitledSingle: Literal["option1", "option2", "option3"]  # noqa: N815 - the suite's, all five
    titledSingle: Annotated[  # noqa: N815
        str,
        WithJsonSchema(
            {
                "type": "string",
                "oneOf": _titled(value1="First", value2="Second", value3="Third"),
            }
        ),
    ]
    legacyEnum: Annotated[  # noqa: N815
        str,
        WithJsonSchema(
            {
                "type": "string",
                "enum": ["opt1", "opt2", "opt3"],
                "enumNames": ["One", "Two", "Three"],
            }
        ),
    ]
    untitledMulti: list[Literal["option1", "option2", "option3"]]  # noqa: N815
    titledMulti: Annotated[  # noqa: N815
        list[str],
        WithJsonSchema(
            {
                "type": "array",
                "items": {"anyOf": _titled(value1="First", value2="Second", value3="Third")},
            }
        ),
    ]


def _sample(text: str) -> Sample:
    content = TextContent(type="text", text=text)
    return Sample([SamplingMessage(role="user", content=content)], max_tokens=100)


def _outcome(result: ElicitationResult[Any]) -> str:
    content = result.data.model_dump_json() if result.action == "accept" else "nothing"
    return f"Elicitation completed: action={result.action}, content={content}"


def _ask_model(prompt: str) -> Sample:
    return _sample(prompt)


def _ask_person(message: str) -> Elicit[Person]:
    return Elicit(message, Person)


def _ask_defaults() -> Elicit[Defaults]:
    return Elicit("Change what is not right.", Defaults)


def _ask_choices() -> Elicit[Choices]:
    return Elicit("Choose.", Choices)


def _ask_capital() -> Sample:
    return _sample("What is the capital of France?")


def _ask_roots() -> ListRoots:
    return ListRoots()


def _ask_agreement() -> Elicit[Agreement]:
    return Elicit("Please confirm", Agreement)


def _ask_name() -> Elicit[Name]:
    return Elicit("What is your name?", Name)


def _ask_color(name: Annotated[Name, Resolve(_ask_name)]) -> Elicit[Color]:
    return Elicit(f"What is your favorite color, {name.name}?", Color)


def _ask_if_possible(ctx: Context) -> Elicit[Name] | Name:
    able = ctx.client_capabilities
    return _ask_name() if able and able.elicitation else Name(name="whoever you are")


def test_sampling(prompt: str, answer: Annotated[CreateMessageResult, Resolve(_ask_model)]) -> str:
    """Have the client's model answer."""
    return f"LLM response: {answer.content}"


def test_elicitation(
    message: str, answer: Annotated[ElicitationResult[Person], Resolve(_ask_person)]
) -> str:
    """Ask the person who they are."""
    return f"User response: {_outcome(answer)}"


def test_elicitation_sep1034_defaults(
    answer: Annotated[ElicitationResult[Defaults], Resolve(_ask_defaults)],
) -> str:
    """Ask the person with everything filled in beforehand."""
    return _outcome(answer)


def test_elicitation_sep1330_enums(
    answer: Annotated[ElicitationResult[Choices], Resolve(_ask_choices)],
) -> str:
    """Ask the person to choose."""
    return _outcome(answer)


def test_missing_capability(answer: Annotated[CreateMessageResult, Resolve(_ask_capital)]) -> str:
    """Need a client that can sample."""
    return f"LLM response: {answer.content}"


def test_streaming_elicitation(answer: Annotated[Agreement, Resolve(_ask_agreement)]) -> str:
    """Ask within a stream."""
    return f"Agreed: {answer.ok}"


def test_input_required_result_sampling(
    answer: Annotated[CreateMessageResult, Resolve(_ask_capital)],
) -> str:
    """Have the client's model answer, in two rounds."""
    return f"LLM response: {answer.content}"


def test_input_required_result_list_roots(
    found: Annotated[ListRootsResult, Resolve(_ask_roots)],
) -> str:
    """Ask for the client's roots, in two rounds."""
    return f"Roots: {', '.join(str(root.uri) for root in found.roots)}"


def test_input_required_result_request_state(
    answer: Annotated[Agreement, Resolve(_ask_agreement)],
) -> str:
    """Ask, and know in the second round what was asked."""
    return f"state-ok, agreed: {answer.ok}"


def test_input_required_result_tampered_state(
    answer: Annotated[Agreement, Resolve(_ask_agreement)],
) -> str:
    """Ask, and refuse an answer to something else."""
    return f"Agreed: {answer.ok}"


def test_input_required_result_multiple_inputs(
    name: Annotated[Name, Resolve(_ask_name)],
    greeting: Annotated[CreateMessageResult, Resolve(_ask_capital)],
    found: Annotated[ListRootsResult, Resolve(_ask_roots)],
) -> str:
    """Ask three things at once."""
    return f"{name.name}: {greeting.content}, {len(found.roots)} roots"


def test_input_required_result_multi_round(
    name: Annotated[Name, Resolve(_ask_name)], color: Annotated[Color, Resolve(_ask_color)]
) -> str:
    """Ask one thing after the other."""
    return f"{name.name} likes {color.color}."


def test_input_required_result_capabilities(
    name: Annotated[Name, Resolve(_ask_if_possible)],
    answer: Annotated[CreateMessageResult, Resolve(_ask_capital)],
) -> str:
    """Ask only what the client can be asked."""
    return f"{name.name}: {answer.content}"


def _asking(key: str, message: str, field: str) -> InputRequiredResult:
    """Return a question without state, whose answer has a key that the suite knows."""
    schema = {"type": "object", "properties": {field: {"type": "string"}}, "required": [field]}
    params = ElicitRequestFormParams(message=message, requested_schema=schema)
    return InputRequiredResult(input_requests={key: ElicitRequest(params=params)})


def _answer(ctx: Context, key: str, field: str) -> object:
    answer = (ctx.input_responses or {}).get(key)
    return (answer.content or {}).get(field) if isinstance(answer, ElicitResult) else None


def test_input_required_result_elicitation(ctx: Context) -> str | InputRequiredResult:
    """Ask for a name, in two rounds."""
    name = _answer(ctx, "user_name", "name")
    return f"Hello, {name}!" if name else _asking("user_name", "What is your name?", "name")


def test_input_required_result_prompt(ctx: Context) -> UserMessage | InputRequiredResult:
    """Ask what the prompt is about."""
    context = _answer(ctx, "user_context", "context")
    if context:
        return UserMessage(f"This is about {context}.")
    return _asking("user_context", "What context should the prompt use?", "context")


TOOLS = (
    test_sampling,
    test_elicitation,
    test_elicitation_sep1034_defaults,
    test_elicitation_sep1330_enums,
    test_missing_capability,
    test_streaming_elicitation,
    test_input_required_result_sampling,
    test_input_required_result_list_roots,
    test_input_required_result_request_state,
    test_input_required_result_tampered_state,
    test_input_required_result_multiple_inputs,
    test_input_required_result_multi_round,
    test_input_required_result_capabilities,
    test_input_required_result_elicitation,
)
PROMPTS = (test_input_required_result_prompt,)
