"""Who is shown must be answered before a file may leave, and a careless answer is contradicted."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.db.database import OpenScope
from foundation.errors import BadInput
from foundation.ids import uuid7
from gate.assets import asset_records
from gate.contract.facts import AnswerFacts, DoubtFacts, ReviewFacts
from gate.contract.reasons import Reason
from gate.contract.states import DepictionAnswer
from gate.contract.units import Medium, Rating
from gate.decision.answer_rules import is_confirmed
from gate.evidence import answer_facts
from gate.permits import issuance
from gate.ratings import depiction_answers, inspections, ratings
from gate.reviews import content_reviews
from tenants.agencies import agencies
from tests.gate.answers import TEST_MODEL
from tests.gate.builders import (
    MIME,
    World,
    asset_of,
    picture,
    real_person,
    synthetic_person,
    unit,
    world,
)

NO_PEOPLE, CREATOR, OTHERS, UNSURE = DepictionAnswer
DEPICTION_REASONS = {
    Reason.DEPICTION_MISSING,
    Reason.DEPICTION_UNSURE,
    Reason.DEPICTION_CONTRADICTED,
    Reason.CREATOR_UNRECORDED,
    Reason.PERSON_UNRESOLVED,
    Reason.RATING_CONTRADICTED,
    Reason.SECOND_LOOK_MISSING,
    Reason.CONSENT_MISSING,
    Reason.CONSENT_SCOPE,
    Reason.SYNTHETIC_DECLARATION_MISSING,
}
PLACES = {
    "public post": {},
    "own page": {"platform": "own_page", "surface": "own_page.post"},
    "sale": {"price": 500},
}


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def bare_picture(
    here: World, *, parent: UUID | None = None, parts: tuple[UUID, ...] = (), redrawn: bool = False
) -> Medium:
    """Record a picture rated General by Ann that nobody said more about."""
    sha256 = uuid7().hex * 2
    with here.scope() as scope:
        asset = asset_records.record_asset(
            scope,
            creator_id=here.creator_id,
            origin="upload",
            ai="none",
            engine="",
            made_at=scope.now - timedelta(days=30),
            source="capture",
            parent=parent,
            parts=parts,
            redrawn=redrawn,
        )
        asset_records.record_rendition(
            scope, asset, sha256=sha256, mime=MIME, size=1000, width=10, height=10, profile="post"
        )
        ratings.record_rating(scope, sha256, Rating.G, source=f"member:{here.ann}")
    return Medium(sha256, MIME, 1000)


def answer(here: World, medium: Medium, said: DepictionAnswer, *, by: UUID | None = None) -> None:
    with here.scope(f"member:{by or here.ann}") as scope:
        depiction_answers.record_member_answer(scope, asset_of(scope, medium), said)


def find(here: World, medium: Medium, *, explicit: int = 0, face: int = 0) -> None:
    """Record what the bundled models found."""
    with here.scope() as scope:
        inspections.record_model_finding(
            scope, medium.sha256, model=TEST_MODEL, explicit=explicit, face=face
        )


def approve(here: World, medium: Medium, by: UUID) -> None:
    with here.scope(f"member:{by}") as scope:
        content_reviews.review_bytes(scope, medium.sha256, verdict="approve")


def reasons(
    here: World, medium: Medium, *, author: UUID | None = None, **place: object
) -> set[Reason]:
    """Return the reasons about who is shown that hold a unit with this medium."""
    with here.scope() as scope:
        found = issuance.preview_decision(
            scope, unit(here, media=[medium], **place), author=f"member:{author or here.ann}"
        )
    return set(found.reasons) & DEPICTION_REASONS


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
def test_photo_of_real_creator_does_not_leave_on_one_rating(
    here: World, place: dict[str, object]
) -> None:
    """A member rated an ordinary photo General; nobody was tagged, and it was published."""
    photo = bare_picture(here)
    assert reasons(here, photo, **place) == {Reason.DEPICTION_MISSING}


def test_rating_without_answer_is_refused(here: World) -> None:
    photo = bare_picture(here)
    with here.scope(f"member:{here.rob}") as scope:
        asset = asset_of(scope, photo)
        with pytest.raises(BadInput, match=r"rating\.shown_missing"):
            content_reviews.submit_rating(scope, asset, photo.sha256, Rating.G)
        content_reviews.submit_rating(scope, asset, photo.sha256, Rating.G, shown=NO_PEOPLE)
        content_reviews.submit_rating(scope, asset, photo.sha256, Rating.X)


@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("kind", ["human", "virtual"])
@pytest.mark.parametrize("said", list(DepictionAnswer))
def test_every_answer_needs_its_evidence(
    here: World, said: DepictionAnswer, kind: str, place: dict[str, object]
) -> None:
    with here.scope() as scope:
        scope.run(
            "UPDATE creators SET kind = :kind WHERE tenant_id = :t", kind=kind, t=here.tenant_id
        )
    photo = bare_picture(here)
    find(here, photo)
    answer(here, photo, said)
    wanted = {
        NO_PEOPLE: set(),
        CREATOR: {Reason.CREATOR_UNRECORDED},
        OTHERS: {Reason.PERSON_UNRESOLVED},
        UNSURE: {Reason.DEPICTION_UNSURE},
    }
    assert reasons(here, photo, **place) == wanted[said]
    with here.scope() as scope:
        if kind == "human":
            real_person(scope, creator_id=here.creator_id)
        else:
            synthetic_person(scope, here, creator_id=here.creator_id)
        stranger = real_person(scope)
    assert reasons(here, photo, **place) == (wanted[said] if said is not CREATOR else set())
    with here.scope() as scope:
        ratings.record_depiction(
            scope, asset_of(scope, photo), stranger, how="face", confirmed_by=f"member:{here.rob}"
        )
    assert reasons(here, photo, **place) == (wanted[said] if said is UNSURE else set())


@pytest.mark.parametrize("scopes", [(), ("depict",), ("publish",), ("depict", "publish")])
def test_creator_needs_signed_consent(here: World, scopes: tuple[str, ...]) -> None:
    photo = bare_picture(here)
    find(here, photo)
    answer(here, photo, CREATOR)
    with here.scope() as scope:
        real_person(scope, creator_id=here.creator_id, scopes=scopes)
    complete = scopes == ("depict", "publish")
    assert reasons(here, photo) == (set() if complete else {Reason.CONSENT_MISSING})


def test_creator_as_person_of_another_kind_is_no_record(here: World) -> None:
    photo = bare_picture(here)
    find(here, photo)
    answer(here, photo, CREATOR)
    with here.scope() as scope:
        synthetic_person(scope, here, creator_id=here.creator_id)
    assert reasons(here, photo) == {Reason.CREATOR_UNRECORDED}


def test_confirmed_people_of_older_pictures_are_the_answer(here: World) -> None:
    photo = bare_picture(here)
    with here.scope() as scope:
        person, asset = real_person(scope), asset_of(scope, photo)
        ratings.record_depiction(scope, asset, person, how="face")
    assert Reason.DEPICTION_MISSING in reasons(here, photo)
    with here.scope() as scope:
        ratings.record_depiction(scope, asset, person, how="face", confirmed_by="member:rob")
    assert reasons(here, photo) == set()


def _copy(here: World, *above: UUID) -> Medium:
    return bare_picture(here, parent=above[0])


def _clip(here: World, *above: UUID) -> Medium:
    return bare_picture(here, parts=above)


def _redrawn(here: World, *above: UUID) -> Medium:
    return bare_picture(here, parent=above[0], redrawn=True)


@pytest.mark.parametrize("make", [_copy, _clip, _redrawn])
@pytest.mark.parametrize("early", [True, False], ids=["answered before", "answered after"])
@pytest.mark.parametrize("said", [*DepictionAnswer, None])
def test_copies_and_clips_have_the_answers_of_their_sources(
    here: World, make: Callable[..., Medium], early: bool, said: DepictionAnswer | None
) -> None:
    first, second = bare_picture(here), bare_picture(here)
    for one in (first, second):
        find(here, one)
    answer(here, second, NO_PEOPLE)
    if said is not None and early:
        answer(here, first, said)
    with here.scope() as scope:
        made = (asset_of(scope, first), asset_of(scope, second))
    child = make(here, *made)
    find(here, child)
    if said is not None and not early:
        answer(here, first, said)
    alone = {
        None: {Reason.DEPICTION_MISSING},
        NO_PEOPLE: set(),
        CREATOR: {Reason.CREATOR_UNRECORDED},
        OTHERS: {Reason.PERSON_UNRESOLVED},
        UNSURE: {Reason.DEPICTION_UNSURE},
    }[said]
    assert reasons(here, child) == ({Reason.DEPICTION_MISSING} if make is _redrawn else alone)
    answer(here, child, NO_PEOPLE)
    assert reasons(here, child) == set()


@pytest.mark.parametrize(
    ("face", "rating", "explicit", "held"),
    [
        (0, Rating.G, 0, None),
        (34, Rating.G, 49, None),
        (35, Rating.G, 0, Reason.DEPICTION_CONTRADICTED),
        (100, Rating.G, 0, Reason.DEPICTION_CONTRADICTED),
        (0, Rating.G, 50, Reason.RATING_CONTRADICTED),
        (0, Rating.G, 100, Reason.RATING_CONTRADICTED),
    ],
)
def test_contradiction_needs_a_second_member(
    here: World, face: int, rating: Rating, explicit: int, held: Reason | None
) -> None:
    photo = bare_picture(here)
    find(here, photo, face=face, explicit=explicit)
    answer(here, photo, NO_PEOPLE)
    assert reasons(here, photo) == ({held} if held else set())
    approve(here, photo, here.ann)
    answer(here, photo, NO_PEOPLE)
    with here.scope() as scope:
        ratings.record_rating(scope, photo.sha256, rating, source=f"member:{here.ann}")
    assert reasons(here, photo, author=here.rob) == ({held} if held else set())
    approve(here, photo, here.rob)
    assert reasons(here, photo) == set()
    with here.scope() as scope:
        assert ratings.effective_rating(scope, photo.sha256) is Rating.G


@pytest.mark.parametrize("explicit", [50, 79, 80, 100])
def test_suggestive_rating_is_contradicted_later(here: World, explicit: int) -> None:
    with here.scope() as scope:
        photo = picture(scope, here, Rating.S, person=real_person(scope))
    find(here, photo, explicit=explicit)
    held = {Reason.RATING_CONTRADICTED} if explicit >= 80 else set()
    assert reasons(here, photo) == held
    with here.scope() as scope:
        ratings.record_rating(scope, photo.sha256, Rating.E, source=f"member:{here.ann}")
    assert Reason.RATING_CONTRADICTED not in reasons(here, photo)


def test_two_members_who_say_the_same_confirm_each_other(here: World) -> None:
    photo = bare_picture(here)
    find(here, photo, face=90, explicit=90)
    answer(here, photo, NO_PEOPLE)
    answer(here, photo, NO_PEOPLE, by=here.rob)
    assert reasons(here, photo) == {Reason.RATING_CONTRADICTED}
    with here.scope() as scope:
        ratings.record_rating(scope, photo.sha256, Rating.G, source=f"member:{here.rob}")
    assert reasons(here, photo) == set()


def test_answer_that_asks_for_less_needs_a_second_member(here: World) -> None:
    photo = bare_picture(here)
    find(here, photo)
    answer(here, photo, CREATOR)
    answer(here, photo, NO_PEOPLE)
    assert reasons(here, photo) == {Reason.DEPICTION_CONTRADICTED}
    answer(here, photo, NO_PEOPLE, by=here.rob)
    assert reasons(here, photo) == set()


def test_doubt_about_a_picture_follows_its_crops(here: World) -> None:
    photo = bare_picture(here)
    find(here, photo, face=90)
    answer(here, photo, NO_PEOPLE)
    with here.scope() as scope:
        crop = bare_picture(here, parent=asset_of(scope, photo))
    find(here, crop)
    assert reasons(here, crop) == {Reason.DEPICTION_CONTRADICTED}
    approve(here, photo, here.rob)
    assert reasons(here, crop) == set()


def test_agency_of_one_member_waits_for_its_guest(tenant: OpenScope) -> None:
    solo = world(tenant, uuid7(), solo=True)
    photo = bare_picture(solo)
    find(solo, photo, face=90)
    answer(solo, photo, NO_PEOPLE)
    approve(solo, photo, solo.ann)
    assert reasons(solo, photo) == {Reason.DEPICTION_CONTRADICTED}
    approve(solo, photo, solo.rob)
    assert reasons(solo, photo) == set()


def test_model_that_did_not_finish_needs_a_second_member(here: World) -> None:
    for _ in range(2):
        photo = bare_picture(here)
        with here.scope() as scope:
            inspections.record_model_finding(scope, photo.sha256, model=TEST_MODEL)
        answer(here, photo, NO_PEOPLE)
        assert reasons(here, photo) == {Reason.SECOND_LOOK_MISSING}
        approve(here, photo, here.rob)
        assert reasons(here, photo) == set()


def test_first_picture_and_a_tenth_need_a_second_member_without_models(here: World) -> None:
    held = []
    for _ in range(60):
        photo = bare_picture(here)
        answer(here, photo, NO_PEOPLE)
        held.append(reasons(here, photo) == {Reason.SECOND_LOOK_MISSING})
        assert (reasons(here, photo) == {Reason.SECOND_LOOK_MISSING}) == held[-1]
    assert held[0]
    assert 0 < sum(held[1:]) < 20
    with here.scope() as scope:
        other = agencies.add_creator(
            scope, slug="noa", name="Noa", kind="human", zone="UTC", languages=["fr"]
        )
    elsewhere = World(here.open, here.tenant_id, other, uuid7(), here.ann, here.rob)
    photo = bare_picture(elsewhere)
    answer(elsewhere, photo, NO_PEOPLE)
    assert reasons(elsewhere, photo) == {Reason.SECOND_LOOK_MISSING}


def test_decision_older_than_the_question_is_repeated_unchanged(here: World) -> None:
    with here.scope() as scope:
        medium = picture(scope, here)
        found = answer_facts.answer_facts(scope, [medium.sha256], {medium.sha256: Rating.G})
    assert found == {medium.sha256: AnswerFacts("no_people")}


@given(
    explicit=st.integers(0, 100),
    face=st.integers(0, 100),
    said=st.sampled_from([*map(str, DepictionAnswer), "", answer_facts.NAMED]),
    rating=st.sampled_from([Rating.G, Rating.S, Rating.N, Rating.E]),
)
def test_finding_of_a_model_only_adds_doubts(
    explicit: int, face: int, said: str, rating: Rating
) -> None:
    def read(*findings: tuple[int, int, str]) -> AnswerFacts:
        return answer_facts.AnswerReading(
            uuid7(), {asset: asset_row(asset, said, findings)}, rating
        ).read_asset(asset)

    asset = uuid7()
    quiet = read((0, 0, "2031-03-03T10:00:00+00:00"))
    loud = read((explicit, face, "2031-03-03T10:00:00+00:00"))
    assert loud.answer == quiet.answer
    assert {one.reason for one in loud.doubts} >= {one.reason for one in quiet.doubts}


def asset_row(asset: UUID, answer: str, findings: Sequence[tuple[int, int, str]]) -> Any:
    """Return an asset as it is read from the database."""
    given = [] if answer in ("", answer_facts.NAMED) else [[answer, "member:x", None, AT]]
    return SimpleNamespace(
        id=asset,
        creator_id=uuid7(),
        parents=[],
        answers=given,
        findings=findings,
        ratings=None,
        reviews=None,
        real=[],
        synthetic=[],
        named=answer == answer_facts.NAMED,
        first=False,
        drawn=False,
    )


AT = "2031-03-03T09:00:00+00:00"


@given(st.data())
def test_confirmation_is_by_another_human_who_saw_the_file(data: st.DataObject) -> None:
    people = [uuid7() for _ in range(3)]
    now = answer_facts.parse_instant("2031-03-04T09:00:00+00:00")
    reviews = [
        ReviewFacts(
            data.draw(st.sampled_from(people)),
            data.draw(st.booleans()),
            data.draw(st.sampled_from([0, 94, 95, 100])),
            now - timedelta(days=data.draw(st.integers(0, 400)), seconds=number),
            data.draw(st.booleans()),
        )
        for number in range(data.draw(st.integers(0, 4)))
    ]
    doubt = DoubtFacts("DEPICTION_CONTRADICTED", now - timedelta(days=200), (people[0],))
    if is_confirmed(doubt, reviews, now):
        assert any(
            one.principal != people[0]
            and one.approves
            and not one.own
            and one.seen_percent >= 95
            and one.at >= now - timedelta(days=200)
            for one in reviews
        )
