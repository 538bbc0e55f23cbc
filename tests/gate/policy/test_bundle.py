"""Policies as data: borrowed rows, expiry, caps and unknown destinations."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
import yaml

from gate.contract.units import Rating, Verdict
from gate.decision.unit_rules import required_flags
from gate.policy import bundle
from gate.text import lexicon

TODAY = date(2026, 11, 20)
WHOLE = bundle.shipped_bundle()


def letters(platform: str, surface: str, *, on: date = TODAY, **choice: str) -> str:
    # literals passed by keyword
    found = WHOLE.row(platform, surface, on=on, **choice)  # type: ignore[arg-type]  # see above
    return "/".join(found.verdict(rating) for rating in Rating)


@pytest.mark.parametrize(
    ("platform", "surface", "expected"),
    [
        ("sandbox", "sandbox.post", "A/A/F/F/B"),
        ("sandbox", "chat", "A/A/F/F/B"),
        ("sandbox", "sandbox.profile", "A/H/B/B/B"),
        ("sandbox", "sandbox.as_x", "A/A/F/F/B"),
        ("sandbox", "sandbox.as_instagram", "A/H/B/B/B"),
        ("sandbox", "sandbox.as_telegram", "A/A/B/B/B"),
        ("sandbox", "sandbox.as_fanvue", "A/A/F/F/B"),
        ("own_page", "public", "A/A/B/B/B"),
        ("own_page", "feed", "A/A/B/B/B"),
        ("own_page", "assured", "A/A/F/F/B"),
        ("tiktok", "post", "A/B/B/B/B"),
        ("byhand", "byhand.fansly", "H/H/H/H/B"),
        ("x", "community_note", "H/B/B/B/B"),
        ("nowhere", "post", "H/B/B/B/B"),
        ("own_page", "sandbox.post", "H/B/B/B/B"),
    ],
)
def test_destination_allows_verdicts_of_its_row(platform: str, surface: str, expected: str) -> None:
    assert letters(platform, surface) == expected


def test_kind_of_unit_selects_borrowed_row() -> None:
    assert letters("sandbox", "sandbox.as_x", place="text") == "A/A/H/H/B"
    assert letters("x", "x.post", place="text") == "A/A/H/H/B"
    assert letters("sandbox", "sandbox.as_telegram", place="chat") == "A/A/F/F/B"
    assert letters("byhand", "onlyfans", people="real") == "A/A/F/F/B"
    assert letters("byhand", "onlyfans", people="synthetic") == "B/B/B/B/B"
    assert letters("byhand", "onlyfans") == "B/B/B/B/B"


def test_rules_expire_in_steps_except_own() -> None:
    assert letters("x", "post", on=date(2027, 2, 18)) == "A/A/F/F/B"
    assert letters("x", "post", on=date(2027, 2, 19)) == "A/A/H/H/B"
    assert letters("x", "post", on=date(2027, 4, 19)) == "A/A/H/H/B"
    assert letters("x", "post", on=date(2027, 4, 20)) == "A/H/H/H/B"
    assert letters("byhand", "x", on=date(2027, 2, 19)) == "A/A/H/H/B"
    assert letters("sandbox", "sandbox.as_x", on=date(2030, 1, 1)) == "A/A/F/F/B"
    assert WHOLE.row("x", "post", on=date(2027, 2, 19)).stale == {Rating.N, Rating.E}


def test_no_row_loosens_with_time_or_rating() -> None:
    for name, raw in WHOLE.rows.items():
        before = None
        for on in (TODAY, date(2027, 2, 19), date(2027, 4, 20), date(2028, 1, 1)):
            ranks = [WHOLE.row(raw.platform, name, on=on).verdict(rating).rank for rating in Rating]
            assert ranks == sorted(ranks), name
            assert before is None or all(
                now >= then for now, then in zip(ranks, before, strict=True)
            ), name
            before = ranks


def test_unverified_rows_hold_nudity() -> None:
    for name, raw in WHOLE.rows.items():
        if raw.verified is not None and raw.verified.verdicts == "unverified":
            assert WHOLE.row(raw.platform, name, on=TODAY).verdict(Rating.N).rank >= Verdict.H.rank


def test_flags_match_request_fields() -> None:
    place = WHOLE.row("sandbox", "post", on=TODAY)
    assert required_flags(place, Rating.G, ai=False) == ()
    assert required_flags(place, Rating.N, ai=True) == ("adult=true", "ai=true")
    assert required_flags(WHOLE.row("fanvue", "post", on=TODAY), Rating.N, ai=True) == (
        "audience=subscribers",
    )
    assert (
        required_flags(WHOLE.row("telegram", "public_channel", on=TODAY), Rating.S, ai=False) == ()
    )


def test_unknown_jurisdiction_requires_highest_assurance() -> None:
    assert {WHOLE.required_assurance(where) for where in ("", "XX", "FR")} == {"L4"}


@pytest.mark.parametrize(
    "breach",
    [
        lambda rows: rows[0].pop("verdicts"),
        lambda rows: rows[0]["verdicts"].pop("E"),
        lambda rows: rows[0].update(verdicts={"G": "H", "S": "A", "N": "F", "E": "F"}),
        lambda rows: rows[0].update(id="x.text"),
        lambda rows: rows[0].pop("review_by"),
        lambda rows: rows[0].update(viewer="somebody"),
        lambda rows: rows.append(
            {"id": "q.q", "platform": "q", "surface": "q", "same_as": ["no.row"]}
        ),
    ],
    ids=[
        "no verdicts",
        "missing rating",
        "higher rating looser",
        "duplicate row",
        "no review date",
        "viewer",
        "unknown source row",
    ],
)
def test_invalid_matrix_is_rejected(breach, tmp_path: Path) -> None:
    content = yaml.safe_load(bundle.SHIPPED_MATRIX_PATH.read_text("utf-8"))
    breach(content["rows"])
    path = tmp_path / "matrix.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(ValueError):  # noqa: PT011  raised by pydantic or by the loader
        bundle.load_bundle(path, lexicon.shipped_lexicon())


def test_release_of_own_pictures_requires_legal_source(tmp_path: Path) -> None:
    """A matrix that allows it without counsel, source and review date is rejected entirely."""
    content = yaml.safe_load(bundle.SHIPPED_MATRIX_PATH.read_text("utf-8"))
    assert [row["own_likeness"] for row in content["production"]] == [False] * len(
        content["production"]
    )
    content["production"][0].update(own_likeness=True)
    path = tmp_path / "matrix.yaml"
    path.write_text(yaml.safe_dump(content), "utf-8")
    with pytest.raises(ValueError, match="own_likeness"):
        bundle.load_bundle(path, lexicon.shipped_lexicon())


def test_installation_terms_extend_lexicon(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text("terms: {explicit: [PRIVATE-WORD-B], nudity: [bare]}\n", "utf-8")
    words = lexicon.load_lexicon(lexicon.SHIPPED_LEXICON_PATH, over=own)
    assert words.digest != lexicon.shipped_lexicon().digest
    from gate.text.text_rating import rate_texts

    assert rate_texts(["p r i v a t e word b"], lexicon=words, today=TODAY).rating is Rating.E
    assert rate_texts(["b4re"], lexicon=words, today=TODAY).rating is Rating.N
    assert rate_texts(["I can barely see"], lexicon=words, today=TODAY).rating is Rating.G


def test_changed_policy_requires_new_version() -> None:
    """`gate/policy/versions.txt` records the digest of each version, so that a version never has
    two meanings."""
    lines = (bundle.SHIPPED_MATRIX_PATH.parent / "versions.txt").read_text("utf-8").splitlines()
    listed = [line.split() for line in lines if not line.startswith("#")]
    numbers = [replace(WHOLE, version=version).number for version, _ in listed]
    assert numbers == sorted(set(numbers)), "each version is newer than the one before"
    assert listed[-1] == [WHOLE.version, WHOLE.digest], (
        "the policy changed: increase bundle_version and add a line"
    )
    other = bundle.parse_bundle(bundle.SHIPPED_MATRIX_PATH.read_bytes() + b"#\n", WHOLE.lexicon)
    assert listed[-1] != [other.version, other.digest], "any additional character is detected"
