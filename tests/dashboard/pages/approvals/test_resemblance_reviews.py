"""Resemblance reviews on Approvals: both pictures and two members; and the ban list of faces."""

from uuid import UUID

import pytest

from foundation.i18n.translation import LANGUAGES
from foundation.sealed import Sealed
from gate.contract.units import Rating
from gate.faces import known_faces, resemblances
from gate.faces.known_faces import FaceComparisonResult
from gate.people import persons
from gate.ratings import ratings
from gate.reviews import resemblance_reviews
from gate.reviews.face_bans import FaceBanRequested
from gate.reviews.resemblance_reviews import ResemblanceJudged
from studio.library import assets
from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.pages.approvals.test_page import word
from tests.dashboard.streamlit_client import stream
from tests.fakes.generators.classifier import draw_tile
from tests.generators.builders import encoded

MODEL = "arc@3"


def alike(
    door: Door, who: Agency, *, rating: Rating = Rating.G, name: str = "Ida <b>"
) -> tuple[UUID, UUID]:
    """Create a generated picture that resembles a photo of a real person; return both IDs."""
    made, portrait = (
        picture(door, who, seed=3, rating=rating),
        picture(door, who, seed=4, rating=Rating.G),
    )
    with who.scope() as scope:
        person = persons.add_person(scope, kind="real", display_ref=name)
        nova = persons.add_person(scope, kind="synthetic", display_ref="Nova")
        sha256, beside_it = (assets.get_asset(scope, one).sha256 for one in (made, portrait))
        ratings.record_depiction(scope, made, nova, how="face", confirmed_by="generation")
    with who.scope(f"person:{person}") as scope:
        known_faces.record_face_consent(scope, person)
        subject = known_faces.find_face_consent(scope, person)
        assert subject is not None
    with who.scope() as scope:
        assert known_faces.store_template(
            scope, subject.id, model=MODEL, box=Sealed(b"box"), pictures=[beside_it]
        )
        found = FaceComparisonResult(
            MODEL,
            known_faces.faces_version(scope),
            complete=True,
            faces=1,
            resembles={subject.id: 812},
        )
        resemblances.record_comparison(scope, sha256, found)
    return made, portrait


def work(who: Agency) -> None:
    """Process the answers as the workers do."""
    with who.scope() as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE kind = :k", k=ResemblanceJudged.kind
        ).all()
        scope.run("DELETE FROM outbox WHERE kind = :k", k=ResemblanceJudged.kind)
    for row in rows:
        resemblance_reviews.handle_face_judgement(
            ResemblanceJudged(who.tenant_id, row.subject_id, **row.args), tenant=who.open
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_two_members_confirm_another_person(door: Door, language: str) -> None:
    who = create_agency(door.tenant, language=language)
    made, portrait = alike(door, who)
    other = word("likeness.answer.other", language)
    for count, role in enumerate((Role.OWNER, Role.MANAGER)):
        with stream(door.url, door.cookie(who, role)) as page:
            text = page.open("/approvals")
            assert f"/files/{made}/preview" in text
            assert f"/files/{portrait}/preview" in text
            assert "Ida &lt;b&gt;" in text
            assert word("likeness.needed", language, count=2, agreed=count) in text
            assert word("likeness.no_answer", language) in page.press(other), "a reason is required"
            page.choose(word("likeness.why", language), word("likeness.because.shape", language))
            assert word("likeness.done.other", language) in page.press(other)
            assert other not in page.labels(), "each member answers once"
        work(who)
    with stream(door.url, door.cookie(who)) as page:
        assert word("approvals.alike", language) not in page.open("/approvals")
    with who.scope() as scope:
        assert resemblance_reviews.list_face_comparisons(scope, [who.creator_id]) == []


def test_blurred_pictures_are_revealed_first_and_creators_see_none(
    door: Door, lumiere: Agency
) -> None:
    alike(door, lumiere, rating=Rating.N)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        page.choose(
            word("approvals.what"),
            next(one for one in _parts(page) if word("approvals.alike") in one),
        )
        assert word("likeness.answer.other") not in page.labels()
        assert "?clear=" in page.press(word("approvals.reveal"))
        assert word("likeness.answer.other") in page.labels()
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        assert word("approvals.alike") not in page.open("/approvals")


def _parts(page: object) -> list[str]:
    # page is a Stream
    return [option for one in page.widgets for option in one.options if one.options]  # type: ignore[attr-defined]  # see above


def test_double_needs_the_consent_of_the_person(door: Door, lumiere: Agency) -> None:
    alike(door, lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/approvals")
        assert word("likeness.done.double") in page.press(word("likeness.answer.double"))
    work(lumiere)
    with lumiere.scope() as scope:
        assert len(resemblance_reviews.list_face_comparisons(scope, [lumiere.creator_id])) == 1
        told = scope.run(
            "SELECT message ->> 'code' AS code FROM notices WHERE tenant_id = :t",
            t=lumiere.tenant_id,
        )
        assert "likeness.not_allowed" in {row.code for row in told}


def test_face_ban_needs_a_picture_and_a_reason(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/people")
        page.choose(word("people.what"), word("people.part.never"))
        page.choose(word("people.never_by_what"), word("people.never_way.face"))
        assert word("face.no_picture") in page.press(word("people.never_now"))
        page.attach(
            word("people.never_picture"), {"a.png": encoded(draw_tile("G", who="P9"), "PNG")}
        )
        assert word("face.no_reason") in page.press(word("people.never_now"))
        page.type(word("people.never_why"), "Nous l’a demandé <i>")
        assert word("people.never_looking") in page.press(word("people.never_now"))
    with lumiere.scope() as scope:
        row = scope.run(
            "SELECT subject_id, args FROM outbox WHERE kind = :k", k=FaceBanRequested.kind
        ).one()
        assert row.args["why"] == "Nous l’a demandé <i>"
    with lumiere.scope(row.args["by"]) as scope:
        known_faces.add_face_ban(
            scope, subject_id=row.subject_id, why=row.args["why"], model=MODEL, box=Sealed(b"box")
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/people")
        assert "Nous l’a demandé &lt;i&gt;" in page.choose(
            word("people.what"), word("people.part.never")
        )
    with stream(door.url, door.cookie(lumiere, Role.CHATTER)) as page:
        assert word("people.part.never") not in page.open("/people")
