"""Bought pictures: after lost responses, crashes and stops, the charges equal the records."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr

from foundation.errors import LeaseLost
from foundation.i18n.translation import Message
from foundation.money import Money, Price
from foundation.outbox import outbox
from generators.contract.engines import (
    EngineUnreachable,
    GeneratedPicture,
    ImageJob,
    Progress,
    PurchaseRecord,
    ignore_progress,
)
from generators.engines.images.replicate import Replicate, ReplicateService
from studio.costs import productivity, spending_caps
from studio.runs import runner
from studio.runs.events import HostedRunDue, RunDue
from studio.runs.queries import get_run
from tenants.notices.queries import list_open_notices
from tests.channels.builders import Killed
from tests.fakes.generators.replicate import MODEL, TOKEN, FakeReplicate, Fault, serving
from tests.studio.builders import CREDENTIAL, CreatorStudio, Engine

ORDERS = f"/v1/models/{MODEL}/predictions"
PRICE = Price(Decimal("0.3"), "USD")


@pytest.fixture
def there() -> Iterator[FakeReplicate]:
    with serving() as state:
        state.looks = 1
        yield state


class Dying(Replicate):
    """Crashes at a step of an order: `mark_requested`, `mark_ordered` or `bought`."""

    at = ""

    def buy(
        self, job: ImageJob, slip: PurchaseRecord, progress: Progress = ignore_progress
    ) -> GeneratedPicture:
        if self.at:
            step = getattr(slip, self.at, None)

            def killed(*told: Any) -> None:
                if self.at == "mark_requested" and step is not None:
                    step(*told)
                raise Killed

            setattr(slip, self.at, killed)
        picture = super().buy(job, slip, progress)
        if self.at == "bought":
            raise Killed
        return picture


def engine_of(there: FakeReplicate, at: str = "") -> Dying:
    service = ReplicateService(there.url, SecretStr(TOKEN), there.files_url)
    engine = Dying(service, MODEL, {MODEL: PRICE}, deadline=0.5, listed_after=0.3, look=0.02)
    engine.at = at
    return engine


def states(nova: CreatorStudio) -> list[str]:
    with nova.scope() as scope:
        return list(scope.run("SELECT state FROM engine_orders ORDER BY number").scalars())


def spent(nova: CreatorStudio) -> Decimal:
    with nova.scope() as scope:
        return spending_caps.monthly_budget(scope, "USD", {}).spent.minor


def test_run_buys_each_picture_once_and_records_its_cost(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    job_id = nova.start()
    nova.work(job_id, lambda: engine_of(there))
    nova.work(job_id, lambda: engine_of(there))
    assert nova.progress(job_id) == ("done", 3, 3)
    assert (len(there.billed), states(nova), spent(nova)) == (3, ["paid"] * 3, Decimal("0.9"))
    with nova.scope() as scope:
        costs = scope.run("SELECT cost, currency FROM creations").all()
        found = productivity.output_since(scope, nova.creator_id, scope.now.replace(year=2020))
    assert [(row.cost, row.currency) for row in costs] == [(Decimal("0.3"), "USD")] * 3
    assert found.cost == [Money(1, "USD")]


@pytest.mark.parametrize("at", ["mark_requested", "mark_ordered", "bought"])
def test_crash_at_any_step_causes_one_charge(
    nova: CreatorStudio, there: FakeReplicate, at: str
) -> None:
    job_id = nova.start(variants=1)
    with pytest.raises(Killed):
        nova.work(job_id, lambda: engine_of(there, at))
    assert states(nova) == ["asked"]
    nova.work(job_id, lambda: engine_of(there))
    assert nova.progress(job_id) == ("done", 1, 1)
    assert (len(there.billed), len(there.asked), states(nova)) == (1, 1, ["paid"])
    assert nova.count("creations") == 1


@pytest.mark.parametrize(
    "fault", [Fault(reset_after=True), Fault(status=500), Fault(hang=True)], ids=repr
)
def test_lost_response_causes_one_charge(
    nova: CreatorStudio, there: FakeReplicate, fault: Fault
) -> None:
    job_id = nova.start(variants=1)
    there.fail(ORDERS, fault)
    nova.work(job_id, lambda: engine_of(there))
    assert nova.progress(job_id) == ("done", 1, 1)
    assert (len(there.billed), states(nova), spent(nova)) == (1, ["paid"], Decimal("0.3"))


def test_order_passes_to_the_next_worker_after_a_lost_lease(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    job_id, engine = nova.start(variants=1), engine_of(there)
    there.looks = 3

    def lost(*_: object, **__: object) -> bool:
        raise LeaseLost("outbox.lost")

    buy = engine.buy
    engine.buy = lambda job, slip, progress: buy(
        job, slip, lambda *_: lost() if there.asked else None
    )  # type: ignore[method-assign]  # the row is lost while it polls
    with pytest.raises(LeaseLost):
        nova.work(job_id, lambda: engine)
    assert (there.cancelled, states(nova)) == ([], ["asked"])
    nova.work(job_id, lambda: engine_of(there))
    assert (len(there.billed), states(nova)) == (1, ["paid"])


@pytest.mark.parametrize("begins", [True, False])
def test_stop_cancels_the_order_and_counts_started_pictures(
    nova: CreatorStudio, there: FakeReplicate, begins: bool
) -> None:
    there.begins, there.looks = begins, 50
    job_id, engine = nova.start(), engine_of(there)
    look = there.look

    def looked(order: str) -> dict[str, Any]:
        with nova.scope() as scope:
            if nova.progress(job_id)[0] == "running":
                runner.stop_run(scope, job_id)
        return look(order)

    there.look = looked  # type: ignore[method-assign]  # a person stops the run during the order
    nova.work(job_id, lambda: engine, told_every=0.0)
    assert nova.progress(job_id) == ("stopped", 0, 3)
    assert len(there.cancelled) == 1
    assert (states(nova), len(there.billed)) == ((["paid"], 1) if begins else (["released"], 0))


def test_refused_order_costs_nothing_and_failed_pictures_count(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    there.credit = False
    first = nova.start(key="first")
    nova.work(first, lambda: engine_of(there))
    with nova.scope() as scope:
        assert "no_credit" in str(runner.failure_reason(scope, first))
    assert (nova.progress(first)[0], states(nova), there.billed) == ("failed", ["released"], [])
    there.credit, there.ends = True, "failed"
    second = nova.start(key="second", variants=9)
    nova.work(second, lambda: engine_of(there))
    assert nova.progress(second) == ("failed", 3, 9), (
        "after three failures in a row the rest is not tried"
    )
    assert (sorted(states(nova)), len(there.billed), spent(nova)) == (
        ["paid"] * 3 + ["released"],
        3,
        Decimal("0.9"),
    )


class Moderated(Replicate):
    """Refuses the pictures at these positions in the order of the requests."""

    refuses: frozenset[int] = frozenset()
    there: FakeReplicate
    count = 0

    def buy(
        self, job: ImageJob, slip: PurchaseRecord, progress: Progress = ignore_progress
    ) -> GeneratedPicture:
        refused, self.count = self.count in self.refuses, self.count + 1
        self.there.ends, self.there.error = (
            ("failed", "NSFW content detected") if refused else ("succeeded", None)
        )
        return super().buy(job, slip, progress)


def moderated(there: FakeReplicate, *refuses: int) -> Moderated:
    service = ReplicateService(there.url, SecretStr(TOKEN), there.files_url)
    engine = Moderated(service, MODEL, {MODEL: PRICE}, deadline=0.5, listed_after=0.3, look=0.02)
    engine.there, engine.refuses = there, frozenset(refuses)
    return engine


def test_refused_picture_is_skipped_and_reported(nova: CreatorStudio, there: FakeReplicate) -> None:
    job_id, engine = nova.start(variants=5), moderated(there, 1, 3)
    nova.work(job_id, lambda: engine)
    assert (nova.progress(job_id), nova.count("creations"), len(there.billed)) == (
        ("done", 5, 5),
        3,
        5,
    )
    with nova.scope() as scope:
        run = get_run(scope, job_id)
        (notice,) = list_open_notices(scope)
    assert (run.refused, run.why_refused) == (
        2,
        Message("engine.content_refused", {"engine": "replicate"}),
    )
    assert notice.message == Message("job.skipped", {"count": 2, "total": 5})


def test_run_with_all_pictures_refused_fails(nova: CreatorStudio, there: FakeReplicate) -> None:
    job_id, engine = nova.start(variants=2), moderated(there, 0, 1)
    nova.work(job_id, lambda: engine)
    with nova.scope() as scope:
        assert runner.failure_reason(scope, job_id) == Message(
            "engine.content_refused", {"engine": "replicate"}
        )
    assert nova.progress(job_id) == ("failed", 2, 2)


def test_crash_after_a_refusal_does_not_repeat_the_refused_picture(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    job_id = nova.start(variants=4)
    dies = moderated(there, 0)
    buy = dies.buy

    def killed(
        job: ImageJob, slip: PurchaseRecord, progress: Progress = ignore_progress
    ) -> GeneratedPicture:
        if dies.count == 2:
            raise Killed
        return buy(job, slip, progress)

    dies.buy = killed  # type: ignore[method-assign]  # the process ends there
    with pytest.raises(Killed):
        nova.work(job_id, lambda: dies)
    nova.work(job_id, lambda: moderated(there))
    assert (nova.progress(job_id), nova.count("creations"), len(there.billed)) == (
        ("done", 4, 4),
        3,
        4,
    )


def test_resumed_run_buys_the_missing_pictures_once(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    """The monthly cap ends the run after a refusal; the cap is raised, and a person resumes the
    run."""
    job_id, engine = nova.start(variants=6), moderated(there, 1)
    with nova.scope() as scope:
        spending_caps.set_spending_cap(scope, "USD", Money(1, "USD"))
    nova.work(job_id, lambda: engine)
    assert (nova.progress(job_id), nova.count("creations"), len(there.billed)) == (
        ("failed", 3, 6),
        2,
        3,
    )
    with nova.scope() as scope:
        spending_caps.set_spending_cap(scope, "USD", None)
        assert runner.resume_run(scope, job_id) == 3
    nova.work(job_id, lambda: moderated(there))
    assert (nova.progress(job_id), nova.count("creations"), len(there.billed)) == (
        ("done", 6, 6),
        5,
        6,
    )
    assert (len(there.asked), states(nova), spent(nova)) == (6, ["paid"] * 6, Decimal("1.8"))


def test_throttling_and_outage_are_retried_and_reserve_no_money(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    job_id = nova.start(variants=1)
    there.throttled = 1
    with pytest.raises(outbox.RetryLater) as later:
        nova.work(job_id, lambda: engine_of(there))
    assert later.value.after.total_seconds() == 7
    there.fail("/v1/models/acme/portrait", Fault(status=503))
    with pytest.raises(EngineUnreachable):
        nova.work(job_id, lambda: engine_of(there))
    assert (states(nova), spent(nova)) == (["released"], 0)
    nova.work(job_id, lambda: engine_of(there))
    assert (nova.progress(job_id)[0], len(there.billed), states(nova)) == ("done", 1, ["paid"])


def test_cap_ends_a_run_with_a_reason_and_keeps_its_pictures(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    job_id = nova.start()
    nova.work(job_id, lambda: engine_of(there), caps={"USD": Money(0, "USD")})
    other = nova.start(key="other")
    with nova.scope() as scope:
        assert "spending.cap_reached" in str(runner.failure_reason(scope, job_id))
        spending_caps.set_spending_cap(scope, "USD", Money(1, "USD"))
    assert (nova.progress(job_id), there.asked) == (("failed", 0, 3), [])
    nova.work(other, lambda: engine_of(there))
    assert nova.progress(other) == ("done", 3, 3), "three pictures of 0.3 cents fit into one cent"
    third = nova.start(key="third")
    nova.work(third, lambda: engine_of(there))
    assert (nova.progress(third), len(there.billed), spent(nova)) == (
        ("failed", 0, 3),
        3,
        Decimal("0.9"),
    )


def test_run_costs_no_more_than_the_budget_of_its_recipe(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    job_id = nova.start(variants=5, budget="0.01 USD")
    nova.work(job_id, lambda: engine_of(there))
    assert (nova.progress(job_id), len(there.billed), spent(nova)) == (
        ("failed", 3, 5),
        3,
        Decimal("0.9"),
    )
    with nova.scope() as scope:
        assert runner.failure_reason(scope, job_id) == Message(
            "spending.run_reached", {"spent": "0.01 USD", "most": "0.01 USD"}
        )
    euros = nova.start(key="euros", budget="5 EUR")
    nova.work(euros, lambda: engine_of(there))
    assert (nova.progress(euros), len(there.billed)) == (("failed", 0, 3), 3), (
        "no spending in a currency without a budget"
    )
    other = nova.start(key="other", budget="0.01 USD, 5 EUR")
    nova.work(other, lambda: engine_of(there))
    assert (nova.progress(other), len(there.billed)) == (("done", 3, 3), 6), (
        "each run has its own budget"
    )


@pytest.mark.parametrize("at", ["mark_requested", "mark_ordered", "bought"])
def test_crash_uses_up_no_budget_of_its_run(
    nova: CreatorStudio, there: FakeReplicate, at: str
) -> None:
    job_id = nova.start(variants=3, budget="0.01 USD")
    with pytest.raises(Killed):
        nova.work(job_id, lambda: engine_of(there, at))
    nova.work(job_id, lambda: engine_of(there))
    assert (nova.progress(job_id), len(there.billed), spent(nova)) == (
        ("done", 3, 3),
        3,
        Decimal("0.9"),
    )


def test_adult_prompt_is_not_sent_to_a_hosted_engine(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    job_id = nova.start()
    with nova.scope() as scope:
        scope.run("UPDATE jobs SET rating = 'N'")
    nova.work(job_id, lambda: engine_of(there))
    with nova.scope() as scope:
        assert "hosted_rating" in str(runner.failure_reason(scope, job_id))
    assert (there.asked, states(nova)) == ([], [])


def due(nova: CreatorStudio) -> list[tuple[str, str, str | None]]:
    """Return kind, queue and lane of the waiting rows."""
    with nova.scope() as scope:
        found = scope.run(
            "SELECT kind, queue, lane FROM outbox WHERE tenant_id = :t ORDER BY kind",
            t=nova.tenant_id,
        )
        return [tuple(row) for row in found]


def test_hosted_run_moves_out_of_the_gpu_queue(nova: CreatorStudio, there: FakeReplicate) -> None:
    """A recipe that names a hosted engine is queued there; one without a name is moved there. A
    repeat is harmless."""
    usual, freed = nova.start(variants=1), list[str]()
    given: dict[str, Any] = {
        "tenant": nova.services.tenant,
        "store": nova.services.store,
        "credential": lambda: CREDENTIAL,
    }
    for _ in range(2):  # # the second time, a worker crashed before it finished its row
        runner.generate_pictures(
            RunDue(nova.tenant_id, usual),
            engine=lambda: engine_of(there),
            make_room=freed.append,
            **given,
        )
    assert due(nova) == [("job.buy", "buy", f"job:{usual}")] * 2 + [("job.run", "gpu", None)]
    assert (there.asked, nova.progress(usual)) == ([], ("queued", 0, 1))
    assert freed == [], "no GPU memory is freed for bought pictures"
    nova.work(usual, lambda: engine_of(there))
    assert (len(there.billed), nova.progress(usual)[0]) == (1, "done")
    named = nova.start(key="named", variants=1, engine="replicate")
    assert ("job.buy", "buy", f"job:{named}") in due(nova)
    with nova.scope() as scope:
        runner.stop_run(scope, named)
    assert ("job.buy", "buy", f"job:{named}") not in due(nova)


def test_missing_engine_fails_the_run_without_a_substitute(
    nova: CreatorStudio,
) -> None:
    job_id = nova.start(engine="stability")
    nova.work(job_id, Engine)
    with nova.scope() as scope:
        assert runner.failure_reason(scope, job_id) == Message(
            "engine.not_here", {"engine": "stability"}
        )
    assert (nova.progress(job_id), nova.count("creations")) == (("failed", 0, 3), 0)


def test_named_engine_makes_the_pictures_of_its_recipe(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    bought, drawn = (
        nova.start(key="b", variants=1, engine="replicate"),
        nova.start(key="d", variants=1),
    )
    freed: list[str] = []
    nova.work(drawn, Engine, make_room=freed.append)
    assert freed == ["placeholder"]
    runner.generate_pictures(
        HostedRunDue(nova.tenant_id, bought),
        tenant=nova.services.tenant,
        engine=Engine,
        named={"replicate": engine_of(there)}.__getitem__,
        store=nova.services.store,
        credential=lambda: CREDENTIAL,
    )
    with nova.scope() as scope:
        made = scope.run(
            "SELECT job_id, engine FROM creations WHERE tenant_id = :t", t=nova.tenant_id
        ).all()
    assert {row.job_id: row.engine for row in made} == {bought: "replicate", drawn: "placeholder"}


def test_run_does_not_mix_placeholder_and_real_pictures(
    nova: CreatorStudio, there: FakeReplicate
) -> None:
    def dies(number: int) -> None:
        if number:
            raise Killed

    job_id, dying = nova.start(), Engine(before=dies)
    with pytest.raises(Killed):
        nova.work(job_id, lambda: dying)
    nova.work(job_id, lambda: engine_of(there))  # # a hosted engine was set up between the two
    with nova.scope() as scope:
        assert runner.failure_reason(scope, job_id) == Message(
            "job.engine_changed", {"engine": "replicate"}
        )
    assert (nova.progress(job_id), there.asked) == (("failed", 1, 3), [])


def at_once(nova: CreatorStudio, ids: list[UUID], there: FakeReplicate, **given: Any) -> int:
    """Work on the runs in as many threads; return the number of postponed runs."""

    def work(job_id: UUID) -> bool:
        try:
            nova.work(job_id, lambda: engine_of(there), **given)
        except outbox.RetryLater:
            return True
        return False

    with ThreadPoolExecutor(len(ids)) as pool:
        return sum(pool.map(work, ids))


@pytest.mark.parametrize("seed", range(2))
def test_caps_hold_for_concurrent_hosted_runs_of_an_agency(
    nova: CreatorStudio, there: FakeReplicate, seed: int
) -> None:
    there.looks = 2 + seed
    ids = [nova.start(key=f"{one}", seed=one, variants=2) for one in range(4)]
    with nova.scope() as scope:
        spending_caps.set_spending_cap(scope, "USD", Money(1, "USD"))
    at_once(nova, ids, there)
    assert (len(there.billed), spent(nova), nova.count("creations")) == (3, Decimal("0.9"), 3), (
        "three pictures fit into one cent"
    )
    with nova.scope() as scope:
        spending_caps.set_spending_cap(scope, "USD", None)
    day = [nova.start(key=f"day{one}", seed=one, variants=3) for one in range(4)]
    assert at_once(nova, day, there, per_day=7), "some runs wait"
    for _ in range(3):
        at_once(nova, day, there, per_day=7)
    assert (nova.count("creations"), len(there.billed)) == (7, 7), (
        "seven a day: four more than before"
    )
