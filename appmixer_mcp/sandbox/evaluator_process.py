"""The process in which strangers' JSONata and JavaScript run; `evaluator` starts and feeds it.

It is run as a script that imports nothing of the package, so that it starts quickly. Requests and
answers are lines of JSON. It ends itself when one takes too long: in no other way can a regular
expression of Python be interrupted.
"""

# ruff: noqa: PLC0415 - either engine is imported only in a process of its own

import contextlib
import faulthandler
import importlib
import json
import os
import sys
from typing import Any, cast

Json = Any

LONGEST_S = 1.0
_GRACE_S = 1.0  # in which the interpreters can say themselves that it took too long
_MOST_TEXT = 10_000_000
_PROCESS_BYTES = {"jsonata": 512_000_000, "py_mini_racer": 1_000_000_000}
_JAVASCRIPT_BYTES = 8_000_000  # documented
_JSONATA_DEPTH = 400
_JSONATA_LIMITS = ("D1011", "D1012")

# The code of g_javascript is a script that ends in a value, the body of a function, or a function:
# which of them Appmixer takes is not known, so all three do (ours).
_SCRIPT = """(source, $variable) => {
  globalThis.$variable = $variable;
  let made;
  try {
    made = (0, eval)(source);
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    made = new Function('$variable', source);
  }
  return typeof made === 'function' ? made($variable) : made;
}"""
_HELPER = r"""(source, ...values) => {
  const helper = (0, eval)(`(${source}\n)`);
  if (typeof helper !== 'function') throw new TypeError('it is no function');
  return helper(...values);
}"""
_CALL = """((evaluate, values) => {
  try { return JSON.stringify({value: evaluate(...values)}); }
  catch (error) { return JSON.stringify({error: String(error)}); }
})"""


class RefusedError(Exception):
    """The code asked for more time or memory than it may have."""


def _jsonata(source: str, values: list[Json]) -> dict[str, Json]:
    from jsonata import (  # type: ignore[import-untyped] # ships no types
        JException,
        Jsonata,
    )

    try:
        # As a value in an object, what is undefined can be told from what is null.
        expression = Jsonata(
            f'{{"value": ({source}\n)}}', timeout=round(LONGEST_S * 1000), stack=_JSONATA_DEPTH
        )
        found = cast("dict[str, Json]", expression.evaluate(values[0]))
        return {"value": found["value"]} if "value" in found else {}
    except JException as error:
        if error.error in _JSONATA_LIMITS:
            raise RefusedError(str(error)) from error
        raise


def _javascript(function: str, source: str, values: list[Json]) -> dict[str, Json]:
    from py_mini_racer import JSOOMException, JSTimeoutException, MiniRacer

    arguments = json.dumps(json.dumps([source, *values]))
    with MiniRacer() as engine:
        try:
            text = engine.eval(
                f"{_CALL}({function}, JSON.parse({arguments}))",
                timeout_sec=LONGEST_S,
                max_memory=_JAVASCRIPT_BYTES,
            )
        except (JSTimeoutException, JSOOMException) as error:
            raise RefusedError(str(error)) from error
    found: dict[str, Json] = json.loads(str(text))
    return found


def _evaluate(language: str, source: str, values: list[Json]) -> dict[str, Json]:
    if language == "jsonata":
        return _jsonata(source, values)
    return _javascript(_SCRIPT if language == "javascript" else _HELPER, source, values)


def _answer(request: dict[str, Json]) -> str:
    """Return `{"value": …}`, `{}` for undefined, `{"error": …}` or `{"refused": …}` as JSON."""
    try:
        text = json.dumps(_evaluate(request["language"], request["source"], request["values"]))
        if len(text) > _MOST_TEXT:
            text = json.dumps({"refused": f"the result has {len(text):,} characters"})
    except (RefusedError, MemoryError, RecursionError) as error:
        text = json.dumps({"refused": str(error) or "it needs too much memory"})
    except Exception as error:  # noqa: BLE001 - the libraries raise whatever Python raises
        text = json.dumps({"error": str(error)[:500]})
    return text


def _bound_memory(engine: str) -> None:
    # V8's own bound leaves out what typed arrays hold; it lays hands on much more than it uses.
    if sys.platform != "win32":
        import resource  # Windows has none

        most = _PROCESS_BYTES[engine]
        with contextlib.suppress(ValueError, OSError):  # a lower limit is set already
            resource.setrlimit(resource.RLIMIT_DATA, (most, most))


def main(engine: str) -> None:
    """Answer requests until there are no more.

    Args:
        engine: The module that evaluates, `jsonata` or `py_mini_racer`.
    """
    _bound_memory(engine)
    importlib.import_module(engine)
    answers = sys.stdout
    with open(os.devnull, "w", encoding="utf-8") as nowhere:  # noqa: PTH123 - no path
        sys.stdout = nowhere  # the libraries print
        for line in sys.stdin.buffer:
            request = json.loads(line)
            faulthandler.dump_traceback_later(LONGEST_S + _GRACE_S, exit=True, file=nowhere)
            answers.write(_answer(request) + "\n")
            answers.flush()
            faulthandler.cancel_dump_traceback_later()


if __name__ == "__main__":
    main(sys.argv[1])
