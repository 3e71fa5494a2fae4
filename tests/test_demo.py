"""The demo keeps its promises: every step did what it says, and nothing is left behind."""

from pathlib import Path

from tests.processes import finished, start


def test_the_demo_runs_through_and_touches_no_data_of_the_user(tmp_path: Path) -> None:
    data = tmp_path / "data"

    code, out, err = finished(start("demo", data_dir=data))

    assert code == 0, out + err
    assert "Every step did what it says" in out
    for tool in ("create_flow", "start_flow", "query_logs", "approve_task", "list_store_records"):
        assert f"→ {tool}(" in out
    assert "? Delete the flow" in out
    assert "The person declines." in out
    assert not data.exists()
