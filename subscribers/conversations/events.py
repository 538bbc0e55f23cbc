"""Events of conversations; the handlers are in `subscribers/intake/handlers.py`."""

from dataclasses import dataclass
from typing import ClassVar, Literal
from uuid import UUID

from foundation.outbox import outbox

Carried = Literal["draft", "fulfilment"]


@dataclass(frozen=True)
class ChatTurn:
    """Generate a reply in a conversation. Lane `turn:<conversation>`, held during generation, while
    receipts and crisis messages are still sent."""

    kind: ClassVar[str] = "chat.turn"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ChatSend:
    """Send a draft. Lane `chat:<conversation>`, held so that messages are sent in order."""

    kind: ClassVar[str] = "chat.send"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID


@dataclass(frozen=True)
class ChatReconcile:
    """Look up the outcome of a draft or fulfilment without a response."""

    kind: ClassVar[str] = "chat.reconcile"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    what: Carried


@dataclass(frozen=True)
class UncertainMessageResolved:
    """A member checked an uncertain message: it arrived or it did not. `by` is `member:<id>`."""

    kind: ClassVar[str] = "chat.settle"
    queue: ClassVar[outbox.Queue] = "chat"
    tenant_id: UUID
    subject_id: UUID
    arrived: bool
    by: str
