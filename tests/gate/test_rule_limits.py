"""Every limit of the rules from both sides: just enough is allowed, slightly less is held or
blocked."""

import hashlib
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from foundation.ids import derived_uuid
from foundation.money import Money
from gate.contract.facts import (
    AgeProof,
    DepictionFacts,
    EvidenceSnapshot,
    LinkFacts,
    StopFacts,
    ViewerFacts,
)
from gate.contract.reasons import Reason
from gate.contract.states import AssuranceState
from gate.contract.units import Button, Invoice, Rating, Text, Unit, Verdict
from gate.decision import depiction_rules, unit_rules
from gate.policy.bundle import PlaceRow
from gate.policy.matrix import PlaceProbe
from gate.text import language_check, lexicon, text_rating, word_forms
from gate.text.text_rating import TextRating
from gate.text.vocabulary import Vocabulary, pack_vocabulary
from tests.gate.decision.test_decide import (
    AFTER,
    ANN,
    BEFORE,
    BUNDLE,
    GRANTS,
    NOW,
    PREAL,
    REAL,
    REVIEW,
    SYNTHETIC,
    chat,
    grant,
    known,
    said,
    snapshot,
    unit,
)

TODAY = date(2026, 12, 1)

MOMENT = timedelta(microseconds=1)
DAY = timedelta(days=1)
READER = ViewerFacts(AssuranceState.ASSURED, "L4", True, False, "", AFTER, 1)
SPOKEN = replace(REVIEW, principal=derived_uuid("third"))


def alone(**changes: Any) -> EvidenceSnapshot:
    """Return the facts of a unit without pictures."""
    return snapshot(persons=(), **changes)


def words(body: str, **changes: Any) -> Unit:
    return unit(**{"media": (), "flags": (), "texts": (Text("body", body),), **changes})


def seen(**changes: Any) -> EvidenceSnapshot:
    return snapshot(known(reviews=(replace(REVIEW, **changes),)))


def plain(**changes: Any) -> EvidenceSnapshot:
    """Return the facts of a General picture without people."""
    return snapshot(known(Rating.G, None, **{"reviews": (), **changes}), persons=())


URL = "https://mia.test/hello"
LINKED = words(f"see {URL}")
TARGET = LinkFacts(URL, False, Rating.G, True, AFTER)
STRANGE, LONGER = "dzień dobry kochana", "dzień dobry moja kochana"
TO_FAN = {"surface": "sandbox.chat", "audience": "viewer", "viewer": "fan"}
FAN = {"viewer": READER}
GUEST = replace(READER, state=AssuranceState.PENDING)
ADULT_TEXT = words("NUDITY-MARKER-A", flags=("adult=true",))
NO = replace(REVIEW, approves=False)
SET = Invoice("Set", "Nine pictures", 500, "EUR", "1")

OPENLY = tuple(
    probe.see for probe in BUNDLE.row("telegram", "public_channel", on=NOW.date()).probes
)

EDGES: dict[str, tuple[EvidenceSnapshot, Unit, str, set[Reason]]] = {
    "byte review about to expire": (seen(at=NOW - 365 * DAY + MOMENT), unit(), "F", set()),
    "byte review expired": (seen(at=NOW - 365 * DAY), unit(), "H", {Reason.REVIEW_MISSING}),
    "unit review about to expire": (
        snapshot(known(reviews=()), reviews=(replace(REVIEW, at=NOW - 100 * DAY + MOMENT),)), unit(), "F", set()
    ),
    "unit review expired": (
        snapshot(known(reviews=()), reviews=(replace(REVIEW, at=NOW - 100 * DAY),)), unit(), "H",
        {Reason.REVIEW_MISSING, Reason.APPROVAL_EXPIRED},
    ),
    "viewed 95 %": (seen(seen_percent=95), unit(), "F", set()),
    "viewed 94 %": (seen(seen_percent=94), unit(), "H", {Reason.REVIEW_MISSING}),
    "review by guest who is the author": (seen(own=True), unit(), "H", {Reason.REVIEWER_CONFLICT}),
    "reviews by author and another member": (
        snapshot(known(reviews=(replace(REVIEW, principal=ANN), REVIEW))), unit(), "F", set()
    ),
    "unit review by author": (
        snapshot(known(reviews=()), reviews=(replace(REVIEW, principal=ANN),)), unit(), "H", {Reason.REVIEWER_CONFLICT}
    ),
    "refusal, then approval": (snapshot(known(reviews=(replace(NO, at=BEFORE), REVIEW))), unit(), "F", set()),
    "approval, then refusal": (
        snapshot(known(reviews=(replace(REVIEW, at=BEFORE), NO))), unit(), "H", {Reason.REVIEW_MISSING}
    ),
    "one of two refuses": (
        snapshot(known(reviews=(REVIEW, replace(SPOKEN, approves=False)))), unit(), "H", {Reason.REVIEW_MISSING}
    ),
    "author approves, another member refuses": (
        snapshot(known(reviews=(replace(REVIEW, principal=ANN), replace(SPOKEN, approves=False)))), unit(), "H",
        {Reason.REVIEWER_CONFLICT},
    ),
    "text above Suggestive without review": (alone(), ADULT_TEXT, "H", {Reason.REVIEW_MISSING}),
    "reviewed text above Suggestive": (alone(reviews=(REVIEW,)), ADULT_TEXT, "F", set()),
    "suggestive text without review": (alone(), words("SUGGESTIVE-MARKER-A"), "A", set()),
    "hidden content, not reviewed": (plain(hidden=True), unit(), "H", {Reason.CONTAINER_HIDDEN_CONTENT}),
    "hidden content, bytes reviewed": (plain(hidden=True, reviews=(REVIEW,)), unit(), "A", set()),
    "hidden content, post reviewed": (
        replace(plain(hidden=True), reviews=(REVIEW,)), unit(), "A", set()
    ),
    "hidden content, review expired": (
        plain(hidden=True, reviews=(replace(REVIEW, at=NOW - 365 * DAY),)), unit(), "H",
        {Reason.CONTAINER_HIDDEN_CONTENT},
    ),
    "classifier missing": (plain(unanswered=True), unit(), "H", {Reason.CLASSIFIER_UNAVAILABLE}),
    "classifiers disagree": (plain(unsettled=True), unit(), "H", {Reason.CLASSIFIER_CONFLICT}),
    "different MIME type": (plain(mime="image/png"), unit(), "B", {Reason.RENDITION_NOT_CANONICAL}),
    "minor term": (alone(), words("MINOR-P-A"), "B", {Reason.PROHIBITED_MINOR}),
    "prohibited term": (alone(), words("PROHIBITED-MARKER-A"), "B", {Reason.PROHIBITED_CATEGORY}),
    "contextual minor term alone": (alone(), words("MINOR-C-A"), "A", set()),
    "no account": (alone(), words("hi", account=""), "B", {Reason.INPUT_INVALID}),
    "public post with viewer": (alone(), words("hi", viewer="fan"), "B", {Reason.AUDIENCE_UNKNOWN}),
    "unsupported language": (alone(), words(STRANGE), "H", {Reason.TEXT_LANGUAGE_UNSUPPORTED}),
    "three unknown words to adult": (alone(**FAN), words(STRANGE, **TO_FAN), "A", set()),
    "four unknown words to adult": (alone(**FAN), words(LONGER, **TO_FAN), "H", {Reason.TEXT_LANGUAGE_UNSUPPORTED}),
    "three unknown words to unknown viewer": (alone(), words(STRANGE, **TO_FAN), "H", {Reason.TEXT_LANGUAGE_UNSUPPORTED}),
    "three unknown words to pending viewer": (
        alone(viewer=GUEST), words(STRANGE, **TO_FAN), "H", {Reason.TEXT_LANGUAGE_UNSUPPORTED}
    ),
    "three unknown words to minor": (
        alone(viewer=replace(READER, over_18=False)), words(STRANGE, **TO_FAN), "H", {Reason.TEXT_LANGUAGE_UNSUPPORTED}
    ),
    "three unknown words to viewer with expired assurance": (
        alone(viewer=replace(READER, expires_at=NOW)), words(STRANGE, **TO_FAN), "H", {Reason.TEXT_LANGUAGE_UNSUPPORTED}
    ),
    "three unknown words to viewer without expiry": (
        alone(viewer=replace(READER, expires_at=None)), words(STRANGE, **TO_FAN), "H",
        {Reason.TEXT_LANGUAGE_UNSUPPORTED},
    ),
    "three unknown words in public": (alone(**FAN), words(STRANGE), "H", {Reason.TEXT_LANGUAGE_UNSUPPORTED}),
    "rating equal to ceiling": (snapshot(known(), ceiling=Rating.N), unit(), "F", set()),
    "link about to expire": (alone(links=(replace(TARGET, expires_at=NOW + MOMENT),)), LINKED, "A", set()),
    "expired link": (alone(links=(replace(TARGET, expires_at=NOW),)), LINKED, "H", {Reason.LINK_CHANGED}),
    "adult link where allowed": (alone(links=(replace(TARGET, adult=True),)), LINKED, "A", set()),
    "adult link where forbidden": (
        alone(links=(replace(TARGET, adult=True),)),
        replace(LINKED, platform="telegram", surface="telegram.public_channel", seen=OPENLY),
        "H",
        {Reason.LINK_ADULT_FORBIDDEN},
    ),
    "own host with user name": (
        alone(own_hosts=("mia.test",)), words("see https://you@MIA.test/hello"), "A", set()
    ),
    "own host as user name of another host": (
        alone(own_hosts=("mia.test",)), words("see https://mia.test@evil.test/"), "H", {Reason.LINK_UNREGISTERED}
    ),
    "own host behind backslash": (
        alone(own_hosts=("mia.test",)),
        words("see https://evil.test\\@mia.test/"),
        "H",
        {Reason.LINK_UNREGISTERED},
    ),
    "own host without scheme": (alone(own_hosts=("mia.com",)), words("see mia.com/hello"), "A", set()),
    "second link to another host": (
        alone(own_hosts=("mia.test",)), words(f"see {URL} and https://evil.test/x"), "H", {Reason.LINK_UNREGISTERED}
    ),
    "assurance about to expire": (
        snapshot(known(), viewer=replace(READER, expires_at=NOW + MOMENT)), chat(), "F", set()
    ),
    "expired assurance": (
        snapshot(known(), viewer=replace(READER, state=AssuranceState.EXPIRED)), chat(), "B", {Reason.VIEWER_EXPIRED}
    ),
    "test assurance on test network": (snapshot(known(), viewer=replace(READER, test=True)), chat(), "F", set()),
    "bot message while bot is stopped": (
        alone(author="system:persona", stops=(StopFacts("chat", "bot"),)), words("hi", **TO_FAN), "B", {Reason.KILL_SWITCH}
    ),
    "member message while bot is stopped": (alone(stops=(StopFacts("chat", "bot"),)), words("hi", **TO_FAN), "A", set()),
    "post while bot is stopped": (
        alone(author="system:plan", stops=(StopFacts("chat", "bot"),)), words("hi"), "A", set()
    ),
    "suggestive text while nudity is stopped": (
        alone(stops=(StopFacts("tenant", "nudity"),)), words("SUGGESTIVE-MARKER-A"), "A", set()
    ),
    "link button while offers are stopped": (
        alone(stops=(StopFacts("chat", "offers"),)), words("hi", buttons=(Button("More", "open", "1"),)), "A", set()
    ),
    "consent about to expire": (
        snapshot(known(person=replace(REAL, grants=(GRANTS[0], grant("publish", valid_until=NOW + MOMENT)))),
                 persons=(replace(REAL, grants=(GRANTS[0], grant("publish", valid_until=NOW + MOMENT))),)),
        unit(), "F", set(),
    ),
    "consent just started": (
        snapshot(known(), persons=(replace(REAL, grants=(GRANTS[0], grant("publish", valid_from=NOW))),)),
        unit(), "F", set(),
    ),
    "consent for this destination": (
        snapshot(known(), persons=(replace(REAL, grants=(GRANTS[0], grant("publish", surfaces=("sandbox.post",)))),)),
        unit(), "F", set(),
    ),
    "consent for this rating": (
        snapshot(known(), persons=(replace(REAL, grants=(GRANTS[0], grant("publish", max_rating=Rating.N))),)),
        unit(), "F", set(),
    ),
    "one consent revoked, another valid": (
        snapshot(known(), persons=(replace(REAL, grants=(*GRANTS, grant("publish", revoked=True))),)),
        unit(), "F", set(),
    ),
    "produced at time of proof": (
        snapshot(known(produced_at=BEFORE)), unit(), "F", set()
    ),
    "produced just before proof": (
        snapshot(known(produced_at=BEFORE - MOMENT)), unit(), "B", {Reason.IDENTITY_AFTER_PRODUCTION}
    ),
    "one of two proofs before production": (
        snapshot(known(), persons=(replace(REAL, identities=(AgeProof(NOW, None, None), *REAL.identities)),)),
        unit(), "F", set(),
    ),
    "age proof about to expire": (
        snapshot(known(), persons=(replace(REAL, identities=(AgeProof(BEFORE, NOW + MOMENT, None),)),)),
        unit(), "F", set(),
    ),
    "general, no person named": (plain(), unit(), "A", set()),
    "general, unnamed face": (plain(people_seen=1), unit(), "H", {Reason.PERSON_UNRESOLVED}),
    "suggestive, no person named": (
        snapshot(known(Rating.S, None, reviews=()), persons=()), unit(flags=()), "H", {Reason.PERSON_UNRESOLVED}
    ),
    "as many faces as named people": (snapshot(known(people_seen=1)), unit(), "F", set()),
    "blurred face": (
        snapshot(known(people_seen=2, shown=(DepictionFacts(PREAL, "confirmed"), DepictionFacts(derived_uuid("b"), "non_identifiable")))),
        unit(), "B", {Reason.PERSON_UNRESOLVED},
    ),
    "unknown person": (snapshot(known(), persons=()), unit(), "B", {Reason.PERSON_UNRESOLVED}),
    "general without age proof": (
        snapshot(known(Rating.G, reviews=()), persons=(replace(REAL, identities=()),)), unit(flags=()), "A", set()
    ),
    "general, undeclared synthetic person": (
        snapshot(known(Rating.G, SYNTHETIC), persons=(replace(SYNTHETIC, declaration=None),)), unit(flags=()), "H",
        {Reason.SYNTHETIC_DECLARATION_MISSING},
    ),
    "invoice while payments are stopped": (
        alone(stops=(StopFacts("chat", "payments"),)), words("hi", invoice=SET), "B",
        {Reason.KILL_SWITCH},
    ),
    "price while payments are stopped": (
        alone(stops=(StopFacts("chat", "payments"),)), words("hi", price=Money(500, "USD")), "B",
        {Reason.KILL_SWITCH},
    ),
    "price while offers are stopped": (
        alone(stops=(StopFacts("chat", "offers"),)), words("hi", price=Money(500, "USD")), "B",
        {Reason.KILL_SWITCH},
    ),
    "invoice while offers are stopped": (
        alone(stops=(StopFacts("chat", "offers"),)), words("hi", invoice=SET), "B",
        {Reason.KILL_SWITCH},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", EDGES)
def test_each_limit_applies_from_both_sides(name: str) -> None:
    facts, whole, verdict, reasons = EDGES[name]
    assert said(facts, whole) == (verdict, reasons)


MARKS = ("has_spoiler=true", "protect_content=true")
CHANNEL = {"platform": "telegram", "surface": "telegram.private_channel", "flags": MARKS}
NEEDED = tuple(
    probe.see for probe in BUNDLE.row("telegram", "private_channel", on=NOW.date()).probes
)
THERE = replace(REAL, grants=tuple(replace(each, surfaces=("telegram",)) for each in GRANTS))
NUDE = snapshot(known(person=THERE), persons=(THERE,))


def test_missing_destination_checks_block_publication() -> None:
    assert len(NEEDED) == 4
    assert said(NUDE, unit(**CHANNEL, seen=NEEDED)) == ("F", set())
    assert said(NUDE, unit(**CHANNEL, seen=None)) == ("H", {Reason.DESTINATION_PROBE_STALE})
    assert said(NUDE, unit(**CHANNEL, seen=NEEDED[1:])) == ("B", {Reason.AUDIENCE_CHANGED})
    assert said(NUDE, unit(**CHANNEL, seen=NEEDED[:3])) == ("B", {Reason.AUDIENCE_UNKNOWN})
    bare = words("SUGGESTIVE-MARKER-A", **{**CHANNEL, "flags": ()})
    assert said(alone(), replace(bare, seen=NEEDED[:1])) == ("A", set())
    assert said(alone(), replace(bare, seen=())) == ("H", {Reason.AUDIENCE_CHANGED})
    assert said(alone(), replace(bare, seen=None)) == ("H", {Reason.DESTINATION_PROBE_STALE})
    assert said(alone(), words("hi", **{**CHANNEL, "flags": ()})) == ("A", set())


def test_applicable_consents_are_current_and_sufficient() -> None:
    given = (
        grant("publish"),
        grant("publish", revoked=True),
        grant("publish", valid_from=AFTER),
        grant("publish", surfaces=("x",)),
        grant("publish", max_rating=Rating.S),
        grant("publish", surfaces=("sandbox.post",), max_rating=Rating.N),
    )
    there = {"platform": "sandbox", "place": "sandbox.post", "now": NOW}
    assert depiction_rules.applicable_consents(given, **there, rating=Rating.N) == (
        given[0],
        given[5],
    )
    assert depiction_rules.applicable_consents(given, **there, rating=Rating.G) == (
        given[0],
        given[4],
        given[5],
    )


def row(**changes: Any) -> PlaceRow:
    whole = BUNDLE.row("sandbox", "post", on=NOW.date())
    return replace(
        whole, flags={Rating.N: ("adult=true", "ask a lawyer")}, ai_flag="ai=true", **changes
    )


def test_required_flags_follow_rating() -> None:
    assert unit_rules.required_flags(row(), Rating.N, ai=True) == ("adult=true", "ai=true")
    assert unit_rules.required_flags(row(), Rating.N, ai=False) == ("adult=true",)
    assert unit_rules.required_flags(row(), Rating.G, ai=True) == ("ai=true",)
    assert unit_rules.required_flags(row(), Rating.X, ai=False) == ()
    assert unit_rules.required_flags(row(verdicts={Rating.N: Verdict.A}), Rating.N, ai=False) == ()
    assert unit_rules.required_flags(replace(row(), ai_flag=""), Rating.G, ai=True) == ()


def test_expired_rule_is_reported_only_where_it_is_stricter() -> None:
    post = {"platform": "x", "surface": "x.post", "account": "mia"}
    old = datetime(2027, 3, 1, tzinfo=UTC)
    there = replace(
        REAL, grants=tuple(replace(each, surfaces=("x",), valid_until=old + DAY) for each in GRANTS)
    )
    review = replace(REVIEW, at=old - DAY)
    facts = snapshot(known(person=there, reviews=(review,)), persons=(there,))
    marks = BUNDLE.row("x", "post", on=old.date()).flags[Rating.N]
    assert said(facts, unit(**post, flags=marks), old) == ("H", {Reason.POLICY_STALE})
    assert said(alone(), words("SUGGESTIVE-MARKER-A", **post), old) == ("A", set())
    later = old + 60 * DAY
    assert said(alone(), words("SUGGESTIVE-MARKER-A", **post), later) == (
        "H",
        {Reason.POLICY_STALE},
    )
    assert said(alone(), words("hi", **post), later) == ("A", set())


def test_destination_check_describes_its_condition() -> None:
    assert str(PlaceProbe(see="it is private")) == "it is private"
    whole = PlaceProbe(
        see="private", otherwise=Reason.AUDIENCE_CHANGED, above=Rating.S, assures=True
    )
    assert str(whole) == "private; AUDIENCE_CHANGED; above S; assures"
    assert str(PlaceProbe(see="private", above=Rating.N)) == "private; above N"
    assert str(PlaceProbe(see="ai allowed", when="generated")) == "ai allowed; when generated"


def test_term_of_unknown_type_or_without_letters_is_refused() -> None:
    for kind, written in (("other", "word"), ("explicit", " - "), ("other", "-")):
        with pytest.raises(ValueError, match="no term of type"):
            lexicon.fold_term(kind, written)
    assert lexicon.fold_term("explicit", "abcdefg").runs == ()
    assert lexicon.fold_term("explicit", "abcdefgh").runs == ("abcdefgh",)


@pytest.mark.parametrize("age", ["five", "9", "10", "17", "seventeen", "thirteen"])
def test_every_age_below_eighteen_is_detected(age: str) -> None:
    fresh = lexicon.load_lexicon(lexicon.SHIPPED_LEXICON_PATH)
    assert (
        text_rating.detect_minor_statement(f"I am {age}", lexicon=fresh, today=TODAY)
        is text_rating.MinorSignal.STATED
    ), age


def test_german_compound_of_up_to_three_parts_is_known(tmp_path: Path) -> None:
    file = tmp_path / "words"
    file.write_bytes(pack_vocabulary(["+" + part for part in ("haus", "garten", "bild", "rahmen")]))
    parts = Vocabulary(file, hashlib.sha256(file.read_bytes()).hexdigest())
    assert word_forms.is_known_word("hausbild", parts)
    assert word_forms.is_known_word("hausgartenbild", parts)
    assert not word_forms.is_known_word("hausgartenbildrahmen", parts)
    assert not word_forms.is_known_word("haustor", parts)
    assert not word_forms.is_known_word("a" * (word_forms.MAX_WORD_LENGTH + 1), parts)


def test_four_line_initials_can_spell_term() -> None:
    short = replace(
        lexicon.shipped_lexicon(),
        terms=(lexicon.fold_term("explicit", "qzxw"), lexicon.fold_term("nudity", "qzx")),
    )
    assert (
        text_rating.rate_texts(["Quick\nZebras\nX-ray\nWe"], lexicon=short, today=TODAY).rating
        is Rating.E
    )
    assert (
        text_rating.rate_texts(["Quick\nZebras\nX-ray"], lexicon=short, today=TODAY).rating
        is Rating.G
    )


def test_units_of_measure_do_not_mix_alphabets() -> None:
    assert not text_rating.rate_texts(["5 µm, 10 k\u2126, 10 kΩ, 3 μF"], today=TODAY).obfuscated
    assert text_rating.rate_texts(["10 kω"], today=TODAY).obfuscated


def test_alternating_letters_and_digits_are_no_name() -> None:
    assert not language_check.read_language(["We came home m4t3y"]).supported
    assert language_check.read_language(["We came home Matey"]).supported


def test_split_sexual_term_is_combined_with_minor_term_anywhere() -> None:
    far = [
        "SUGGESTIVE-MAR",
        "KER-A",
        "One. Two. Three. Four.",
        "MINOR-C-A. Five. Six. Seven. SUGGESTIVE-MARKER-A",
    ]
    assert text_rating.rate_texts(far, today=TODAY).prohibited == "minor"
    assert text_rating.rate_texts(far[2:], today=TODAY) == TextRating(Rating.S, contextual=True)
