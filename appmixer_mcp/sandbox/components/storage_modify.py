"""Modify: changes the value of a record of a data store, such as adding to it."""

import math
from collections.abc import Callable

from appmixer_mcp.sandbox.component import Component, Field, InPort, OutPort
from appmixer_mcp.sandbox.components._inputs import number, plain_text, unusable
from appmixer_mcp.sandbox.components._store_records import WRITTEN, written
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import tidy, to_text


def _divided(old: float, by: float) -> float:
    if by == 0:
        raise unusable("value", "must not be 0: nothing can be divided by it")
    return old / by


_ARITHMETIC: dict[str, Callable[[float, float], float]] = {
    "Add": lambda old, value: old + value,
    "Subtract": lambda old, value: old - value,
    "Multiply": lambda old, value: old * value,
    "Divide": _divided,
}
_OPERATORS = (*_ARITHMETIC, "Append", "Set")


async def _receive(ctx: Context) -> None:
    store_id, key = (to_text(ctx.content.get(name)) for name in ("storeId", "key"))
    operator, value = to_text(ctx.content.get("operator")), ctx.content.get("value")
    await ctx.lock(f"record:{store_id}:{key}")  # two that add at once must both count
    record = ctx.stores.get(store_id, key)
    old = None if record is None else record["value"]
    ctx.send("out", written(ctx.stores.set(store_id, key, _modified(operator, old, value))))


def _modified(operator: str, old: Json, value: Json) -> Json:
    if operator == "Set":
        return value
    if operator == "Append":
        return plain_text(old) + plain_text(value)
    compute = _ARITHMETIC.get(operator)
    if compute is None:
        raise unusable("operator", f"must be one of {', '.join(_OPERATORS)}")
    before, by = number("old value", old or 0), number("value", value)
    try:
        result = compute(float(before), float(by))  # JavaScript has no other numbers
    except OverflowError:
        result = math.inf
    if math.isinf(result):
        raise unusable("value", "leads to a number that is too large")
    return tidy(result)


COMPONENT = Component(
    type="appmixer.utils.storage.Modify",
    label="Modify",
    description="Computes a new value of a record from its old one; a missing one counts as 0.",
    in_ports=(
        InPort(
            fields=(
                Field(name="storeId", required=True),
                Field(name="key", required=True),
                Field(name="operator", type="select", required=True, options=_OPERATORS),
                Field(name="value", required=True),
            )
        ),
    ),
    out_ports=(OutPort(variables=WRITTEN),),
    receive=_receive,
)
