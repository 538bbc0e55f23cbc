"""Minting: read again, decide, sign, consume, all in one transaction and once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from foundation.database import OpenScope
from foundation.errors import Conflict, Refused
from gate import desk, log, minting, people, switches
from gate.minting import Denied
from gate.reasons import Reason
from gate.units import Rating, Subject, Text
from tests.gate.builders import KEY, Step, World, message, picture, real_person, unit, world


@pytest.fixture
def here(tenant: OpenScope, tenant_id) -> World:
    return world(tenant, tenant_id)


def author(here: World) -> str:
    return f"member:{here.ann}"


def test_a_permit_is_minted_and_consumed_for_one_request(here: World) -> None:
    whole = unit(here)
    with here.scope() as scope:
        minting.lock_epochs(scope, whole)
        permit = minting.mint(scope, whole, Step(), key=KEY, author=author(here))
    assert permit.verify(KEY.public_key())
    assert not replace(permit, wire_digest="0" * 64).verify(KEY.public_key())
    with here.scope() as scope:
        copy = minting.copy(scope, permit.jti)
        assert copy is not None
        assert copy.unit_digest == whole.digest()
        assert minting.copies(scope, whole.subject) == []
        minting.note_copy(scope, permit.jti, "77", scope.now)
        assert [each.native_ids for each in minting.copies(scope, whole.subject)] == [("77",)]
        assert minting.copy_of(scope, here.channel_id, "77") is not None
        assert minting.copy_of(scope, here.channel_id, "78") is None
        minting.gone(scope, permit.jti, "404")
        assert isinstance(log.verify(scope), log.Verified)


def test_a_denied_claim_leaves_nothing_but_its_decision(here: World) -> None:
    whole = unit(here, text="EXPLICIT-MARKER-A", surface="sandbox.as_instagram")
    with pytest.raises(Denied) as denied, here.scope() as scope:
        minting.mint(scope, whole, Step(), key=KEY, author=author(here))
    assert Reason.RATING_EXCEEDS_SURFACE in denied.value.decision.reasons
    with here.scope() as scope:
        assert scope.run("SELECT count(*) FROM permits").scalar() == 0
        assert log.verify(scope) == log.Verified(0, log.GENESIS)
        minting.record_denial(scope, denied.value)
        minting.record_denial(scope, denied.value)
    with here.scope() as scope:
        assert scope.run("SELECT count(*) FROM decisions WHERE stage = 'mint'").scalar() == 1


def test_nudity_needs_a_look_by_somebody_else(here: World) -> None:
    with here.scope() as scope:
        shown = picture(scope, here, Rating.N, person=real_person(scope))
        whole = unit(here, media=[shown])
        whole = replace(whole, flags=minting.flags(scope, whole))
        assert whole.flags == ("adult=true",)
        assert minting.judge(scope, whole, author=author(here)).reasons == (Reason.REVIEW_MISSING,)
    with pytest.raises(Refused), here.scope(f"member:{here.ann}") as scope:
        desk.review(scope, whole.digest(), verdict="approve")
    with here.scope(f"member:{here.rob}") as scope:
        desk.review(scope, whole.digest(), verdict="approve")
    with here.scope() as scope:
        permit = minting.mint(scope, whole, Step(), key=KEY)  # the author is known from the judgement
        assert permit.flags == ("adult=true",)
    with here.scope() as scope:  # the same bytes elsewhere need no second look
        again = unit(here, text="Another", media=[shown], flags=whole.flags)
        assert minting.judge(scope, again, author=author(here)).allowed


def test_thirty_two_threads_consume_a_permit_once(here: World) -> None:
    whole = unit(here)
    with here.scope() as scope:
        entry, _ = minting._judged(scope, whole, author(here), (), None, stage="mint")
        permit = minting._permit(whole, Step(), entry)

    def use(_: int) -> bool:
        try:
            with here.scope() as scope:
                log.append(scope, entry)
                minting.consume(scope, permit, entry)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(32) as pool:
        assert sum(pool.map(use, range(32))) == 1
    with here.scope() as scope:
        assert log.verify(scope).count == 1


def test_a_permit_lives_a_minute(here: World) -> None:
    whole = unit(here)
    with here.scope() as scope:
        entry, _ = minting._judged(scope, whole, author(here), (), None, stage="mint")
        permit = minting._permit(whole, Step(), entry)
        late = timedelta(seconds=61)
        old = replace(permit, minted_at=permit.minted_at - late, expires_at=permit.expires_at - late)
        log.append(scope, entry)
        with pytest.raises(Refused, match="EXPIRED"):
            minting.consume(scope, old, entry)


def test_no_permit_without_its_decision(here: World) -> None:
    whole = unit(here)

    def forge() -> None:
        with here.scope() as scope:
            entry, _ = minting._judged(scope, whole, author(here), (), None, stage="mint")
            minting.consume(scope, minting._permit(whole, Step(), entry), entry)

    with pytest.raises(IntegrityError, match="decision_id"):
        forge()


def test_a_term_spread_over_messages_is_seen_when_it_is_complete(here: World) -> None:
    for part in "EXPLICIT-MARKER":
        with here.scope() as scope:
            whole = message(here, "fan-1", text=part)
            minting.mint(scope, whole, Step(), key=KEY, author=author(here))
    with here.scope() as scope:
        last = message(here, "fan-1", text="-A")
        assert Reason.VIEWER_UNASSURED in minting.judge(scope, last, author=author(here)).reasons
        other = message(here, "fan-2", text="-A")
        assert minting.judge(scope, other, author=author(here)).allowed
        harmless = message(here, "fan-1", text="How are you?")
        assert minting.judge(scope, harmless, author=author(here)).allowed


def test_a_revoked_permission_ends_it_and_calls_the_copies_back(here: World) -> None:
    with here.scope() as scope:
        who = real_person(scope)
        whole = unit(here, media=[picture(scope, here, person=who)])
        permit = minting.mint(scope, whole, Step(), key=KEY, author=author(here))
    with here.scope() as scope:
        minting.note_copy(scope, permit.jti, "1", scope.now)
        assert people.revoke(scope, who, what="publish") == [permit.jti]
        assert people.revoke(scope, who) == []
        kinds = scope.run("SELECT kind, count(*) FROM outbox GROUP BY kind ORDER BY kind").all()
        assert dict(map(tuple, kinds))["takedown.opened"] == 1
    with pytest.raises(Denied) as denied, here.scope() as scope:
        minting.mint(scope, replace(whole, subject=Subject("delivery", here.ann)), Step(), key=KEY, author="")
    assert denied.value.decision.reasons == (Reason.CONSENT_REVOKED,)


def test_a_stop_is_a_stop_and_nothing_else(here: World) -> None:
    whole = unit(here)
    with here.scope(f"member:{here.ann}") as scope:
        switches.close(scope, "creator", str(here.creator_id), "sending", reason="holiday")
    with pytest.raises(Denied) as denied, here.scope() as scope:
        minting.mint(scope, whole, Step(), key=KEY, author=author(here))
    assert denied.value.decision.stopped
    with here.scope(f"member:{here.rob}") as scope:
        switches.reopen(scope, "creator", str(here.creator_id), "sending", reason="back")
    with here.scope() as scope:
        minting.mint(scope, whole, Step(), key=KEY, author=author(here))


def test_evidence_that_appears_after_the_locks_denies(here: World) -> None:
    with here.scope() as scope:
        shown = picture(scope, here)
    whole = unit(here)
    with here.scope() as scope:
        minting.lock_epochs(scope, whole)
        changed = replace(whole, media=(shown,), texts=(Text("body", "x"),))
        with pytest.raises(Denied) as denied:
            minting.mint(scope, changed, Step(), key=KEY, author=author(here))
    assert denied.value.decision.stale
