"""Models read what a tenant may send, in either dialect, and keep what they do not know."""

from datetime import UTC, datetime

import pytest
from pydantic import ValidationError

from appmixer_mcp.api import Chart, Flow, FlowId, Task, User

NOON = datetime(2024, 5, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    "sent",
    [
        "2024-05-01T12:00:00.000Z",
        "2024-05-01T14:00:00+02:00",
        "2024-05-01T12:00:00",
        1_714_564_800_000,
        1_714_564_800_000.0,
    ],
)
def test_an_instant_is_read_from_text_and_from_milliseconds(sent: object) -> None:
    flow = Flow.model_validate({"flowId": "f1", "mtime": sent})

    assert flow.modified_at is not None
    assert flow.modified_at == NOON
    assert flow.modified_at.tzinfo is UTC


@pytest.mark.parametrize("sent", [None, ""])
def test_an_absent_instant_is_none(sent: object) -> None:
    assert Flow.model_validate({"id": "f1", "started": sent}).started_at is None


@pytest.mark.parametrize("sent", ["soon", 1e300, "0001-01-01T00:00:00+14:00", [1]])
def test_an_instant_that_is_none_is_refused(sent: object) -> None:
    with pytest.raises(ValidationError):
        Flow.model_validate({"flowId": "f1", "mtime": sent})


def test_an_id_is_read_in_both_spellings() -> None:
    assert Task.model_validate({"id": 5}).task_id == "5"
    assert Task.model_validate({"taskId": "t", "id": "i"}).task_id == "t"
    assert Chart.model_validate({"id": "c"}).chart_id == "c"
    assert User.model_validate({"userId": "u"}).user_id == "u"


def test_unknown_fields_are_kept() -> None:
    flow = Flow.model_validate({"flowId": "f1", "mode": "module", "new": {"x": [1]}})

    assert flow.model_extra == {"mode": "module", "new": {"x": [1]}}
    assert flow.model_dump(by_alias=True, exclude_none=True)["new"] == {"x": [1]}


def test_a_model_is_made_and_dumped_by_its_own_names() -> None:
    flow = Flow(flow_id=FlowId("f1"), custom_fields={"team": "sales"})

    assert flow.model_dump(exclude_none=True) == {
        "flow_id": "f1",
        "custom_fields": {"team": "sales"},
    }
    assert flow.model_dump(exclude_none=True, by_alias=True) == {
        "flowId": "f1",
        "customFields": {"team": "sales"},
    }


def test_the_secrets_of_a_task_are_not_dumped() -> None:
    task = Task.model_validate({"id": "t", "approverSecret": "s3cret", "requesterSecret": "s3cret"})

    assert "s3cret" not in f"{task!r} {task.model_dump()} {task.model_dump_json()}"
    assert task.approver_secret is not None
    assert task.approver_secret.get_secret_value() == "s3cret"
