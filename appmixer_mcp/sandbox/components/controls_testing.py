"""Testing: has an input of every kind, for tests of designers and clients."""

from typing import get_args

from appmixer_mcp.sandbox.component import Component, Field, FieldType, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import whole
from appmixer_mcp.sandbox.context import Context

_OPTIONS = ("first", "second", "third")
_KINDS: tuple[FieldType, ...] = get_args(FieldType)


def _field(kind: FieldType) -> Field:
    name = kind.replace("-", "_")
    return Field(name=name, type=kind, options=_OPTIONS if "select" in kind else ())


async def _receive(ctx: Context) -> None:
    ctx.send("out", whole(ctx))


COMPONENT = Component(
    type="appmixer.utils.controls.Testing",
    label="Testing",
    description="Sends on what its inputs, one of every kind, were filled with.",
    private=True,
    properties=(Field(name="property"),),
    in_ports=(
        InPort(
            fields=(
                *(_field(kind) for kind in _KINDS),
                Field(name="with_default", default="first"),
                Field(name="toggle_on", type="toggle", default=True),
                Field(name="select_default", type="select", options=_OPTIONS, default="second"),
                Field(name="with_tooltip", type="textarea", tooltip="Said beside the field."),
            )
        ),
    ),
    out_ports=(OutPort(),),
    receive=_receive,
)
