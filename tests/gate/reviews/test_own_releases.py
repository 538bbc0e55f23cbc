"""One's own picture without a second look, the whole way: wrong hands, what ends before the claim,
and the twin."""

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
    """What kept it back; nothing when it left."""
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


def test_the_author_s_own_picture_leaves_after_ten_minutes(tenant: OpenScope) -> None:
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


def test_it_is_judged_again_from_what_was_stored(tenant: OpenScope) -> None:
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


def test_what_was_not_really_seen_is_not_released(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN, seen=False)
    with pytest.raises(Refused, match=r"own\.lack\.seen"):
        one.releases()
    view_pictures(one.world, one.world.rob, *one.whole.media)  # a guest's look is not hers
    with pytest.raises(Refused, match=r"own\.lack\.seen"):
        one.releases()
    view_pictures(one.world, one.world.ann, *one.whole.media)
    assert one.releases()


def test_a_second_person_in_the_picture(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN, people_seen=2)
    with pytest.raises(Refused, match=r"own\.lack\.person"):
        one.releases()
    advance_clock(tenant, 11)
    assert "PERSON_UNRESOLVED" in sends(one)


def test_a_second_person_found_after_the_signature(tenant: OpenScope) -> None:
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


def test_another_hand(tenant: OpenScope) -> None:
    """A guest's passkey, a colleague's, one's own for something else, and the same signature
    twice."""
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


def test_an_old_signature(tenant: OpenScope, cluster: Cluster) -> None:
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
    "she takes it back": lambda one, scope: own_releases.withdraw_own_release(
        scope, one.whole.subject.id
    ),
    "her passkey is put away": lambda one, scope: passkeys.remove_passkey(
        scope, one.world.ann, passkeys.list_passkeys(scope, one.world.ann)[0].id
    ),
    "the custodian's word ends": lambda one, scope: own_releases.end_account_holder(
        scope, one.holder
    ),
    "she becomes a chatter": lambda one, scope: scope.run(
        "UPDATE members SET role = 'chatter' WHERE id = :m", m=one.world.ann
    ),
}


@pytest.mark.parametrize("ends", ENDS.values(), ids=ENDS)
def test_what_stops_holding_before_the_claim(tenant: OpenScope, ends: Any) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    advance_clock(tenant, 11)
    with one.world.scope(one.actor) as scope:
        ends(one, scope)
    assert INVALID in sends(one)
    assert sent(one) == 0


def test_somebody_lets_go_of_counts_no_more(tenant: OpenScope) -> None:
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


def test_an_edit_after_the_signature(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    advance_clock(tenant, 11)
    edited = replace(one.whole, texts=(Text("body", "Good evening"),))
    assert INVALID in sends(one, edited)
    moved = replace(one.whole, account="another")
    assert INVALID in sends(one, moved)
    assert sends(one) == set()


def test_a_guest_s_no_counts_against_it(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    one.releases()
    advance_clock(tenant, 11)
    with one.world.scope(f"member:{one.world.rob}") as scope:
        content_reviews.review_bytes(scope, one.whole.media[0].sha256, verdict="refuse")
    assert INVALID in sends(one)


def test_rules_withdrawn_between_the_signature_and_the_claim(
    tenant: OpenScope, cluster: Cluster
) -> None:
    """By the rules in force, as the workers do it: opened by a signed release, closed by the next
    one."""
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


def test_the_product_s_rules_refuse_it_and_say_so(tenant: OpenScope) -> None:
    one = add_author(tenant)
    own_releases.handle_own_release(
        OwnReleaseRequested(one.world.tenant_id, one.signs(), one.digest, one.actor), tenant=tenant
    )
    with one.world.scope() as scope:
        assert [one.message.code for one in list_open_notices(scope)] == ["own.lack.country"]
        assert scope.run("SELECT count(*) FROM own_releases").scalar() == 0


def test_taking_it_back_needs_no_passkey(tenant: OpenScope) -> None:
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


def test_who_took_it_back_and_was_let_go_took_it_back(tenant: OpenScope) -> None:
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


def test_another_agency_sees_nothing_of_it(tenant: OpenScope) -> None:
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
def test_the_database_lets_nobody_mend_it(tenant: OpenScope, change: str) -> None:
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


def test_a_picture_nobody_depicts_is_nobody_s_own(tenant: OpenScope) -> None:
    one = add_author(tenant, rules=OPEN)
    with one.world.scope() as scope:
        other = picture(scope, one.world, Rating.E, people_seen=1)
    whole = replace(one.whole, media=(other,))
    assert "PERSON_UNRESOLVED" in one.judged(whole)
