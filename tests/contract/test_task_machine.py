"""A people task goes from pending over due to its decision, and no further."""

from datetime import timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, invariant, rule

from tests.contract.machine import ROUNDS, Machine, paged, run

DECIDED = {"approve": "approved", "reject": "rejected"}


class Tasks(Machine):
    tasks = Bundle("tasks")

    def __init__(self):
        super().__init__()
        self.now = self.person.living.clock.now
        self.model = {}
        self.due_at = {}

    @rule(target=tasks, minutes=st.none() | st.integers(1, 5), other=st.booleans())
    def create(self, minutes, other):
        approver = self.person.email
        body = {
            "title": "Pay",
            "approver": approver,
            "requester": "other@example.com" if other else approver,
        }
        due_at = None if minutes is None else self.now() + timedelta(minutes=minutes)
        if due_at is not None:
            body["decisionBy"] = due_at.isoformat()
        task = self.person.got("POST", "/people-task/tasks", body)

        assert task["status"] == "pending"
        self.model[task["taskId"]] = "pending"
        self.due_at[task["taskId"]] = due_at
        return task["taskId"]

    @rule(task=tasks, verb=st.sampled_from(["approve", "reject"]))
    def decide(self, task, verb):
        answer = self.person.ask("PUT", f"/people-task/tasks/{task}/{verb}")

        if self.model[task] in ("pending", "due"):
            assert answer.json()["status"] == DECIDED[verb]
            self.model[task] = DECIDED[verb]
        else:
            assert answer.status_code == 400
            assert f"already {self.model[task]}" in answer.json()["message"]

    @rule(minutes=st.integers(1, 4))
    def time_passes(self, minutes):
        self.person.living.turn(timedelta(minutes=minutes))
        # The job that looks for them runs once a minute, so one more makes sure.
        self.person.living.turn(timedelta(minutes=1))

        for task, due_at in self.due_at.items():
            if self.model[task] == "pending" and due_at is not None:
                shown = self.person.got("GET", f"/people-task/tasks/{task}")["status"]
                if due_at <= self.now() - timedelta(minutes=1):
                    assert shown == "due"
                self.model[task] = shown

    @rule(size=st.integers(1, 4), status=st.sampled_from(["pending", "approved", "due"]))
    def every_task_of_a_status_is_on_one_page(self, size, status):
        listed = paged(self.person, "/people-task/tasks", size, filter=f"status:{status}")

        expected = sorted(task for task, found in self.model.items() if found == status)
        assert sorted(one["taskId"] for one in listed) == expected

    @invariant()
    def all_are_as_expected(self):
        listed = self.person.got("GET", "/people-task/tasks", role="approver", limit="1000")
        count = self.person.got("GET", "/people-task/tasks-count", role="approver")

        assert {one["taskId"]: one["status"] for one in listed} == self.model
        assert count == {"count": len(self.model)}


@pytest.mark.parametrize("rounds", ROUNDS)
def test_tasks_keep_to_their_statuses(turning, rounds):
    run(Tasks, turning, rounds)
