"""Functions shared by the LangChain engines: lazy imports, messages of a job, and calls without
tracing.

LangChain is imported when the first text is generated, because it takes a second and 60 MiB, which
an installation without a model does not need.
"""

import base64
import importlib
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
from pydantic import ValidationError

from generators.contract.engines import PromptMessage, TextJob, UnusableAnswer

HTTP_CLIENT_OPTIONS: Mapping[str, Any] = {
    "trust_env": False,
    "limits": httpx.Limits(max_keepalive_connections=0),
}
"""Options of both HTTP clients: no proxy from the environment, and no persistent connections."""


class LazyValue:
    """An expensive value, created on first use and cached; thread-safe."""

    def __init__(self, make: Callable[[], Any]) -> None:
        self._make = make
        self._made = None
        self._lock = threading.Lock()

    def get(self) -> Any:
        """Return the value."""
        with self._lock:
            if self._made is None:
                self._made = self._make()
            return self._made


@dataclass(frozen=True)
class ChatAnswer:
    """A chat model's answer: its text, the server's metadata, and token counts."""

    text: str = field(repr=False)
    meta: Mapping[str, object]
    tokens_in: int
    tokens_out: int


def load_attribute(module: str, name: str) -> Any:
    """Import a module and return one of its attributes."""
    return getattr(importlib.import_module(module), name)


Content = str | list[str | dict[str, Any]]


def chat_messages(job: TextJob) -> list[tuple[str, Content]]:
    """Return the job as LangChain messages: (role, content) pairs, the system prompt first."""
    turns = [
        ("human" if turn.role == "user" else "ai", _message_content(turn)) for turn in job.turns
    ]
    return [("system", job.system), *turns] if job.system else turns


def _message_content(turn: PromptMessage) -> Content:
    """Return the text alone, or the text and base64 pictures as parts."""
    if not turn.images:
        return turn.text
    shown = [base64.b64encode(one).decode("ascii") for one in turn.images]
    return [
        {"type": "text", "text": turn.text},
        *({"type": "image_url", "image_url": one} for one in shown),
    ]


def invoke_chat_model(chat: Any, job: TextJob, *, engine: str) -> ChatAnswer:
    """Call a chat model. Tracing is always off, regardless of the environment, because it would
    send fans' messages to a third party.

    Raises UnusableAnswer for invalid text, such as a lone surrogate, and the client's exceptions.
    """
    try:
        with load_attribute("langsmith", "tracing_context")(enabled=False):
            message = chat.invoke(chat_messages(job))
    except ValidationError as error:
        raise UnusableAnswer("engine.answer_invalid", engine=engine) from error
    usage = message.usage_metadata or {}
    return ChatAnswer(
        text=message.text if isinstance(message.text, str) else str(message.content),
        meta=dict(message.response_metadata),
        tokens_in=int(usage.get("input_tokens", 0)),
        tokens_out=int(usage.get("output_tokens", 0)),
    )
