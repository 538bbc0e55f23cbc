"""Run one request for suggestions of any kind: load it, prompt a model, store what passes the
checks.

No transaction is open while a model writes. A run that is killed stores nothing: the next one
prompts the model again, and the requests already sent count as lost. If two runs overlap, the first
to store its result wins.
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
    """Counters of the model requests of one run, with one session for each subject that they are
    billed to."""

    open_session: Callable[[UUID], TextSession]
    _by_subject: dict[UUID, TextSession] = field(default_factory=dict)

    def counted_engine(self, engine: TextEngine, subject_id: UUID) -> TextEngine:
        """Return the engine with each of its requests counted for the subject."""
        if subject_id not in self._by_subject:
            self._by_subject[subject_id] = self.open_session(subject_id)
        return self._by_subject[subject_id].counted_engine(engine)

    def mark_used(self, scope: Scope, subjects: Collection[UUID]) -> None:
        """Record that texts of these subjects are used, in the transaction that stores them."""
        for subject_id in subjects:
            self._by_subject[subject_id].mark_used(scope)


class SuggestionKind(Protocol[RequestT, EngineT_contra, PartT]):
    """A kind of suggestions. A request is written in parts, each a text or the reason why it is
    missing."""

    @property
    def actor(self) -> str: ...

    @property
    def purpose(self) -> TextPurpose: ...

    def load_request(self, scope: Scope, request_id: UUID) -> RequestT | None:
        """Return a request with all that its prompts need, or None if no model is needed."""

    def write_parts(
        self, request: RequestT, engine: EngineT_contra, sessions: CostSessions
    ) -> Iterator[PartT]:
        """Request one part after another and check each answer; no transaction is open."""

    def store_parts(
        self, scope: Scope, request_id: UUID, parts: Sequence[PartT]
    ) -> Collection[UUID]:
        """Store the parts unless another run has stored them. Return the subjects whose texts are
        used."""

    def failure_part(self, reason: Message) -> PartT | None:
        """Return the part with the reason why nothing was written, or None if the kind stores no
        reasons."""


def generate_suggestions(
    event: Event,
    *,
    kind: SuggestionKind[RequestT, EngineT, PartT],
    tenant: OpenScope,
    open_engine: Callable[[], EngineT],
    billing: TextBilling = FREE_BILLING,
) -> None:
    """Write the suggestions requested by `event` and store them with the reasons for missing ones.

    Raises EngineError if the engine cannot be opened and the kind stores no reasons, and LeaseLost.
    """
    with tenant(event.tenant_id, kind.actor) as scope:
        request = kind.load_request(scope, event.subject_id)
    if request is None:
        return
    creator_id = request.creator_id
    sessions = CostSessions(
        lambda subject: TextSession(
            tenant, event.tenant_id, creator_id, kind.purpose, subject, billing
        )
    )
    parts: list[PartT] = []
    with heartbeat() as pulse:
        for part in _iterate_parts(kind, request, open_engine, sessions):
            parts.append(part)
            pulse.check_lease()
    with tenant(event.tenant_id, kind.actor) as scope:
        sessions.mark_used(scope, kind.store_parts(scope, event.subject_id, parts))


def _iterate_parts(
    kind: SuggestionKind[RequestT, EngineT, PartT],
    request: RequestT,
    open_engine: Callable[[], EngineT],
    sessions: CostSessions,
) -> Iterator[PartT]:
    try:
        engine = open_engine()
    except EngineError as error:  # the configured model is missing: a retry would not help
        failure = kind.failure_part(error.message)
        if failure is None:
            raise
        yield failure
        return
    yield from kind.write_parts(request, engine, sessions)


def fail_suggestions(
    event: Event, *, kind: SuggestionKind[Any, Any, Any], tenant: OpenScope
) -> None:
    """End a request whose last attempt failed, so that the member who waits for it sees a
    reason."""
    failure = kind.failure_part(Message("kit.gave_up"))
    if failure is not None:
        with tenant(event.tenant_id, kind.actor) as scope:
            kind.store_parts(scope, event.subject_id, [failure])
