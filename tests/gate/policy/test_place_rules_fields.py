"""All fields of the policy of a destination on a day, and of the difference between two versions."""

from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from gate.contract.facts import RuleVerification
from gate.contract.units import Rating, Verdict
from gate.policy import bundle, place_rules
from gate.policy.bundle import VERIFICATION_PERIOD, PlaceRow
from gate.policy.matrix import AiDisclosureRule, MatrixRow
from gate.policy.place_rules import PUBLISHABLE_RATINGS, ChangeDirection, RowChange, RuleChange
from tests.gate.own_release_builders import COUNSEL, build_open_bundle
from tests.gate.policy.test_place_rules import FILE, TODAY, WHOLE, load, with_row
from tests.gate.third_party_packages import build_rule_row as stranger_row

DAY = timedelta(days=1)
NOT_SAID = "x.post has no complete verdicts or no valid viewer mode"


def said(row: PlaceRow) -> str:
    return "".join(row.verdict(rating) for rating in PUBLISHABLE_RATINGS)


def test_unknown_destination_has_default_verdicts_and_strictest_fields() -> None:
    surface, platform = (
        WHOLE.row(*where, on=TODAY) for where in (("x", "nook"), ("nowhere", "post"))
    )
    for found, verdicts in (
        (surface, WHOLE.defaults.unknown_surface), (platform, WHOLE.defaults.unknown_platform),
    ):  # fmt: skip
        assert found == PlaceRow(
            id="unknown", verdicts=found.verdicts, flags={}, ai_flag="", ai_text=True, viewer="product",
            adult_link=Verdict.B, known=False,
        )  # fmt: skip
        assert dict(found.verdicts) == dict(verdicts)
        assert found.verdict(Rating.X) is Verdict.B
        assert found.required_probes(Rating.E) == ()
    assert WHOLE.row("x", "telegram.post", on=TODAY).known is False, (
        "the row belongs to another platform"
    )


def plain(**changes: Any) -> MatrixRow:
    return WHOLE.rows["x.post"].model_copy(update=changes)


def test_incomplete_row_uses_strictest_values() -> None:
    found = WHOLE.row_on_day(
        plain(ai=None, viewer=None, adult_link=None, flags=None, probe=None), TODAY
    )
    assert (found.ai_flag, found.ai_text, found.viewer, found.adult_link) == (
        "",
        True,
        "product",
        Verdict.B,
    )
    assert (dict(found.flags), found.probes, found.stale, found.misread) == (
        {},
        (),
        frozenset(),
        False,
    )
    assert (found.known, found.test_network, found.creator_verified) == (True, False, False)
    by_law = WHOLE.row_on_day(plain(ai=AiDisclosureRule(flag="none", text="jurisdiction")), TODAY)
    assert (by_law.ai_flag, by_law.ai_text) == ("", False)
    wire = WHOLE.row_on_day(plain(ai=AiDisclosureRule(flag="made_with_ai=true")), TODAY)
    assert (wire.ai_flag, wire.ai_text) == ("made_with_ai=true", False)


def test_overdue_rules_tighten_after_their_grace() -> None:
    row = WHOLE.rows["x.post"]
    by = row.review_by
    assert by is not None
    for day, verdicts, stale in (
        (by, "AAFF", set()), (by + 60 * DAY, "AAFF", set()), (by + 61 * DAY, "AAHH", {Rating.N, Rating.E}),
        (by + 180 * DAY, "AAHH", {Rating.N, Rating.E}), (by + 181 * DAY, "AHHH", {Rating.N, Rating.E, Rating.S}),
    ):  # fmt: skip
        found = WHOLE.row_on_day(row, day)
        assert (said(found), set(found.stale), found.misread) == (verdicts, stale, False)
    late = by + 181 * DAY
    read = RuleVerification(
        "x.post", row.digest(), late, late + VERIFICATION_PERIOD, {Rating.S: Verdict.H}
    )
    again = WHOLE.row_on_day(row, late, (read,))
    assert (said(again), set(again.stale), again.misread) == ("AHFF", set(), False)
    for wrong in (
        replace(read, written="0" * 64), replace(read, read_on=late + DAY), replace(read, until=late),
        replace(read, until=late + VERIFICATION_PERIOD + DAY), replace(read, verdicts={Rating.N: Verdict.A}),
    ):  # fmt: skip
        assert not WHOLE.is_verification_valid(wrong, late)
        found = WHOLE.row_on_day(row, late, (wrong,))
        assert (said(found), found.misread) == ("AHHH", True)
    assert WHOLE.is_verification_valid(read, late)
    assert not WHOLE.is_verification_valid(replace(read, row="nowhere.post"), late)
    assert not WHOLE.row_on_day(row, late, (replace(read, row="x.text"),)).misread
    assert WHOLE.overdue_rows("x", "post", on=by) == ()
    assert WHOLE.overdue_rows("x", "x.post", on=by + DAY) == ("x.post", "x.text")
    assert (
        WHOLE.overdue_rows("x", "nook", on=late)
        == WHOLE.overdue_rows("nowhere", "post", on=late)
        == ()
    )
    assert "x.post" in WHOLE.overdue_rows("byhand", "byhand.x", on=by + DAY)


def test_borrowed_rules_are_judged_separately() -> None:
    assert [name for name, _ in WHOLE.source_rows("x", "post", on=TODAY)] == ["x.post"]
    assert [name for name, _ in WHOLE.source_rows("byhand", "x", on=TODAY)] == ["x.post"]
    assert WHOLE.source_rows("x", "nook", on=TODAY) == ()
    (lent,) = WHOLE.source_rows("byhand", "byhand.x", on=TODAY)
    assert said(lent[1]) == said(WHOLE.row("x", "post", on=TODAY))
    assert [name for name, _ in WHOLE.written_rows("x.post")] == ["x.post"]
    assert WHOLE.written_rows("nowhere") == ()
    assert (WHOLE.has_platform("x"), WHOLE.has_platform("nowhere")) == (True, False)
    assert (WHOLE.is_test_network("sandbox"), WHOLE.is_test_network("x"), WHOLE.is_test_network("no")) == (
        True, False, False,
    )  # fmt: skip


def test_third_party_row_never_allows_adult_content() -> None:
    written = MatrixRow.model_validate(
        stranger_row("AHBB", viewer="platform", creator_verified=True)
    )
    found = WHOLE.third_party_row(written, on=TODAY)
    assert (said(found), found.adult_link, found.creator_verified) == ("AHBB", Verdict.B, False)
    loose = MatrixRow.model_validate(stranger_row("AAFF"))
    assert said(WHOLE.third_party_row(loose, on=TODAY)) == "AABB"
    rule = place_rules.third_party_place_rule(WHOLE, loose, on=TODAY)
    assert (rule.name, said(rule.row), rule.review_by) == ("acme.post", "AABB", loose.review_by)
    assert rule.sources == ("https://acme.example/rules",)


def test_release_of_own_pictures_is_compared_with_its_end_date() -> None:
    country = next(row["id"] for row in FILE["production"] if row["id"] != "default")
    one = build_open_bundle(**{country: COUNSEL})
    shut = build_open_bundle(**{country: {}})
    by = date.fromisoformat(COUNSEL["review_by"])
    assert place_rules.compare_bundles(shut, one) == (
        RowChange(
            country,
            "changed",
            (RuleChange(ChangeDirection.LOOSENED, "own_likeness", country, "no", by.isoformat()),),
        ),
    )
    assert place_rules.compare_bundles(one, shut) == (
        RowChange(
            country,
            "changed",
            (RuleChange(ChangeDirection.TIGHTENED, "own_likeness", country, by.isoformat(), "no"),),
        ),
    )
    longer = build_open_bundle(**{country: {**COUNSEL, "review_by": "2027-03-18"}})
    (change,) = place_rules.compare_bundles(one, longer)
    assert change.changes == (
        RuleChange(ChangeDirection.LOOSENED, "own_likeness", country, "2027-02-18", "2027-03-18"),
    )
    assert (change.loosened, change.tightened) == (True, False)
    assert (one.can_release_own(country, by), one.can_release_own(country, by + DAY)) == (
        True,
        False,
    )
    assert one.own_release_until("Nowhere") is None
    assert not one.can_release_own("Nowhere", by)


def test_added_and_removed_rows_are_compared_with_unknown_destination(tmp_path: Path) -> None:
    fewer = load(tmp_path, rows=[row for row in FILE["rows"] if row["id"] != "x.text" and "x.text" not in
                                 row.get("same_as", ())])  # fmt: skip
    found = {one.name: one for one in place_rules.compare_bundles(WHOLE, fewer)}
    back = {one.name: one for one in place_rules.compare_bundles(fewer, WHOLE)}
    assert (found["x.text"].kind, back["x.text"].kind) == ("gone", "new")
    assert found["x.text"].tightened
    assert back["x.text"].loosened
    assert {one.what for one in found["x.text"].changes} <= {"verdict", "adult_link"}
    assert {(one.of, one.before, one.after) for one in back["x.text"].changes} == {
        (one.of, one.after, one.before) for one in found["x.text"].changes
    }


@pytest.mark.parametrize(("name", "changed", "way"), [
    ("unknown_platform", {"unknown_platform": {"G": "A", "S": "A", "N": "B", "E": "B"}}, ChangeDirection.LOOSENED),
    ("unknown_surface", {"unknown_surface": {"G": "B", "S": "B", "N": "B", "E": "B"}}, ChangeDirection.TIGHTENED),
    ("link_unregistered", {"link_unregistered": "A"}, ChangeDirection.LOOSENED),
])  # fmt: skip
def test_defaults_are_compared(
    tmp_path: Path, name: str, changed: dict[str, Any], way: ChangeDirection
) -> None:
    other = load(tmp_path, defaults={**FILE["defaults"], **changed})
    found = {one.name: one for one in place_rules.compare_bundles(WHOLE, other)}
    if WHOLE.defaults == other.defaults:
        assert found == {}
        return
    assert found.keys() == {name}
    assert found[name].kind == "changed"
    assert {(one.way, one.what) for one in found[name].changes} == {(way, "verdict")}


def test_jurisdictions_are_compared_by_level(tmp_path: Path) -> None:
    rows = [
        {**row, "level": "L1"} if row["id"] == "default" else row for row in FILE["jurisdictions"]
    ]
    other = load(tmp_path, jurisdictions=rows)
    (found,) = place_rules.compare_bundles(WHOLE, other)
    level = WHOLE.required_assurance("default")
    assert found == RowChange(
        "default",
        "changed",
        (RuleChange(ChangeDirection.LOOSENED, "level", "default", level, "L1"),),
    )
    assert other.required_assurance("Nowhere") == "L1"
    assert WHOLE.required_assurance("Nowhere") == level


def test_policy_version_is_date_and_count() -> None:
    assert replace(WHOLE, version="2026.12.01-7").number == 20261201 * 10_000 + 7
    for wrong in ("", "2026.12.01", "2026.12.01-x", "v2026.12.01-1"):
        with pytest.raises(ValueError, match="invalid version of content policies"):
            _ = replace(WHOLE, version=wrong).number
    assert WHOLE.name == f"{WHOLE.version}+{WHOLE.digest[:12]}"
    assert WHOLE.read_on == FILE["checked_on"]
    ends = place_rules.review_deadlines(WHOLE)
    assert ends["x.post"] == WHOLE.rows["x.post"].review_by
    assert not any(WHOLE.rows[name].same_as for name in ends)
    assert (
        bundle.stricter_verdict(Verdict.A, Verdict.H)
        is bundle.stricter_verdict(Verdict.H, Verdict.A)
        is Verdict.H
    )


@pytest.mark.parametrize(("what", "changed"), [
    ("test_network", {"test_network": True}), ("creator_verified", {"creator_verified": True}),
    ("viewer", {"viewer": "none"}), ("adult_link", {"adult_link": Verdict.A}), ("ageing", {"ages": False}),
])  # fmt: skip
def test_change_is_described_in_both_directions(what: str, changed: dict[str, Any]) -> None:
    other = replace(WHOLE, rows={**WHOLE.rows, "x.post": plain(**changed)})
    there = next(
        one
        for row in place_rules.compare_bundles(WHOLE, other)
        for one in row.changes
        if one.what == what
    )
    back = next(
        one
        for row in place_rules.compare_bundles(other, WHOLE)
        for one in row.changes
        if one.what == what
    )
    assert (there.way, back.way) == (ChangeDirection.LOOSENED, ChangeDirection.TIGHTENED)
    assert (there.before, there.after) == (back.after, back.before)
    words = {"viewer": ("platform", "none"), "ageing": ("yes", "no")}.get(what, ("no", "yes"))
    if what != "adult_link":
        assert (there.before, there.after) == words
    else:
        assert there.after == "A" != there.before


@pytest.mark.parametrize(("changes", "says"), [
    ({"verdicts": {"G": "A", "S": "A", "N": "F"}}, NOT_SAID),
    ({"viewer": "somebody"}, NOT_SAID),
    ({"verdicts": {"G": "H", "S": "A", "N": "F", "E": "F"}}, "x.post allows higher ratings more "
                                                             "than lower ones"),
    ({"verdicts": {"G": "A", "S": "A", "N": "H", "E": "F"}}, "x.post allows higher ratings more "
                                                             "than lower ones"),
    ({"creator_verified": True}, "x.post has creator_verified without a source, or on a "
                                 "destination of the installation"),
    ({"creator_verified": True, "creator_verified_source": {"source_url": ""}},
     "x.post has creator_verified without a source"),
    ({"creator_verified": True, "creator_verified_source": {"source_url": "https://x.example"}, "viewer": "product"},
     "x.post has creator_verified without a source"),
    ({"review_by": None}, "x.post can expire but has no review_by date"),
    ({"same_as": ["no.row"]}, r"x.post refers to \['no.row'\], which are missing"),
    ({"same_as": ["byhand.x"]}, r"x.post refers to \['byhand.x'\], which are missing or refer to "
                                r"other rows"),
])  # fmt: skip
def test_invalid_row_is_rejected_with_its_name(
    tmp_path: Path, changes: dict[str, Any], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        with_row(tmp_path, "x.post", **changes)


def test_row_that_verifies_creators_requires_source(tmp_path: Path) -> None:
    there = {
        "creator_verified": True,
        "creator_verified_source": {"source_url": "https://x.example"},
    }
    found = with_row(tmp_path, "x.post", **there)
    assert found.row("x", "post", on=TODAY).creator_verified
    twice = [*FILE["rows"], FILE["rows"][0]]
    with pytest.raises(ValueError, match="two rows have the same ID"):
        load(tmp_path, rows=twice)
