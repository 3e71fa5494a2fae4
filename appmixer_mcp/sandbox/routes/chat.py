"""The chat plugin."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints
from starlette.responses import PlainTextResponse, Response

from appmixer_mcp.errors import NotFoundError
from appmixer_mcp.sandbox.chat import ChatAgent, ChatMessage, ChatSession, ChatThread, UserChat
from appmixer_mcp.sandbox.routes.endpoint import Call, Empty, Endpoint, Parameter
from appmixer_mcp.sandbox.routes.event_stream import event_stream

_MOUNT = "/plugins/appmixer/utils/chat"
_ASSETS = frozenset(
    ("chat.lib.js", "chat.lib.css", "chat.main.js", "chat.main.css", "chat.widget.js")
)
_ASSET = "/* The sandbox has no chat widget. Its chats are reached through the REST API alone. */\n"

_Id = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{0,100}$")]
_Reference = Annotated[str, StringConstraints(max_length=200)]
_Text = Annotated[str, StringConstraints(max_length=10_000)]
_Content = Annotated[str, StringConstraints(max_length=100_000)]


class _Body(BaseModel):
    def facts(self) -> dict[str, str]:
        """Return column -> value for what was sent."""
        return self.model_dump(exclude={"id"}, exclude_unset=True)


class _Placed(_Body):
    flow_id: _Reference = Field(default="", alias="flowId")
    component_id: _Reference = Field(default="", alias="componentId")


class _Agent(_Placed):
    id: _Id = ""
    name: _Text = ""
    message: _Text = ""
    avatar: _Content = ""


class _Session(_Placed):
    id: _Id = ""


class _Thread(_Body):
    id: _Id = ""
    agent_id: _Reference = Field(default="", alias="agentId")
    session_id: _Reference = Field(default="", alias="sessionId")
    theme: _Text = ""


class _Message(_Placed):
    content: _Content
    role: Literal["user", "agent"]
    correlation_id: _Text = Field(default="", alias="correlationId")


async def list_chat_agents(call: Call) -> list[ChatAgent]:
    """List the user's agents, oldest first."""
    return _chat(call).agents(call.query.get("flowId", ""), call.query.get("componentId", ""))


async def create_chat_agent(call: Call) -> ChatAgent:
    """Make an agent."""
    chat, body = _chat(call), await call.body(_Agent)
    return chat.create_agent(body.id, body.facts())


async def get_chat_agent(call: Call) -> ChatAgent:
    """Show an agent."""
    return _chat(call).agent(call.path("agentId"))


async def update_chat_agent(call: Call) -> ChatAgent:
    """Change what is sent of an agent; its id stays."""
    chat, body = _chat(call), await call.body(_Agent)
    return chat.change_agent(call.path("agentId"), body.facts())


async def delete_chat_agent(call: Call) -> Empty:
    """Delete an agent."""
    _chat(call).delete_agent(call.path("agentId"))
    return {}


async def create_chat_session(call: Call) -> ChatSession:
    """Make a session."""
    chat, body = _chat(call), await call.body(_Session)
    return chat.create_session(body.id, body.facts())


async def get_chat_session(call: Call) -> ChatSession:
    """Show a session with its threads."""
    return _chat(call).session(call.path("sessionId"))


async def create_chat_thread(call: Call) -> ChatThread:
    """Make a thread."""
    chat, body = _chat(call), await call.body(_Thread)
    return chat.create_thread(body.id, body.facts())


async def get_chat_thread(call: Call) -> ChatThread:
    """Show a thread."""
    return _chat(call).thread(call.path("threadId"))


async def delete_chat_thread(call: Call) -> Empty:
    """Delete a thread with its messages."""
    _chat(call).delete_thread(call.path("threadId"))
    return {}


async def post_chat_message(call: Call) -> ChatMessage:
    """Add a message to a thread, and tell who listens to its events."""
    chat, body = _chat(call), await call.body(_Message)
    message = chat.add_message(call.path("threadId"), body.facts())
    topic = _topic(call, message["threadId"])
    call.services.streams.publish(topic, {"type": "message", "data": message})
    return message


async def list_chat_messages(call: Call) -> list[ChatMessage]:
    """List the messages of a thread in the order of time."""
    chat, since_id = _chat(call), call.query.get("sinceId", "")
    thread_id = chat.thread(call.path("threadId"))["id"]
    return await call.services.database.read(
        lambda connection: chat.messages(connection, thread_id, since_id)
    )


async def delete_chat_messages(call: Call) -> Empty:
    """Delete the messages of a thread."""
    _chat(call).delete_messages(call.path("threadId"))
    return {}


async def stream_chat_events(call: Call) -> Response:
    """Tell each message of a thread from now on."""
    thread = _chat(call).thread(call.path("threadId"))
    return event_stream(call.services.streams, _topic(call, thread["id"]))


async def get_chat_asset(call: Call) -> Response:
    """Answer to the widget's file names with a comment: the sandbox has no chat widget."""
    asset = call.path("asset")
    if asset not in _ASSETS:
        raise NotFoundError(f"There is no asset {asset!r}.")
    return PlainTextResponse(_ASSET)


def _chat(call: Call) -> UserChat:
    """Return the chats of who calls: the sandbox has no public user, so a token is needed (ours).

    Raises:
        NotSignedInError: Nobody is known.
    """
    return UserChat(call.services.database, call.services.clock, call.user.user_id)


def _topic(call: Call, thread_id: str) -> str:
    return f"chat:{call.user.user_id}:{thread_id}"


ENDPOINTS = (
    Endpoint(
        "POST",
        f"{_MOUNT}/messages/{{threadId}}",
        post_chat_message,
        auth="optional",
        body=_Message,
        answer=ChatMessage,
    ),
    Endpoint(
        "GET",
        f"{_MOUNT}/messages/{{threadId}}",
        list_chat_messages,
        auth="optional",
        query=(Parameter(name="sinceId"),),
        answer=list[ChatMessage],
    ),
    Endpoint(
        "DELETE",
        f"{_MOUNT}/messages/{{threadId}}",
        delete_chat_messages,
        auth="optional",
        answer=Empty,
    ),
    Endpoint(
        "GET",
        f"{_MOUNT}/events/{{threadId}}",
        stream_chat_events,
        auth="optional",
        answer_type="text/event-stream",
    ),
    Endpoint(
        "POST",
        f"{_MOUNT}/sessions",
        create_chat_session,
        auth="optional",
        body=_Session,
        answer=ChatSession,
        statuses=(409,),
    ),
    Endpoint(
        "GET",
        f"{_MOUNT}/sessions/{{sessionId}}",
        get_chat_session,
        auth="optional",
        answer=ChatSession,
    ),
    Endpoint(
        "POST",
        f"{_MOUNT}/threads",
        create_chat_thread,
        auth="optional",
        body=_Thread,
        answer=ChatThread,
        statuses=(409,),
    ),
    Endpoint(
        "GET",
        f"{_MOUNT}/threads/{{threadId}}",
        get_chat_thread,
        auth="optional",
        answer=ChatThread,
    ),
    Endpoint(
        "DELETE",
        f"{_MOUNT}/threads/{{threadId}}",
        delete_chat_thread,
        auth="optional",
        answer=Empty,
    ),
    Endpoint(
        "GET",
        f"{_MOUNT}/agents",
        list_chat_agents,
        auth="optional",
        query=(Parameter(name="flowId"), Parameter(name="componentId")),
        answer=list[ChatAgent],
    ),
    Endpoint(
        "POST",
        f"{_MOUNT}/agents",
        create_chat_agent,
        auth="optional",
        body=_Agent,
        answer=ChatAgent,
        statuses=(409,),
    ),
    Endpoint(
        "GET", f"{_MOUNT}/agents/{{agentId}}", get_chat_agent, auth="optional", answer=ChatAgent
    ),
    Endpoint(
        "PUT",
        f"{_MOUNT}/agents/{{agentId}}",
        update_chat_agent,
        auth="optional",
        body=_Agent,
        answer=ChatAgent,
    ),
    Endpoint(
        "DELETE",
        f"{_MOUNT}/agents/{{agentId}}",
        delete_chat_agent,
        auth="optional",
        answer=Empty,
    ),
    Endpoint(
        "GET", f"{_MOUNT}/assets/{{asset}}", get_chat_asset, auth="none", answer_type="text/plain"
    ),
)
