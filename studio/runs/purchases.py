"""Purchases of images from external engines, paid once even if a request or response is lost.

The order is committed before a request that may cost money. After a crash the next worker finds it
and looks it up at the provider first. If the outcome cannot be determined, the image counts as paid
and is not requested again. The response of a provider that returns it only once is stored before it
is processed.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from foundation.db.database import OpenScope
from foundation.errors import GreenroomError, LeaseLost, NotFound, Unavailable
from foundation.money import Price
from foundation.ops.clock import wall_now
from foundation.outbox import outbox
from foundation.storage.object_store import ObjectStore, bytes_digest
from gate.contract.units import Rating
from generators.contract import hosted_services
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    GeneratedPicture,
    HostedImageEngine,
    ImageJob,
    Progress,
    PurchaseRecord,
)
from studio.costs import quotas, spending_caps
from studio.costs.models import EngineOrderRow
from studio.costs.spending_caps import PurchaseRequest, SpendingCaps
from studio.library import assets
from studio.recipes import run_inputs
from studio.runs import records
from studio.runs.events import SellerAnswerStored
from studio.runs.models import JobRow

PURCHASES_ACTOR = "system:studio"
STAYS = (Rating.N, Rating.E)
"""Ratings of prompts that are not sent to external engines."""


DOUBT = timedelta(seconds=5)
"""Delay until the next check while images being purchased may use up the daily quota."""


KEPT = timedelta(hours=1)
"""Duration for which a response is stored; it is extended while its run is active."""


class RunStopped(Exception):  # not an error: a member stopped the run
    """The run ended during generation; the current images are discarded."""


class _Kept(PurchaseRecord):
    """The record of a purchase in the table of orders; each step is committed before the next."""

    def __init__(
        self, tenant: OpenScope, store: ObjectStore, row: EngineOrderRow, job: JobRow
    ) -> None:
        super().__init__(str(row.id), row.asked_at, row.remote_id)
        self._tenant = tenant
        self._store = store
        self._tenant_id = row.tenant_id
        self._id = row.id
        self._job = job
        self._engine = row.engine

    def mark_requested(self) -> None:
        """Record the request. This is the last moment before images are sent.

        Raises LeaseLost if another worker has the order or the run has ended,
        SourcePictureUnavailable if an input image may not be sent.
        """
        at = wall_now()
        with self._tenant(self._tenant_id, PURCHASES_ACTOR) as scope:
            run_inputs.check_inputs_may_leave(scope, self._job, self._engine)
            spending_caps.mark_ordering(scope, self._id, at)
        self.since = at
        self.order = ""

    def mark_refused(self) -> None:
        with self._tenant(self._tenant_id, PURCHASES_ACTOR) as scope:
            spending_caps.unmark_ordered(scope, self._id)
        super().mark_refused()

    def mark_ordered(self, order: str) -> None:
        with self._tenant(self._tenant_id, PURCHASES_ACTOR) as scope:
            spending_caps.mark_ordered(scope, self._id, order)
        super().mark_ordered(order)

    def store_answer(self, answer: bytes) -> None:
        """Store a response under a digest unique to the order.

        The event that deletes it is committed first, so that no stored response is orphaned. If the
        store is unavailable, processing continues without a stored copy.
        """
        # The prefix makes the digest unique, so that equal responses are deleted independently.
        data = self._id.bytes + answer
        digest = bytes_digest(data)
        with self._tenant(self._tenant_id, PURCHASES_ACTOR) as scope:
            spending_caps.mark_ordered(scope, self._id, digest)
            outbox.put(scope, SellerAnswerStored(self._tenant_id, self._id), at=scope.now + KEPT)
        super().mark_ordered(digest)
        with suppress(Unavailable):
            self._store.put(self._tenant_id, data)

    def stored_answer(self) -> bytes:
        """Return the stored response, or b"" if there is none. Raises Unavailable if the store is
        unreachable."""
        if not self.order:
            return b""
        try:
            return self._store.get(self._tenant_id, self.order).removeprefix(self._id.bytes)
        except NotFound:
            return b""

    def close(self, *, over: bool) -> None:
        """Release an order that cost nothing, or settle it if `over`. An order that is in progress
        at the provider stays open."""
        with self._tenant(self._tenant_id, PURCHASES_ACTOR) as scope:
            if self.since is None:
                spending_caps.release_order(scope, self._id)
            elif over:
                spending_caps.settle_order(scope, self._id)


@dataclass(frozen=True)
class PictureBuyer:
    """Buys the images of a run within the caps of installation and agency and the budget of its
    recipe."""

    tenant: OpenScope
    store: ObjectStore
    job: JobRow
    caps: SpendingCaps
    budget: SpendingCaps | None = None
    per_day: int = 0
    """Daily image quota of the installation, 0 for unlimited."""

    def buy_picture(
        self, number: int, asked: ImageJob, engine: HostedImageEngine, watch: Progress
    ) -> tuple[GeneratedPicture, Price]:
        """Buy an image of the run; return it with its price.

        Raises CapReached, EngineError, `run_inputs.SourcePictureUnavailable`, `outbox.RetryLater`
        if other purchases may use up the daily quota, and what `watch` raises.
        """
        if Rating(self.job.rating) in STAYS:
            raise EngineMissing("engine.hosted_rating", engine=engine.name, rating=self.job.rating)
        slip, price = self._reserve_order(number, asked, engine)
        try:
            picture = engine.buy(asked, slip, watch)
        except LeaseLost:
            raise  # the next worker continues the order
        except RunStopped:
            engine.cancel(slip)
            slip.close(over=True)
            raise
        except GreenroomError as error:
            slip.close(over=not isinstance(error, EngineUnreachable))
            raise
        slip.close(over=True)
        return picture, price

    def _reserve_order(
        self, number: int, asked: ImageJob, engine: HostedImageEngine
    ) -> tuple[_Kept, Price]:
        job = self.job
        price = engine.price(asked)
        model = hosted_services.priced_service(
            engine.name, asked.model or engine.model, asked.needed_inputs
        )
        wanted = PurchaseRequest(
            job.creator_id, job.id, number, engine.name, model, price, self.budget
        )
        with self.tenant(job.tenant_id, PURCHASES_ACTOR) as scope:
            # two concurrent purchases could both pass the check
            assets.lock_library(scope, "bought today")
            row = spending_caps.reserve_price(scope, wanted, self.caps)
            if not quotas.is_within_daily_quota(
                scope, job.creator_id, spending_caps.count_open_orders(scope), per_day=self.per_day
            ):
                raise outbox.RetryLater(DOUBT)  # rolls back the reservation
            return _Kept(self.tenant, self.store, row, job), Price(row.minor, row.currency)


def delete_seller_answer(
    event: SellerAnswerStored, *, tenant: OpenScope, store: ObjectStore
) -> None:
    """Delete the stored response of a provider.

    Raises `outbox.RetryLater` while its run is active, Unavailable if the store is unreachable.
    """
    with tenant(event.tenant_id, PURCHASES_ACTOR) as scope:
        row = spending_caps.get_engine_order(scope, event.subject_id)
        if records.get_run_row(scope, row.job_id).state not in records.ENDED_RUN_STATES:
            raise outbox.RetryLater(KEPT)
        store.delete(event.tenant_id, row.remote_id)
