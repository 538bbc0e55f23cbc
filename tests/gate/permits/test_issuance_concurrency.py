"""Permits concurrent with revocations, stops and refusals: no deadlock, and no permit after a
committed prohibition."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime
from random import Random

import pytest

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from gate.consent.grants import revoke_consent
from gate.contract.units import Rating, Subject
from gate.log import decision_log
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import emergency_stops
from gate.ratings import ratings
from tests.gate.builders import KEY, Step, World, picture, real_person, unit, world

AUTHOR = "system:test"


@pytest.fixture
def here(tenant: OpenScope, tenant_id) -> World:
    return world(tenant, tenant_id)


def claim(here: World, whole) -> bool:
    try:
        with here.scope() as scope:
            issuance.lock_unit(scope, whole)
            issuance.mint_permit(scope, whole, Step(), key=KEY, author=AUTHOR)
    except PermitDenied:
        return False
    return True


def test_revocation_waits_for_permit_and_blocks_next(here: World) -> None:
    with here.scope() as scope:
        who = real_person(scope)
        whole = unit(here, media=[picture(scope, here, person=who)])
    revoked = threading.Event()

    def revoke() -> list:
        with here.scope() as scope:
            found = revoke_consent(scope, who)
        revoked.set()
        return found

    with ThreadPoolExecutor(1) as pool:
        with here.scope() as scope:
            issuance.lock_unit(scope, whole)
            waiting = pool.submit(revoke)
            assert not revoked.wait(0.2)
            permit = issuance.mint_permit(scope, whole, Step(), key=KEY, author=AUTHOR)
        assert waiting.result(10) == [permit.jti]  # the earlier permit is recalled
    assert not claim(here, whole)


def test_concurrent_changes_do_not_deadlock(here: World) -> None:
    """Permits for many units run concurrently with revocations, ratings and stops in random order."""
    with here.scope() as scope:
        who = [real_person(scope) for _ in range(3)]
        shown = [picture(scope, here, person=each) for each in who for _ in range(2)]
    units = [
        unit(here, media=Random(seed).sample(shown, 3), subject=Subject("delivery", uuid7()))
        for seed in range(24)
    ]

    def disturb(number: int) -> None:
        with here.scope(f"member:{here.rob}") as scope:
            if number % 4 == 0:
                revoke_consent(scope, who[number % 3], what="download_sell")
            elif number % 4 == 1:
                ratings.record_rating(
                    scope, shown[number % 6].sha256, Rating.G, source="classifier@2"
                )
            elif number % 4 == 2:
                emergency_stops.close_switch(
                    scope, "creator", str(here.creator_id), "campaigns", reason="x"
                )
            else:
                ratings.record_depiction(
                    scope,
                    _asset(scope, shown[number % 6].sha256),
                    who[0],
                    how="voice",
                    confirmed_by="member:rob",
                )

    acts = [lambda each=each: claim(here, each) for each in units] + [
        lambda n=n: disturb(n) for n in range(16)
    ]
    Random(7).shuffle(acts)
    with ThreadPoolExecutor(40) as pool:
        for done in [pool.submit(act) for act in acts]:
            done.result(60)
    with here.scope() as scope:
        assert isinstance(decision_log.verify_chain(scope), decision_log.ChainIntact)


def _asset(scope, sha256: str):
    return scope.run("SELECT asset_id FROM renditions WHERE sha256 = :sha", sha=sha256).scalar_one()


def test_no_permit_is_issued_after_revocation(here: World) -> None:
    """Threads request permits at full speed during a revocation: every permit is older than the
    revocation."""
    with here.scope() as scope:
        who = real_person(scope)
        whole = unit(here, media=[picture(scope, here, person=who)])
    going = threading.Event()

    def claims(_: int) -> int:
        count = 0
        while claim(here, replace(whole, subject=Subject("delivery", uuid7()))):
            count += 1
            going.set()
        return count

    with ThreadPoolExecutor(8) as pool:
        running = [pool.submit(claims, number) for number in range(8)]
        assert going.wait(60)
        with here.scope() as scope:
            called_back = revoke_consent(scope, who)
        assert sum(each.result(30) for each in running) == len(called_back)
    with here.scope() as scope:
        last: datetime = scope.run("SELECT max(minted_at) FROM permits").scalar_one()
        assert last < scope.run("SELECT max(revoked_at) FROM consent_grants").scalar_one()
        assert scope.run("SELECT count(*) FROM permits WHERE recalled_at IS NULL").scalar() == 0
