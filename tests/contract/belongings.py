"""What somebody has in a tenant, made when a call is to be about it."""

import re
from collections.abc import Callable, Iterable, Mapping
from uuid import uuid4

from tests.contract.living import Person

TRIGGER = "11111111-1111-4111-8111-111111111111"
STEP = "22222222-2222-4222-8222-222222222222"
Ids = Mapping[str, str]
"""The names of parameters, with what they are to be."""


def mark(person: Person) -> str:
    """Return what stands in everything that somebody has, so that one sees where it comes out."""
    return f"only-{person.user_id}-may-read-this"


def _flow(person: Person) -> Ids:
    flow = {TRIGGER: {"type": "appmixer.utils.http.WebhookTrigger", "label": mark(person)}}
    body = {"name": mark(person), "flow": flow, "customFields": {"note": mark(person)}}
    return {"flowId": person.got("POST", "/flows", body)["flowId"], "componentId": TRIGGER}


def _failed(person: Person) -> Ids:
    """A flow that has failed once, so that there is a log record and an unprocessed message."""
    fields = {"storeId": mark(person), "key": "k", "value": f"{{{{{{$.{TRIGGER}.out.started}}}}}}"}
    flow = {
        TRIGGER: {"type": "appmixer.utils.controls.OnStart"},
        STEP: {
            "type": "appmixer.utils.storage.Set",
            "source": {"in": {TRIGGER: ["out"]}},
            "config": {
                "transform": {"in": {TRIGGER: {"out": {"type": "json2new", "lambda": fields}}}}
            },
        },
    }
    flow_id = person.got("POST", "/flows", {"name": mark(person), "flow": flow})["flowId"]
    person.got("POST", f"/flows/{flow_id}/coordinator", {"command": "start"})
    person.living.idle()
    (message,) = person.got("GET", "/unprocessed-messages", flowId=flow_id)
    return {"flowId": flow_id, "componentId": STEP, "messageId": message["messageId"]}


def _log(person: Person) -> Ids:
    flow_id = _failed(person)["flowId"]
    record = person.got("GET", "/logs", flowId=flow_id)["hits"][0]
    return {"logIndex": record["_index"], "logId": record["_id"]}


def _store(person: Person) -> Ids:
    store_id = person.got("POST", "/stores", {"name": mark(person)})["storeId"]
    person.got("POST", f"/store/{store_id}/k", mark(person))
    return {"storeId": store_id, "key": "k"}


def _account(person: Person) -> Ids:
    account = {
        "service": "appmixer:slack",
        "name": mark(person),
        "token": {"accessToken": mark(person)},
    }
    return {"accountId": person.got("POST", "/accounts", account)["accountId"]}


def _chart(person: Person) -> Ids:
    return {"chartId": person.got("POST", "/charts", {"name": mark(person)})["chartId"]}


def _task(person: Person) -> Ids:
    task = {"title": mark(person), "requester": person.email, "approver": person.email}
    return {"taskId": person.got("POST", "/people-task/tasks", task)["taskId"]}


def _file(person: Person) -> Ids:
    content = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.txt"\r\n\r\n'
        + mark(person).encode() + b"\r\n--x--\r\n"
    )  # fmt: skip
    headers = {
        "authorization": f"Bearer {person.token}",
        "content-type": "multipart/form-data; boundary=x",
    }
    answer = person.living.exchange("POST", f"{person.living.url}/files", headers, content)
    return {"fileId": answer.json()["fileId"]}


def _version(person: Person) -> Ids:
    ids = _flow(person)
    body = {"type": "manual", "label": mark(person)}
    made = person.got("POST", f"/flows/{ids['flowId']}/versions", body)
    return {**ids, "versionId": made["versionId"]}


def _task_webhook(person: Person) -> Ids:
    body = {"url": f"https://example.com/{mark(person)}", **_task(person)}
    return {"webhookId": person.got("POST", "/people-task/webhooks", body)["webhookId"]}


def _agent(person: Person) -> Ids:
    agent = {"name": mark(person), "message": mark(person), **_flow(person)}
    return {"agentId": person.got("POST", f"{_CHAT}/agents", agent)["id"]}


def _session(person: Person) -> Ids:
    return {"sessionId": person.got("POST", f"{_CHAT}/sessions", _flow(person))["id"]}


def _thread(person: Person) -> Ids:
    thread = {**_agent(person), **_session(person), "theme": mark(person)}
    return {"threadId": person.got("POST", f"{_CHAT}/threads", thread)["id"]}


def _ticket(person: Person) -> Ids:
    return {"ticket": person.got("POST", "/auth/ticket")["ticket"]}


def _user(person: Person) -> Ids:
    return {"userId": person.living.user(f"{uuid4()}@example.com").user_id}


_CHAT = "/plugins/appmixer/utils/chat"
_COMPONENT = {
    "vendor": "appmixer", "service": "utils", "module": "filters", "component": "Equal",
    "componentType": "appmixer.utils.http.Get", "selector": "appmixer.utils.http",
}  # fmt: skip
MAKERS: Mapping[str, Callable[[Person], Ids]] = {
    "flowId": _flow,
    "versionId": _version,
    "messageId": _failed,
    "logId": _log,
    "storeId": _store,
    "fileId": _file,
    "accountId": _account,
    "ticket": _ticket,
    "chartId": _chart,
    "taskId": _task,
    "webhookId": _task_webhook,
    "agentId": _agent,
    "sessionId": _session,
    "threadId": _thread,
    "userId": _user,
}


def made_for(person: Person, path: str, query: Iterable[str] = ()) -> Ids:
    """Make what a call with this path and these parameters can be about, and return its ids."""
    ids: dict[str, str] = dict(_COMPONENT)
    # The most particular first: a version comes with its flow.
    named = dict.fromkeys((*re.findall(r"{(\w+)}", path)[::-1], *query))
    for parameter in named:
        if parameter in MAKERS and parameter not in ids:
            ids = {**MAKERS[parameter](person), **ids}
    return ids
