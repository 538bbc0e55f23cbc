"""What texts of models cost: a request is written down before it leaves, and again when it is known
what came of it.

A request is a row, and a row is billed once at most. Who is killed in between leaves one that was
asked: it counts at the most it can cost, since nobody knows. A model without a price costs time
alone. Where the most that a text can cost is beyond the month's cap it is not asked for, and a
member is told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from uuid import UUID

from foundation.db.database import OpenScope, Scope
from foundation.ids import derived_uuid, uuid7
from foundation.money import Price, TokenPrice
from foundation.ops.clock import monotonic
from generators.contract.engines import (
    GeneratedText,
    RequestLedger,
    SpendingNotAllowed,
    TextEngine,
    TextJob,
)
from studio.costs import spending_caps
from studio.costs.models import TextRequestRow
from studio.costs.spending_caps import CapReached, SpendingCaps
from studio.costs.states import TEXT_REQUEST_STATES, TextRequestState
from tenants.notices import notices

TokenPrices = Mapping[str, TokenPrice]
"""By model, what a million tokens cost (setting `generators.text_prices`)."""


@dataclass(frozen=True)
class TextBilling:
    """What texts of models cost, and what the house lets each agency spend in a month."""

    prices: TokenPrices
    caps: SpendingCaps = field(default_factory=dict)


FREE_BILLING = TextBilling({})
WriteText = Callable[[TextJob], GeneratedText]
TEXT_COSTS_ACTOR = "system:costs"
TEXTS_HELD_BACK = "texts:held back"
"""The cause of the notice, until a text is asked for again."""


class TextPurpose(StrEnum):
    """What a text is for, and so what its subject is."""

    KIT = "kit"  # words around a post that is being written: the id that the post will be known by
    WEEK = "week"  # a line of a proposed week
    POST = "post"  # the words of a post that a brief asked for: `words_of`
    IDEAS = "ideas"  # a round of ideas
    PICTURE = "picture"  # words for a picture: the asset
    CHAT = "chat"  # a conversation


def draft_subject(origin: str, origin_key: str) -> UUID:
    """The subject of the words of a post that is not there yet, by where it comes from."""
    return derived_uuid("words of a post", origin, origin_key)


@dataclass(frozen=True)
class TextSession:
    """One go at writing: every request of its model is in the books, for this creator and
    subject."""

    tenant: OpenScope
    tenant_id: UUID
    creator_id: UUID
    purpose: TextPurpose
    subject_id: UUID
    billing: TextBilling = FREE_BILLING
    id: UUID = field(default_factory=uuid7)

    def counted_engine(self, engine: TextEngine) -> TextEngine:
        """The engine, each request of which is counted."""
        return _Counted(engine, self)

    def counted_writer(self, write: WriteText) -> WriteText:
        """The same for who writes without an engine in hand."""
        return lambda job: write(replace(job, tally=self.request_ledger()))

    def request_ledger(self) -> RequestLedger:
        """Who keeps the books of one text."""
        return _Books(self)

    def mark_used(self, scope: Scope) -> None:
        """Something of what was answered is used: say so in the transaction that keeps it."""
        TEXT_REQUEST_STATES.check(TextRequestState.ANSWERED, TextRequestState.KEPT)
        scope.run(
            "UPDATE text_requests SET state = 'kept', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND sitting = :sitting AND state = 'answered'",
            tenant=scope.tenant_id,
            sitting=self.id,
        )


class _Counted:
    """A text engine whose requests a sitting counts."""

    def __init__(self, engine: TextEngine, sitting: TextSession) -> None:
        self._write = sitting.counted_writer(engine.write)
        self.name = engine.name
        self.model = engine.model
        self.languages = engine.languages
        self.converses = engine.converses

    def write(self, job: TextJob) -> GeneratedText:
        """Write the text. Raises EngineError, EngineWithheld beyond the month's cap."""
        return self._write(job)


class _Books(RequestLedger):
    """The requests of one job, each step of which is committed before the next."""

    def __init__(self, sitting: TextSession) -> None:
        self._of = sitting
        self._price: TokenPrice | None = None
        self._request = uuid7()
        self._began = monotonic()

    def record_request(self, engine: str, model: str, most_in: int, most_out: int) -> None:
        self._request = uuid7()
        self._began = monotonic()
        of = self._of
        self._price = of.billing.prices.get(model)
        most = self._price.cost_of(most_in, most_out) if self._price is not None else None
        try:
            with of.tenant(of.tenant_id, TEXT_COSTS_ACTOR) as scope:
                if most is not None:
                    spending_caps.check_text_affordable(scope, most, of.billing.caps)
                    notices.close(scope, TEXTS_HELD_BACK)
                scope.add(self._build_request_row(scope, engine, model, most))
        except CapReached as reached:
            with of.tenant(of.tenant_id, TEXT_COSTS_ACTOR) as scope:
                notices.put(scope, reached.message, cause=TEXTS_HELD_BACK)
            raise SpendingNotAllowed(reached.message.code, **reached.message.params) from reached

    def _build_request_row(
        self, scope: Scope, engine: str, model: str, most: Price | None
    ) -> TextRequestRow:
        of = self._of
        return TextRequestRow(
            tenant_id=of.tenant_id,
            id=self._request,
            creator_id=of.creator_id,
            purpose=str(of.purpose),
            subject_id=of.subject_id,
            sitting=of.id,
            engine=engine,
            model=model,
            minor=most.minor if most is not None else None,
            currency=most.currency if most is not None else None,
            month=spending_caps.current_month(scope),
        )

    def record_answer(self, tokens_in: int, tokens_out: int) -> None:
        told = tokens_in > 0 or tokens_out > 0
        price = (
            self._price.cost_of(tokens_in, tokens_out) if told and self._price is not None else None
        )
        self._change_state(
            TextRequestState.ANSWERED, price, (tokens_in, tokens_out) if told else None
        )

    def record_not_received(self) -> None:
        self._change_state(TextRequestState.UNHEARD)

    def record_lost(self) -> None:
        self._change_state(TextRequestState.LOST)

    def _change_state(
        self,
        after: TextRequestState,
        price: Price | None = None,
        tokens: tuple[int, int] | None = None,
    ) -> None:
        """Once: what is told a second time of the same request changes nothing."""
        TEXT_REQUEST_STATES.check(TextRequestState.ASKED, after)
        with self._of.tenant(self._of.tenant_id, TEXT_COSTS_ACTOR) as scope:
            scope.run(
                "UPDATE text_requests SET state = :after, seconds = :seconds, tokens_in = "
                ":tokens_in,"
                " tokens_out = :tokens_out, minor = coalesce(CAST(:minor AS numeric), minor), "
                "updated_at = house_now()"
                " WHERE tenant_id = :tenant AND id = :id AND state = 'asked'",
                tenant=scope.tenant_id,
                id=self._request,
                after=str(after),
                seconds=monotonic() - self._began,
                tokens_in=tokens[0] if tokens else None,
                tokens_out=tokens[1] if tokens else None,
                minor=price.minor if price is not None else None,
            )
