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
    "nobody": ([], AggregatedRating(None)),
    "only a machine that advises": ([rated("G", FIRST_MACHINE)], AggregatedRating(None)),
    "only the words it was made from": ([rated("E", DECLARED_WORDS_SOURCE)], AggregatedRating(None)),
    "the words go above a person, and are no second classifier": (
        [rated("G", ONE), rated("E", DECLARED_WORDS_SOURCE), rated("G", FIRST_MACHINE)],
        AggregatedRating(Rating.E, by_person=True),
    ),
    "never allowed, whoever says it": ([rated("X", FIRST_MACHINE)], AggregatedRating(Rating.X, "category")),
    "a rule": ([rated("S", "rule:name")], AggregatedRating(Rating.S)),
    "a person": ([rated("N", ONE)], AggregatedRating(Rating.N, by_person=True)),
    "the highest": ([rated("S", ONE), rated("N", FIRST_MACHINE), rated("G", TWO)], AggregatedRating(Rating.N, by_person=True)),
    "what it was made from": (
        [rated("G", ONE), rated("E", ONE, of="b" * 64, depth=1)], AggregatedRating(Rating.S, by_person=True)
    ),
    "a part of the same asset": (
        [rated("G", ONE), rated("N", ONE, of="b" * 64)], AggregatedRating(Rating.N, by_person=True)
    ),
    "made from what is suggestive": (
        [rated("G", ONE), rated("S", TWO, of="b" * 64, depth=1)], AggregatedRating(Rating.S, by_person=True)
    ),
    "only its family was rated": ([rated("E", ONE, of="b" * 64, depth=1)], AggregatedRating(None)),
    "made from what is never allowed": (
        [rated("G", ONE), rated("X", ONE, of="b" * 64, depth=2, code="prohibited.minor")], AggregatedRating(Rating.X, "minor")
    ),
    "a machine above two people": (
        [rated("S", ONE), rated("S", TWO, 1), rated("E", FIRST_MACHINE, 2)], RAISED
    ),
    "said again later": (
        [rated("S", ONE), rated("S", TWO, 1), rated("N", FIRST_MACHINE, 2), rated("E", FIRST_MACHINE, 3)], RAISED
    ),
    "a person since": (
        [rated("S", ONE), rated("S", TWO, 1), rated("E", FIRST_MACHINE, 2), rated("S", THREE, 3)], SETTLED
    ),
    "above one person": ([rated("S", ONE), rated("E", FIRST_MACHINE, 2)], SETTLED),
    "one person twice": ([rated("S", ONE), rated("S", ONE, 1), rated("E", FIRST_MACHINE, 2)], SETTLED),
    "no higher than two people": (
        [rated("E", ONE), rated("S", TWO, 1), rated("E", FIRST_MACHINE, 2)], SETTLED
    ),
    "machines far apart": (
        [rated("G", "rule:r"), rated("G", FIRST_MACHINE), rated("N", SECOND_MACHINE)], AggregatedRating(Rating.N, unsettled=True)
    ),
    "machines a step apart": (
        [rated("G", "rule:r"), rated("S", FIRST_MACHINE), rated("N", SECOND_MACHINE)], AggregatedRating(Rating.N)
    ),
    "a person as high as the highest": (
        [rated("N", ONE), rated("G", FIRST_MACHINE), rated("N", SECOND_MACHINE)], AggregatedRating(Rating.N, by_person=True)
    ),
    "a person not as high": (
        [rated("S", ONE), rated("G", FIRST_MACHINE), rated("N", SECOND_MACHINE)],
        AggregatedRating(Rating.N, unsettled=True, by_person=True),
    ),
    "two versions of one machine": (
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
