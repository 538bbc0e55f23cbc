"""The room's event kinds and facts; their handlers are in `subscribers/intake/handlers.py`."""

from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from foundation.outbox import outbox

Carried = Literal["draft", "fulfilment"]


@dataclass(frozen=True)
class ChatTurn:
    """A conversation waits for the model's answer. Lane `turn:<conversation>`, which it holds:
    while the model thinks, receipts and helplines leave."""

    kind: ClassVar[str] = "chat.turn"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ChatSend:
    """A draft may leave. Lane `chat:<conversation>`, which it holds: message 2 never overtakes
    message 1."""

    kind: ClassVar[str] = "chat.send"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ChatReconcile:
    """Find out what became of a draft or a fulfilment whose answer is missing."""

    kind: ClassVar[str] = "chat.reconcile"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    what: Carried


@dataclass(frozen=True)
class UncertainMessageResolved:
    """A member looked for a message in doubt: it arrived, or it did not. `by` is `member:<id>`."""

    kind: ClassVar[str] = "chat.settle"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    arrived: bool
    by: str
