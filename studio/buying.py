"""A picture bought of somebody else's engine: paid for once, whatever is lost between us and the seller.

Before a request that may cost leaves, that it does so is committed; whoever comes after a death finds it written, and
looks for the order before asking. What nobody can know counts as spent and is not asked again. The answer of a seller
that gives it once lies in the store before anything is made of it.
"""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from foundation import outbox
from foundation.clock import wall_now
from foundation.database import OpenScope
from foundation.errors import GreenroomError, LeaseLost, NotFound, Unavailable
from foundation.money import Price
from foundation.storage import ObjectStore, digest_of
from gate.units import Rating
from generators import hosting
from generators.contract import (
    EngineMissing,
    EngineUnreachable,
    Hosted,
    ImageJob,
    Picture,
    Progress,
    Slip,
)
from studio import library, materials, models, quotas, runs, spending
from studio.events import AnswerKept
from studio.spending import Caps, Wanted

BUYING = "system:studio"
STAYS = (Rating.N, Rating.E)
"""Words of such pictures do not leave the house."""


DOUBT = timedelta(seconds=5)
"""Until the next look where pictures being bought beside this one may be the last of the day."""


KEPT = timedelta(hours=1)
"""How long such an answer is kept, and longer while its run goes on."""


class Stopped(Exception):  # no error: a person stopped the run
    """The run ended while pictures were being made; these are thrown away."""


class _Kept(Slip):
    """The slip of an order, each step of which is committed before the next."""

    def __init__(self, tenant: OpenScope, store: ObjectStore, row: models.EngineOrder, job: models.Job) -> None:
        super().__init__(str(row.id), row.asked_at, row.remote_id)
        self._tenant, self._store, self._tenant_id, self._id = tenant, store, row.tenant_id, row.id
        self._job, self._engine = job, row.engine

    def asking(self) -> None:
        """Raises LeaseLost where another worker asks, or the run has ended; Gone where a picture that the request bears
        may not leave the house: this is the last moment at which it has not."""
        at = wall_now()
        with self._tenant(self._tenant_id, BUYING) as scope:
            materials.may_leave(scope, self._job, self._engine)
            spending.ask(scope, self._id, at)
        self.since, self.order = at, ""

    def refused(self) -> None:
        with self._tenant(self._tenant_id, BUYING) as scope:
            spending.take_back(scope, self._id)
        super().refused()

    def ordered(self, order: str) -> None:
        with self._tenant(self._tenant_id, BUYING) as scope:
            spending.took(scope, self._id, order)
        super().ordered(order)

    def keep(self, answer: bytes) -> None:
        """Under a key of the order's own, which is written down first: what is stored is never without who removes it.
        A store that is away is no reason to throw away what is in hand."""
        data = self._id.bytes + answer
        digest = digest_of(data)
        with self._tenant(self._tenant_id, BUYING) as scope:
            spending.took(scope, self._id, digest)
            outbox.put(scope, AnswerKept(self._tenant_id, self._id), at=scope.now + KEPT)
        super().ordered(digest)
        with suppress(Unavailable):
            self._store.put(self._tenant_id, data)

    def kept(self) -> bytes:
        """Raises Unavailable where the store is away: it may be there."""
        if not self.order:
            return b""
        try:
            return self._store.get(self._tenant_id, self.order).removeprefix(self._id.bytes)
        except NotFound:
            return b""

    def close(self, *, over: bool) -> None:
        """What surely costs nothing is released; what is `over` is paid; what goes on at the seller's stays asked."""
        with self._tenant(self._tenant_id, BUYING) as scope:
            if self.since is None:
                spending.release(scope, self._id)
            elif over:
                spending.settle(scope, self._id)


@dataclass(frozen=True)
class Buyer:
    """Who buys the pictures of a run, within the caps of the house and of its agency, and the budget of its recipe."""

    tenant: OpenScope
    store: ObjectStore
    job: models.Job
    caps: Caps
    budget: Caps | None = None
    per_day: int = 0
    """The house's quota of pictures, 0 for none."""

    def buy(self, number: int, asked: ImageJob, engine: Hosted, watch: Progress) -> tuple[Picture, Price]:
        """A picture of the run and its price. Raises CapReached, EngineError, `materials.Gone`, Later where others of
        the agency may use up its day, and what `watch` raises."""
        if Rating(self.job.rating) in STAYS:
            raise EngineMissing("engine.hosted_rating", engine=engine.name, rating=self.job.rating)
        slip, price = self._reserved(number, asked, engine)
        try:
            picture = engine.buy(asked, slip, watch)
        except LeaseLost:
            raise  # the next worker has the order
        except Stopped:
            engine.cancel(slip)
            slip.close(over=True)
            raise
        except GreenroomError as error:
            slip.close(over=not isinstance(error, EngineUnreachable))
            raise
        slip.close(over=True)
        return picture, price

    def _reserved(self, number: int, asked: ImageJob, engine: Hosted) -> tuple[_Kept, Price]:
        job, price = self.job, engine.price(asked)
        model = hosting.sold_as(engine.name, asked.model or engine.model, asked.asks)
        wanted = Wanted(job.creator_id, job.id, number, engine.name, model, price, self.budget)
        with self.tenant(job.tenant_id, BUYING) as scope:
            library.alone(scope, "bought today")  # two at once would both find room
            row = spending.reserve(scope, wanted, self.caps)
            if not quotas.holds(scope, job.creator_id, spending.under_way(scope), per_day=self.per_day):
                raise outbox.Later(DOUBT)  # and nothing is set aside
            return _Kept(self.tenant, self.store, row, job), Price(row.minor, row.currency)


def forget(event: AnswerKept, *, tenant: OpenScope, store: ObjectStore) -> None:
    """Remove what was kept of a seller's answer. Raises Later while its run goes on, Unavailable when the store is
    away."""
    with tenant(event.tenant_id, BUYING) as scope:
        row = spending.find(scope, event.subject_id)
        if runs.find(scope, row.job_id).state not in runs.OVER:
            raise outbox.Later(KEPT)
        store.delete(event.tenant_id, row.remote_id)
