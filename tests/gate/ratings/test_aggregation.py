"""Aggregation of all ratings of some bytes into one, in any order; and the format of policy
releases."""

import hashlib
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from gate.contract.units import Rating
from gate.policy.signed_release import PolicyRelease, UnsignedRelease, read_release, verify_release
from gate.ratings import aggregation
from gate.ratings.aggregation import DECLARED_WORDS_SOURCE, AggregatedRating
from tests.gate.decision.test_decide import BEFORE
from tests.gate.policy_releases import build_release

SHA = "a" * 64


def rated(
    rating: str,
    source: str,
    minute: int = 0,
    *,
    of: str = SHA,
    depth: int = 0,
    code: str | None = None,
) -> Any:
    at = BEFORE + timedelta(minutes=minute)
    return SimpleNamespace(sha256=of, rating=rating, source=source, depth=depth, code=code, at=at)


ONE, TWO, THREE = (f"member:{name}" for name in ("ann", "rob", "eve"))
FIRST_MACHINE, SECOND_MACHINE = "classifier:one@1", "classifier:two@1"
RAISED = AggregatedRating(Rating.E, by_person=True, raised_at=BEFORE + timedelta(minutes=2))
SETTLED = AggregatedRating(Rating.E, by_person=True)

WEIGHED: dict[str, tuple[list[Any], AggregatedRating]] = {
    "no ratings": ([], AggregatedRating(None)),
    "classifier only": ([rated("G", FIRST_MACHINE)], AggregatedRating(None)),
    "prompt only": ([rated("E", DECLARED_WORDS_SOURCE)], AggregatedRating(None)),
    "prompt above member, not counted as classifier": (
        [rated("G", ONE), rated("E", DECLARED_WORDS_SOURCE), rated("G", FIRST_MACHINE)],
        AggregatedRating(Rating.E, by_person=True),
    ),
    "prohibited by any source": ([rated("X", FIRST_MACHINE)], AggregatedRating(Rating.X, "category")),
    "rule": ([rated("S", "rule:name")], AggregatedRating(Rating.S)),
    "member": ([rated("N", ONE)], AggregatedRating(Rating.N, by_person=True)),
    "highest rating": ([rated("S", ONE), rated("N", FIRST_MACHINE), rated("G", TWO)], AggregatedRating(Rating.N, by_person=True)),
    "adult source": (
        [rated("G", ONE), rated("E", ONE, of="b" * 64, depth=1)], AggregatedRating(Rating.S, by_person=True)
    ),
    "other rendition of the asset": (
        [rated("G", ONE), rated("N", ONE, of="b" * 64)], AggregatedRating(Rating.N, by_person=True)
    ),
    "suggestive source": (
        [rated("G", ONE), rated("S", TWO, of="b" * 64, depth=1)], AggregatedRating(Rating.S, by_person=True)
    ),
    "only source rated": ([rated("E", ONE, of="b" * 64, depth=1)], AggregatedRating(None)),
    "prohibited source": (
        [rated("G", ONE), rated("X", ONE, of="b" * 64, depth=2, code="prohibited.minor")], AggregatedRating(Rating.X, "minor")
    ),
    "classifier above two members": (
        [rated("S", ONE), rated("S", TWO, 1), rated("E", FIRST_MACHINE, 2)], RAISED
    ),
    "repeated classifier finding": (
        [rated("S", ONE), rated("S", TWO, 1), rated("N", FIRST_MACHINE, 2), rated("E", FIRST_MACHINE, 3)], RAISED
    ),
    "later member": (
        [rated("S", ONE), rated("S", TWO, 1), rated("E", FIRST_MACHINE, 2), rated("S", THREE, 3)], SETTLED
    ),
    "classifier above one member": ([rated("S", ONE), rated("E", FIRST_MACHINE, 2)], SETTLED),
    "one member twice": ([rated("S", ONE), rated("S", ONE, 1), rated("E", FIRST_MACHINE, 2)], SETTLED),
    "classifier not above members": (
        [rated("E", ONE), rated("S", TWO, 1), rated("E", FIRST_MACHINE, 2)], SETTLED
    ),
    "classifiers two steps apart": (
        [rated("G", "rule:r"), rated("G", FIRST_MACHINE), rated("N", SECOND_MACHINE)], AggregatedRating(Rating.N, unsettled=True)
    ),
    "classifiers one step apart": (
        [rated("G", "rule:r"), rated("S", FIRST_MACHINE), rated("N", SECOND_MACHINE)], AggregatedRating(Rating.N)
    ),
    "member as high as classifiers": (
        [rated("N", ONE), rated("G", FIRST_MACHINE), rated("N", SECOND_MACHINE)], AggregatedRating(Rating.N, by_person=True)
    ),
    "member below classifiers": (
        [rated("S", ONE), rated("G", FIRST_MACHINE), rated("N", SECOND_MACHINE)],
        AggregatedRating(Rating.N, unsettled=True, by_person=True),
    ),
    "two versions of one classifier": (
        [rated("S", ONE), rated("G", "classifier:one@2"), rated("N", FIRST_MACHINE)], AggregatedRating(Rating.N, by_person=True)
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WEIGHED)
def test_ratings_are_aggregated_in_any_order(name: str) -> None:
    found, expected = WEIGHED[name]
    assert aggregation.aggregate_ratings(SHA, found) == expected
    assert aggregation.aggregate_ratings(SHA, found[::-1]) == expected


def test_release_format_and_signed_digest_are_fixed() -> None:
    release = PolicyRelease("m", "l", (("k", "s"),))
    assert release.to_bytes() == (
        b'{"kind":"greenroom '
        b'policy","lexicon":"l","matrix":"m","signatures":[{"key":"k","signature":"s"}]}'
    )
    said_of_it = b'{"kind":"greenroom policy","lexicon":"l","matrix":"m"}'
    assert release.signed_digest() == hashlib.sha256(said_of_it).digest()
    assert read_release(release.to_bytes()) == release
    for document in (
        b"{",
        b"[]",
        b'{"kind":"other"}',
        release.to_bytes().replace(b'"m"', b"1"),
        b'{"kind":1,"kind":1}',
    ):
        with pytest.raises(UnsignedRelease):
            read_release(document)
    with pytest.raises(UnsignedRelease):
        verify_release(release.to_bytes(), [])


def test_policy_without_date_is_rejected() -> None:
    with pytest.raises(ValueError, match=r"^the version has no date$"):
        build_release("0000.00.00-0").to_bundle()
    with pytest.raises(ValueError, match="invalid version of content policies"):
        build_release("2026.12.01").to_bundle()
    assert build_release("2026.12.01-2").to_bundle().number == 20261201_0002
