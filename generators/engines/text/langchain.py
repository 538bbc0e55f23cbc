"""Functions shared by the LangChain engines: lazy imports, messages of a job, and calls without
tracing. Of LangChain only the two chat model classes are used (docs/adr/0094-paid-engines.md).

LangChain is imported when the first text is generated, because it takes a second and 60 MiB, which
an installation without a model does not need.
"""

import base64
import importlib
from collections.abc import Mapping
from typing import Any

import httpx
from pydantic import ValidationError

from generators.contract.engines import EngineUnreachable, PromptMessage, TextJob, UnusableAnswer
from generators.text.model_calls import RawAnswer

HTTP_CLIENT_OPTIONS: Mapping[str, Any] = {
    "trust_env": False,
    "limits": httpx.Limits(max_keepalive_connections=0),
}
"""Options of both HTTP clients: no proxy from the environment, and no persistent connections."""


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


def invoke_chat_model(chat: Any, job: TextJob, *, engine: str, reason: str) -> RawAnswer:
    """Call a chat model. Tracing is always off, regardless of the environment, because it would
    send fans' messages to a third party.

    `reason` is the field of the response that says why the answer ended; it is missing if the
    connection ended first. Raises EngineUnreachable in that case.

    Raises UnusableAnswer for invalid text, such as a lone surrogate, and the client's exceptions.
    """
    try:
        with load_attribute("langsmith", "tracing_context")(enabled=False):
            message = chat.invoke(chat_messages(job))
    except ValidationError as error:
        raise UnusableAnswer("engine.answer_invalid", engine=engine) from error
    usage = message.usage_metadata or {}
    ended = message.response_metadata.get(reason)
    if ended is None:
        raise EngineUnreachable("engine.answer_broken_off", engine=engine)
    return RawAnswer(
        message.text if isinstance(message.text, str) else str(message.content),
        cut=ended == "length",
        tokens_in=int(usage.get("input_tokens", 0)),
        tokens_out=int(usage.get("output_tokens", 0)),
    )
