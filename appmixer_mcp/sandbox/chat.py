"""The chat plugin: agents, sessions, threads and messages of one user; nobody else's exist."""

import sqlite3
from collections.abc import Mapping
from secrets import randbits
from typing import NotRequired
from uuid import UUID, uuid1, uuid4

from typing_extensions import TypedDict

from appmixer_mcp.errors import ConflictError, NotFoundError
from appmixer_mcp.sandbox.clock import Clock, iso, to_ms
from appmixer_mcp.sandbox.database import Database

# A random node, so that no id tells the machine's network address.
_NODE, _SEQUENCE = randbits(48) | 1 << 40, randbits(14)


class ChatAgent(TypedDict):
    """Somebody, or something, that answers in a chat."""

    id: str
    name: str
    message: str
    avatar: str
    userId: str
    componentId: str
    flowId: str
    createdAt: str


class ChatThread(TypedDict):
    """One conversation."""

    id: str
    agentId: str
    sessionId: str
    theme: str
    createdAt: str


class ChatSession(TypedDict):
    """What one visitor has said and heard."""

    id: str
    userId: str
    componentId: str
    flowId: str
    createdAt: str
    threads: NotRequired[list[ChatThread]]


class ChatMessage(TypedDict):
    """One message of a thread."""

    id: str
    content: str
    role: str
    threadId: str
    userId: str
    correlationId: str
    componentId: str
    flowId: str
    createdAt: str


class UserChat:
    """The chats of one user."""

    def __init__(self, database: Database, clock: Clock, user_id: str) -> None:
        self._database = database
        self._clock = clock
        self._user_id = user_id

    def agents(self, flow_id: str = "", component_id: str = "") -> list[ChatAgent]:
        """Return the agents, oldest first; of one flow or component where it is named."""
        rows = self._database.rows(
            "SELECT * FROM chat_agent WHERE user_id = ?1 AND ?2 IN ('', flow_id)"
            " AND ?3 IN ('', component_id) ORDER BY seq",
            (self._user_id, flow_id, component_id),
        )
        return [_agent(row) for row in rows]

    def agent(self, agent_id: str) -> ChatAgent:
        """Return an agent.

        Raises:
            NotFoundError: This user has no such agent.
        """
        return _agent(self._row("agent", agent_id))

    def create_agent(self, agent_id: str, facts: Mapping[str, str]) -> ChatAgent:
        """Make an agent; an empty id is made up.

        Args:
            agent_id: Its id.
            facts: Column -> value: name, message, avatar, flow_id, component_id.

        Raises:
            ConflictError: This user has an agent with that id.
        """
        return self.agent(self._insert("agent", agent_id, facts))

    def change_agent(self, agent_id: str, facts: Mapping[str, str]) -> ChatAgent:
        """Change what is given of an agent.

        Raises:
            NotFoundError: This user has no such agent.
        """
        with self._database.transaction() as connection:
            self._row("agent", agent_id)
            for column, value in facts.items():
                connection.execute(
                    f"UPDATE chat_agent SET {column} = ?"  # noqa: S608 - a column of ours
                    " WHERE user_id = ? AND id = ?",
                    (value, self._user_id, agent_id),
                )
            return self.agent(agent_id)

    def delete_agent(self, agent_id: str) -> None:
        """Delete an agent; its threads stay.

        Raises:
            NotFoundError: This user has no such agent.
        """
        self._delete("agent", agent_id)

    def session(self, session_id: str) -> ChatSession:
        """Return a session with its threads, oldest first.

        Raises:
            NotFoundError: This user has no such session.
        """
        row = self._row("session", session_id)
        threads = self._database.rows(
            "SELECT * FROM chat_thread WHERE user_id = ? AND session_id = ? ORDER BY seq",
            (self._user_id, session_id),
        )
        return {
            "id": row["id"],
            "userId": row["user_id"],
            "componentId": row["component_id"],
            "flowId": row["flow_id"],
            "createdAt": iso(row["created_ms"]),
            "threads": [_thread(thread) for thread in threads],
        }

    def create_session(self, session_id: str, facts: Mapping[str, str]) -> ChatSession:
        """Make a session; an empty id is made up.

        Args:
            session_id: Its id.
            facts: Column -> value: flow_id, component_id.

        Raises:
            ConflictError: This user has a session with that id.
        """
        return self.session(self._insert("session", session_id, facts))

    def thread(self, thread_id: str) -> ChatThread:
        """Return a thread.

        Raises:
            NotFoundError: This user has no such thread.
        """
        return _thread(self._row("thread", thread_id))

    def create_thread(self, thread_id: str, facts: Mapping[str, str]) -> ChatThread:
        """Make a thread; an empty id is made up.

        Args:
            thread_id: Its id.
            facts: Column -> value: agent_id, session_id, theme.

        Raises:
            ConflictError: This user has a thread with that id.
        """
        return self.thread(self._insert("thread", thread_id, facts))

    def delete_thread(self, thread_id: str) -> None:
        """Delete a thread with its messages.

        Raises:
            NotFoundError: This user has no such thread.
        """
        with self._database.transaction():
            self.delete_messages(thread_id)
            self._delete("thread", thread_id)

    def messages(
        self, connection: sqlite3.Connection, thread_id: str, since_id: str
    ) -> list[ChatMessage]:
        """Return a thread's messages in the order of time; only those after one if it is named.

        For `Database.read`, as there may be many.
        """
        rows = connection.execute(
            "SELECT * FROM chat_message WHERE user_id = ?1 AND thread_id = ?2 AND seq >"
            " coalesce((SELECT seq FROM chat_message WHERE user_id = ?1 AND id = ?3), 0)"
            " ORDER BY seq",
            (self._user_id, thread_id, since_id),
        )
        return [_message(row) for row in rows]

    def add_message(self, thread_id: str, facts: Mapping[str, str]) -> ChatMessage:
        """Add a message at the end of a thread.

        Args:
            thread_id: Its thread.
            facts: Column -> value: content, role, correlation_id, flow_id, component_id.

        Raises:
            NotFoundError: This user has no such thread.
        """
        with self._database.transaction():
            self._row("thread", thread_id)
            message_id = _rising_id()
            self._insert("message", message_id, {"thread_id": thread_id, **facts})
            return _message(self._row("message", message_id))

    def delete_messages(self, thread_id: str) -> None:
        """Delete the messages of a thread.

        Raises:
            NotFoundError: This user has no such thread.
        """
        with self._database.transaction() as connection:
            self._row("thread", thread_id)
            connection.execute(
                "DELETE FROM chat_message WHERE user_id = ? AND thread_id = ?",
                (self._user_id, thread_id),
            )

    def _insert(self, kind: str, wanted_id: str, facts: Mapping[str, str]) -> str:
        columns = {
            "user_id": self._user_id,
            "id": wanted_id or str(uuid4()),
            "created_ms": to_ms(self._clock.now()),
            **facts,
        }
        names, marks = ", ".join(columns), ", ".join("?" * len(columns))
        try:
            with self._database.transaction() as connection:
                connection.execute(
                    f"INSERT INTO chat_{kind} ({names}) VALUES ({marks})",  # noqa: S608 - ours
                    tuple(columns.values()),
                )
        except sqlite3.IntegrityError as error:
            raise ConflictError(f"There already is a chat {kind} with this id.") from error
        return str(columns["id"])

    def _delete(self, kind: str, wanted_id: str) -> None:
        with self._database.transaction() as connection:
            self._row(kind, wanted_id)
            connection.execute(
                f"DELETE FROM chat_{kind} WHERE user_id = ? AND id = ?",  # noqa: S608 - ours
                (self._user_id, wanted_id),
            )

    def _row(self, kind: str, wanted_id: str) -> sqlite3.Row:
        row = self._database.row(
            f"SELECT * FROM chat_{kind} WHERE user_id = ? AND id = ?",  # noqa: S608 - ours
            (self._user_id, wanted_id),
        )
        if row is None:
            raise NotFoundError(f"There is no chat {kind} with this id.")
        return row


def _agent(row: sqlite3.Row) -> ChatAgent:
    return {
        "id": row["id"],
        "name": row["name"],
        "message": row["message"],
        "avatar": row["avatar"],
        "userId": row["user_id"],
        "componentId": row["component_id"],
        "flowId": row["flow_id"],
        "createdAt": iso(row["created_ms"]),
    }


def _thread(row: sqlite3.Row) -> ChatThread:
    return {
        "id": row["id"],
        "agentId": row["agent_id"],
        "sessionId": row["session_id"],
        "theme": row["theme"],
        "createdAt": iso(row["created_ms"]),
    }


def _message(row: sqlite3.Row) -> ChatMessage:
    return {
        "id": row["id"],
        "content": row["content"],
        "role": row["role"],
        "threadId": row["thread_id"],
        "userId": row["user_id"],
        "correlationId": row["correlation_id"],
        "componentId": row["component_id"],
        "flowId": row["flow_id"],
        "createdAt": iso(row["created_ms"]),
    }


def _rising_id() -> str:
    """Return a UUID of version 6: one of version 1 whose time stands first, highest digits first.

    Source: documented, so that clients can compare ids.
    """
    stamped = uuid1(_NODE, _SEQUENCE)
    time = stamped.time
    high = time >> 12 << 16 | 6 << 12 | time & 0xFFF
    return str(UUID(int=high << 64 | stamped.int & (1 << 64) - 1))
