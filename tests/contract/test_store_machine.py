"""A data store behaves as a dict, whatever is done in whatever order."""

from urllib.parse import quote

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, consumes, rule

from tests.contract.machine import JSON, ROUNDS, TEXTS, Machine, paged, run

KEYS = st.sampled_from(["a", "b", "..", "%2f", "a/b", "ä ö"]) | TEXTS.filter(bool)
SIZES = st.integers(1, 4)


class Stores(Machine):
    stores = Bundle("stores")

    def __init__(self):
        super().__init__()
        self.model = {}
        self.names = {}

    def path(self, store, key):
        return f"/store/{store}/{quote(key, safe='')}"

    @rule(target=stores, name=st.sampled_from(["A", "B"]))
    def create(self, name):
        store = self.person.got("POST", "/stores", {"name": name})["storeId"]
        self.model[store] = {}
        self.names[store] = name
        return store

    @rule(store=stores, name=st.sampled_from(["A", "C"]))
    def rename(self, store, name):
        answer = self.person.got("PUT", f"/stores/{store}", {"name": name})

        assert answer == {"oldName": self.names[store], "storeId": store}
        self.names[store] = name

    @rule(store=consumes(stores))
    def delete(self, store):
        self.person.got("DELETE", f"/stores/{store}")

        assert self.person.ask("GET", f"/stores/{store}").status_code == 404
        assert self.person.ask("GET", "/store", storeId=store).status_code == 404
        del self.model[store], self.names[store]

    @rule(store=stores, key=KEYS, value=JSON)
    def put(self, store, key, value):
        answer = self.person.got("POST", self.path(store, key), value if value is not None else "")

        assert answer.get("oldValue") == self.model[store].get(key)
        self.model[store][key] = "" if value is None else value

    @rule(store=stores, key=KEYS, value=JSON)
    def change(self, store, key, value):
        answer = self.person.ask("PATCH", self.path(store, key), {"value": value})

        assert answer.is_success is (key in self.model[store])
        if answer.is_success:
            self.model[store][key] = value

    @rule(store=stores, key=KEYS, new_key=KEYS)
    def move(self, store, key, new_key):
        records = self.model[store]
        answer = self.person.ask("PATCH", self.path(store, key), {"key": new_key})

        if key not in records:
            assert answer.status_code == 404
        elif new_key in records and new_key != key:
            assert answer.status_code == 409
        else:
            assert answer.is_success
            records[new_key] = records.pop(key)

    @rule(store=stores, key=KEYS)
    def get(self, store, key):
        answer = self.person.ask("GET", self.path(store, key))

        assert answer.is_success is (key in self.model[store])
        if answer.is_success:
            assert answer.json()["value"] == self.model[store][key]

    @rule(store=stores, key=KEYS)
    def remove(self, store, key):
        answer = self.person.ask("DELETE", self.path(store, key))

        assert answer.is_success is (key in self.model[store])
        self.model[store].pop(key, None)

    @rule(store=stores, keys=st.lists(KEYS, max_size=3, unique=True))
    def remove_many(self, store, keys):
        items = [{"storeId": store, "key": key} for key in keys]

        answer = self.person.got("DELETE", "/store", items)

        assert answer == {"deletedCount": sum(key in self.model[store] for key in keys)}
        self.model[store] = {k: v for k, v in self.model[store].items() if k not in keys}

    @rule(store=stores, size=SIZES)
    def every_record_is_on_one_page(self, store, size):
        listed = paged(self.person, "/store", size, storeId=store)

        assert {one["key"]: one["value"] for one in listed} == self.model[store]
        assert len(listed) == len(self.model[store])
        assert self.person.got("GET", "/store/count", storeId=store)["count"] == len(listed)

    @rule(size=SIZES)
    def every_store_is_on_one_page(self, size):
        listed = paged(self.person, "/stores", size)

        assert sorted((one["storeId"], one["name"]) for one in listed) == sorted(self.names.items())


@pytest.mark.parametrize("rounds", ROUNDS)
def test_stores_behave_as_dicts(turning, rounds):
    run(Stores, turning, rounds)
