"""Displayed policies of destinations and their differences: they agree with decisions, and each
loosening is reported."""

from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gate.contract.units import Rating, Verdict
from gate.policy import bundle, place_rules
from gate.policy.bundle import Bundle
from gate.policy.place_rules import PUBLISHABLE_RATINGS, ChangeDirection, RuleChange, RuleTightening
from gate.text import lexicon

WHOLE = bundle.shipped_bundle()
TODAY = date(2026, 11, 20)
LAST = WHOLE.rows["x.post"].review_by or date.min
DAY = timedelta(days=1)
FILE: dict[str, Any] = yaml.safe_load(bundle.SHIPPED_MATRIX_PATH.read_text("utf-8"))


def load(folder: Path, **changed: Any) -> Bundle:
    path = folder / "matrix.yaml"
    path.write_text(yaml.safe_dump({**FILE, **changed}), "utf-8")
    return bundle.load_bundle(path, lexicon.shipped_lexicon())


def with_row(folder: Path, name: str, **changed: Any) -> Bundle:
    return load(
        folder, rows=[{**row, **changed} if row["id"] == name else row for row in FILE["rows"]]
    )


def changes(old: Bundle, new: Bundle) -> dict[str, tuple[RuleChange, ...]]:
    return {each.name: each.changes for each in place_rules.compare_bundles(old, new)}


def test_destination_rule_shows_verdicts_sources_and_expiry() -> None:
    (rule,) = place_rules.place_rules(WHOLE, "x.post", on=TODAY)
    assert [rule.row.verdict(rating) for rating in PUBLISHABLE_RATINGS] == list("AAFF")
    assert (rule.verified, rule.read_on, rule.review_by) == ("secondary", TODAY, LAST)
    assert rule.sources[0].startswith("https://docs.x.com/")
    assert rule.tightenings == (
        RuleTightening(LAST + 61 * DAY, (Rating.N, Rating.E), Verdict.H),
        RuleTightening(LAST + 181 * DAY, (Rating.S,), Verdict.H),
    )
    (later,) = place_rules.place_rules(WHOLE, "x.post", on=LAST + 200 * DAY)
    assert [later.row.verdict(rating) for rating in PUBLISHABLE_RATINGS] == list("AHHH")


def test_each_expiry_step_agrees_with_decision_of_that_day() -> None:
    for name in WHOLE.rows:
        for rule in place_rules.place_rules(WHOLE, name, on=TODAY):
            for step in rule.tightenings:
                (before, after) = (
                    next(
                        one
                        for one in place_rules.place_rules(WHOLE, name, on=day)
                        if one.name == rule.name
                    )
                    for day in (step.day - timedelta(days=1), step.day)
                )
                for rating in step.ratings:
                    assert after.row.verdict(rating) is step.verdict
                    assert before.row.verdict(rating).rank < step.verdict.rank


def test_borrowing_destination_lists_all_its_rules() -> None:
    found = place_rules.place_rules(WHOLE, "byhand.x", on=TODAY)
    assert [rule.name for rule in found] == ["x.post", "x.text", "x.profile_live"]
    assert all(rule.sources and rule.read_on for rule in found)
    assert [
        rule.review_by for rule in place_rules.place_rules(WHOLE, "sandbox.as_x", on=TODAY)
    ] == [None] * 3


def test_platform_matches_all_its_destinations() -> None:
    assert place_rules.match_places(WHOLE, "x") == (
        "x.post",
        "x.text",
        "x.message",
        "x.profile_live",
    )
    assert place_rules.match_places(WHOLE, "x.text") == ("x.text",)
    assert place_rules.match_places(WHOLE, "nowhere") == ()
    assert place_rules.place_rules(WHOLE, "nowhere.post", on=TODAY) == ()


def test_identical_policies_do_not_differ(tmp_path: Path) -> None:
    assert place_rules.compare_bundles(WHOLE, load(tmp_path)) == ()


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"verdicts": {"G": "A", "S": "A", "N": "H", "E": "H"}}, {("tightened", "verdict")}),
        ({"verdicts": {"G": "A", "S": "A", "N": "A", "E": "F"}}, {("loosened", "verdict")}),
        ({"flags": {"N": [], "E": ["a=b"]}}, {("loosened", "flag"), ("tightened", "flag")}),
        ({"ai": {"flag": "none", "text": "jurisdiction"}}, {("loosened", "ai_mark")}),
        ({"viewer": "none"}, {("loosened", "viewer")}),
        ({"viewer": "product"}, {("tightened", "viewer")}),
        ({"adult_link": "A"}, {("loosened", "adult_link")}),
        ({"probe": ["somebody looked"]}, {("tightened", "probe")}),
        ({"ages": False}, {("loosened", "ageing")}),
        ({"test_network": True}, {("loosened", "test_network")}),
        ({"place": "chat"}, {("loosened", "applies_to")}),
        ({"review_by": date(2027, 5, 18)}, {("loosened", "review_by")}),
        (
            {"review_by": date(2027, 5, 18), "checked_on": date(2027, 2, 17)},
            {("renewed", "review_by")},
        ),
        ({"review_by": date(2027, 1, 1)}, {("tightened", "review_by")}),
        (
            {"verified": {"verdicts": "unverified", "flags": "primary", "ai": "primary"}},
            {("tightened", "verdict")},
        ),
        ({"note": "a word more"}, set()),
    ],
    ids=lambda value: "-".join(value) if isinstance(value, dict) else "",
)
def test_each_change_has_direction(
    tmp_path: Path, changed: dict[str, Any], expected: set[tuple[str, str]]
) -> None:
    found = changes(WHOLE, with_row(tmp_path, "x.post", **changed)).get("x.post", ())
    assert {(str(each.way), each.what) for each in found} == expected


@pytest.mark.parametrize(
    "changed", [{"above": "N"}, {"assures": True}, {"otherwise": "PLATFORM_FORBIDS"}]
)
def test_weaker_destination_check_is_loosening(tmp_path: Path, changed: dict[str, Any]) -> None:
    (row,) = (row for row in FILE["rows"] if row["id"] == "telegram.private_channel")
    probes = [{**row["probe"][0], **changed}, *row["probe"][1:]]
    found = changes(WHOLE, with_row(tmp_path, "telegram.private_channel", probe=probes))
    assert ChangeDirection.LOOSENED in {each.way for each in found["telegram.private_channel"]}


def test_change_is_reported_for_all_affected_destinations(tmp_path: Path) -> None:
    found = changes(WHOLE, with_row(tmp_path, "x.post", adult_link="B"))
    assert set(found) == {"x.post", "byhand.x ← x.post", "sandbox.as_x ← x.post"}


def test_new_and_removed_rows_are_compared_with_unknown_destination(tmp_path: Path) -> None:
    fewer = load(
        tmp_path,
        rows=[row for row in FILE["rows"] if row["id"] not in ("tiktok.post", "byhand.tiktok")],
    )
    (gone,) = (
        each for each in place_rules.compare_bundles(WHOLE, fewer) if each.name == "tiktok.post"
    )
    assert (gone.kind, gone.tightened, gone.loosened) == ("gone", True, False)
    (new,) = (
        each for each in place_rules.compare_bundles(fewer, WHOLE) if each.name == "tiktok.post"
    )
    assert (new.kind, new.loosened) == ("new", True)


def test_defaults_and_jurisdictions_are_compared(tmp_path: Path) -> None:
    defaults = {**FILE["defaults"], "unknown_surface": {"G": "A", "S": "B", "N": "B", "E": "B"}}
    countries = [
        {**each, "level": "L2"} if each["id"] == "GB" else each for each in FILE["jurisdictions"]
    ]
    found = changes(WHOLE, load(tmp_path, defaults=defaults, jurisdictions=countries))
    assert {name: [each.way for each in found[name]] for name in ("unknown_surface", "GB")} == {
        "unknown_surface": [ChangeDirection.LOOSENED],
        "GB": [ChangeDirection.LOOSENED],
    }


LETTERS = st.lists(st.sampled_from("AFHB"), min_size=4, max_size=4).map(
    lambda them: sorted(them, key="AFHB".index)
)


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    name=st.sampled_from([row["id"] for row in FILE["rows"] if "verdicts" in row]),
    letters=LETTERS,
    verified=st.sampled_from(["primary", "unverified"]),
    place=st.sampled_from(["post", "text", "chat", "profile"]),
)
def test_every_loosening_is_reported(
    tmp_path: Path, name: str, letters: list[str], verified: str, place: str
) -> None:
    """Any less strict verdict, for any unit and destination, must be reported."""
    new = with_row(
        tmp_path,
        name,
        verdicts=dict(zip("GSNE", letters, strict=True)),
        verified={"verdicts": verified, "flags": verified, "ai": verified},
        place=place,
    )
    freer = [
        (row, rating)
        for row in FILE["rows"]
        for kind in ("post", "text", "chat", "profile")
        for people in (None, "real", "synthetic")
        for rating in PUBLISHABLE_RATINGS
        if _rank(new, row, kind, people, rating) < _rank(WHOLE, row, kind, people, rating)
    ]
    assert not freer or any(each.loosened for each in place_rules.compare_bundles(WHOLE, new))


def _rank(rules: Bundle, row: dict[str, Any], kind: Any, people: Any, rating: Rating) -> int:
    return (
        rules.row(row["platform"], row["id"], on=TODAY, place=kind, people=people)
        .verdict(rating)
        .rank
    )


FLAG = "media_metadata.sensitive_media_warning.adult_content=true"


def test_differences_use_terms_of_policy_file(tmp_path: Path) -> None:
    changed = {
        "verdicts": {"G": "A", "S": "F", "N": "F", "E": "H"},
        "adult_link": "B",
        "flags": {"N": [], "E": [FLAG, "a=b"]},
        "ai": {"flag": "none"},
        "viewer": "product",
        "probe": ["it is private"],
        "test_network": True,
        "place": "chat",
        "people": "real",
        "ages": False,
        "review_by": date(2027, 3, 1),
        "checked_on": date(2026, 11, 21),
    }
    new = with_row(tmp_path, "x.post", **changed)
    up, down, same = ChangeDirection.TIGHTENED, ChangeDirection.LOOSENED, ChangeDirection.RENEWED
    (there,) = (each for each in place_rules.compare_bundles(WHOLE, new) if each.name == "x.post")
    assert there == place_rules.RowChange(
        "x.post",
        "changed",
        (
            RuleChange(up, "verdict", "S", "A", "F"),
            RuleChange(up, "verdict", "E", "F", "H"),
            RuleChange(up, "adult_link", "", "F", "B"),
            RuleChange(down, "flag", "N", FLAG, "–"),
            RuleChange(up, "flag", "E", "–", "a=b"),
            RuleChange(down, "ai_mark", "", "made_with_ai=true", "–"),
            RuleChange(up, "ai_mark", "", "–", "words"),
            RuleChange(up, "viewer", "", "platform", "product"),
            RuleChange(down, "test_network", "", "no", "yes"),
            RuleChange(down, "applies_to", "", "post", "chat real"),
            RuleChange(down, "ageing", "", "yes", "no"),
            RuleChange(same, "review_by", "", str(LAST), "2027-03-01"),
        ),
    )
    assert (there.loosened, there.tightened) == (True, True)
    (back,) = (each for each in place_rules.compare_bundles(new, WHOLE) if each.name == "x.post")
    assert [
        (each.way, each.before, each.after) for each in back.changes if each.what == "ageing"
    ] == [(up, "no", "yes")]
    probed = changes(WHOLE, with_row(tmp_path, "x.post", probe=["it is private"]))["x.post"]
    assert probed == (RuleChange(up, "probe", "", "–", "it is private"),)
    assert "x.post" not in place_rules.review_deadlines(new)
    assert "byhand.x" not in place_rules.review_deadlines(WHOLE)
    assert place_rules.review_deadlines(WHOLE)["x.post"] == LAST


def test_general_rules_are_compared_by_name(tmp_path: Path) -> None:
    defaults = {
        **FILE["defaults"],
        "unknown_platform": {"G": "B", "S": "B", "N": "B", "E": "B"},
        "unverified_cap": {"S": "F", "N": "H", "E": "F"},
        "link_unregistered": "A",
    }
    countries = [
        {**each, "level": "L2"} if each["id"] == "GB" else each for each in FILE["jurisdictions"]
    ]
    found = changes(WHOLE, load(tmp_path, defaults=defaults, jurisdictions=countries))
    general = {
        name: found[name]
        for name in ("unknown_platform", "unverified_cap", "link_unregistered", "GB")
    }
    assert "unknown_surface" not in found
    assert general == {
        "unknown_platform": (RuleChange(ChangeDirection.TIGHTENED, "verdict", "G", "H", "B"),),
        "unverified_cap": (
            RuleChange(ChangeDirection.TIGHTENED, "verdict", "S", "A", "F"),
            RuleChange(ChangeDirection.LOOSENED, "verdict", "E", "H", "F"),
        ),
        "link_unregistered": (RuleChange(ChangeDirection.LOOSENED, "verdict", "G", "H", "A"),),
        "GB": (
            RuleChange(
                ChangeDirection.LOOSENED, "level", "GB", WHOLE.required_assurance("GB"), "L2"
            ),
        ),
    }
