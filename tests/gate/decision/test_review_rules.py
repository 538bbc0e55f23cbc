"""Review rules, pure: reviewer agreement, lowered ratings, resemblances and declarations."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from foundation.ids import derived_uuid
from gate.contract.facts import (
    DeclarationFacts,
    DepictionFacts,
    FaceComparisonFacts,
    ResemblanceFacts,
    ReviewFacts,
)
from gate.contract.reasons import Reason
from gate.contract.units import Rating, Text
from gate.decision import resemblance_rules
from gate.people.synthetic_person_declarations import (
    DeclaredSource,
    LookResult,
    declaration_facts,
    is_cleared,
    look_agreement,
    parse_looks,
    source_digest,
)
from gate.ratings.lowered_ratings import (
    LoweringVote,
    agreeing_principals,
    is_same_human,
    parse_votes,
    required_votes,
)
from gate.reviews.calibration import cohen_kappa, final_rating
from tests.gate.decision.test_decide import (
    ANN,
    NOW,
    PREAL,
    PSYN,
    REAL,
    REVIEW,
    SYNTHETIC,
    known,
    said,
    snapshot,
    unit,
)

ROB, CY = derived_uuid("rob"), derived_uuid("cy")
MOMENT = timedelta(microseconds=1)


def suggestive(**changes: Any) -> Any:
    """Return an unreviewed Suggestive picture of a synthetic person."""
    return known(Rating.S, SYNTHETIC, **{"reviews": (), **changes})


def whole(**changes: Any) -> Any:
    return unit(flags=(), **changes)


# ------------------------------------------------------------------ reviewer disagreement
CALIBRATED: dict[str, tuple[Any, Any, set[str]]] = {
    "agree": (snapshot(suggestive(), persons=(SYNTHETIC,)), whole(), set()),
    "differ": (snapshot(suggestive(), persons=(SYNTHETIC,), uncalibrated=True), whole(), {"CALIBRATION_LOW"}),
    "bytes reviewed": (
        snapshot(suggestive(reviews=(REVIEW,)), persons=(SYNTHETIC,), uncalibrated=True), whole(), set(),
    ),
    "post reviewed": (
        snapshot(suggestive(), persons=(SYNTHETIC,), uncalibrated=True, reviews=(REVIEW,)), whole(), set(),
    ),
    "reviewed by author": (
        snapshot(suggestive(reviews=(replace(REVIEW, principal=ANN),)), persons=(SYNTHETIC,), uncalibrated=True),
        whole(), {"CALIBRATION_LOW"},
    ),
    "text": (
        snapshot(persons=(), uncalibrated=True), whole(media=(), texts=(Text("body", "SUGGESTIVE-MARKER-A"),)),
        {"CALIBRATION_LOW"},
    ),
    "text next to reviewed bytes": (
        snapshot(suggestive(reviews=(REVIEW,)), persons=(SYNTHETIC,), uncalibrated=True),
        whole(texts=(Text("body", "SUGGESTIVE-MARKER-A"),)), {"CALIBRATION_LOW"},
    ),
    "general": (snapshot(persons=(), uncalibrated=True), whole(media=()), set()),
}  # fmt: skip


@pytest.mark.parametrize("name", CALIBRATED)
def test_disagreeing_reviewers_require_review_above_general(name: str) -> None:
    facts, post, reasons = CALIBRATED[name]
    assert said(facts, post) == ("H" if reasons else "A", reasons)


# ------------------------------------------------------------------ lowered ratings
@pytest.mark.parametrize(("changes", "facts", "reasons"), [
    ({"lowered_by": (ROB,)}, {}, set()),
    ({"lowered_own": True}, {}, {"RATING_LOWERING_INVALID"}),
    ({"lowered_own": True}, {"reviews": (replace(REVIEW, principal=CY),)}, set()),
    ({"lowered_by": (ROB,)}, {"author": "", "author_principal": None}, {"RATING_LOWERING_INVALID"}),
    ({"lowering_void": True}, {}, set()),
])  # fmt: skip
def test_lowered_rating_requires_agreement_of_another_member(
    changes: dict[str, Any], facts: dict[str, Any], reasons: set[str]
) -> None:
    found = said(snapshot(suggestive(**changes), persons=(SYNTHETIC,), **facts), whole())[1]
    assert {str(one) for one in found} & {"RATING_LOWERING_INVALID"} == reasons


def test_void_lowering_counts_only_if_review_is_required() -> None:
    there = whole(surface="sandbox.as_instagram")
    assert (
        Reason.RATING_LOWERING_INVALID
        not in said(snapshot(suggestive(), persons=(SYNTHETIC,)), there)[1]
    )
    nude = known(Rating.N, SYNTHETIC, lowering_void=True)
    assert Reason.RATING_LOWERING_INVALID in said(snapshot(nude, persons=(SYNTHETIC,)), there)[1]


def test_lowering_requires_two_votes_for_nudity_and_one_otherwise() -> None:
    assert [required_votes(one) for one in (Rating.G, Rating.S, Rating.N, Rating.E)] == [1, 1, 2, 2]
    a, b, c = LoweringVote(ANN, True), LoweringVote(ROB, True), LoweringVote(CY, True)

    def found(
        *said_: LoweringVote, barred: Sequence[UUID] = (), count: int = 2, **same: Any
    ) -> set[UUID]:
        return set(
            agreeing_principals(said_, barred=barred, same=same.get("same", {}), count=count)
        )

    assert found(a, b) == {ANN, ROB}
    assert found(a) == found(a, a) == set()
    assert found(a, b, c) == {ANN, ROB, CY}
    assert found(a, b, barred=(ROB,)) == set()
    assert found(a, b, c, barred=(ROB,)) == {ANN, CY}
    assert found(a, b, LoweringVote(CY, False)) == set(), "one refusal ends the request"
    assert found(LoweringVote(ANN, False), a, b) == {ANN, ROB}, "the last vote counts"
    assert found(a, b, LoweringVote(ANN, False)) == set()
    assert found(a, LoweringVote(ROB, True, 94)) == set()
    assert found(a, LoweringVote(ROB, True, 95)) == {ANN, ROB}
    assert (
        found(a, b, same={ANN: frozenset({ROB})})
        == found(a, b, same={ROB: frozenset({ANN})})
        == set()
    )
    assert found(a, b, c, same={ANN: frozenset({ROB})}) == {ANN, ROB, CY}
    assert found(a, b, barred=(CY,), same={CY: frozenset({ANN})}) == set()
    assert found(a, count=1) == {ANN}
    assert is_same_human(ANN, [ROB, ANN], {})
    assert not is_same_human(ANN, [ROB], {})
    assert is_same_human(ANN, [ROB], {ROB: frozenset({ANN})})
    assert parse_votes(None) == []
    assert parse_votes([(str(ANN), "approve", 90), (str(ROB), "refuse", 100)]) == [
        LoweringVote(ANN, True, 90),
        LoweringVote(ROB, False),
    ]


# ------------------------------------------------------------------ resemblances
LIKE = FaceComparisonFacts(wanted=True, searched=True, resembles=(ResemblanceFacts(PREAL),))
OTHERS = tuple(ReviewFacts(derived_uuid(name), True, 100, NOW) for name in ("x", "y"))


def like(*said_: ReviewFacts, person: UUID | None = PREAL) -> FaceComparisonFacts:
    return replace(LIKE, resembles=(ResemblanceFacts(person, said_),))


ALIKE: dict[str, tuple[Any, tuple[Any, ...], Rating, set[str]]] = {
    "resembles real person": ({"likeness": LIKE}, (SYNTHETIC,), Rating.S, {"LIKENESS_REAL_PERSON"}),
    "one member disagrees": ({"likeness": like(OTHERS[0])}, (SYNTHETIC,), Rating.S, {"LIKENESS_REAL_PERSON"}),
    "two members disagree": ({"likeness": like(*OTHERS)}, (SYNTHETIC,), Rating.S, set()),
    "one of two is the author": (
        {"likeness": like(OTHERS[0], replace(OTHERS[1], principal=ANN))}, (SYNTHETIC,), Rating.S,
        {"LIKENESS_REAL_PERSON"},
    ),
    "one of two counts as the author": (
        {"likeness": like(OTHERS[0], replace(OTHERS[1], own=True))}, (SYNTHETIC,), Rating.S, {"LIKENESS_REAL_PERSON"},
    ),
    "third member agrees": (
        {"likeness": like(*OTHERS, replace(OTHERS[0], principal=CY, approves=False))}, (SYNTHETIC,), Rating.S,
        {"LIKENESS_REAL_PERSON"},
    ),
    "agreement withdrawn": (
        {"likeness": like(replace(OTHERS[0], approves=False, at=NOW - MOMENT), *OTHERS)}, (SYNTHETIC,), Rating.S, set(),
    ),
    "by AI mark only": ({"likeness": LIKE, "ai": "generated"}, (REAL,), Rating.S, {"LIKENESS_REAL_PERSON"}),
    "photograph that names the person": ({"likeness": LIKE}, (REAL,), Rating.S, set()),
    "photograph of another person": (
        {"likeness": like(person=CY)}, (REAL,), Rating.S, {"PERSON_UNRESOLVED"},
    ),
    "one member disagrees, photograph": ({"likeness": like(OTHERS[0], person=CY)}, (REAL,), Rating.S, set()),
    "banned person": ({"likeness": like(person=None)}, (REAL,), Rating.S, {"LIKENESS_REAL_PERSON"}),
    "one member disagrees, banned person": (
        {"likeness": like(OTHERS[0], person=None)}, (REAL,), Rating.S, {"LIKENESS_REAL_PERSON"},
    ),
    "one of two resemblances ruled out": (
        {"likeness": FaceComparisonFacts(True, True, (ResemblanceFacts(CY, OTHERS), ResemblanceFacts(PREAL)))}, (SYNTHETIC,), Rating.S,
        {"LIKENESS_REAL_PERSON"},
    ),
    "two members disagree, banned person": ({"likeness": like(*OTHERS, person=None)}, (REAL,), Rating.S, set()),
}  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_resembled_person_must_be_named_or_ruled_out(name: str) -> None:
    changes, persons, rating, reasons = ALIKE[name]
    medium = known(rating, persons[0], **changes)
    found = said(snapshot(medium, persons=persons), whole())[1]
    assert {str(one) for one in found} & {"LIKENESS_REAL_PERSON", "PERSON_UNRESOLVED"} == reasons


@pytest.mark.parametrize(("rating", "verdict"), [(Rating.S, "H"), (Rating.N, "B"), (Rating.E, "B")])
def test_resemblance_blocks_nudity(rating: Rating, verdict: str) -> None:
    flags = () if rating is Rating.S else ("adult=true",)
    facts = snapshot(known(rating, SYNTHETIC, likeness=LIKE), persons=(SYNTHETIC,))
    assert said(facts, unit(flags=flags)) == (verdict, {Reason.LIKENESS_REAL_PERSON})


@pytest.mark.parametrize(("of_medium", "of_person", "rating", "missing"), [
    (FaceComparisonFacts(True, True), None, Rating.N, False),
    (FaceComparisonFacts(True, False), None, Rating.N, True),
    (FaceComparisonFacts(False, False), None, Rating.N, False),
    (FaceComparisonFacts(True, False), None, Rating.S, False),
    (FaceComparisonFacts(), FaceComparisonFacts(True, False), Rating.N, True),
    (FaceComparisonFacts(), FaceComparisonFacts(True, True), Rating.N, False),
])  # fmt: skip
def test_synthetic_person_is_compared_before_nudity_is_published(
    of_medium: FaceComparisonFacts,
    of_person: FaceComparisonFacts | None,
    rating: Rating,
    missing: bool,
) -> None:
    who = replace(SYNTHETIC, likeness=of_person)
    found = said(snapshot(known(rating, who, likeness=of_medium), persons=(who,)))[1]
    assert (Reason.LIKENESS_UNSEARCHED in found) is missing
    real = said(snapshot(known(rating, likeness=FaceComparisonFacts(True, False))))[1]
    assert Reason.LIKENESS_UNSEARCHED not in real, "photographs of real people are not compared"


def test_digital_twin_and_references_count_as_their_person() -> None:
    twin = replace(REAL, id=PSYN, kind="digital_twin", twin_of=PREAL)
    for ai in ("none", "generated"):
        assert (
            Reason.LIKENESS_REAL_PERSON
            not in said(
                snapshot(known(Rating.S, twin, likeness=LIKE, ai=ai), persons=(twin,)), whole()
            )[1]
        )
    other = replace(twin, twin_of=CY)
    medium = known(Rating.S, other, likeness=LIKE, ai="generated")
    assert Reason.LIKENESS_REAL_PERSON in said(snapshot(medium, persons=(other,)), whole())[1]
    after = replace(SYNTHETIC, likeness=LIKE)
    assert Reason.LIKENESS_REAL_PERSON in said(snapshot(suggestive(), persons=(after,)), whole())[1]
    proposed = known(Rating.S, None, shown=(DepictionFacts(PSYN, "proposed"),))
    assert Reason.LIKENESS_REAL_PERSON not in said(snapshot(proposed, persons=(after,)), whole())[1]
    assert resemblance_rules.is_synthetic(suggestive(), [SYNTHETIC])
    assert not resemblance_rules.is_synthetic(suggestive(), [REAL])
    assert resemblance_rules.has_enough_reviewers([], needed=0)
    assert not resemblance_rules.has_enough_reviewers([], needed=1)


# ------------------------------------------------------------------ declarations and agreement
def test_declaration_requires_two_reviews_without_doubts() -> None:
    clear = [LookResult(who, False, (), 12) for who in (ROB, CY)]
    assert is_cleared(clear, ANN)
    assert not is_cleared(clear[:1], ANN)
    assert not is_cleared([*clear[:1], LookResult(ANN, False, (), 12)], ANN), (
        "the declaring member does not count"
    )
    assert not is_cleared([*clear, LookResult(PSYN, True, (), 12)], ANN)
    assert not is_cleared([*clear, LookResult(PSYN, False, ("a",), 12)], ANN)
    stored = [[str(ROB), False, [], 12], [str(CY), False, [], 12]]
    row = {
        "looks": stored,
        "lost": False,
        "adult_licence": True,
        "declared_by": str(ANN),
        "sources": [{"part": "adapter", "name": "b"}, {"part": "model", "name": "a"}],
    }
    assert declaration_facts(row) == DeclarationFacts(True, True, ("a",))
    assert declaration_facts(row | {"looks": None}) == DeclarationFacts(True, False, ("a",))
    assert declaration_facts(row | {"adult_licence": False}) == DeclarationFacts(
        False, True, ("a",)
    )
    assert declaration_facts(row | {"lost": True}) is None
    assert declaration_facts(row | {"looks": [[str(ROB), True, [], 12]]}) is None
    assert declaration_facts(None) is None
    assert parse_looks(None) == ()
    pinned = source_digest([DeclaredSource("model", "a", "", "CC0", True)], ["b", "a"])
    assert pinned == "8b05b069ed19be17f732a32dbc85c1d57ea8dfa109b86d245aaf22aa3bd02c8d", (
        "existing declarations depend on this digest"
    )
    assert (
        source_digest([], ["b", "a"]) == source_digest([], ["a", "b"]) != source_digest([], ["a"])
    )


def test_reviewer_agreement_is_corrected_for_chance() -> None:
    def look(*doubts: str, tiles: int = 4) -> LookResult:
        return LookResult(ROB, False, doubts, tiles)

    assert look_agreement(look("a"), look("a")) == 1
    assert look_agreement(look("a"), look("b")) == pytest.approx((0.5 - 0.625) / 0.375)
    assert look_agreement(look("a", "b"), look("a")) == pytest.approx((0.75 - 0.5) / 0.5)
    assert look_agreement(look(), look()) is None
    assert look_agreement(look("a", "b", "c", "d"), look("a", "b", "c", "d")) is None
    assert look_agreement(look(tiles=0), look()) is None
    assert look_agreement(look("a", "b", tiles=2), look("c", tiles=9)) is None, (
        "more doubts than pictures"
    )
    one = {"a": Rating.G, "b": Rating.S, "c": Rating.N, "z": Rating.E}
    assert cohen_kappa(one, {"a": Rating.G, "b": Rating.S, "c": Rating.N}) == 1
    assert cohen_kappa(one, {"a": Rating.S, "b": Rating.N, "c": Rating.G}) < 0
    assert final_rating([Rating.S, Rating.N]) is Rating.N
