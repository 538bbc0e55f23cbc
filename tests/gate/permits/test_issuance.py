"""Issuance of permits: read, decide, sign and consume in one transaction, exactly once."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from foundation.db.database import OpenScope
from foundation.errors import Conflict, Refused
from gate.consent.grants import revoke_consent
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Subject, Text
from gate.log import decision_log
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import emergency_stops
from gate.reviews import content_reviews
from tests.gate.builders import KEY, Step, World, message, picture, real_person, unit, world


@pytest.fixture
def here(tenant: OpenScope, tenant_id) -> World:
    return world(tenant, tenant_id)


def author(here: World) -> str:
    return f"member:{here.ann}"


def test_permit_is_issued_and_consumed_for_one_request(here: World) -> None:
    whole = unit(here)
    with here.scope() as scope:
        issuance.lock_unit(scope, whole)
        permit = issuance.mint_permit(scope, whole, Step(), key=KEY, author=author(here))
    assert permit.is_signed_by(KEY.public_key())
    assert not replace(permit, wire_digest="0" * 64).is_signed_by(KEY.public_key())
    with here.scope() as scope:
        copy = issuance.find_copy(scope, permit.jti)
        assert copy is not None
        assert copy.unit_digest == whole.digest()
        assert issuance.list_copies(scope, whole.subject) == []
        issuance.record_copy(scope, permit.jti, "77", scope.now)
        assert [each.native_ids for each in issuance.list_copies(scope, whole.subject)] == [("77",)]
        assert issuance.find_copy_by_native_id(scope, here.channel_id, "77") is not None
        assert issuance.find_copy_by_native_id(scope, here.channel_id, "78") is None
        issuance.record_removed(scope, permit.jti, "404")
        assert isinstance(decision_log.verify_chain(scope), decision_log.ChainIntact)


def test_denied_permit_stores_only_its_decision(here: World) -> None:
    whole = unit(here, text="EXPLICIT-MARKER-A", surface="sandbox.as_instagram")
    with pytest.raises(PermitDenied) as denied, here.scope() as scope:
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=author(here))
    assert Reason.RATING_EXCEEDS_SURFACE in denied.value.decision.reasons
    with here.scope() as scope:
        assert scope.run("SELECT count(*) FROM permits").scalar() == 0
        assert decision_log.verify_chain(scope) == decision_log.ChainIntact(
            0, decision_log.GENESIS_HASH
        )
        issuance.record_denial(scope, denied.value)
        issuance.record_denial(scope, denied.value)
    with here.scope() as scope:
        assert scope.run("SELECT count(*) FROM decisions WHERE stage = 'mint'").scalar() == 1


def test_nudity_requires_review_by_another_member(here: World) -> None:
    with here.scope() as scope:
        shown = picture(scope, here, Rating.N, person=real_person(scope))
        whole = unit(here, media=[shown])
        whole = replace(whole, flags=issuance.required_flags_of_unit(scope, whole))
        assert whole.flags == ("adult=true",)
        assert issuance.judge_unit(scope, whole, author=author(here)).reasons == (
            Reason.REVIEW_MISSING,
        )
    with pytest.raises(Refused), here.scope(f"member:{here.ann}") as scope:
        content_reviews.review_unit(scope, whole.digest(), verdict="approve")
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_unit(scope, whole.digest(), verdict="approve")
    with here.scope() as scope:
        permit = issuance.mint_permit(
            scope, whole, Step(), key=KEY
        )  # the author is known from the decision
        assert permit.flags == ("adult=true",)
    with here.scope() as scope:  # the same bytes in another post need no second review
        again = unit(here, text="Another", media=[shown], flags=whole.flags)
        assert issuance.judge_unit(scope, again, author=author(here)).is_allowed


def test_concurrent_threads_consume_permit_once(here: World) -> None:
    whole = unit(here)
    with here.scope() as scope:
        entry, _ = issuance._evaluate_unit(scope, whole, author(here), (), None, stage="mint")
        permit = issuance._build_permit(whole, Step(), entry)

    def use(_: int) -> bool:
        try:
            with here.scope() as scope:
                decision_log.append_entry(scope, entry)
                issuance.consume_permit(scope, permit, entry)
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(32) as pool:
        assert sum(pool.map(use, range(32))) == 1
    with here.scope() as scope:
        assert decision_log.verify_chain(scope).count == 1


def test_permit_expires_after_one_minute(here: World) -> None:
    whole = unit(here)
    with here.scope() as scope:
        entry, _ = issuance._evaluate_unit(scope, whole, author(here), (), None, stage="mint")
        permit = issuance._build_permit(whole, Step(), entry)
        late = timedelta(seconds=61)
        old = replace(
            permit, minted_at=permit.minted_at - late, expires_at=permit.expires_at - late
        )
        decision_log.append_entry(scope, entry)
        with pytest.raises(Refused, match="EXPIRED"):
            issuance.consume_permit(scope, old, entry)


def test_permit_requires_stored_decision(here: World) -> None:
    whole = unit(here)

    def forge() -> None:
        with here.scope() as scope:
            entry, _ = issuance._evaluate_unit(scope, whole, author(here), (), None, stage="mint")
            issuance.consume_permit(scope, issuance._build_permit(whole, Step(), entry), entry)

    with pytest.raises(IntegrityError, match="decision_id"):
        forge()


def test_term_spread_over_messages_is_found_when_complete(here: World) -> None:
    for part in "EXPLICIT-MARKER":
        with here.scope() as scope:
            whole = message(here, "fan-1", text=part)
            issuance.mint_permit(scope, whole, Step(), key=KEY, author=author(here))
    with here.scope() as scope:
        last = message(here, "fan-1", text="-A")
        assert (
            Reason.VIEWER_UNASSURED in issuance.judge_unit(scope, last, author=author(here)).reasons
        )
        other = message(here, "fan-2", text="-A")
        assert issuance.judge_unit(scope, other, author=author(here)).is_allowed
        harmless = message(here, "fan-1", text="How are you?")
        assert issuance.judge_unit(scope, harmless, author=author(here)).is_allowed


def test_revoked_consent_denies_permit_and_recalls_copies(here: World) -> None:
    with here.scope() as scope:
        who = real_person(scope)
        whole = unit(here, media=[picture(scope, here, person=who)])
        permit = issuance.mint_permit(scope, whole, Step(), key=KEY, author=author(here))
    with here.scope() as scope:
        issuance.record_copy(scope, permit.jti, "1", scope.now)
        assert revoke_consent(scope, who, what="publish") == [permit.jti]
        assert revoke_consent(scope, who) == []
        kinds = scope.run("SELECT kind, count(*) FROM outbox GROUP BY kind ORDER BY kind").all()
        assert dict(map(tuple, kinds))["takedown.opened"] == 1
    with pytest.raises(PermitDenied) as denied, here.scope() as scope:
        issuance.mint_permit(
            scope, replace(whole, subject=Subject("delivery", here.ann)), Step(), key=KEY, author=""
        )
    assert denied.value.decision.reasons == (Reason.CONSENT_REVOKED,)


def test_stop_denies_permit_only_while_active(here: World) -> None:
    whole = unit(here)
    with here.scope(f"member:{here.ann}") as scope:
        emergency_stops.close_switch(
            scope, "creator", str(here.creator_id), "sending", reason="holiday"
        )
    with pytest.raises(PermitDenied) as denied, here.scope() as scope:
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=author(here))
    assert denied.value.decision.is_transient
    with here.scope(f"member:{here.rob}") as scope:
        emergency_stops.reopen_switch(
            scope, "creator", str(here.creator_id), "sending", reason="back"
        )
    with here.scope() as scope:
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=author(here))


def test_evidence_added_after_locks_denies_permit(here: World) -> None:
    with here.scope() as scope:
        shown = picture(scope, here)
    whole = unit(here)
    with here.scope() as scope:
        issuance.lock_unit(scope, whole)
        changed = replace(whole, media=(shown,), texts=(Text("body", "x"),))
        with pytest.raises(PermitDenied) as denied:
            issuance.mint_permit(scope, changed, Step(), key=KEY, author=author(here))
    assert denied.value.decision.is_stale
