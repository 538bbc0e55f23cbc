"""Resemblance reviews: refusals of each kind, and the effect of each answer."""

from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound, Refused
from foundation.ids import uuid7
from gate.consent.grants import grant_consent
from gate.contract.facts import ReviewFacts
from gate.contract.reasons import Reason
from gate.contract.units import Rating
from gate.faces import known_faces
from gate.people import persons
from gate.permits import issuance
from gate.ratings import ratings
from gate.reviews import resemblance_reviews
from gate.reviews.resemblance_reviews import (
    ANSWER_NAMED,
    ANSWER_OTHER,
    ANSWER_SAME,
    ANSWER_TWIN,
    ResemblanceJudged,
)
from tenants.agencies import queries
from tenants.agencies.rights import Role
from tenants.auth import device_fingerprints
from tests.gate.builders import World, asset_of, synthetic_person, unit, world
from tests.gate.resemblance_builders import (
    add_guest,
    add_known_face,
    add_member,
    add_picture,
    build_judgement,
    get_refusal_code,
    judge_comparison,
    list_depictions,
    list_open_comparisons,
    store_comparison,
    view_pictures,
)
from tests.gate.side_effects import StoredNotice, find_notice, list_audit_entries, list_stored_tasks
from tests.tenants.totp_app import KEY


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_judgement_is_queued_as_submitted(here: World) -> None:
    _, subject = add_known_face(here)
    medium = add_picture(here)
    store_comparison(here, medium, {subject: 812})
    (one,), who = list_open_comparisons(here), add_member(here)
    with here.scope(f"member:{who}") as scope:
        resemblance_reviews.submit_face_judgement(
            scope,
            one.id,
            ANSWER_OTHER,
            digest=one.digest,
            because="marks",
            maker=f"member:{here.ann}",
        )
        resemblance_reviews.submit_face_judgement(scope, one.id, ANSWER_NAMED, digest=one.digest)
        first, second = list_stored_tasks(scope, ResemblanceJudged.kind)
        assert (first.subject, first.priority, first.dedupe, second.priority) == (
            one.id,
            1,
            None,
            1,
        )
        assert first.args == {
            "digest": one.digest, "answer": ANSWER_OTHER, "because": "marks", "maker": f"member:{here.ann}",
            "by": f"member:{who}",
        }  # fmt: skip
        assert (second.args["because"], second.args["maker"]) == ("", "")
        with pytest.raises(NotFound, match=r"likeness\.unknown"):
            resemblance_reviews.submit_face_judgement(
                scope, uuid7(), ANSWER_OTHER, digest=one.digest, because="marks"
            )
        with pytest.raises(BadInput, match=r"likeness\.no_answer"):
            resemblance_reviews.submit_face_judgement(
                scope, one.id, ANSWER_OTHER, digest=one.digest
            )


@pytest.mark.parametrize(("answer", "because"), [
    (ANSWER_OTHER, ""), (ANSWER_OTHER, "nose"), (ANSWER_NAMED, "marks"), (ANSWER_SAME, ""), (ANSWER_TWIN, ""), ("", ""), ("who", "marks"),
])  # fmt: skip
def test_invalid_judgement_is_refused(here: World, answer: str, because: str) -> None:
    _, subject = add_known_face(here)
    store_comparison(here, add_picture(here), {subject: 812})
    (one,) = list_open_comparisons(here)
    assert get_refusal_code(here, one, add_member(here), answer, because) == "likeness.no_answer"


def test_judgement_requires_review_right_and_twin_requires_run_right(here: World) -> None:
    _, subject = add_known_face(here)
    store_comparison(here, add_picture(here, ai="generated"), {subject: 812})
    (one,) = list_open_comparisons(here)
    assert (
        get_refusal_code(here, one, add_member(here, Role.CHATTER), ANSWER_SAME)
        == "role.forbidden.review"
    )
    gus = add_guest(here)
    assert get_refusal_code(here, one, gus, ANSWER_TWIN) == "role.forbidden.run"
    with here.scope() as scope, pytest.raises(Refused, match=r"review\.people_only"):
        resemblance_reviews.record_face_judgement(scope, build_judgement(one, uuid7(), ANSWER_SAME))
    judge_comparison(here, one, gus, ANSWER_SAME)
    assert [each.approves for each in list_open_comparisons(here)[0].said] == [False]


def test_judgement_of_replaced_template_is_refused(here: World) -> None:
    _, subject = add_known_face(here)
    store_comparison(here, add_picture(here), {subject: 812})
    (one,) = list_open_comparisons(here)
    assert (
        get_refusal_code(here, one, add_member(here), ANSWER_NAMED, digest="0" * 64)
        == "likeness.changed"
    )


def test_uploader_declarer_and_previous_voter_cannot_rule_out_resemblance(here: World) -> None:
    _, subject = add_known_face(here)
    with here.scope() as scope:
        nova = synthetic_person(scope, here)  # Ann declared her
    made = add_picture(here, ai="generated", person=nova)
    store_comparison(here, made, {subject: 812})
    (one,), who = list_open_comparisons(here), add_member(here)
    assert get_refusal_code(here, one, here.ann, ANSWER_OTHER, "shape") == "review.own"
    assert (
        get_refusal_code(here, one, who, ANSWER_OTHER, "shape", maker=f"member:{who}")
        == "review.own"
    )
    judge_comparison(here, one, here.ann, ANSWER_SAME)  # any member may confirm the resemblance
    judge_comparison(here, one, who, ANSWER_OTHER, "shape", maker=f"member:{here.rob}")
    assert get_refusal_code(here, one, who, ANSWER_OTHER, "marks") == "likeness.said"
    judge_comparison(here, one, who, ANSWER_SAME)
    judge_comparison(here, one, who, ANSWER_OTHER, "features")
    with here.scope() as scope:
        principals = {each: here.principal(scope, each) for each in (here.ann, who)}
        rows = scope.run("SELECT principal_id, other, reason, digest FROM likeness_rulings WHERE "
                         "tenant_id = :t"
                         " ORDER BY id", t=here.tenant_id).all()  # fmt: skip
    assert [(row.principal_id, row.other, (row.reason or {}).get("code")) for row in rows] == [
        (principals[here.ann], False, None),
        (principals[who], True, "likeness.because.shape"),
        (principals[who], False, None),
        (principals[who], True, "likeness.because.features"),
    ]
    assert {row.digest for row in rows} == {one.digest}
    heard = list_open_comparisons(here)[0].said
    assert [(each.principal, each.approves, each.seen_percent, each.own) for each in heard] == [
        (row.principal_id, row.other, 100, False) for row in rows
    ]
    assert list(heard) == sorted(heard, key=lambda each: each.at)
    assert isinstance(heard[0], ReviewFacts)


def test_declarer_cannot_judge_reference_pictures(here: World) -> None:
    _, subject = add_known_face(here)
    photo = add_picture(here)
    with here.scope() as scope:
        known_faces.set_reference_pictures(scope, synthetic_person(scope, here), [photo.sha256])
    store_comparison(here, photo, {subject: 812})
    (one,) = list_open_comparisons(here)
    assert get_refusal_code(here, one, here.ann, ANSWER_OTHER, "shape") == "review.own"
    judge_comparison(here, one, add_member(here), ANSWER_OTHER, "shape")


def test_guest_linked_to_member_counts_as_one_vote(here: World) -> None:
    _, subject = add_known_face(here)
    store_comparison(here, add_picture(here, ai="generated"), {subject: 812})
    (one,), who, twin, third = (
        list_open_comparisons(here),
        add_member(here),
        add_guest(here),
        add_member(here),
    )
    with here.scope() as scope:
        for each in (who, twin):
            device_fingerprints.record_device(
                scope, KEY, queries.get_member(scope, each), address="", device="laptop"
            )
    judge_comparison(here, one, who, ANSWER_OTHER, "shape")
    assert get_refusal_code(here, one, twin, ANSWER_OTHER, "shape") == "review.own"
    judge_comparison(here, one, who, ANSWER_SAME)
    assert (
        get_refusal_code(here, one, twin, ANSWER_OTHER, "shape", maker=f"member:{who}")
        == "review.own"
    )
    judge_comparison(here, one, twin, ANSWER_OTHER, "shape")
    judge_comparison(here, one, third, ANSWER_OTHER, "shape")
    assert len(list_open_comparisons(here)) == 1, "the confirmation is not withdrawn"


def test_blurred_picture_and_portrait_must_be_viewed_first(here: World) -> None:
    portraits = [add_picture(here, Rating.N).sha256 for _ in range(2)]
    _, subject = add_known_face(here, *portraits)
    nude, who = add_picture(here, Rating.E), add_member(here)
    store_comparison(here, nude, {subject: 812})
    (one,) = list_open_comparisons(here)
    assert get_refusal_code(here, one, who, ANSWER_OTHER, "shape") == "approvals.look_first"
    view_pictures(here, who, nude.sha256)
    assert get_refusal_code(here, one, who, ANSWER_OTHER, "shape") == "approvals.look_first"
    view_pictures(here, who, portraits[1])
    judge_comparison(here, one, who, ANSWER_OTHER, "shape")
    other, blind = add_member(here), add_member(here)
    view_pictures(here, other, *portraits)
    assert get_refusal_code(here, one, other, ANSWER_NAMED) == "approvals.look_first"
    assert get_refusal_code(here, one, blind, ANSWER_NAMED) == "approvals.look_first"


def test_unblurred_pictures_need_no_recorded_view(here: World) -> None:
    portrait = add_picture(here, Rating.S)
    _, subject = add_known_face(here, portrait.sha256)
    store_comparison(here, add_picture(here, Rating.S), {subject: 812})
    (one,) = list_open_comparisons(here)
    judge_comparison(here, one, add_member(here), ANSWER_OTHER, "shape")
    assert list_open_comparisons(here) == []


def test_confirmed_person_in_photograph_settles_comparison(here: World) -> None:
    person, subject = add_known_face(here)
    medium, who = add_picture(here), add_member(here)
    store_comparison(here, medium, {subject: 812})
    (one,) = list_open_comparisons(here)
    with here.scope() as scope:
        assert resemblance_reviews.has_open_comparison(scope, one.asset_id)
        assert not resemblance_reviews.has_open_comparison(scope, uuid7())
    judge_comparison(here, one, who, ANSWER_NAMED)
    assert list_depictions(here, one.asset_id) == {(person, "confirmed")}
    with here.scope() as scope:
        assert not resemblance_reviews.has_open_comparison(scope, one.asset_id)
        found = find_notice(scope, f"likeness:{one.asset_id}")
        assert found is not None
        assert not found.open
        assert list_audit_entries(scope, "likeness.named") == [
            (f"member:{who}", "likeness.named", f"asset:{one.asset_id}", {})
        ]
        by = scope.run(
            "SELECT confirmed_by FROM depictions WHERE asset_id = :a", a=one.asset_id
        ).scalar_one()
        assert by == f"member:{who}"
        assert (
            scope.run(
                "SELECT count(*) FROM likeness_rulings WHERE tenant_id = :t", t=here.tenant_id
            ).scalar()
            == 0
        )


def test_ruled_out_person_is_no_longer_proposed(here: World) -> None:
    _, subject = add_known_face(here)
    other, second = add_known_face(here)
    medium = add_picture(here)
    store_comparison(here, medium, {subject: 812, second: 600})
    first = next(one for one in list_open_comparisons(here) if one.person_id != other)
    judge_comparison(here, first, add_member(here), ANSWER_OTHER, "marks")
    assert list_depictions(here, first.asset_id) == {(other, "proposed")}
    with here.scope() as scope:
        found = find_notice(scope, f"likeness:{first.asset_id}")
        assert found is not None
        assert found.open, "the other comparison is open"
    assert [one.person_id for one in list_open_comparisons(here)] == [other]


def test_confirmation_outweighs_other_votes(here: World) -> None:
    _, subject = add_known_face(here)
    store_comparison(here, add_picture(here, ai="generated"), {subject: 812})
    (one,), first, second = list_open_comparisons(here), add_member(here), add_member(here)
    judge_comparison(here, one, first, ANSWER_OTHER, "shape")
    assert len(list_open_comparisons(here)) == 1
    judge_comparison(here, one, second, ANSWER_SAME)
    judge_comparison(here, one, add_member(here), ANSWER_OTHER, "shape")
    assert len(list_open_comparisons(here)) == 1
    judge_comparison(here, one, second, ANSWER_OTHER, "marks")
    assert list_open_comparisons(here) == []
    with here.scope() as scope:
        assert [act for _, act, _, _ in list_audit_entries(scope, "likeness.other", "likeness.same")] == [
            "likeness.other", "likeness.same", "likeness.other", "likeness.other",
        ]  # fmt: skip


def test_digital_twin_replaces_synthetic_person_everywhere(here: World) -> None:
    person, subject = add_known_face(here)
    with here.scope() as scope:
        nova, lux = synthetic_person(scope, here), synthetic_person(scope, here)
    made, again = (add_picture(here, ai="generated", person=nova) for _ in range(2))
    apart = add_picture(here, ai="generated", person=lux)
    store_comparison(here, made, {subject: 812})
    (one,), who = list_open_comparisons(here), add_member(here)
    assert get_refusal_code(here, one, who, ANSWER_TWIN) == "likeness.not_allowed"
    with here.scope() as scope:
        for begins, ends in ((1, 2), (-2, -1)):  # not yet valid, and expired
            grant_consent(
                scope, person, what="ai_likeness", surfaces=["sandbox"], max_rating=Rating.E,
                valid_from=scope.now + timedelta(days=begins), valid_until=scope.now + timedelta(days=ends),
                evidence_digest="e" * 64, signed_by=person,
            )  # fmt: skip
    assert get_refusal_code(here, one, who, ANSWER_TWIN) == "likeness.not_allowed"
    with here.scope() as scope:
        grant_consent(
            scope, person, what="ai_likeness", surfaces=["sandbox"], max_rating=Rating.E,
            valid_from=scope.now - timedelta(days=1), valid_until=scope.now + timedelta(days=1),
            evidence_digest="e" * 64, signed_by=person,
        )  # fmt: skip
    judge_comparison(here, one, who, ANSWER_TWIN)
    with here.scope() as scope:
        (twin,) = persons.list_digital_twins(scope, person)
        row = persons.get_person(scope, twin)
        assert (row.kind, row.twin_of, row.display_ref) == ("digital_twin", person, "Ida")
        assets = [asset_of(scope, each) for each in (made, again, apart)]
    for asset in assets[:2]:
        assert (twin, "confirmed") in list_depictions(here, asset)
    assert list_depictions(here, assets[2]) == {(lux, "confirmed")}
    assert list_open_comparisons(here) == []
    store_comparison(here, again, {subject: 812})
    assert list_open_comparisons(here) == [], "the twin names the real person"
    with here.scope() as scope:
        said_of = issuance.preview_decision(
            scope, unit(here, media=[made]), author=f"member:{here.ann}"
        ).reasons
    assert Reason.CONSENT_MISSING in said_of, "the consents of the real person are required"
    store_comparison(here, apart, {subject: 812})
    (next_one,) = list_open_comparisons(here)
    judge_comparison(here, next_one, who, ANSWER_TWIN)
    with here.scope() as scope:
        assert persons.list_digital_twins(scope, person) == [twin], "the existing twin is reused"


def test_failed_judgement_is_reported(here: World) -> None:
    _, subject = add_known_face(here)
    store_comparison(here, add_picture(here), {subject: 812})
    (one,), who = list_open_comparisons(here), add_member(here)
    whole = ResemblanceJudged(
        here.tenant_id, one.id, "0" * 64, ANSWER_NAMED, "", "", f"member:{who}"
    )
    resemblance_reviews.handle_face_judgement(whole, tenant=here.open)
    with here.scope() as scope:
        assert find_notice(scope, f"likeness.judge:{one.id}") == StoredNotice(
            "likeness.changed", {}, urgent=False, open=True, creator=None
        )
    resemblance_reviews.handle_face_judgement(
        ResemblanceJudged(
            here.tenant_id, one.id, one.digest, ANSWER_NAMED, "", "", f"member:{who}"
        ),
        tenant=here.open,
    )
    assert list_open_comparisons(here) == []


def test_synthetic_person_next_to_named_person_requires_review(here: World) -> None:
    person, subject = add_known_face(here)
    with here.scope() as scope:
        nova = synthetic_person(scope, here)
    photo = add_picture(here, person=nova)
    with here.scope() as scope:
        ratings.record_depiction(
            scope, asset_of(scope, photo), person, how="face", confirmed_by="member:rob"
        )
    store_comparison(here, photo, {subject: 812})
    (one,) = list_open_comparisons(here)
    assert one.invented
    assert (
        get_refusal_code(here, one, add_member(here), ANSWER_SAME, digest="0" * 64)
        == "likeness.changed"
    )
