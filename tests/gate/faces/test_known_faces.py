"""Known faces: consents, refusals, bans and their audit entries; no picture is analyzed."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, NotFound, Refused
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.consent import face_consent
from gate.consent.face_consent import FaceConsentGiven
from gate.contract.units import Rating
from gate.faces import known_faces
from gate.faces.known_faces import FaceComparisonDue, FaceEnrolmentDue, ReferenceComparisonDue
from gate.people import persons
from gate.ratings import ratings
from gate.reviews.face_bans import (
    FaceBanEndRequested,
    FaceBanRequested,
    FaceBanSummary,
    handle_face_ban,
    handle_face_ban_end,
    list_face_bans,
    report_face_ban_failed,
    request_face_ban,
    request_face_ban_end,
)
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tests.gate.builders import World, asset_of, picture, real_person, synthetic_person, world
from tests.gate.side_effects import StoredNotice, find_notice, list_audit_entries, list_stored_tasks

MODEL, BOX = "arc@3", Sealed(b"sealed")


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def chatter(here: World) -> UUID:
    with here.scope() as scope:
        return agencies.add_member(
            scope,
            name="Cy",
            email=f"cy-{uuid7()}@example.test",
            role=Role.CHATTER,
            language="en",
            zone="UTC",
        )


def real(here: World, *, agree: bool = True) -> tuple[UUID, UUID]:
    """Add a real person and return their ID and the ID of their face subject."""
    with here.scope() as scope:
        person = persons.add_person(scope, kind="real", display_ref="Ida")
    if not agree:
        return person, person
    face_consent.handle_face_consent(
        FaceConsentGiven(here.tenant_id, person, f"person:{person}"), tenant=here.open
    )
    with here.scope() as scope:
        row = known_faces.find_face_consent(scope, person)
        assert row is not None
        return person, row.id


def templates(here: World) -> list[Any]:
    with here.scope() as scope:
        return scope.run(
            "SELECT subject_id, model, box, pictures FROM face_templates WHERE tenant_id = :t"
            " ORDER BY model, created_at, id",
            t=here.tenant_id,
        ).all()


# ------------------------------------------------------------------ consent
def test_face_consent_is_recorded_and_requests_enrollment_once(
    here: World,
) -> None:
    person, subject = real(here)
    with here.scope() as scope:
        row = known_faces.find_face_consent(scope, person)
        assert row is not None
        assert (row.basis, row.said_by, row.why, row.pictures) == (
            "agreed",
            f"person:{person}",
            "",
            [],
        )
        assert face_consent.has_face_consent(scope, person)
        assert [one.subject for one in list_stored_tasks(scope, FaceEnrolmentDue.kind)] == [subject]
        assert list_audit_entries(scope, "face.agreed") == [
            (f"person:{person}", "face.agreed", f"person:{person}", {})
        ]
    face_consent.handle_face_consent(
        FaceConsentGiven(here.tenant_id, person, f"person:{person}"), tenant=here.open
    )
    with here.scope() as scope:
        assert (
            len(list_stored_tasks(scope, FaceEnrolmentDue.kind))
            == len(list_audit_entries(scope, "face.agreed"))
            == 1
        )
        # asserted above
        assert known_faces.find_face_consent(scope, person).id == subject  # type: ignore[union-attr]  # see above


def test_face_consent_requires_real_person_themselves(here: World) -> None:
    person, _ = real(here, agree=False)
    with here.scope() as scope:
        nova = synthetic_person(scope, here)
    for who, actor, kind in (
        (person, f"member:{here.ann}", "real"),
        (nova, f"person:{nova}", "synthetic"),
    ):
        with here.open(here.tenant_id, actor) as scope, pytest.raises(BadInput) as refused:
            known_faces.record_face_consent(scope, who)
        assert (refused.value.message.code, refused.value.message.params) == (
            "person.bad_kind",
            {"kind": kind},
        )
    with here.scope() as scope, pytest.raises(NotFound, match=r"person\.unknown"):
        known_faces.record_face_consent(scope, uuid7())
    with here.scope() as scope:
        assert not face_consent.has_face_consent(scope, person)
        assert list_audit_entries(scope, "face.agreed") == []


def test_submitted_face_consent_is_queued_once(here: World) -> None:
    person, _ = real(here, agree=False)
    other, _ = real(here, agree=False)
    for _ in range(2):
        with here.open(here.tenant_id, f"person:{person}") as scope:
            face_consent.submit_face_consent(scope, person)
    with here.scope() as scope:
        (one,) = list_stored_tasks(scope, FaceConsentGiven.kind)
        assert datetime.fromisoformat(one.args.pop("at")) <= scope.now
        assert (one.subject, one.args, one.priority) == (person, {"by": f"person:{person}"}, 0)
        assert face_consent.is_face_consent_pending(scope, person)
        assert not face_consent.is_face_consent_pending(scope, other)
        assert not face_consent.has_face_consent(scope, person)
    with here.open(here.tenant_id, f"person:{other}") as scope:
        face_consent.submit_face_consent(scope, other)
    with here.scope() as scope:
        assert [each.subject for each in list_stored_tasks(scope, FaceConsentGiven.kind)] == [
            person,
            other,
        ]


def test_withdrawn_face_is_erased_and_audited_once(here: World) -> None:
    person, subject = real(here)
    other, kept = real(here)
    with here.scope() as scope:
        for each in (subject, kept):
            assert known_faces.store_template(
                scope, each, model=MODEL, box=BOX, pictures=["a" * 64]
            )
    for _ in range(2):
        with here.open(here.tenant_id, f"person:{person}") as scope:
            known_faces.withdraw_face_consent(scope, person)
    assert [row.subject_id for row in templates(here)] == [kept]
    with here.scope() as scope:
        assert list_audit_entries(scope, "face.withdrawn") == [
            (f"person:{person}", "face.withdrawn", f"person:{person}", {})
        ]
        assert known_faces.find_face_consent(scope, person) is None
        assert face_consent.has_face_consent(scope, other)
        ended = scope.run(
            "SELECT ended_at FROM face_subjects WHERE id = :s", s=subject
        ).scalar_one()
        assert ended is not None
        assert not known_faces.store_template(scope, subject, model=MODEL, box=BOX, pictures=[])
        assert known_faces.enrolment_pictures(scope, subject) is None
    face_consent.handle_face_consent(
        FaceConsentGiven(here.tenant_id, person, f"person:{person}"), tenant=here.open
    )
    with here.scope() as scope:
        assert face_consent.has_face_consent(scope, person)
        # they consent again
        assert known_faces.find_face_consent(scope, person).id != subject  # type: ignore[union-attr]  # see above


def test_references_of_synthetic_person_are_not_withdrawn_as_face(here: World) -> None:
    with here.scope() as scope:
        nova = synthetic_person(scope, here)
        known_faces.set_reference_pictures(scope, nova, [picture(scope, here).sha256])
        known_faces.withdraw_face_consent(scope, nova)
        assert known_faces.find_face_consent(scope, nova) is not None
        assert not face_consent.has_face_consent(scope, nova)
        assert list_audit_entries(scope, "face.withdrawn") == []


# ------------------------------------------------------------------ templates
def test_template_requires_consent_and_triggers_comparison(
    here: World,
) -> None:
    _, subject = real(here)
    with here.scope() as scope:
        before = known_faces.faces_version(scope)
        assert known_faces.store_template(
            scope, subject, model=MODEL, box=BOX, pictures=("a" * 64, "b" * 64)
        )
        assert known_faces.faces_version(scope) == before + 1
        assert [
            (one.subject, one.dedupe) for one in list_stored_tasks(scope, FaceComparisonDue.kind)
        ] == [(here.tenant_id, f"faces:{before + 1}")]
        assert not known_faces.store_template(scope, uuid7(), model=MODEL, box=BOX, pictures=[])
        assert known_faces.faces_version(scope) == before + 1
    (row,) = templates(here)
    assert (row.subject_id, row.model, bytes(row.box), row.pictures) == (
        subject,
        MODEL,
        b"sealed",
        ["a" * 64, "b" * 64],
    )
    with here.scope() as scope:
        known_faces.store_template(
            scope, subject, model=MODEL, box=Sealed(b"newer"), pictures=["c" * 64]
        )
        known_faces.store_template(scope, subject, model="arc@4", box=BOX, pictures=[])
    assert [(row.model, bytes(row.box), row.pictures) for row in templates(here)] == [
        (MODEL, b"newer", ["c" * 64]),
        ("arc@4", b"sealed", []),
    ]
    with here.scope() as scope:
        barred = uuid7()
        known_faces.add_face_ban(scope, subject_id=barred, why="asked us", model=MODEL, box=BOX)
        assert not known_faces.store_template(
            scope, barred, model=MODEL, box=Sealed(b"other"), pictures=[]
        )


def test_known_and_waiting_faces_are_listed_per_model(here: World) -> None:
    _, first = real(here)
    _, second = real(here)
    real(here)  # consented, without an enrolled photograph
    barred = uuid7()
    with here.scope() as scope:
        nova = synthetic_person(scope, here)
        known_faces.set_reference_pictures(scope, nova, [picture(scope, here).sha256])
        known_faces.store_template(scope, first, model=MODEL, box=BOX, pictures=[])
        at = known_faces.faces_version(scope)
        known = known_faces.known_faces(scope, MODEL)
        assert (known.model, known.version, known.complete, known.waiting) == (MODEL, at, True, ())
        assert {who: box.box for who, box in known.boxes.items()} == {first: b"sealed"}
        known_faces.store_template(scope, second, model="arc@4", box=Sealed(b"new"), pictures=[])
        known_faces.add_face_ban(
            scope, subject_id=barred, why="asked us", model="arc@4", box=Sealed(b"barred")
        )
        old, new = known_faces.known_faces(scope, MODEL), known_faces.known_faces(scope, "arc@4")
        assert (set(old.boxes), old.complete, old.waiting) == ({first}, False, (second,))
        assert (set(new.boxes), new.complete, new.waiting) == ({second, barred}, False, (first,))
        assert old.version == new.version == known_faces.faces_version(scope) > at
        known_faces.store_template(scope, first, model="arc@4", box=BOX, pictures=[])
        assert known_faces.known_faces(scope, "arc@4").complete
    with here.scope() as scope:
        assert known_faces.faces_version(scope) == known_faces.known_faces(scope, "arc@4").version


def test_enrollment_uses_newest_confirmed_solo_photographs(here: World) -> None:
    person, subject = real(here)
    with here.scope() as scope:
        other = real_person(scope)
        shown = [
            picture(scope, here, person=person, age=timedelta(days=days)) for days in (4, 1, 3, 2)
        ]
        picture(scope, here, person=person, ai="generated")
        picture(scope, here, Rating.X, person=person)
        together = picture(scope, here, person=person)
        ratings.record_depiction(
            scope, asset_of(scope, together), other, how="face", confirmed_by="member:rob"
        )
        unsure = picture(scope, here)
        ratings.record_depiction(scope, asset_of(scope, unsure), person, how="face")
    with here.scope() as scope:
        assert known_faces.enrolment_pictures(scope, subject) == [
            shown[1].sha256,
            shown[3].sha256,
            shown[2].sha256,
        ]
        assert known_faces.enrolment_pictures(scope, uuid7()) is None


# ------------------------------------------------------------------ references of synthetic people
def test_new_references_replace_old_ones_and_repeats_do_nothing(here: World) -> None:
    with here.scope() as scope:
        nova = synthetic_person(scope, here)
        one, two = (picture(scope, here, ai="generated").sha256 for _ in range(2))
    face_consent.handle_reference_comparison(
        ReferenceComparisonDue(here.tenant_id, nova, f"{two} {one} {two}"), tenant=here.open
    )
    with here.scope() as scope:
        first = known_faces.find_face_consent(scope, nova)
        assert first is not None
        assert (first.basis, first.pictures, first.said_by) == (
            "reference",
            sorted([one, two]),
            "system:faces",
        )
        (asked,) = list_stored_tasks(scope, FaceComparisonDue.kind)
        assert (asked.subject, asked.dedupe) == (
            here.tenant_id,
            f"faces:{known_faces.faces_version(scope)}",
        )
        scope.run("DELETE FROM outbox WHERE tenant_id = :t", t=here.tenant_id)
    with here.scope() as scope:
        known_faces.set_reference_pictures(scope, nova, [one, two])
        # asserted above
        assert known_faces.find_face_consent(scope, nova).id == first.id  # type: ignore[union-attr]  # see above
        assert list_stored_tasks(scope, FaceComparisonDue.kind) == []
    with here.scope() as scope:
        known_faces.set_reference_pictures(scope, nova, [two])
        again = known_faces.find_face_consent(scope, nova)
        assert again is not None
        assert (again.id != first.id, again.pictures) == (True, [two])
        assert len(list_stored_tasks(scope, FaceComparisonDue.kind)) == 1
        ended = scope.run(
            "SELECT ended_at FROM face_subjects WHERE id = :s", s=first.id
        ).scalar_one()
        assert ended == scope.now


def test_references_must_be_library_pictures_of_synthetic_person(here: World) -> None:
    person, _ = real(here, agree=False)
    with here.scope() as scope:
        nova, shown = synthetic_person(scope, here), picture(scope, here).sha256
    for who, digests, code in (
        (person, [shown], "person.not_invented"),
        (nova, [], "person.not_invented"),
        (nova, [f"{n:064x}" for n in range(101)], "person.not_invented"),
        (nova, [f"{n:064x}" for n in range(100)], "asset.unknown"),
        (nova, [shown, "0" * 64], "asset.unknown"),
        (uuid7(), [shown], "person.unknown"),
    ):
        with here.scope() as scope, pytest.raises((BadInput, NotFound)) as refused:
            known_faces.set_reference_pictures(scope, who, digests)
        assert refused.value.message.code == code
    with here.scope() as scope:
        assert known_faces.find_face_consent(scope, nova) is None
        many = [picture(scope, here).sha256 for _ in range(known_faces.MAX_REFERENCES)]
        known_faces.set_reference_pictures(scope, nova, many)
        # just created
        assert known_faces.find_face_consent(scope, nova).pictures == sorted(many)  # type: ignore[union-attr]  # see above


# ------------------------------------------------------------------ face bans
def test_face_ban_requires_authorized_member_and_reason(here: World) -> None:
    sha256, cy = "a" * 64, chatter(here)
    with here.scope(f"member:{here.ann}") as scope:
        subject = request_face_ban(scope, sha256, why="  asked\x00 us ")
        (one,) = list_stored_tasks(scope, FaceBanRequested.kind)
        assert one.args == {"sha256": sha256, "why": "asked us", "by": f"member:{here.ann}"}
        assert (one.subject, one.dedupe) == (subject, f"face:bar:{sha256}")
        with pytest.raises(BadInput, match=r"face\.no_reason"):
            request_face_ban(scope, "b" * 64, why=" \n")
    with here.scope(f"member:{cy}") as scope, pytest.raises(Refused):
        request_face_ban(scope, "b" * 64, why="asked us")
    with here.scope() as scope, pytest.raises(Refused, match=r"review\.people_only"):
        request_face_ban(scope, "b" * 64, why="asked us")
    with here.scope() as scope:
        assert len(list_stored_tasks(scope, FaceBanRequested.kind)) == 1


def test_face_ban_is_recorded_once_with_reason(here: World) -> None:
    wanted = FaceBanRequested(here.tenant_id, uuid7(), "a" * 64, "asked us", f"member:{here.ann}")
    later = FaceBanRequested(here.tenant_id, uuid7(), "b" * 64, "a letter", f"member:{here.rob}")
    for event in (wanted, wanted, later):
        with here.scope(event.by) as scope:
            handle_face_ban(scope, event, model=MODEL, box=BOX)
    assert [(row.subject_id, row.model, bytes(row.box)) for row in templates(here)] == [
        (wanted.subject_id, MODEL, b"sealed"),
        (later.subject_id, MODEL, b"sealed"),
    ]
    with here.scope() as scope:
        assert list_audit_entries(scope, "face.barred") == [
            (event.by, "face.barred", f"face:{event.subject_id}", {}) for event in (wanted, later)
        ]
        newest, oldest = list_face_bans(scope)
        assert newest == FaceBanSummary(later.subject_id, "a letter", later.by, newest.since, None)
        assert oldest == FaceBanSummary(
            wanted.subject_id, "asked us", wanted.by, oldest.since, None
        )
        assert newest.since >= oldest.since
        rows = scope.run("SELECT said_by, basis, person_id FROM face_subjects WHERE tenant_id = "
                         ":t ORDER BY id",
                         t=here.tenant_id).all()  # fmt: skip
        assert [tuple(row) for row in rows] == [
            (wanted.by, "barred", None),
            (later.by, "barred", None),
        ]
        assert len(list_stored_tasks(scope, FaceComparisonDue.kind)) == 2


def test_unauthorized_face_ban_is_refused_and_notified(here: World) -> None:
    event = FaceBanRequested(
        here.tenant_id, uuid7(), "a" * 64, "asked us", f"member:{chatter(here)}"
    )
    with here.scope(event.by) as scope:
        handle_face_ban(scope, event, model=MODEL, box=BOX)
        found = find_notice(scope, f"face.bar:{event.subject_id}")
        assert found is not None
        assert (found.urgent, found.open) == (False, True)
        assert list_face_bans(scope) == []
        report_face_ban_failed(
            scope, FaceBanRequested(here.tenant_id, here.ann, "a" * 64, "x", event.by)
        )
        assert find_notice(scope, f"face.bar:{here.ann}") == StoredNotice(
            "face.not_one", {}, urgent=True, open=True, creator=None
        )


def test_face_ban_ends_with_two_members_and_erases_template(here: World) -> None:
    subject = uuid7()
    with here.scope(f"member:{here.ann}") as scope:
        known_faces.add_face_ban(scope, subject_id=subject, why="asked us", model=MODEL, box=BOX)
        before = known_faces.faces_version(scope)
        request_face_ban_end(scope, subject)
        (one,) = list_stored_tasks(scope, FaceBanEndRequested.kind)
        assert (one.subject, one.args, one.priority) == (subject, {"by": f"member:{here.ann}"}, 1)
    first = FaceBanEndRequested(here.tenant_id, subject, f"member:{here.ann}")
    for _ in range(2):
        handle_face_ban_end(first, tenant=here.open)
    with here.scope() as scope:
        assert find_notice(scope, f"face.unbar:{subject}") == StoredNotice(
            "face.another_ends", {}, urgent=False, open=True, creator=None
        )
        ended_by = here.principal(scope, here.ann)
        assert [(one.id, one.ending_by) for one in list_face_bans(scope)] == [(subject, ended_by)]
        assert len(templates(here)) == 1
    handle_face_ban_end(
        FaceBanEndRequested(here.tenant_id, subject, f"member:{here.rob}"), tenant=here.open
    )
    assert templates(here) == []
    with here.scope() as scope:
        assert list_face_bans(scope) == []
        assert list_audit_entries(scope, "face.unbarred") == [
            (f"member:{who}", "face.unbarred", f"face:{subject}", {})
            for who in (here.ann, here.rob)
        ]
        row = scope.run("SELECT why, ended_at FROM face_subjects WHERE id = :s", s=subject).one()
        assert (row.why, row.ended_at is not None) == ("", True)
        assert known_faces.faces_version(scope) > before
        with pytest.raises(NotFound, match=r"face\.unknown"):
            known_faces.end_face_ban(scope, subject, uuid7())
        with pytest.raises(NotFound, match=r"face\.unknown"):
            known_faces.end_face_ban(scope, uuid7(), uuid7())


def test_consented_face_is_not_banned(here: World) -> None:
    _, subject = real(here)
    with here.scope() as scope:
        assert list_face_bans(scope) == []
        with pytest.raises(NotFound, match=r"face\.unknown"):
            known_faces.end_face_ban(scope, subject, uuid7())


def test_end_of_ban_reports_second_vote_and_requires_role(here: World) -> None:
    subject, cy = uuid7(), chatter(here)
    with here.scope(f"member:{here.ann}") as scope:
        known_faces.add_face_ban(scope, subject_id=subject, why="asked us", model=MODEL, box=BOX)
    with here.scope(f"member:{cy}") as scope, pytest.raises(Refused):
        request_face_ban_end(scope, subject)
    handle_face_ban_end(
        FaceBanEndRequested(here.tenant_id, subject, f"member:{cy}"), tenant=here.open
    )
    with here.scope() as scope:
        assert [one.ending_by for one in list_face_bans(scope)] == [None]
        one, two = uuid7(), uuid7()
        assert known_faces.end_face_ban(scope, subject, one) is False
        with pytest.raises(Conflict, match=r"face\.another_ends"):
            known_faces.end_face_ban(scope, subject, one)
        assert known_faces.end_face_ban(scope, subject, two) is True


# ------------------------------------------------------------------ pending comparisons
def test_uncompared_pictures_are_listed_by_risk(
    here: World,
) -> None:
    with here.scope() as scope:
        plain, nude, made = (
            picture(scope, here, Rating.G).sha256,
            picture(scope, here, Rating.N).sha256,
            picture(scope, here, Rating.G, ai="generated").sha256,
        )
        newer = picture(scope, here, Rating.S).sha256
        assert known_faces.has_uncompared_pictures(scope)
        assert known_faces.list_uncompared_pictures(scope, most=50) == [made, nude, newer, plain]
        assert known_faces.list_uncompared_pictures(scope, most=2) == [made, nude]
    with here.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE renditions SET state = 'removed' WHERE sha256 = :s", s=nude)
    with here.scope() as scope:
        assert known_faces.list_uncompared_pictures(scope, most=50) == [made, newer, plain]
