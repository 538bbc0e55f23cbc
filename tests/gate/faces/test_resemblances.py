"""Resemblances of pictures to known faces, as recorded after a comparison and as read."""

from datetime import timedelta
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.faces import known_faces, resemblances
from gate.faces.known_faces import FaceComparisonDue, FaceComparisonResult
from gate.reviews import resemblance_reviews
from gate.reviews.resemblance_reviews import (
    ANSWER_NAMED,
    ANSWER_OTHER,
    ANSWER_SAME,
    ANSWER_TWIN,
    FaceComparisonTask,
)
from tests.gate.builders import World, asset_of, synthetic_person, world
from tests.gate.resemblance_builders import (
    MODEL,
    add_known_face,
    add_picture,
    ban_face,
    list_open_comparisons,
    store_comparison,
)
from tests.gate.side_effects import StoredNotice, find_notice, list_stored_tasks


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def test_resemblance_in_photograph_is_notified_and_proposed(
    here: World,
) -> None:
    portrait = add_picture(here)
    person, subject = add_known_face(here, portrait.sha256)
    medium, other = add_picture(here), add_picture(here)
    store_comparison(here, other, {})
    store_comparison(here, medium, {subject: 812, uuid7(): 999})
    (one,) = list_open_comparisons(here)
    with here.scope() as scope:
        asset = asset_of(scope, medium)
        assert one == FaceComparisonTask(
            id=one.id, asset_id=asset, sha256=medium.sha256, creator_id=here.creator_id, invented=False,
            person_id=person, name="Ida", why="", beside=(portrait.sha256,), score=812, digest=one.digest, needed=1,
            said=(), since=one.since,
        )  # fmt: skip
        assert scope.now - one.since < timedelta(minutes=1)
        assert (len(one.digest), one.answers) == (64, (ANSWER_OTHER, ANSWER_NAMED))
        assert find_notice(scope, f"likeness:{asset}") == StoredNotice(
            "likeness.found", {}, urgent=True, open=True, creator=here.creator_id
        )
        proposed = scope.run("SELECT asset_id, person_id, how, state FROM depictions WHERE "
                             "tenant_id = :t",
                             t=here.tenant_id).all()  # fmt: skip
        assert [tuple(row) for row in proposed] == [(asset, person, "face", "proposed")]
        assert find_notice(scope, f"likeness:{asset_of(scope, other)}") is None
        searches = scope.run(
            "SELECT sha256, model, version, complete, faces FROM face_searches WHERE tenant_id = "
            ":t ORDER BY id",
            t=here.tenant_id,
        ).all()
        at = known_faces.faces_version(scope)
    assert [tuple(row) for row in searches] == [
        (each.sha256, MODEL, at, True, 1) for each in (other, medium)
    ]  # unknown subjects are not recorded


def test_repeated_result_of_same_template_is_not_notified(here: World) -> None:
    _, subject = add_known_face(here)
    medium = add_picture(here)
    store_comparison(here, medium, {subject: 812})
    (first,) = list_open_comparisons(here)
    with here.scope() as scope:
        scope.run("DELETE FROM notices WHERE tenant_id = :t", t=here.tenant_id)
    store_comparison(here, medium, {subject: 700}, faces=3, complete=False)
    (again,) = list_open_comparisons(here)
    assert (again.id, again.score, again.digest) == (first.id, 812, first.digest)
    with here.scope() as scope:
        assert find_notice(scope, f"likeness:{first.asset_id}") is None
        row = scope.run(
            "SELECT complete, faces FROM face_searches WHERE tenant_id = :t", t=here.tenant_id
        ).one()
        assert (row.complete, row.faces) == (False, 3)
        known_faces.store_template(scope, subject, model=MODEL, box=Sealed(b"another"), pictures=[])
    store_comparison(here, medium, {subject: 700})
    (new,) = list_open_comparisons(here)
    assert (new.id, new.score, new.digest != first.digest) == (first.id, 700, True)
    with here.scope() as scope:
        assert find_notice(scope, f"likeness:{first.asset_id}") is not None


def test_comparison_with_fewer_faces_does_not_overwrite(here: World) -> None:
    add_known_face(here)
    medium = add_picture(here)
    with here.scope() as scope:
        at = known_faces.faces_version(scope)
    store_comparison(here, medium, {}, faces=2)
    store_comparison(here, medium, {}, version=at - 1, faces=7)
    with here.scope() as scope:
        row = scope.run(
            "SELECT version, faces FROM face_searches WHERE tenant_id = :t", t=here.tenant_id
        ).one()
        assert (row.version, row.faces) == (at, 2)


@pytest.mark.parametrize(("behind", "again"), [(0, 0), (1, 1)])
def test_face_added_during_comparison_requests_another(
    here: World, behind: int, again: int
) -> None:
    add_known_face(here)
    medium = add_picture(here)
    with here.scope() as scope:
        at = known_faces.faces_version(scope)
        scope.run("DELETE FROM outbox WHERE tenant_id = :t", t=here.tenant_id)
    store_comparison(here, medium, {}, version=at - behind)
    with here.scope() as scope:
        assert [one.dedupe for one in list_stored_tasks(scope, FaceComparisonDue.kind)] == [
            f"faces:{at}"
        ] * again


def test_unrecorded_bytes_are_not_found(here: World) -> None:
    with here.scope() as scope, pytest.raises(NotFound):
        resemblances.record_comparison(
            scope, "0" * 64, FaceComparisonResult(MODEL, 1, complete=True, faces=0, resembles={})
        )


def test_ai_picture_proposes_no_person(here: World) -> None:
    _, subject = add_known_face(here)
    made = add_picture(here, ai="generated")
    store_comparison(here, made, {subject: 812})
    with here.scope() as scope:
        count = scope.run(
            "SELECT count(*) FROM depictions WHERE tenant_id = :t", t=here.tenant_id
        ).scalar_one()
        assert count == 0
    (one,) = list_open_comparisons(here)
    assert (one.invented, one.needed, one.answers) == (
        True,
        2,
        (ANSWER_OTHER, ANSWER_TWIN, ANSWER_SAME),
    )


def test_banned_face_has_reason_but_no_name_and_needs_two_reviews(here: World) -> None:
    subject = ban_face(here)
    photo = add_picture(here)
    store_comparison(here, photo, {subject: 640})
    (one,) = list_open_comparisons(here)
    assert (one.person_id, one.name, one.why, one.beside, one.needed) == (
        None,
        "",
        "asked us",
        (),
        2,
    )
    assert (one.answers, one.invented, one.score) == ((ANSWER_OTHER, ANSWER_SAME), False, 640)
    with here.scope() as scope:
        assert find_notice(scope, f"likeness:{one.asset_id}") is not None
    with here.scope(f"member:{here.rob}") as scope:
        known_faces.end_face_ban(scope, subject, uuid7())
        known_faces.end_face_ban(scope, subject, uuid7())
    assert list_open_comparisons(here) == []
    with here.scope() as scope, pytest.raises(NotFound, match=r"likeness\.unknown"):
        resemblance_reviews.get_face_comparison(scope, one.id)


def test_open_comparisons_are_listed_by_creator_oldest_first(here: World) -> None:
    _, subject = add_known_face(here)
    first, second = add_picture(here), add_picture(here)
    for each in (first, second):
        store_comparison(here, each, {subject: 812})
    assert [one.sha256 for one in list_open_comparisons(here)] == [first.sha256, second.sha256]
    assert [one.sha256 for one in list_open_comparisons(here, limit=1)] == [first.sha256]
    with here.scope() as scope:
        assert resemblance_reviews.list_face_comparisons(scope, []) == []
        assert resemblance_reviews.list_face_comparisons(scope, [uuid7()]) == []
        assert (
            resemblance_reviews.get_face_comparison(scope, list_open_comparisons(here)[0].id).sha256
            == first.sha256
        )
        with pytest.raises(NotFound, match=r"likeness\.unknown"):
            resemblance_reviews.get_face_comparison(scope, uuid7())


def test_reference_resemblance_counts_as_synthetic(here: World) -> None:
    _, subject = add_known_face(here)
    photo, apart = add_picture(here), add_picture(here)
    with here.scope() as scope:
        nova = synthetic_person(scope, here)
        known_faces.set_reference_pictures(scope, nova, [photo.sha256])
        assert resemblances.people_using_reference(scope, photo.sha256) == {nova}
        assert resemblances.people_using_reference(scope, apart.sha256) == set()
    store_comparison(here, photo, {subject: 812})
    (one,) = list_open_comparisons(here)
    assert (one.invented, one.needed) == (True, 2)
    with here.scope() as scope:
        known_faces.set_reference_pictures(scope, nova, [apart.sha256])
        assert resemblances.people_using_reference(scope, photo.sha256) == set()
