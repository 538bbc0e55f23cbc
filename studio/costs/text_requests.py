"""Costs of text requests: each request is stored before it is sent, and updated with its outcome.

A request is one row and billed at most once. If the worker dies in between, the request counts with
its maximum cost, because the outcome is unknown. A model without a price costs only time. A request
whose maximum cost exceeds the monthly cap is not sent, and members receive a notice.
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
"""Prices per million tokens by model (setting `generators.text_prices`)."""


@dataclass(frozen=True)
class TextBilling:
    """Prices of text models, and the installation's spending caps."""

    prices: TokenPrices
    caps: SpendingCaps = field(default_factory=dict)


FREE_BILLING = TextBilling({})
WriteText = Callable[[TextJob], GeneratedText]
TEXT_COSTS_ACTOR = "system:costs"
TEXTS_HELD_BACK = "texts:held back"
"""Cause of the notice about blocked texts. The next allowed request closes the notice."""


class TextPurpose(StrEnum):
    """The purpose of a text, which determines its subject."""

    KIT = "kit"  # captions; the subject is the future id of the post
    WEEK = "week"  # a post of a weekly plan
    POST = "post"  # the text of a post created from a brief; see `draft_subject`
    IDEAS = "ideas"  # a batch of ideas
    PICTURE = "picture"  # an alt text; the subject is the asset
    CHAT = "chat"  # a conversation
    REPORT = "report"  # the brief of a report; the subject is the report


def draft_subject(origin: str, origin_key: str) -> UUID:
    """Return the subject of a text for a post that does not exist yet, derived from the post's
    origin."""
    return derived_uuid("words of a post", origin, origin_key)


@dataclass(frozen=True)
class TextSession:
    """A writing session that records every model request for one creator and subject."""

    tenant: OpenScope
    tenant_id: UUID
    creator_id: UUID
    purpose: TextPurpose
    subject_id: UUID
    billing: TextBilling = FREE_BILLING
    id: UUID = field(default_factory=uuid7)

    def counted_engine(self, engine: TextEngine) -> TextEngine:
        """Return an engine whose requests are recorded in this session."""
        return _Counted(engine, self)

    def counted_writer(self, write: WriteText) -> WriteText:
        """Return a write function whose requests are recorded in this session."""
        return lambda job: write(replace(job, tally=self.request_ledger()))

    def request_ledger(self) -> RequestLedger:
        """Return the ledger of one text job."""
        return _Books(self)

    def mark_used(self, scope: Scope) -> None:
        """Record that responses of the session are used. Call it in the transaction that stores
        them."""
        TEXT_REQUEST_STATES.check(TextRequestState.ANSWERED, TextRequestState.KEPT)
        scope.run(
            "UPDATE text_requests SET state = 'kept', updated_at = house_now()"
            " WHERE tenant_id = :tenant AND sitting = :sitting AND state = 'answered'",
            tenant=scope.tenant_id,
            sitting=self.id,
        )


class _Counted:
    """A text engine whose requests are recorded by a session."""

    def __init__(self, engine: TextEngine, sitting: TextSession) -> None:
        self._write = sitting.counted_writer(engine.write)
        self.name = engine.name
        self.model = engine.model
        self.languages = engine.languages
        self.converses = engine.converses

    def write(self, job: TextJob) -> GeneratedText:
        """Write the text. Raises EngineError; EngineWithheld if the monthly cap is exceeded."""
        return self._write(job)


class _Books(RequestLedger):
    """The requests of one job; each step is committed before the next."""

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
                # A separate transaction, because the first one was rolled back.
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
        # A server that counts no tokens leaves the maximum as the cost.
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
        """Record the outcome of a request; a repeated report changes nothing."""
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
