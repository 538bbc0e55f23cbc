"""Inspections: findings of classifiers raise ratings and hold content; members decide once."""

from collections.abc import Callable
from typing import Any

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput, NotFound
from foundation.ids import uuid7
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating
from gate.permits import issuance
from gate.ratings import inspections, ratings
from gate.ratings.inspections import ClassifierStatus
from gate.removal import recall, removal_requests
from gate.reviews import appeals, content_reviews
from gate.reviews.events import AppealDecided
from tests.gate.builders import World, asset_of, picture, real_person, unit, world

EYES = "classifier:tiles@1"


@pytest.fixture
def here(tenant: OpenScope, tenant_id: Any) -> World:
    return world(tenant, tenant_id)


def reasons(here: World, medium: Medium, **changes: Any) -> set[Reason]:
    whole = unit(here, media=[medium], **changes)
    with here.scope() as scope:
        return set(issuance.preview_decision(scope, whole, author=f"member:{here.ann}").reasons)


def rated(here: World, *by: tuple[str, Rating], person: bool = False) -> Medium:
    """Record a picture with these ratings, each in a separate transaction."""
    with here.scope() as scope:
        medium = picture(scope, here, None, person=real_person(scope) if person else None)
    for source, rating in by:
        say(here, medium, source, rating)
    return medium


def say(here: World, medium: Medium, source: str, rating: Rating, **found: Any) -> None:
    with here.scope() as scope:
        if source.startswith("classifier:"):
            inspections.record_classifier_finding(
                scope, medium.sha256, source=source, rating=rating, **found
            )
        else:
            ratings.record_rating(scope, medium.sha256, rating, source=source)


def effective(here: World, medium: Medium) -> Rating | None:
    with here.scope() as scope:
        return ratings.effective_rating(scope, medium.sha256)


def test_classifier_alone_does_not_rate(here: World) -> None:
    medium = rated(here, (EYES, Rating.G))
    assert effective(here, medium) is None
    assert reasons(here, medium) == {Reason.RATING_MISSING}
    say(here, medium, f"member:{here.ann}", Rating.G)
    assert reasons(here, medium) == set()


@pytest.mark.parametrize("machine", list(Rating))
@pytest.mark.parametrize("person", [Rating.G, Rating.N, Rating.E])
def test_classifier_raises_but_never_lowers_rating(
    here: World, machine: Rating, person: Rating
) -> None:
    medium = rated(here, (f"member:{here.ann}", person), (EYES, machine))
    assert effective(here, medium) == max(machine, person, key=lambda rating: rating.rank)
    with here.scope() as scope:
        withheld = ratings.display_ratings(scope, [medium.sha256])[medium.sha256].is_withheld
    assert withheld == (machine is Rating.X)


def test_prohibited_finding_needs_no_member(here: World) -> None:
    medium = rated(here)
    say(here, medium, EYES, Rating.X, prohibited="minor")
    assert reasons(here, medium) >= {Reason.PROHIBITED_MINOR}
    with here.scope() as scope:
        assert ratings.explain_rating(scope, medium.sha256).prohibited == "minor"
        told = scope.run(
            "SELECT message ->> 'code', urgent FROM notices WHERE tenant_id = :t", t=here.tenant_id
        ).all()
    assert told == [("asset.suspected", True)]


def test_missed_inspection_waits_for_member_or_classifier(here: World) -> None:
    medium = rated(here, ("rule:drawn", Rating.G))
    assert reasons(here, medium) == set()
    with here.scope() as scope:
        inspections.record_classifier_missing(scope, medium.sha256)
        inspections.record_classifier_missing(scope, medium.sha256)
        assert inspections.needs_inspection(scope, medium.sha256)
    assert reasons(here, medium) == {Reason.CLASSIFIER_UNAVAILABLE}
    other = rated(here, ("rule:drawn", Rating.G))
    with here.scope() as scope:
        inspections.record_classifier_missing(scope, other.sha256)
    say(here, medium, EYES, Rating.G)
    say(here, other, f"member:{here.ann}", Rating.G)
    assert reasons(here, medium) == reasons(here, other) == set()
    with here.scope() as scope:
        assert not inspections.needs_inspection(scope, medium.sha256)


def approve(here: World, medium: Medium) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_bytes(scope, medium.sha256, verdict="approve")


def rate_again(here: World, medium: Medium) -> None:
    say(here, medium, f"member:{here.rob}", Rating.S)


@pytest.mark.parametrize("answer", [approve, rate_again])
def test_finding_above_two_members_holds_once(
    here: World, answer: Callable[[World, Medium], None]
) -> None:
    two = ((f"member:{here.ann}", Rating.G), (f"member:{here.rob}", Rating.G))
    medium = rated(here, *two, person=True)
    assert reasons(here, medium) == set()
    say(here, medium, EYES, Rating.S)
    assert reasons(here, medium) == {Reason.CLASSIFIER_CONFLICT}
    answer(here, medium)
    assert reasons(here, medium) == set()
    assert effective(here, medium) is Rating.S
    say(here, medium, "classifier:tiles@2", Rating.S)
    assert reasons(here, medium) == set()


def test_finding_above_one_member_holds_nothing(here: World) -> None:
    medium = rated(here, (f"member:{here.ann}", Rating.G), (EYES, Rating.S), person=True)
    assert reasons(here, medium) == set()


def test_classifier_counts_people(here: World) -> None:
    medium = rated(here, (f"member:{here.ann}", Rating.G), person=True)
    say(here, medium, EYES, Rating.G, people=1)
    assert reasons(here, medium) == set()
    say(here, medium, EYES, Rating.G, people=2)
    assert reasons(here, medium) == {Reason.PERSON_UNRESOLVED}
    say(here, medium, EYES, Rating.G, people=0)
    assert reasons(here, medium) == {Reason.PERSON_UNRESOLVED}, (
        "a lower count does not replace an earlier one"
    )


def test_text_in_picture_is_rated_and_stored_for_replay(here: World) -> None:
    medium = rated(here, (f"member:{here.ann}", Rating.G))
    say(here, medium, EYES, Rating.G, words=["hello", "EXPLICIT-MARKER-A"])
    say(here, medium, EYES, Rating.G, words=["hello", "again"])
    found = reasons(here, medium, surface="sandbox.as_instagram")
    assert Reason.RATING_EXCEEDS_SURFACE in found
    with here.scope() as scope:
        stored = scope.run(
            "SELECT words FROM inspections WHERE words <> '[]' AND sha256 = :s", s=medium.sha256
        ).scalar_one()
        assert stored == ["hello", "EXPLICIT-MARKER-A", "again"]
        judged = issuance.judge_unit(scope, unit(here, media=[medium]), author=f"member:{here.ann}")
    with here.scope() as scope:
        inputs = scope.run("SELECT snapshot FROM decision_inputs").scalars().all()
        assert any("EXPLICIT-MARKER-A" in each for each in inputs), (
            "recognized text is part of the decision inputs"
        )
    assert judged.rating is Rating.E


def test_hidden_preview_waits_for_another_member(here: World) -> None:
    medium = rated(here, (f"member:{here.ann}", Rating.G))
    with here.scope() as scope:
        inspections.record_file_inspection(scope, medium.sha256, hidden=True)
        inspections.record_file_inspection(scope, medium.sha256, hidden=False)
    assert reasons(here, medium) == {Reason.CONTAINER_HIDDEN_CONTENT}
    approve(here, medium)
    assert reasons(here, medium) == set()


def turned(medium_hash: str, *, bits: int) -> str:
    return f"{int(medium_hash, 16) ^ (1 << bits) - 1:016x}"


UPRIGHT, MIRRORED = "00ff13579bdf2468", "a5a53c3c0f0f6996"


@pytest.mark.parametrize(("bits", "answer"), [(0, "near"), (8, "near"), (12, "close"), (13, "")])
@pytest.mark.parametrize("first", ["blocked first", "uploaded first"])
def test_blocked_picture_is_matched_after_rotation(
    here: World, bits: int, answer: str, first: str
) -> None:
    other = turned(MIRRORED, bits=bits)
    with here.scope() as scope:
        gone = picture(scope, here, phash=UPRIGHT)
        inspections.record_file_inspection(
            scope, gone.sha256, hidden=False, turned=["ffffffff00000000", MIRRORED]
        )
        if first == "uploaded first":
            back = picture(scope, here, phash=other)
            inspections.record_file_inspection(
                scope, back.sha256, hidden=False, turned=[turned(UPRIGHT, bits=bits)]
            )
        recall.block_bytes(scope, gone.sha256, category="shown", phash=UPRIGHT)
        if first == "blocked first":
            back = picture(scope, here, phash=other)
            inspections.record_file_inspection(
                scope, back.sha256, hidden=False, turned=[turned(UPRIGHT, bits=bits)]
            )
    assert reasons(here, back) == ({Reason.BLOCKLIST_NEAR} if answer else set())
    with here.scope() as scope:
        asked = issuance.preview_decision(
            scope, unit(here, media=[back]), author=f"member:{here.ann}"
        )
    assert str(asked.verdict) == {"near": "B", "close": "H", "": "A"}[answer]


def test_block_lifted_on_appeal_matches_nothing(here: World) -> None:
    with here.scope() as scope:
        gone, other = (
            picture(scope, here, phash=UPRIGHT),
            picture(scope, here, phash="0123456789abcdef"),
        )
        for one, look in ((gone, MIRRORED), (other, "fedcba9876543210")):
            inspections.record_file_inspection(scope, one.sha256, hidden=False, turned=[look])
        back, still = (
            picture(scope, here, phash=MIRRORED),
            picture(scope, here, phash="fedcba9876543210"),
        )
        for one, look in ((back, UPRIGHT), (still, "0123456789abcdef")):
            inspections.record_file_inspection(scope, one.sha256, hidden=False, turned=[look])
        asked = {"creator_id": here.creator_id, "category": "shown", "named": "n", "source": "s"}
        receipt = removal_requests.receive_removal_request(scope, **asked, digests=[gone.sha256])
        recall.block_bytes(scope, other.sha256, category="shown", phash="0123456789abcdef")
    with here.scope(f"member:{here.ann}") as scope:
        found = removal_requests.find_status_by_receipt(scope, receipt).id
        removal_requests.uphold_removal_request(scope, found)
    assert reasons(here, back) == reasons(here, still) == {Reason.BLOCKLIST_NEAR}
    with here.scope(f"member:{here.ann}") as scope:
        appeal = appeals.submit_agency_appeal(scope, found, words="All of us agreed.")
    decided = AppealDecided(here.tenant_id, appeal, "agreed", f"member:{here.rob}")
    appeals.handle_appeal_decision(decided, tenant=here.open)
    assert reasons(here, gone) == reasons(here, back) == set()
    assert reasons(here, still) == {Reason.BLOCKLIST_NEAR}


def test_findings_require_classifier_and_known_bytes(here: World) -> None:
    medium = rated(here)
    with here.scope() as scope:
        for source in ("member:7", "rule:x", "classifier@1", ""):
            with pytest.raises(BadInput):
                inspections.record_classifier_finding(
                    scope, medium.sha256, source=source, rating=Rating.G
                )
        with pytest.raises(NotFound):
            inspections.record_classifier_finding(scope, "0" * 64, source=EYES, rating=Rating.G)
        with pytest.raises(NotFound):
            inspections.record_classifier_missing(scope, "0" * 64)


def test_finding_invalidates_earlier_approvals(here: World) -> None:
    medium = rated(here, (f"member:{here.ann}", Rating.G))
    with here.scope() as scope:
        key = f"{here.tenant_id}:asset:{asset_of(scope, medium)}"
        before = scope.run("SELECT value FROM epochs WHERE key = :k", k=key).scalar_one()
        inspections.record_classifier_missing(scope, medium.sha256)
        assert scope.run("SELECT value FROM epochs WHERE key = :k", k=key).scalar_one() > before


def test_classifier_status_counts_missed_inspections(here: World, tenant: OpenScope) -> None:
    with here.scope() as scope:
        assert inspections.classifier_status(scope) == ClassifierStatus("", None, 0)
        first, second, third = (picture(scope, here, Rating.G) for _ in range(3))
        inspections.record_file_inspection(scope, first.sha256, hidden=False)
    with here.scope() as scope:
        for each in (first, second, third):
            inspections.record_classifier_missing(scope, each.sha256)
        assert inspections.classifier_status(scope) == ClassifierStatus("", None, 3)
    say(here, first, "classifier:old@1", Rating.G)
    say(here, second, EYES, Rating.G)
    with here.scope() as scope:
        found = inspections.classifier_status(scope)
        assert (found.version, found.missed) == ("tiles@1", 1)
        assert (
            found.at
            == scope.run(
                "SELECT max(created_at) FROM inspections WHERE source = :eyes", eyes=EYES
            ).scalar()
        )
    other = world(tenant, uuid7())
    with other.scope() as scope:
        assert inspections.classifier_status(scope) == ClassifierStatus("", None, 0)
