"""A flow is what was saved last, in the stage it was brought to, whatever is done in any order."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, invariant, rule

from tests.contract.machine import JSON, ROUNDS, TEXTS, Machine, paged, run

TRIGGER = "11111111-1111-4111-8111-111111111111"
STEPS = [f"{n}2222222-2222-4222-8222-222222222222" for n in range(3)]
NAMES = st.sampled_from(["Orders", "ä ö", "%2f"]) | TEXTS.map(str.strip).filter(bool)


@st.composite
def descriptors(draw):
    """A webhook with up to three steps behind one another, and what a designer keeps of them."""
    looks = st.fixed_dictionaries(
        {"x": st.integers(0, 9_999), "y": st.integers(0, 9_999)}, optional={"label": TEXTS}
    )
    flow = {TRIGGER: {"type": "appmixer.utils.http.WebhookTrigger", **draw(looks)}}
    before, port = TRIGGER, "request"
    for step in STEPS[: draw(st.integers(0, 3))]:
        fields = draw(st.dictionaries(TEXTS, JSON, max_size=2))
        flow[step] = {
            "type": "appmixer.utils.http.Response",
            "source": {"in": {before: [port]}},
            "config": {"transform": {"in": {before: {port: {"type": "json2new",
                                                            "lambda": {"body": fields}}}}}},
            **draw(looks),
        }  # fmt: skip
    return flow


class Flows(Machine):
    flows = Bundle("flows")
    versions = Bundle("versions")

    def __init__(self):
        super().__init__()
        self.model = {}
        self.saved = {}

    def teardown(self):
        for flow_id in self.model:
            self.person.got("DELETE", f"/flows/{flow_id}")

    def stage(self, flow_id):
        return self.model[flow_id]["stage"]

    @rule(target=flows, name=NAMES, flow=descriptors(), fields=st.dictionaries(TEXTS, JSON))
    def create(self, name, flow, fields):
        body = {"name": name, "flow": flow, "customFields": fields}

        flow_id = self.person.got("POST", "/flows", body)["flowId"]

        self.model[flow_id] = {**body, "stage": "stopped"}
        return flow_id

    @rule(
        flow_id=flows,
        change=st.fixed_dictionaries({"name": NAMES})
        | st.fixed_dictionaries({"flow": descriptors()}),
        forced=st.booleans(),
    )
    def change(self, flow_id, change, forced):
        query = {"forceUpdate": "true"} if forced else {}

        answer = self.person.ask("PUT", f"/flows/{flow_id}", change, **query)

        if self.stage(flow_id) == "running" and not forced:
            assert answer.status_code == 400
        else:
            assert answer.is_success
            self.model[flow_id] |= change

    @rule(flow_id=flows, wanted=st.sampled_from(["start", "stop"]), other_way=st.booleans())
    def command(self, flow_id, wanted, other_way):
        if other_way:
            self.person.got("PUT", f"/flows/{flow_id}/{wanted}")
        else:
            self.person.got("POST", f"/flows/{flow_id}/coordinator", {"command": wanted})

        self.model[flow_id]["stage"] = "running" if wanted == "start" else "stopped"

    @rule(target=flows, flow_id=flows)
    def clone(self, flow_id):
        copy = self.person.got("POST", f"/flows/{flow_id}/clone", {"prefix": "Copy of "})
        copy_id = copy.get("cloneId") or copy["flowId"]

        shown = self.person.got("GET", f"/flows/{copy_id}")
        original = self.model[flow_id]["flow"]
        assert not set(shown["flow"]) & set(original)
        types = sorted(one["type"] for one in shown["flow"].values())
        assert types == sorted(one["type"] for one in original.values())
        assert shown["name"] == f"Copy of {self.model[flow_id]['name']}"
        kept = {name: shown[name] for name in ("name", "flow", "customFields")}
        self.model[copy_id] = {**kept, "stage": "stopped"}
        return copy_id

    @rule(flow_id=consumes(flows))
    def delete(self, flow_id):
        self.person.got("DELETE", f"/flows/{flow_id}")

        assert self.person.ask("GET", f"/flows/{flow_id}").status_code == 404
        del self.model[flow_id]

    @rule(target=versions, flow_id=flows, label=TEXTS)
    def keep(self, flow_id, label):
        body = {"type": "manual", "label": label}

        version_id = self.person.got("POST", f"/flows/{flow_id}/versions", body)["versionId"]

        self.saved[version_id] = self.model[flow_id]["flow"]
        return flow_id, version_id

    @rule(version=versions)
    def restore(self, version):
        flow_id, version_id = version
        path = f"/flows/{flow_id}/versions/{version_id}/restore"

        answer = self.person.ask("POST", path)

        if flow_id not in self.model:
            assert answer.status_code == 404
        elif self.stage(flow_id) == "running":
            assert answer.status_code == 400
        else:
            assert answer.is_success
            self.model[flow_id]["flow"] = self.saved[version_id]

    @rule(size=st.integers(1, 4))
    def every_flow_is_on_one_page(self, size):
        listed = paged(self.person, "/flows", size, projection="flowId,stage")

        found = {one["flowId"]: one["stage"] for one in listed}
        assert found == {flow_id: one["stage"] for flow_id, one in self.model.items()}
        assert len(listed) == len(found) == self.person.got("GET", "/flows/count")["count"]

    @invariant()
    def every_flow_is_as_it_was_saved(self):
        for flow_id, expected in self.model.items():
            shown = self.person.got("GET", f"/flows/{flow_id}")
            assert {name: shown[name] for name in expected} == expected


@pytest.mark.parametrize("rounds", ROUNDS)
def test_flows_keep_what_was_saved(turning, rounds):
    run(Flows, turning, rounds)
