"""Storage, sealing and erasure of face templates, banned faces, and changes concurrent with a
claim."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.sealed import Sealed
from foundation.storage.object_store import bytes_digest
from gate.consent.grants import FACE_CONSENT
from gate.faces import known_faces
from gate.faces.known_faces import FaceComparisonDue, FaceEnrolmentDue
from gate.people import persons
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from studio.ingest import face_comparison
from tests.conftest import WAITS_FOR_US, wait_until
from tests.fakes.generators.classifier import draw_tile, face_vector
from tests.gate.builders import KEY, Step, unit
from tests.studio.face_builders import (
    MODEL,
    FaceAgency,
    add_synthetic_picture,
    encode_png,
    faced,
    judge_post,
)


@pytest.fixture
def house(tenant: OpenScope) -> Iterator[FaceAgency]:
    with faced(tenant) as found:
        yield found


# # ------------------------------------------------------------------ storage and erasure
def boxes(house: FaceAgency) -> list[Any]:
    with house.world.scope() as scope:
        return list(
            scope.run(
                "SELECT subject_id, model, box, pictures FROM face_templates ORDER BY id"
            ).all()
        )


def test_template_is_sealed_for_one_subject_and_one_model(house: FaceAgency) -> None:
    house.real("P")
    house.real("Q")
    one, other = boxes(house)
    by = house.by
    assert str(face_vector("P9")[0])[:6].encode() not in one.box
    assert by._open_vectors(house.tenant_id, one.subject_id, MODEL, Sealed(bytes(one.box))).halves
    for subject, model, box in (
        (other.subject_id, MODEL, one.box),
        (one.subject_id, "tiles-faces@2", one.box),
        (one.subject_id, MODEL, bytes(one.box)[:-1]),
        (one.subject_id, MODEL, b""),
    ):
        assert by._open_vectors(house.tenant_id, subject, model, Sealed(bytes(box))).halves == b""


def test_unreadable_template_matches_no_one(house: FaceAgency) -> None:
    house.real("P")
    with house.world.scope() as scope, scope.acting_as("gate"):
        scope.run("UPDATE face_templates SET box = '\\x00' WHERE tenant_id = :t", t=house.tenant_id)
    assert judge_post(house, add_synthetic_picture(house, house.nova(), "P9"))[1] == {
        "LIKENESS_UNSEARCHED"
    }


@pytest.mark.parametrize("what", [FACE_CONSENT, ""])
def test_revocation_erases_the_template_and_keeps_earlier_matches(
    house: FaceAgency, what: str
) -> None:
    person = house.real("P")
    nova = house.nova()
    found = add_synthetic_picture(house, nova, "P8")
    house.revoke(person, what)
    assert boxes(house) == []
    assert judge_post(house, found)[1] == {"LIKENESS_REAL_PERSON"}
    assert judge_post(house, add_synthetic_picture(house, nova, "P8"))[1] == set(), (
        "the face is no longer searched for"
    )
    house.compare()
    assert boxes(house) == []


def test_revoking_another_consent_keeps_the_template(house: FaceAgency) -> None:
    person = house.real("P")
    house.revoke(person, "publish")
    assert len(boxes(house)) == 1


def test_no_one_can_consent_for_another_person(house: FaceAgency) -> None:
    person = house.real("P", agree=False)
    with house.world.scope(f"member:{house.world.rob}") as scope, pytest.raises(BadInput):
        known_faces.record_face_consent(scope, person)
    with (
        house.world.open(house.tenant_id, f"person:{house.nova()}") as scope,
        pytest.raises(BadInput),
    ):
        known_faces.record_face_consent(scope, person)
    assert house.count("face_subjects") == 0


def test_revocation_during_enrolment_stores_no_template(house: FaceAgency) -> None:
    person = house.real("P", agree=False)
    with house.world.open(house.tenant_id, f"person:{person}") as scope:
        known_faces.record_face_consent(scope, person)
        subject = known_faces.find_face_consent(scope, person)
    assert subject is not None
    by, real_look = house.by, house.by.classifier

    class Slow:
        def classify_views(self, views: Any) -> Any:
            # # the fixture has a classifier
            seen = real_look.classify_views(views)  # type: ignore[union-attr]  # see above
            house.revoke(person)
            return seen

    face_comparison.create_face_template(
        FaceEnrolmentDue(house.tenant_id, subject.id), by=replace(by, classifier=Slow())
    )  # type: ignore[arg-type]  # looks only
    assert boxes(house) == []


def test_enrolment_waits_for_a_usable_photograph(house: FaceAgency) -> None:
    with house.world.scope() as scope:
        person = persons.add_person(scope, kind="real", display_ref="New")
    with pytest.raises(outbox.RetryLater):
        house.agree(person)
    house.depict(house.photo("N9N8"), person)  # # two faces: which is theirs is unknown
    with pytest.raises(outbox.RetryLater):
        house.enrol(person)
    house.depict(house.photo("N9"), person)
    house.enrol(person)
    assert len(boxes(house)) == 1


# # ------------------------------------------------------------------ banned faces
def test_banned_face_is_found_in_photographs_and_two_members_lift_the_ban(
    house: FaceAgency,
) -> None:
    subject = house.bar("B9")
    assert not [key for key in house.files.kept if key[0] == house.tenant_id], (
        "the picture is erased"
    )
    somebody = house.real("O", agree=False)
    photo, made = (
        house.photo_of(somebody, "B8"),
        add_synthetic_picture(house, house.nova(), "B8", "G"),
    )
    assert judge_post(house, photo)[1] == judge_post(house, made)[1] == {"LIKENESS_REAL_PERSON"}
    with house.world.scope() as scope:
        first, second = (
            house.world.principal(scope, one) for one in (house.world.ann, house.world.rob)
        )
        assert not known_faces.end_face_ban(scope, subject, first)
    with house.world.scope() as scope, pytest.raises(Conflict):
        known_faces.end_face_ban(scope, subject, first)
    assert judge_post(house, photo)[1] == {"LIKENESS_REAL_PERSON"}
    with house.world.scope() as scope:
        assert known_faces.end_face_ban(scope, subject, second)
    assert boxes(house) == []
    assert judge_post(house, photo)[1] == judge_post(house, made)[1] == set()
    with house.world.scope() as scope, pytest.raises(NotFound):
        known_faces.end_face_ban(scope, subject, second)


def test_picture_without_a_single_face_bans_no_one_and_notifies_members(house: FaceAgency) -> None:
    for who in ("", "A9B9"):
        house.bar(who)
    assert house.count("face_subjects") == 0
    assert house.files.kept == {}
    with house.world.scope() as scope:
        told = scope.run(
            "SELECT message ->> 'code' AS code FROM notices WHERE tenant_id = :t", t=house.tenant_id
        )
        assert {row.code for row in told} == {"face.not_one"}


def test_library_picture_stays_when_its_face_is_banned(house: FaceAgency) -> None:
    medium = house.photo("B9")
    data = house.files.get(house.tenant_id, medium.sha256)
    house.bar_bytes(data)
    assert house.files.exists(house.tenant_id, medium.sha256)
    assert house.count("face_subjects") == 1


@pytest.mark.parametrize(
    ("state", "stays"), [("ready", False), ("refused", False), ("waiting", True)]
)
def test_uploaded_picture_of_a_banned_face_is_stored_only_while_it_waits(
    house: FaceAgency, state: str, stays: bool
) -> None:
    data = encode_png(draw_tile("G", who="B9"))
    with house.world.scope() as scope:
        scope.run(
            "INSERT INTO uploads (tenant_id, id, creator_id, name, sha256, size, by, state)"
            " VALUES (:tenant, :id, :creator, 'b.png', :sha256, :size, 'member:x', :state)",
            tenant=house.tenant_id,
            id=uuid7(),
            creator=house.world.creator_id,
            sha256=bytes_digest(data),
            size=len(data),
            state=state,
        )
    house.bar_bytes(data)
    assert house.files.exists(house.tenant_id, bytes_digest(data)) is stays


# # ------------------------------------------------------------------ concurrent changes
def waits(claim: Scope, act: Callable[[], object]) -> threading.Thread:
    """Start an act in a thread and wait until it blocks on the open claim."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    wait_until(lambda: claim.run(WAITS_FOR_US).scalar() == 1)
    return thread


def test_enrolment_waits_for_a_claim_and_the_next_claim_sees_it(
    house: FaceAgency,
) -> None:
    person = house.real("P", agree=False)
    shown = add_synthetic_picture(house, house.nova(), "P8", "N")
    whole = unit(house.world, media=[shown])
    with house.world.scope() as claim:
        issuance.lock_unit(claim, whole)
        thread = waits(claim, lambda: house.agree(person))
    thread.join(60)
    assert len(boxes(house)) == 1
    assert judge_post(house, shown)[1] == {"LIKENESS_UNSEARCHED"}


def test_revocation_waits_for_the_claim_of_a_twin(house: FaceAgency) -> None:
    person = house.real("P", scopes=("depict", "publish", "ai_likeness"))
    with house.world.scope() as scope:
        twin = persons.add_person(scope, kind="digital_twin", display_ref="T", twin_of=person)
    shown = add_synthetic_picture(house, twin, "P8", "S")
    whole = unit(house.world, media=[shown])
    with house.world.scope() as scope:
        whole = replace(whole, flags=issuance.required_flags_of_unit(scope, whole))
    author = f"member:{house.world.ann}"
    with house.world.scope() as claim:
        issuance.mint_permit(claim, whole, Step(), key=KEY, author=author)
        thread = waits(claim, lambda: house.revoke(person, ""))
    thread.join(60)
    assert boxes(house) == []
    with house.world.scope() as scope, pytest.raises(PermitDenied):
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=author)


def test_picture_compared_before_a_new_face_is_compared_again(house: FaceAgency) -> None:
    house.real("R")
    medium = house.made("P8", "G")
    with house.world.scope() as scope:
        old = known_faces.faces_version(scope)
    house.real("P")
    with house.world.scope() as scope:
        assert known_faces.faces_version(scope) > old
        assert medium.sha256 in known_faces.list_uncompared_pictures(scope, most=50)
        assert known_faces.has_uncompared_pictures(scope)
    house.compare()
    with house.world.scope() as scope:
        assert not known_faces.has_uncompared_pictures(scope)


# # ------------------------------------------------------------------ after a classifier outage
def give_up(house: FaceAgency, kind: str) -> None:
    """Give up the waiting rows of a kind, as after a day without the classifier."""
    with house.world.scope() as scope:
        scope.run(
            "UPDATE outbox SET state = 'dead' WHERE tenant_id = :t AND kind = :kind",
            t=house.tenant_id,
            kind=kind,
        )


def rows(house: FaceAgency, kind: str) -> list[tuple[str, Any]]:
    with house.world.scope() as scope:
        found = scope.run(
            "SELECT state, subject_id FROM outbox WHERE tenant_id = :t AND kind = :kind ORDER BY "
            "id",
            t=house.tenant_id,
            kind=kind,
        )
        return [(row.state, row.subject_id) for row in found]


def resumed(house: FaceAgency) -> None:
    """Run the daily job twice; the second run must add nothing."""
    for _ in range(2):
        with house.world.scope("system:beat") as scope:
            known_faces.resume_face_work(scope)


def test_work_that_gave_up_during_an_outage_is_queued_again(
    house: FaceAgency,
) -> None:
    made = add_synthetic_picture(house, house.nova(), "P8", "N")
    house.real("P")
    person = house.real("Q", agree=False)
    with house.world.open(house.tenant_id, f"person:{person}") as scope:
        known_faces.record_face_consent(scope, person)
        subject = known_faces.find_face_consent(scope, person)
    assert subject is not None
    for day in range(3):
        give_up(house, FaceComparisonDue.kind)
        give_up(house, FaceEnrolmentDue.kind)
        resumed(house)
        assert rows(house, FaceComparisonDue.kind) == [("waiting", house.tenant_id)], (
            f"one row on day {day}"
        )
        assert [one for one in rows(house, FaceEnrolmentDue.kind) if one[1] == subject.id] == [
            ("waiting", subject.id)
        ]
    assert judge_post(house, made)[1] == {"LIKENESS_UNSEARCHED"}
    house.compare()
    assert judge_post(house, made)[1] == {"LIKENESS_REAL_PERSON"}


def test_unneeded_work_is_not_queued_again(house: FaceAgency) -> None:
    house.photo("P9")  # # without known faces there is nothing to compare
    resumed(house)
    assert rows(house, FaceComparisonDue.kind) == []
    house.real("P")
    house.compare()
    give_up(house, FaceComparisonDue.kind)
    resumed(house)
    assert rows(house, FaceComparisonDue.kind) == [], (
        "other work completed the comparison: the row is put away"
    )


def test_rows_of_another_agency_are_untouched(house: FaceAgency, tenant: OpenScope) -> None:
    with faced(tenant) as other:
        other.real("P")
        give_up(other, FaceComparisonDue.kind)
        resumed(house)
        assert [state for state, _ in rows(other, FaceComparisonDue.kind)] == ["dead"]
