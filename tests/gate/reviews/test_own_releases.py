"""Release of own pictures without a second reviewer: wrong signers, later invalidation, and race
conditions."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from foundation.db.database import OpenScope
from foundation.errors import Refused
from foundation.ids import uuid7
from gate.contract.facts import parse_snapshot, parse_unit
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Text
from gate.decision.decide import decide_unit
from gate.log import decision_log
from gate.people import account_holders
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.ratings import ratings
from gate.reviews import content_reviews, own_releases
from gate.reviews.own_releases import OwnReleaseRequested, OwnReleaseWithdrawn
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import members, passkeys
from tenants.notices.queries import list_open_notices
from tests.conftest import Cluster
from tests.gate import policy_releases
from tests.gate.builders import KEY, Step, asset_of, picture, real_person
from tests.gate.own_release_builders import (
    Author,
    add_author,
    advance_clock,
    build_open_bundle,
    build_open_release,
    register_passkey,
    view_pictures,
)
from tests.start_hour import AT_THE_HOUR

OPEN = build_open_bundle()
INVALID = str(Reason.RELEASE_INVALID)


@pytest.fixture(autouse=True)
def _clock(cluster: Cluster) -> Iterator[None]:
    yield
    with policy_releases.past_the_gate(cluster) as connection:
        connection.execute(text(AT_THE_HOUR))


def sends(one: Author, whole: Any = None) -> set[str]:
    """Request a permit and return the reasons for its denial, or an empty set."""
    try:
        with one.world.scope() as scope:
            issuance.mint_permit(
                scope, whole or one.whole, Step(), key=KEY, author=one.actor, bundle=one.rules
            )
    except PermitDenied as denied:
        return {str(reason) for reason in denied.decision.reasons}
    return set()


def sent(one: Author) -> int:
    with one.world.scope() as scope:
        return int(
            scope.run(
                "SELECT count(*) FROM permits WHERE subject_id = :id", id=one.whole.subject.id
            ).scalar_one()
        )


def test_own_picture_is_allowed_ten_minutes_after_release(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    assert sends(one) == {"REVIEW_MISSING"}
    with one.world.scope(one.actor) as scope:
        assert own_releases.own_release_status(scope, one.digest, rules=OPEN).lacks == ()
    one.releases()
    assert sends(one) == {INVALID, "REVIEW_MISSING"}
    advance_clock(tenant, 9.5)
    assert sends(one) == {INVALID, "REVIEW_MISSING"}
    advance_clock(tenant, 1)
    assert sends(one) == set()
    assert sent(one) == 1
    with one.world.scope() as scope:
        assert isinstance(decision_log.verify_chain(scope), decision_log.ChainIntact)


def test_release_decision_replays_from_stored_inputs(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    advance_clock(tenant, 11)
    assert sends(one) == set()
    with one.world.scope() as scope:
        rows = scope.run(
            "SELECT i.unit, i.snapshot, d.decided_at, d.verdict, d.reasons FROM decisions d JOIN "
            "decision_inputs i"
            " ON i.tenant_id = d.tenant_id AND i.id = d.id WHERE d.tenant_id = :t ORDER BY d.seq",
            t=one.world.tenant_id,
        ).all()
    assert len(rows) >= 2
    for row in rows:
        again = decide_unit(
            parse_snapshot(row.snapshot), parse_unit(row.unit), OPEN, row.decided_at
        )
        assert (str(again.verdict), [str(each) for each in again.reasons]) == (
            row.verdict,
            row.reasons,
        )
    last = parse_snapshot(rows[-1].snapshot).release
    assert last is not None
    assert (last.unit_digest, last.seen_percent, last.stands) == (one.digest, 100, True)


def test_unviewed_picture_cannot_be_released(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN, seen=False)
    with pytest.raises(Refused, match=r"own\.lack\.seen"):
        one.releases()
    # views by a guest do not count for the author
    view_pictures(one.world, one.world.rob, *one.whole.media)
    with pytest.raises(Refused, match=r"own\.lack\.seen"):
        one.releases()
    view_pictures(one.world, one.world.ann, *one.whole.media)
    assert one.releases()


def test_picture_of_two_people_cannot_be_released(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN, people_seen=2)
    with pytest.raises(Refused, match=r"own\.lack\.person"):
        one.releases()
    advance_clock(tenant, 11)
    assert "PERSON_UNRESOLVED" in sends(one)


def test_later_found_person_invalidates_release(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    advance_clock(tenant, 11)
    with one.world.scope() as scope:
        other = real_person(scope)
        ratings.record_depiction(
            scope,
            asset_of(scope, one.whole.media[0]),
            other,
            how="voice",
            confirmed_by="member:rob",
        )
    assert INVALID in sends(one)


def test_release_requires_fresh_signature_of_author(tenant: OpenScope) -> None:
    """Refused are the passkeys of a guest and a colleague, a signature for another post, and a used
    signature."""
    one = add_author(tenant, rules=OPEN)
    guest = register_passkey(one.world, one.world.rob)
    with pytest.raises(Refused, match="another"):
        one.signs(device=guest)
    theirs = one.signs(member=one.world.rob, device=guest)
    with pytest.raises(Refused, match=r"role\.forbidden\.run"):
        one.releases(theirs, actor=f"member:{one.world.rob}")
    with pytest.raises(Refused, match="not_fresh"):
        one.releases(theirs)
    with one.world.scope() as scope:
        zoe = agencies.add_member(
            scope,
            name="Zoe",
            email="zoe@example.test",
            role=Role.MANAGER,
            language="en",
            zone="UTC",
        )
    hers = one.signs(member=zoe, device=register_passkey(one.world, zoe))
    with pytest.raises(Refused, match=r"own\.lack\.author"):
        one.releases(hers, actor=f"member:{zoe}")
    with pytest.raises(Refused, match="not_fresh"):
        one.releases(one.signs(about="e" * 64))
    signed = one.signs()
    one.releases(signed)
    with pytest.raises(Refused, match="not_fresh"):
        one.releases(signed)


def test_expired_signature_is_refused(tenant: OpenScope, cluster: Cluster) -> None:
    one = add_author(tenant, rules=OPEN)
    signed = one.signs()
    with policy_releases.past_the_gate(cluster) as connection:
        aged = (
            "UPDATE passkey_asks SET answered_at = answered_at - interval '6 minutes' WHERE id = "
            ":id"
        )
        connection.execute(text(aged), {"id": signed})
    with pytest.raises(Refused, match="not_fresh"):
        one.releases(signed)


ENDS = {
    "release withdrawn": lambda one, scope: own_releases.withdraw_own_release(
        scope, one.whole.subject.id
    ),
    "passkey removed": lambda one, scope: passkeys.remove_passkey(
        scope, one.world.ann, passkeys.list_passkeys(scope, one.world.ann)[0].id
    ),
    "account holder proof ended": lambda one, scope: account_holders.end_account_holder(
        scope, one.holder
    ),
    "role changed": lambda one, scope: scope.run(
        "UPDATE members SET role = 'chatter' WHERE id = :m", m=one.world.ann
    ),
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_lost_condition_invalidates_release_before_permit(tenant: OpenScope, ends: Any) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    advance_clock(tenant, 11)
    with one.world.scope(one.actor) as scope:
        ends(one, scope)
    assert INVALID in sends(one)
    assert sent(one) == 0


def test_release_of_removed_member_is_invalid(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    with one.world.scope() as scope:
        agencies.add_member(
            scope, name="Zoe", email="z@example.test", role=Role.OWNER, language="en", zone="UTC"
        )
    one.releases()
    advance_clock(tenant, 11)
    with one.world.scope() as scope:
        members.remove_member(scope, one.world.ann)
    assert INVALID in sends(one)


def test_edit_invalidates_release(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    advance_clock(tenant, 11)
    edited = replace(one.whole, texts=(Text("body", "Good evening"),))
    assert INVALID in sends(one, edited)
    moved = replace(one.whole, account="another")
    assert INVALID in sends(one, moved)
    assert sends(one) == set()


def test_refusal_by_guest_invalidates_release(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    advance_clock(tenant, 11)
    with one.world.scope(f"member:{one.world.rob}") as scope:
        content_reviews.review_bytes(scope, one.whole.media[0].sha256, verdict="refuse")
    assert INVALID in sends(one)


def test_policy_change_invalidates_release(tenant: OpenScope, cluster: Cluster) -> None:
    """With the active policy, as in production: one signed release allows it, the next one forbids
    it."""
    with policy_releases.trusting(cluster):
        given = (
            build_open_release("2026.12.01-1")
            .with_signature(policy_releases.ANN)
            .with_signature(policy_releases.BOB)
            .to_bytes()
        )
        policy_releases.install_rules(tenant, given)
        one, two = add_author(tenant), add_author(tenant)
        for each in (one, two):
            own_releases.handle_own_release(
                OwnReleaseRequested(each.world.tenant_id, each.signs(), each.digest, each.actor),
                tenant=tenant,
            )
        advance_clock(tenant, 11)
        assert sends(one) == set()
        closed = {"own_likeness": False}
        later = build_open_release("2026.12.01-2", default=closed, US=closed)
        policy_releases.install_rules(
            tenant,
            later.with_signature(policy_releases.ANN)
            .with_signature(policy_releases.BOB)
            .to_bytes(),
        )
        assert INVALID in sends(two)
        assert (sent(one), sent(two)) == (1, 0)


def test_shipped_policy_refuses_release_with_notice(tenant: OpenScope) -> None:
    one = add_author(tenant)
    own_releases.handle_own_release(
        OwnReleaseRequested(one.world.tenant_id, one.signs(), one.digest, one.actor), tenant=tenant
    )
    with one.world.scope() as scope:
        assert [one.message.code for one in list_open_notices(scope)] == ["own.lack.country"]
        assert scope.run("SELECT count(*) FROM own_releases").scalar() == 0


def test_release_is_withdrawn_without_passkey(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    advance_clock(tenant, 11)
    guest = f"member:{one.world.rob}"
    own_releases.handle_own_release_end(
        OwnReleaseWithdrawn(one.world.tenant_id, one.whole.subject.id, guest), tenant=tenant
    )
    assert INVALID in sends(one)
    with one.world.scope(guest) as scope:
        assert own_releases.withdraw_own_release(scope, one.whole.subject.id) == 0
        assert own_releases.withdraw_own_release(scope, uuid7()) == 0


def test_withdrawal_by_since_removed_member_is_processed(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    advance_clock(tenant, 11)
    with one.world.scope() as scope:
        members.remove_member(scope, one.world.rob)
    own_releases.handle_own_release_end(
        OwnReleaseWithdrawn(one.world.tenant_id, one.whole.subject.id, f"member:{one.world.rob}"),
        tenant=tenant,
    )
    assert INVALID in sends(one)


def test_release_is_invisible_to_another_agency(tenant: OpenScope) -> None:
    one, other = add_author(tenant, rules=OPEN), add_author(tenant, rules=OPEN)
    one.releases()
    with other.world.scope(other.actor) as scope:
        assert scope.run("SELECT count(*) FROM own_releases").scalar() == 0
        assert own_releases.withdraw_own_release(scope, one.whole.subject.id) == 0
    advance_clock(tenant, 11)
    assert sends(one) == set()


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE own_releases SET unit_digest = 'x'",
        "UPDATE own_releases SET created_at = created_at - interval '1 hour'",
        "UPDATE own_releases SET ended_at = NULL, ended_by = ''",
        "UPDATE account_holders SET principal_id = person_id",
        "DELETE FROM own_releases",
        "DELETE FROM account_holders",
    ],
)
def test_database_refuses_changes_to_releases(tenant: OpenScope, change: str) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    with one.world.scope(one.actor) as scope:
        own_releases.withdraw_own_release(scope, one.whole.subject.id)
    for role in ("app", "gate"):
        with (
            pytest.raises(SQLAlchemyError),
            one.world.open(one.world.tenant_id, "system:x", role=role) as scope,
        ):
            scope.run(change)


def test_picture_without_depicted_person_cannot_be_released(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    with one.world.scope() as scope:
        other = picture(scope, one.world, Rating.E, people_seen=1)
    whole = replace(one.whole, media=(other,))
    assert "PERSON_UNRESOLVED" in one.judged(whole)
