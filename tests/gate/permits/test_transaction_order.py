"""A permit concurrent with a prohibition, statement by statement, in thousands of orders: the first
commit wins. Either the permit is denied, or the later transaction knows its copy; nothing is
published after the prohibition is committed. `GREENROOM_ORDERS` sets the number of orders: 10,000
in `make chaos`."""

import os
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial

import pytest
from sqlalchemy import create_engine, text

from foundation.db.database import Database
from foundation.ids import uuid7
from gate.consent.grants import revoke_consent
from gate.contract.units import Medium, Rating, Unit
from gate.log import decision_log
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import emergency_stops
from gate.ratings import ratings
from gate.removal import recall
from gate.reviews import content_reviews
from gate.viewers import age_assurance
from tests.conftest import Cluster
from tests.gate.builders import KEY, Step, World, message, picture, real_person, world
from tests.gate.permits.transaction_scheduler import ExecutionOrder, run_interleaved, stopped

ORDERS = int(os.environ.get("GREENROOM_ORDERS", "84"))
READER = "fan"


@pytest.fixture
def waits(cluster: Cluster) -> Iterator[Callable[[int], bool]]:
    """A function that returns True if a backend waits for a lock."""
    engine = create_engine(cluster.url("postgres", "postgres"), isolation_level="AUTOCOMMIT")
    asked = text("SELECT EXISTS (SELECT FROM pg_locks WHERE pid = :pid AND NOT granted)")
    with engine.connect() as connection:
        yield lambda pid: bool(connection.execute(asked, {"pid": pid}).scalar_one())
    engine.dispose()


def claim(here: World, whole: Unit) -> str:
    """Request a permit as a sender does, and return its ID or an empty string."""
    try:
        with here.scope() as scope:
            issuance.lock_unit(scope, whole)
            return str(
                issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}").jti
            )
    except PermitDenied:
        return ""


def revoke(here: World, person, shown: Medium) -> set[str]:
    with here.scope() as scope:
        return set(map(str, revoke_consent(scope, person)))


def block(here: World, person, shown: Medium) -> set[str]:
    with here.scope() as scope:
        return set(map(str, recall.block_bytes(scope, shown.sha256, category="ncii")))


def freeze(here: World, person, shown: Medium) -> None:
    with here.scope() as scope:
        ratings.freeze_bytes(scope, shown.sha256)


def stop(here: World, person, shown: Medium) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        emergency_stops.close_switch(scope, "creator", str(here.creator_id), "sending", reason="x")


def close_out(here: World, person, shown: Medium) -> None:
    with here.scope() as scope:
        age_assurance.block_viewer(scope, "sandbox", READER)


def refuse(here: World, person, shown: Medium) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_bytes(scope, shown.sha256, verdict="refuse")


def prohibit(here: World, person, shown: Medium) -> None:
    with here.scope() as scope:
        ratings.record_rating(scope, shown.sha256, Rating.X, source=f"member:{here.rob}")


FORBIDS = (revoke, block, freeze, stop, close_out, refuse, prohibit)
"""Operations after which the unit may not be published; those that recall copies return their
permits."""
NAMES = {act.__name__ for act in FORBIDS}


def in_order(here: World) -> tuple[object, Medium, Unit]:
    """Create a valid post: a consenting person, a reviewed picture and an adult viewer."""
    with here.scope() as scope:
        person = real_person(scope)
        shown = picture(scope, here, Rating.N, person=person)
        age_assurance.record_assurance(
            scope,
            platform="sandbox",
            user_id=READER,
            method="test",
            assured_level="L4",
            over_18=True,
            environment="test",
        )
        whole = message(here, READER, media=(shown,))
        whole = replace(whole, flags=issuance.required_flags_of_unit(scope, whole))
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_bytes(scope, shown.sha256, verdict="approve")
    return person, shown, whole


def tried(
    database: Database,
    forbid: Callable[..., set[str] | None],
    seed: int,
    waits: Callable[[int], bool],
) -> ExecutionOrder:
    """Run one order of the two operations in a new tenant, and check that no prohibited permit was
    issued."""
    here = world(database.scope, uuid7())
    person, shown, whole = in_order(here)
    acts = {"claim": lambda: claim(here, whole), "forbid": lambda: forbid(here, person, shown)}
    with stopped(database.engine):
        done = run_interleaved(acts, seed=seed, waits=waits)
    permit, called = str(done.results["claim"]), done.results["forbid"]
    if done.committed != ("claim", "forbid"):
        assert not permit, (forbid.__name__, done.steps)
    elif isinstance(called, set):
        assert called == {permit} - {""}, (forbid.__name__, done.steps)
    with here.scope() as scope:
        left = (
            scope.run("SELECT id FROM permits WHERE subject_id = :id", id=whole.subject.id)
            .scalars()
            .all()
        )
        assert list(map(str, left)) == ([permit] if permit else [])
        assert isinstance(decision_log.verify_chain(scope), decision_log.ChainIntact)
    return done


def test_no_permit_is_issued_after_prohibition_in_any_order(
    database: Database, waits: Callable[[int], bool]
) -> None:
    seen, sent = set(), Counter()
    for seed in range(ORDERS):
        forbid = FORBIDS[seed % len(FORBIDS)]
        done = tried(database, forbid, seed, waits)
        seen.add(done.steps)
        sent[forbid.__name__, bool(done.results["claim"])] += 1
    assert (
        len(seen) > min(ORDERS, 100) * 9 // 10
    )  # mostly distinct orders; locks limit their number to some thousand
    assert (
        {name for name, left in sent if left} == {name for name, left in sent if not left} == NAMES
    ), sent


def test_same_seed_gives_same_order(database: Database, waits: Callable[[int], bool]) -> None:
    once, again = (tried(database, revoke, 7, waits) for _ in range(2))
    assert once.steps == again.steps


def test_permit_without_lock_is_detected_as_breach(
    database: Database, waits: Callable[[int], bool]
) -> None:
    """A decision on facts read earlier and without a lock is the breach these tests detect."""

    def unlocked(here: World, whole: Unit) -> str:
        with here.scope() as scope:
            allowed = issuance.preview_decision(
                scope, whole, author=f"member:{here.ann}"
            ).is_allowed
            scope.run("SELECT 1")
            return "sent" if allowed else ""

    breaches = 0
    for seed in range(24):
        here = world(database.scope, uuid7())
        person, shown, whole = in_order(here)
        acts = {
            "claim": partial(unlocked, here, whole),
            "forbid": partial(freeze, here, person, shown),
        }
        with stopped(database.engine):
            done = run_interleaved(acts, seed=seed, waits=waits)
        breaches += done.committed == ("forbid", "claim") and bool(done.results["claim"])
    assert breaches
