"""Pictures of a seller that returns a result once: the received result is stored and ingested after
a crash."""

from collections.abc import Iterator
from decimal import Decimal

import pytest
from pydantic import SecretStr

from foundation.errors import Unavailable
from foundation.i18n.translation import Message
from foundation.money import Price
from foundation.outbox import outbox
from generators.contract.engines import (
    GeneratedPicture,
    ImageJob,
    Progress,
    PurchaseRecord,
    ignore_progress,
)
from generators.engines.images.stability import Stability
from studio.costs import spending_caps
from studio.runs import purchases, runner
from studio.runs.events import SellerAnswerStored
from studio.runs.queries import get_run
from tests.channels.builders import Killed
from tests.fakes.generators.stability import TOKEN, FakeStability, serving
from tests.studio.builders import CreatorStudio


@pytest.fixture
def there() -> Iterator[FakeStability]:
    with serving() as state:
        yield state


class Dying(Stability):
    """Crashes when the response arrives, or when it is stored."""

    at = ""

    def buy(
        self, job: ImageJob, slip: PurchaseRecord, progress: Progress = ignore_progress
    ) -> GeneratedPicture:
        keep = slip.store_answer

        def killed(answer: bytes) -> None:
            if self.at == "kept":
                keep(answer)
            raise Killed

        if self.at:
            slip.store_answer = killed  # type: ignore[method-assign]  # the process ends there
        return super().buy(job, slip, progress)


def engine_of(there: FakeStability, at: str = "") -> Dying:
    engine = Dying(
        there.url, SecretStr(TOKEN), "core", {"core": Price(Decimal(3), "USD")}, deadline=2.0
    )
    engine.at = at
    return engine


def spent(nova: CreatorStudio) -> Decimal:
    with nova.scope() as scope:
        return spending_caps.monthly_budget(scope, "USD", {}).spent.minor


def objects(nova: CreatorStudio) -> int:
    folder = nova.services.settings.objects_folder / str(nova.tenant_id)
    return sum(one.is_file() for one in folder.rglob("*"))


def forget(nova: CreatorStudio) -> list[SellerAnswerStored]:
    """Run the due deletions of stored responses now."""
    with nova.scope() as scope:
        due = (
            "SELECT subject_id FROM outbox WHERE tenant_id = :t AND kind = 'answer.forget' AND "
            "available_at > :now"
        )
        ids = scope.run(due, t=nova.tenant_id, now=scope.now).scalars().all()
    events = [SellerAnswerStored(nova.tenant_id, one) for one in ids]
    for event in events:
        purchases.delete_seller_answer(
            event, tenant=nova.services.tenant, store=nova.services.store
        )
    return events


def test_result_received_before_a_crash_is_not_lost(
    nova: CreatorStudio, there: FakeStability
) -> None:
    job_id = nova.start(variants=2)
    with pytest.raises(Killed):
        nova.work(job_id, lambda: engine_of(there, "kept"))
    assert (there.billed, nova.count("creations"), objects(nova)) == (1, 0, 1)
    with pytest.raises(outbox.RetryLater):
        forget(nova)
    nova.work(job_id, lambda: engine_of(there))
    assert (nova.progress(job_id), there.billed, spent(nova)) == (("done", 2, 2), 2, 6)
    with nova.scope() as scope:
        assert get_run(scope, job_id).refused == 0
    with_answers = objects(nova)
    assert len(forget(nova)) == 2
    assert (objects(nova), nova.count("creations")) == (with_answers - 2, 2)
    assert len(forget(nova)) == 2, "a repeat is harmless"


def test_unstored_result_is_paid_skipped_and_reported(
    nova: CreatorStudio, there: FakeStability
) -> None:
    job_id = nova.start(variants=2)
    with pytest.raises(Killed):
        nova.work(job_id, lambda: engine_of(there, "answered"))
    nova.work(job_id, lambda: engine_of(there))
    assert (nova.progress(job_id), there.billed, spent(nova)) == (("done", 2, 2), 2, 6)
    with nova.scope() as scope:
        run, made = get_run(scope, job_id), runner.run_assets(scope, job_id)
    assert (run.refused, len(made)) == (1, 1)
    assert run.why_refused == Message("engine.order_lost", {"engine": "stability"})


def test_failing_response_store_loses_no_picture(
    nova: CreatorStudio, there: FakeStability, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, put = nova.services.store, nova.services.store.put
    calls: list[int] = []

    def away(tenant_id: object, data: bytes) -> str:
        calls.append(len(data))
        if len(calls) == 1:
            raise Unavailable("storage.unwritable", detail="?")
        return put(nova.tenant_id, data)

    monkeypatch.setattr(store, "put", away)
    job_id = nova.start(variants=1)
    nova.work(job_id, lambda: engine_of(there))
    assert (nova.progress(job_id), there.billed, nova.count("creations")) == (("done", 1, 1), 1, 1)
    assert len(forget(nova)) == 1
