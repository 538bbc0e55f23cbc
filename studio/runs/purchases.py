"""A picture bought of somebody else's engine: paid for once, whatever is lost between us and the
seller.

Before a request that may cost leaves, that it does so is committed; whoever comes after a death
finds it written, and looks for the order before asking. What nobody can know counts as spent and is
not asked again. The answer of a seller that gives it once lies in the store before anything is made
of it.
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
"""Words of such pictures do not leave the house."""


DOUBT = timedelta(seconds=5)
"""Until the next look where pictures being bought beside this one may be the last of the day."""


KEPT = timedelta(hours=1)
"""How long such an answer is kept, and longer while its run goes on."""


class RunStopped(Exception):  # no error: a person stopped the run
    """The run ended while pictures were being made; these are thrown away."""


class _Kept(PurchaseRecord):
    """The slip of an order, each step of which is committed before the next."""

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
        """Raises LeaseLost where another worker asks, or the run has ended; Gone where a picture
        that the request bears may not leave the house: this is the last moment at which it has
        not."""
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
        """Under a key of the order's own, which is written down first: what is stored is never
        without who removes it. A store that is away is no reason to throw away what is in hand."""
        data = self._id.bytes + answer
        digest = bytes_digest(data)
        with self._tenant(self._tenant_id, PURCHASES_ACTOR) as scope:
            spending_caps.mark_ordered(scope, self._id, digest)
            outbox.put(scope, SellerAnswerStored(self._tenant_id, self._id), at=scope.now + KEPT)
        super().mark_ordered(digest)
        with suppress(Unavailable):
            self._store.put(self._tenant_id, data)

    def stored_answer(self) -> bytes:
        """Raises Unavailable where the store is away: it may be there."""
        if not self.order:
            return b""
        try:
            return self._store.get(self._tenant_id, self.order).removeprefix(self._id.bytes)
        except NotFound:
            return b""

    def close(self, *, over: bool) -> None:
        """What surely costs nothing is released; what is `over` is paid; what goes on at the
        seller's stays asked."""
        with self._tenant(self._tenant_id, PURCHASES_ACTOR) as scope:
            if self.since is None:
                spending_caps.release_order(scope, self._id)
            elif over:
                spending_caps.settle_order(scope, self._id)


@dataclass(frozen=True)
class PictureBuyer:
    """Who buys the pictures of a run, within the caps of the house and of its agency, and the
    budget of its recipe."""

    tenant: OpenScope
    store: ObjectStore
    job: JobRow
    caps: SpendingCaps
    budget: SpendingCaps | None = None
    per_day: int = 0
    """The house's quota of pictures, 0 for none."""

    def buy_picture(
        self, number: int, asked: ImageJob, engine: HostedImageEngine, watch: Progress
    ) -> tuple[GeneratedPicture, Price]:
        """A picture of the run and its price. Raises CapReached, EngineError,
        `run_inputs.SourcePictureUnavailable`, Later where others of the agency may use up its day,
        and what `watch` raises."""
        if Rating(self.job.rating) in STAYS:
            raise EngineMissing("engine.hosted_rating", engine=engine.name, rating=self.job.rating)
        slip, price = self._reserve_order(number, asked, engine)
        try:
            picture = engine.buy(asked, slip, watch)
        except LeaseLost:
            raise  # the next worker has the order
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
            assets.lock_library(scope, "bought today")  # two at once would both find room
            row = spending_caps.reserve_price(scope, wanted, self.caps)
            if not quotas.is_within_daily_quota(
                scope, job.creator_id, spending_caps.count_open_orders(scope), per_day=self.per_day
            ):
                raise outbox.RetryLater(DOUBT)  # and nothing is set aside
            return _Kept(self.tenant, self.store, row, job), Price(row.minor, row.currency)


def delete_seller_answer(
    event: SellerAnswerStored, *, tenant: OpenScope, store: ObjectStore
) -> None:
    """Remove what was kept of a seller's answer. Raises Later while its run goes on, Unavailable
    when the store is away."""
    with tenant(event.tenant_id, PURCHASES_ACTOR) as scope:
        row = spending_caps.get_engine_order(scope, event.subject_id)
        if records.get_run_row(scope, row.job_id).state not in records.ENDED_RUN_STATES:
            raise outbox.RetryLater(KEPT)
        store.delete(event.tenant_id, row.remote_id)
