"""ProcessE2EResults: keeps the result of a test case, and mails it when the test has failed."""

from appmixer_mcp.sandbox.component import Component, Field, InPort
from appmixer_mcp.sandbox.components._inputs import emails, parsed, plain_text
from appmixer_mcp.sandbox.context import Context, Json
from appmixer_mcp.sandbox.javascript import is_list, is_object, to_text

_STORES = ("successStoreId", "failedStoreId")


async def _receive(ctx: Context) -> None:
    recipients = emails("recipients", ctx.content.get("recipients"))
    test_case = to_text(ctx.content.get("testCase"))
    result = parsed("result", ctx.content.get("result"))
    problems = _problems(result)
    store_id = to_text(ctx.properties[_STORES[1] if problems else _STORES[0]])
    ctx.stores.set(store_id, test_case, result)
    if problems:
        lines = "\n".join(f"- {problem}" for problem in problems)
        ctx.send_mail(
            to=recipients,
            subject=f"Test failed: {test_case}",
            text=f"The test case {test_case} of the flow {ctx.flow_name} failed:\n\n{lines}\n",
        )


def _problems(result: Json) -> list[str]:
    """Return what went wrong: what Assert lists in `error`, and a timeout of AfterAll.

    A result in which there is nothing of the kind is a success (ours).
    """
    problems: list[str] = []
    for one in result if is_list(result) else [result]:
        if not is_object(one):
            continue
        name = to_text(one.get("componentName") or one.get("componentId") or "Assert")
        given = one.get("error")
        errors = given if is_list(given) else [given] if given else list[Json]()
        problems += (f"{name}: {plain_text(error)}" for error in errors)
        if is_list(one.get("timedOutLinks")):
            links = ", ".join(map(to_text, one["timedOutLinks"]))
            problems.append(f"timed out, waiting for {links}")
    return problems


async def _start(ctx: Context) -> None:
    for name in _STORES:
        ctx.stores.get(to_text(ctx.properties[name]), "")  # fails when there is no such store


COMPONENT = Component(
    type="appmixer.utils.test.ProcessE2EResults",
    label="Process E2E Results",
    description="Writes a test result into one of two data stores and mails failures.",
    properties=(
        Field(name="successStoreId", required=True, tooltip="Data store for tests that passed."),
        Field(name="failedStoreId", required=True, tooltip="Data store for tests that failed."),
    ),
    in_ports=(
        InPort(
            fields=(
                Field(name="recipients", required=True, tooltip="Who is told of failures."),
                Field(name="testCase", required=True, tooltip="The key of the record."),
                Field(
                    name="result",
                    type="textarea",
                    required=True,
                    tooltip="JSON text of what After All sends.",
                ),
            )
        ),
    ),
    start=_start,
    receive=_receive,
)
