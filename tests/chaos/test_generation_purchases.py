"""The process that buys pictures is killed at each moment of an order: each picture is billed once,
and every loss is reported.

It is a real process on real PostgreSQL and Redis, with fakes of Replicate and Stability over HTTP.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from foundation.db.database import Database
from foundation.i18n.translation import Message
from generators.engines.images import replicate as engine
from studio.costs import spending_caps
from studio.library import assets
from studio.runs import runner
from studio.runs.queries import get_run
from studio.runs.states import JobState
from tenants.notices.queries import list_open_notices
from tests.chaos.installation import PATIENCE_SECONDS
from tests.chaos.picture_purchases import (
    CENTS,
    PICTURES,
    PictureBuyer,
    PurchaseRun,
    create_run,
    shop,
)
from tests.conftest import Cluster, wait_until

pytestmark = pytest.mark.timeout(600)

REPLICATE = ("described", "arrived", "taken", "answered", "looked", "fetched", "stored", "kept")
"""Moments of an order: the model's schema is requested; the request has arrived and is not
accepted; accepted and not answered; answered and not recorded; looked up; half of the file is
downloaded; the file is stored and not in the library; in the library and not counted."""

STABILITY = ("arrived", "taken", "fetched", "answered", "stored", "kept")
LOST = ("arrived", "taken", "fetched", "answered")
"""Moments at which the order is lost: the seller has no list to look it up, and no result was
recorded."""

STANDS = {
    "described": ("reserved", False, 0, 0, 0),
    "arrived": ("asked", False, 1, 1, 1),
    "taken": ("asked", False, 1, 1, 1),
    "answered": ("asked", False, 1, 1, 1),
    "looked": ("asked", True, 1, 1, 1),
    "fetched": ("asked", True, 1, 1, 1),
    "stored": ("paid", True, 2, 1, 1),
    "kept": ("paid", True, 2, 2, 1),
}
"""The expected state at each moment: the last order, True if the seller's ID is recorded, and the
numbers of pictures stored, in the library and counted."""

LOOKING = 2
"""Two of Replicate's runs have an order without a recorded ID and look it up: the process is killed
there again."""

PASSED = timedelta(seconds=30 + engine.LISTED_AFTER)
"""Age after which a request is in the list or was never accepted."""


def test_kill_at_each_moment_of_an_order_bills_each_picture_once(
    cluster: Cluster, database: Database, redis_url: str, tmp_path: Path
) -> None:
    with shop(cluster, database, redis_url, tmp_path) as made:
        bought = die(made, "replicate", REPLICATE)
        die(made, "replicate", (), lookers=LOOKING)
        others = die(made, "stability", STABILITY)
        let_pass(made, bought["arrived"])
        made.rise()
        runs = [*bought.values(), *others.values()]
        wait_until(lambda: all(state(made, run) is JobState.DONE for run in runs), PATIENCE_SECONDS)
        for run in bought.values():
            check_replicate(made, run)
        for run in others.values():
            check_stability(made, run)
        assert made.replicate.cancelled == []


def die(
    made: PictureBuyer, seller: str, moments: Sequence[str], *, lookers: int = 0
) -> dict[str, PurchaseRun]:
    """Kill the process when a run is at each of these moments and `lookers` list requests are held."""
    first = [moment for moment in moments if moment != "described"]
    holding = made.hold(
        [create_run(made.services, seller, moment) for moment in first], lookers=lookers
    )
    made.rise()
    if "described" in moments:  # the schema is requested before anything else
        wait_until(holding.gathered.is_set)
        holding.runs.append(create_run(made.services, seller, "described"))
    holding.all_there()
    for run in holding.runs:
        assert stands(made, run) == meant(run), run
    made.kill()
    holding.let_go()
    made.bury()
    return {run.moment: run for run in holding.runs}


def meant(run: PurchaseRun) -> tuple[str, bool, int, int, int]:
    """Return the expected state from `STANDS`. A response of Stability is stored locally, since it
    has no ID, beside its picture."""
    order, known, stored, there, counted = STANDS[run.moment]
    if run.seller == "replicate":
        return order, known, stored, there, counted
    return order, order == "paid", 2 * stored, there, counted


def stands(made: PictureBuyer, run: PurchaseRun) -> tuple[str, bool, int, int, int]:
    """Return the actual state in the form of `STANDS`."""
    with made.services.tenant(run.tenant_id, "system:test") as scope:
        last = scope.run("SELECT state, remote_id FROM engine_orders ORDER BY number DESC").first()
        there, done = (
            assets.list_assets(scope, run.creator_id),
            runner.run_progress(scope, run.id)[1],
        )
    assert last is not None
    files = [
        one
        for one in (made.home.folder / "objects" / str(run.tenant_id)).rglob("*")
        if one.is_file()
    ]
    return last.state, bool(last.remote_id), len(files), len(there), done


def let_pass(made: PictureBuyer, run: PurchaseRun) -> None:
    """Let the time pass after which a request outside the list was never accepted."""
    with made.services.tenant(run.tenant_id, "system:test") as scope:
        moved = scope.run(
            "UPDATE engine_orders SET asked_at = asked_at - :by WHERE state = 'asked'", by=PASSED
        )
    assert moved.rowcount == 1


def state(made: PictureBuyer, run: PurchaseRun) -> JobState:
    with made.services.tenant(run.tenant_id, "system:test") as scope:
        return runner.run_progress(scope, run.id)[0]


def check_replicate(made: PictureBuyer, run: PurchaseRun) -> None:
    """Check that each picture was ordered once, billed once and exists."""
    orders = {
        one: told
        for one, told in made.replicate.predictions.items()
        if run.words in told["input"]["prompt"]
    }
    markers = Counter(told["input"]["greenroom"] for told in orders.values())
    assert set(markers.values()) == {1}, f"{run.moment}: one picture was ordered twice"
    assert [one for one in made.replicate.billed if one in orders] == list(orders), run.moment
    assert len(orders) == PICTURES, run.moment
    check_books(made, run, billed=PICTURES, there=PICTURES)


def check_stability(made: PictureBuyer, run: PurchaseRun) -> None:
    """Check that each picture was billed at most once, and that a missing picture is reported."""
    billed = sum(run.words in form["prompt"] for form in made.stability.asked)
    lost = run.moment in LOST
    assert billed == PICTURES - (run.moment == "arrived"), run.moment
    check_books(made, run, billed=billed, there=PICTURES - lost)
    with made.services.tenant(run.tenant_id, "system:test") as scope:
        found, notices = get_run(scope, run.id), list_open_notices(scope)
    told = [one.message for one in notices]
    if lost:
        assert (found.refused, found.why_refused) == (
            1,
            Message("engine.order_lost", {"engine": "stability"}),
        )
        assert told == [Message("job.skipped", {"count": 1, "total": PICTURES})]
    else:
        assert (found.refused, told) == (0, []), run.moment


def check_books(made: PictureBuyer, run: PurchaseRun, *, billed: int, there: int) -> None:
    """Check that the spending equals the bills, plus the one unknown order, and that the library
    has each picture once and intact."""
    with made.services.tenant(run.tenant_id, "system:test") as scope:
        items = assets.list_assets(scope, run.creator_id)
        rows = scope.run("SELECT state FROM engine_orders").scalars().all()
        keys = scope.run("SELECT source_key FROM creations").scalars().all()
        spent = spending_caps.monthly_budget(scope, "USD", {}).spent.minor
        left = spending_caps.count_open_orders(scope)
    unknown = run.seller == "stability" and run.moment == "arrived"
    assert spent == Decimal(CENTS) * (billed + unknown), run.moment
    assert (list(rows), left) == (["paid"] * PICTURES, 0), run.moment
    assert (len(items), len(set(keys))) == (there, there), run.moment
    for item in items:
        stored = made.services.store.get(run.tenant_id, item.sha256)
        assert hashlib.sha256(stored).hexdigest() == item.sha256
