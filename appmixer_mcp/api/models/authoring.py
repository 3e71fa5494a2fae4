"""What helps to write flows: variables, modifiers and test runs."""

from pydantic import Field, JsonValue

from .base import ApiModel, ComponentId


class Variable(ApiModel):
    """Something that a component can refer to."""

    component_id: ComponentId
    """The component that sends it."""

    port: str
    """The out port that it is sent from."""

    label: str | None = None
    """What people call it; `Raw Output` is all that the port sends."""

    value: str
    """`{{{$.componentId.port.path}}}`."""

    json_schema: dict[str, JsonValue] | None = Field(
        default=None, validation_alias="schema", serialization_alias="schema"
    )
    """What lies below it; a JSON schema."""


class LinkVariables(ApiModel):
    """What can be put into the fields of a link."""

    dynamic: list[Variable] = Field(default_factory=list[Variable])
    """The nearest component's first."""


class LinkInputs(ApiModel):
    """The fields of a link, and what can be put into them."""

    variables: LinkVariables = Field(default_factory=LinkVariables)
    """Likewise."""


class ComponentVariables(ApiModel):
    """What one component can refer to."""

    links: dict[str, dict[str, dict[str, LinkInputs]]] = Field(
        default_factory=dict[str, dict[str, dict[str, LinkInputs]]]
    )
    """In port -> sender's id -> out port -> variables."""


class FlowVariables(ApiModel):
    """What the components of a flow can refer to."""

    components: dict[str, ComponentVariables] = Field(default_factory=dict[str, ComponentVariables])
    """Component id -> what it can refer to."""


class ModifierArgument(ApiModel):
    """What a modifier can be given besides the value."""

    name: str = ""
    """Told to people; of a named argument also what it is given by."""

    type: str | None = None
    """Such as `text` or `number`."""

    is_hash: bool = False
    """Whether it is given by name, in `hashParams`."""


class ModifierResult(ApiModel):
    """What a modifier returns."""

    type: str | None = None
    """Such as `string`."""


class Modifier(ApiModel):
    """A function that a variable's value can run through, or a variable of the flow."""

    label: str | None = None
    """What people call it."""

    type: str | None = None
    """`modifier`, or `flow` for one that needs no variable."""

    category: list[str] = Field(default_factory=list[str])
    """Such as `text` or `date`."""

    description: str | None = None
    """What it does."""

    tooltip: str | None = None
    """Likewise."""

    arguments: list[ModifierArgument] = Field(default_factory=list[ModifierArgument])
    """In the order of `params`, those given by name among them."""

    returns: ModifierResult | None = None
    """What comes out."""

    private: bool = False
    """Whether people do not see it."""

    helper_fn: str | None = None
    """The source text of its JavaScript function; not every tenant shows it."""


class ModifierCatalogue(ApiModel):
    """Every modifier of the tenant."""

    modifiers: dict[str, Modifier]
    """Id -> what it is."""


class RunEvent(ApiModel):
    """Something that happened in a test run."""

    component_id: ComponentId | None = None
    """The component it is about; None for the run as a whole."""

    port: str | None = None
    """Of an output: the out port."""

    data: JsonValue = None
    """Of an output: what was sent."""

    message: JsonValue = None
    """Of an error: what went wrong, often as text."""

    error: JsonValue = None
    """Likewise."""
