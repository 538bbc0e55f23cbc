"""Run one request for suggestions of any kind: load it, ask a model, store what passed the checks.

No transaction is open while a model writes. A run that is killed stores nothing: the next one asks the model again, and
what was already sent counts as lost. Of two runs of one request, the first to store wins.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox.heartbeat import heartbeat
from foundation.outbox.outbox import Event
from generators.contract.engines import EngineError, TextEngine
from studio.costs.text_requests import FREE_BILLING, TextBilling, TextPurpose, TextSession


class GenerationRequest(Protocol):
    """A request that is not written yet, with all that its prompts need."""

    @property
    def creator_id(self) -> UUID: ...


RequestT = TypeVar("RequestT", bound=GenerationRequest)
EngineT = TypeVar("EngineT", bound=TextEngine)
EngineT_contra = TypeVar("EngineT_contra", bound=TextEngine, contravariant=True)
PartT = TypeVar("PartT")


@dataclass(frozen=True)
class CostSessions:
    """Counts the model requests of one run, in one session for each subject that they are billed to."""

    tenant: OpenScope
    tenant_id: UUID
    creator_id: UUID
    purpose: TextPurpose
    billing: TextBilling
    _by_subject: dict[UUID, TextSession] = field(default_factory=dict)

    def counted_engine(self, engine: TextEngine, subject_id: UUID) -> TextEngine:
        """Return the engine with each of its requests counted for the subject."""
        if subject_id not in self._by_subject:
            self._by_subject[subject_id] = TextSession(
                self.tenant, self.tenant_id, self.creator_id, self.purpose, subject_id, self.billing
            )
        return self._by_subject[subject_id].counted_engine(engine)

    def mark_used(self, scope: Scope, subjects: Collection[UUID]) -> None:
        """Record that texts of these subjects are used, in the transaction that stores them."""
        for subject_id in subjects:
            self._by_subject[subject_id].mark_used(scope)


class SuggestionKind(Protocol[RequestT, EngineT_contra, PartT]):
    """One kind of suggestions. Its parts are what a model is asked for one after the other: texts, or reasons why
    there are none."""

    @property
    def actor(self) -> str:
        """The actor of its transactions."""

    @property
    def purpose(self) -> TextPurpose:
        """What its model requests are billed for."""

    def load_request(self, scope: Scope, request_id: UUID) -> RequestT | None:
        """Return a request with all that its prompts need, or None if no model is to be asked (any more)."""

    def write_parts(self, request: RequestT, engine: EngineT_contra, sessions: CostSessions) -> Iterator[PartT]:
        """Ask the model for one part after the other and check each answer. The lease is checked between two parts."""

    def store_parts(self, scope: Scope, request: RequestT, parts: Sequence[PartT]) -> Collection[UUID]:
        """Store the parts unless another run already has. Return the subjects whose texts are used."""

    def store_failure(self, scope: Scope, request_id: UUID, reason: Message) -> bool:
        """End a request with a reason, unless it is written. Return False if this kind stores no reasons."""


def generate_suggestions(
    event: Event,
    *,
    kind: SuggestionKind[RequestT, EngineT, PartT],
    tenant: OpenScope,
    open_engine: Callable[[], EngineT],
    billing: TextBilling = FREE_BILLING,
) -> None:
    """Write what the subject of `event` asks for, and store it with the reasons for what is missing.

    Raises EngineError if the engine cannot be opened and the kind stores no reasons, and LeaseLost.
    """
    with tenant(event.tenant_id, kind.actor) as scope:
        request = kind.load_request(scope, event.subject_id)
    if request is None:
        return
    sessions = CostSessions(tenant, event.tenant_id, request.creator_id, kind.purpose, billing)
    parts: list[PartT] = []
    with heartbeat() as pulse:
        try:
            engine = open_engine()
        except EngineError as error:  # the settings name a missing model: trying again would not help
            pulse.check_lease()
            with tenant(event.tenant_id, kind.actor) as scope:
                if kind.store_failure(scope, event.subject_id, error.message):
                    return
            raise
        pulse.check_lease()
        for part in kind.write_parts(request, engine, sessions):
            parts.append(part)
            pulse.check_lease()
    with tenant(event.tenant_id, kind.actor) as scope:
        sessions.mark_used(scope, kind.store_parts(scope, request, parts))


def fail_suggestions(event: Event, *, kind: SuggestionKind[Any, Any, Any], tenant: OpenScope) -> None:
    """End a request whose last try broke off, so that the member who waits for it sees a reason."""
    with tenant(event.tenant_id, kind.actor) as scope:
        kind.store_failure(scope, event.subject_id, Message("kit.gave_up"))
