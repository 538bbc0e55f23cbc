"""Decisions that two faces differ and their effect, in generated pictures and photographs."""

from collections.abc import Iterator

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, Conflict, Refused
from gate.reviews import resemblance_reviews
from tests.studio.face_builders import (
    FaceAgency,
    add_managers,
    add_synthetic_picture,
    faced,
    judge_post,
    view_all_pictures,
)


@pytest.fixture
def house(tenant: OpenScope) -> Iterator[FaceAgency]:
    with faced(tenant) as found:
        yield found


# # ------------------------------------------------------------------ decisions
def test_two_uninvolved_members_can_reject_a_match(house: FaceAgency) -> None:
    house.real("P")
    found = add_synthetic_picture(house, house.nova(), "P8")
    (one,) = house.waiting()
    first, second = add_managers(house, 2)
    with pytest.raises(Refused):  # # neither has seen the pictures
        house.judge(one, resemblance_reviews.ANSWER_OTHER, first, because="shape")
    view_all_pictures(house, first, second, house.world.ann)
    with pytest.raises(Refused):  # # ann declared the synthetic person
        house.judge(one, resemblance_reviews.ANSWER_OTHER, house.world.ann, because="shape")
    with pytest.raises(BadInput):
        house.judge(one, resemblance_reviews.ANSWER_OTHER, first)
    house.judge(one, resemblance_reviews.ANSWER_OTHER, first, because="shape")
    assert judge_post(house, found)[1] == {"LIKENESS_REAL_PERSON"}
    with pytest.raises(Conflict):
        house.judge(one, resemblance_reviews.ANSWER_OTHER, first, because="marks")
    with pytest.raises(Refused):
        house.judge(
            one, resemblance_reviews.ANSWER_OTHER, second, because="marks", maker=f"member:{second}"
        )
    house.judge(one, resemblance_reviews.ANSWER_OTHER, second, because="marks")
    assert judge_post(house, found)[1] == set()
    assert house.waiting() == []
    house.judge(one, resemblance_reviews.ANSWER_SAME, second)
    assert judge_post(house, found)[1] == {"LIKENESS_REAL_PERSON"}, "the latest decision counts"


def test_decision_is_bound_to_picture_and_template(house: FaceAgency) -> None:
    person = house.real("P")
    found = add_synthetic_picture(house, house.nova(), "P8")
    (one,) = house.waiting()
    members = add_managers(house, 2)
    view_all_pictures(house, *members)
    for each in members:
        house.judge(one, resemblance_reviews.ANSWER_OTHER, each, because="shape")
    again = add_synthetic_picture(house, house.nova(), "P8")
    assert judge_post(house, again)[1] == {"LIKENESS_REAL_PERSON"}, (
        "another picture needs its own decision"
    )
    house.photo_of(person, "P8")
    house.enrol(person)  # # a new template
    house.compare()
    assert judge_post(house, found)[1] == {"LIKENESS_REAL_PERSON"}
    with pytest.raises(Conflict):
        house.judge(one, resemblance_reviews.ANSWER_OTHER, members[0], because="shape")


def test_author_of_the_post_is_not_counted_as_reviewer(house: FaceAgency) -> None:
    house.real("P")
    found = add_synthetic_picture(house, house.nova(), "P8")
    (one,) = house.waiting()
    writer, other = add_managers(house, 2)
    view_all_pictures(house, writer, other)
    for each in (writer, other):
        house.judge(one, resemblance_reviews.ANSWER_OTHER, each, because="shape")
    assert judge_post(house, found)[1] == set()
    assert judge_post(house, found, author=writer)[1] == {"LIKENESS_REAL_PERSON"}


def test_synthetic_person_becomes_a_twin_with_consent_of_the_real_person(
    house: FaceAgency,
) -> None:
    person = house.real("P")
    nova = house.nova(house.made("P7"))
    house.compare()
    found, turned_away = (
        add_synthetic_picture(house, nova, "P8"),
        add_synthetic_picture(house, nova, ""),
    )
    one = next(one for one in house.waiting() if one.sha256 == found.sha256)
    (member,) = add_managers(house)
    view_all_pictures(house, member)
    with pytest.raises(Refused):
        house.judge(one, resemblance_reviews.ANSWER_TWIN, member)
    house.allow(person, "ai_likeness")
    house.judge(one, resemblance_reviews.ANSWER_TWIN, member)
    assert judge_post(house, found)[1] == judge_post(house, turned_away)[1] == set()
    house.revoke(person, "ai_likeness")
    assert "CONSENT_MISSING" in judge_post(house, found)[1] & judge_post(house, turned_away)[1]


def test_naming_the_real_person_in_a_synthetic_picture_does_not_clear_it(house: FaceAgency) -> None:
    person = house.real("P")
    found = house.made("P8", "E")
    house.depict(found, person)
    assert "LIKENESS_REAL_PERSON" in judge_post(house, found)[1]


# ------------------------------------------------------------------ photographs
def test_unnamed_face_in_a_photograph_is_confirmed_by_a_second_member(
    house: FaceAgency,
) -> None:
    house.real("P")
    photo, _clean = house.photo("P8", "G"), house.photo("Q8", "G")
    assert judge_post(house, photo) == ("H", {"PERSON_UNRESOLVED"})
    with house.world.scope() as scope:
        proposed = scope.run("SELECT asset_id FROM depictions WHERE state = 'proposed' AND "
                             "tenant_id = :t",
                             t=house.tenant_id).all()  # fmt: skip
    assert [row.asset_id for row in proposed] == [house.asset(photo)]
    (one,) = house.waiting()
    assert one.answers == (resemblance_reviews.ANSWER_OTHER, resemblance_reviews.ANSWER_NAMED)
    (member,) = add_managers(house)
    with pytest.raises(Refused):
        house.judge(one, resemblance_reviews.ANSWER_NAMED, member, maker=f"member:{member}")
    house.judge(one, resemblance_reviews.ANSWER_NAMED, member)
    assert judge_post(house, photo)[1] == set()
    assert house.waiting() == []


def test_one_member_can_reject_a_match_in_a_photograph(
    house: FaceAgency,
) -> None:
    house.real("P")
    photo = house.photo("P8", "G")
    other = house.real("O", agree=False)
    house.depict(photo, other)
    assert judge_post(house, photo) == ("H", {"PERSON_UNRESOLVED"})
    (one,) = house.waiting()
    (member,) = add_managers(house)
    house.judge(one, resemblance_reviews.ANSWER_OTHER, member, because="features")
    assert judge_post(house, photo)[1] == set()


def test_already_named_person_needs_no_review(house: FaceAgency) -> None:
    person = house.real("P")
    house.photo_of(person, "P8")
    house.compare()
    assert house.waiting() == []
