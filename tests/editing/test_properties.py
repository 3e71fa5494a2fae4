"""What holds of every edit of every flow."""

import itertools
import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from appmixer_mcp.descriptor import check_descriptor, link_transforms, source_links
from appmixer_mcp.editing import edit
from appmixer_mcp.errors import InputError
from tests.editing.flows import descriptors, operations
from tests.editing.sandbox_types import TYPES

_SOME = settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def edit_or_refuse(flow, batch, ids):
    """Return the edited flow, None where it was refused; the flow given must stay as it is."""
    text = json.dumps(flow)
    try:
        return edit(flow, batch, TYPES, lambda: f"new-{next(ids)}")
    except InputError:
        return None
    finally:
        assert json.dumps(flow) == text


@_SOME
@given(flow=descriptors(), data=st.data())
def test_edits_taken_back_one_by_one_end_at_the_flow_byte_for_byte(flow, data):
    ids = itertools.count()
    states, texts = [flow], [json.dumps(flow)]

    for _ in range(data.draw(st.integers(1, 6))):
        edited = edit_or_refuse(states[-1], [data.draw(operations(states[-1]))], ids)
        if edited is not None:
            assert check_descriptor(edited.descriptor) == []
            states.append(edited.descriptor)
            texts.append(json.dumps(edited.descriptor))

    assert [json.dumps(state) for state in states] == texts


@_SOME
@given(flow=descriptors(), data=st.data())
def test_a_batch_makes_what_its_operations_make_one_by_one_or_nothing(flow, data):
    one_by_one, at_once = itertools.count(), itertools.count()
    state, batch = flow, []
    for number in range(data.draw(st.integers(1, 4))):
        operation = data.draw(operations(state, f"new {number}"))
        edited = edit_or_refuse(state, [operation], one_by_one)
        batch.append(operation)
        state = edited and edited.descriptor
        if state is None:
            break

    whole = edit_or_refuse(flow, batch, at_once)

    assert (whole and whole.descriptor) == state


@_SOME
@given(flow=descriptors(), data=st.data())
def test_no_connection_is_lost_and_no_field_unless_an_operation_says_so(flow, data):
    operation = data.draw(operations(flow))

    edited = edit_or_refuse(flow, [operation], itertools.count())

    if edited is None:
        return
    before, after = links_of(flow), links_of(edited.descriptor)
    if operation["op"] in ("remove", "disconnect"):
        assert after < before or operation["op"] == "remove"
    elif operation["op"] in ("insert", "replace"):
        assert len(after) >= len(before)
    else:
        assert after >= before
    if operation["op"] not in ("remove", "disconnect"):
        assert transform_count(edited.descriptor) >= transform_count(flow)


def links_of(flow):
    return {
        (one, *link) for one, entry in flow.items() for link in source_links(entry.get("source"))
    }


def transform_count(flow):
    return sum(len(list(link_transforms(entry))) for entry in flow.values())
