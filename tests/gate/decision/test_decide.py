"""The decision as a pure function: facts that raise the verdict, monotonicity, and replay."""

import base64
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from foundation.ids import derived_uuid
from foundation.money import Money
from gate.contract import facts
from gate.contract.facts import (
    AgeProof,
    ConsentFacts,
    DeclarationFacts,
    DepictionFacts,
    EvidenceSnapshot,
    LinkFacts,
    MediumFacts,
    PersonFacts,
    ReviewFacts,
    StopFacts,
    ViewerFacts,
)
from gate.contract.reasons import Reason
from gate.contract.states import AssuranceState, PersonState
from gate.contract.units import Button, Medium, PlatformOption, Rating, Subject, Text, Unit, Verdict
from gate.decision.decide import decide_unit
from gate.log import decision_log
from gate.policy import bundle

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
BEFORE, AFTER = NOW - timedelta(days=60), NOW + timedelta(days=60)
TENANT, CREATOR, CHANNEL, PREAL, PSYN, ANN, ROB = (
    derived_uuid(name) for name in ("t", "c", "ch", "pr", "ps", "ann", "rob")
)
SHA = "a" * 64
BUNDLE = bundle.shipped_bundle()


def grant(scope: str, **changes: Any) -> ConsentFacts:
    return replace(ConsentFacts(scope, ("sandbox",), Rating.E, BEFORE, AFTER, False), **changes)


GRANTS = tuple(grant(scope) for scope in ("depict", "publish", "download_sell", "ai_likeness"))
REAL = PersonFacts(PREAL, "real", PersonState.ACTIVE, (AgeProof(BEFORE, None, None),), GRANTS)
SYNTHETIC = PersonFacts(
    PSYN, "synthetic", PersonState.ACTIVE, declaration=DeclarationFacts(True, True)
)
REVIEW = ReviewFacts(ROB, True, 100, NOW - timedelta(hours=1))


def known(
    rating: Rating | None = Rating.N, person: PersonFacts | None = REAL, **changes: Any
) -> MediumFacts:
    shown = (DepictionFacts(person.id, "confirmed"),) if person is not None else ()
    whole = MediumFacts(
        SHA,
        "image/jpeg",
        10,
        "made",
        "none",
        NOW - timedelta(days=30),
        rating,
        "",
        None,
        shown,
        (REVIEW,),
        "",
    )
    return replace(whole, **changes)


def snapshot(
    *media: MediumFacts, persons: tuple[PersonFacts, ...] = (REAL,), **changes: Any
) -> EvidenceSnapshot:
    return replace(
        EvidenceSnapshot(TENANT, "member:ann", ANN, Rating.E, media=media, persons=persons),
        **changes,
    )


def unit(**changes: Any) -> Unit:
    whole = Unit(
        TENANT, CREATOR, Subject("delivery", derived_uuid("d")), "sandbox", "sandbox.post", CHANNEL, "mia", "public",
        texts=(Text("body", "Good morning"),), media=(Medium(SHA, "image/jpeg", 10),), flags=("adult=true",),
    )  # fmt: skip
    return replace(whole, **changes)


def said(
    given: EvidenceSnapshot, whole: Unit | None = None, now: datetime = NOW
) -> tuple[str, set[str]]:
    decision = decide_unit(given, whole or unit(), BUNDLE, now)
    return str(decision.verdict), set(decision.reasons)


def test_reviewed_nudity_with_evidence_is_allowed_with_flag() -> None:
    assert said(snapshot(known())) == ("F", set())


def test_plain_text_is_allowed() -> None:
    assert said(snapshot(persons=()), unit(media=(), flags=())) == ("A", set())


BANS = (("banned", base64.b64encode(b"Lou Martin").decode()),)
NAMED = Medium(SHA, "image/jpeg", 10, alt="L0u M4rtin")
AI = Medium(SHA, "image/jpeg", 10, ai="generated")
OLD = replace(REVIEW, at=NOW - timedelta(days=366))
INACTIVE = StopFacts("creator", "inactive")
NO_OFFERS = StopFacts("chat", "offers")
BUY = Button("Buy", "buy", "1")
WORDS = unit(surface="sandbox.as_x", media=(), texts=(Text("body", "EXPLICIT-MARKER-A"),))

DEVIATIONS: dict[str, tuple[EvidenceSnapshot, Unit, str, Reason]] = {
    "empty unit": (snapshot(), unit(media=(), texts=(Text("body", " "),)), "B", Reason.INPUT_INVALID),
    "another tenant": (snapshot(known(), tenant_id=derived_uuid("other")), unit(), "B", Reason.TENANT_BOUNDARY),
    "another tenant's creator": (snapshot(known(), creator_known=False), unit(), "B", Reason.TENANT_BOUNDARY),
    "unknown bytes": (snapshot(), unit(), "B", Reason.RENDITION_NOT_CANONICAL),
    "different bytes": (snapshot(known(size=11)), unit(), "B", Reason.RENDITION_NOT_CANONICAL),
    "frozen": (snapshot(known(state="frozen")), unit(), "B", Reason.COMPLAINT_FREEZE),
    "removed": (snapshot(known(state="removed")), unit(), "B", Reason.RECALL_IN_PROGRESS),
    "unrated": (snapshot(known(None)), unit(), "H", Reason.RATING_MISSING),
    "minor": (snapshot(known(Rating.X, prohibited="minor")), unit(), "B", Reason.PROHIBITED_MINOR),
    "prohibited": (snapshot(known(Rating.X, prohibited="category")), unit(), "B", Reason.PROHIBITED_CATEGORY),
    "banned person": (snapshot(known(banned=True)), unit(), "B", Reason.LIKENESS_REAL_PERSON),
    "banned name": (snapshot(known(), own_terms=BANS), unit(texts=(Text("body", "with lou-martin"),)), "B", Reason.LIKENESS_REAL_PERSON),
    "banned name in an alt text": (snapshot(known(), own_terms=BANS), unit(media=(NAMED,)), "B", Reason.LIKENESS_REAL_PERSON),
    "AI denied": (snapshot(known(ai="generated")), unit(media=(AI,), texts=(Text("body", "Made without AI"),), flags=("adult=true", "ai=true")), "B", Reason.AI_MARK_MISSING),
    "blocklist": (snapshot(known(blocked="exact")), unit(), "B", Reason.BLOCKLIST_EXACT),
    "near match": (snapshot(known(blocked="near")), unit(), "B", Reason.BLOCKLIST_NEAR),
    "close match": (snapshot(known(blocked="close")), unit(), "H", Reason.BLOCKLIST_NEAR),
    "creator ceiling": (snapshot(known(), ceiling=Rating.S), unit(), "H", Reason.RATING_EXCEEDS_CREATOR),
    "destination": (snapshot(known()), unit(surface="sandbox.as_instagram"), "B", Reason.RATING_EXCEEDS_SURFACE),
    "unknown destination": (snapshot(known()), unit(surface="sandbox.nook"), "B", Reason.DESTINATION_UNKNOWN),
    "adult flag missing": (snapshot(known()), unit(flags=()), "B", Reason.FLAG_MISSING),
    "AI mark missing": (snapshot(known(ai="generated")), unit(media=(AI,)), "B", Reason.AI_MARK_MISSING),
    "AI mark false": (snapshot(known(ai="generated")), unit(flags=("adult=true", "ai=true")), "B", Reason.AI_MARK_MISSING),
    "AI text": (snapshot(known()), unit(text_ai="generated"), "B", Reason.AI_MARK_MISSING),
    "no person named": (snapshot(known(person=None)), unit(), "B", Reason.PERSON_UNRESOLVED),
    "only proposed": (snapshot(known(shown=(DepictionFacts(PREAL, "proposed"),))), unit(), "B", Reason.PERSON_UNRESOLVED),
    "unnamed face": (snapshot(known(people_seen=2)), unit(), "B", Reason.PERSON_UNRESOLVED),
    "no date": (snapshot(known(produced_at=None)), unit(), "B", Reason.PRODUCTION_DATE_UNKNOWN),
    "no review": (snapshot(known(reviews=())), unit(), "H", Reason.REVIEW_MISSING),
    "own review": (snapshot(known(reviews=(replace(REVIEW, principal=ANN),))), unit(), "H", Reason.REVIEWER_CONFLICT),
    "partial review": (snapshot(known(reviews=(replace(REVIEW, seen_percent=90),))), unit(), "H", Reason.REVIEW_MISSING),
    "unknown author": (snapshot(known(), author=""), unit(), "H", Reason.REVIEW_MISSING),
    "expired review": (snapshot(known(reviews=(OLD,))), unit(), "H", Reason.REVIEW_MISSING),
    "refused": (snapshot(known(), reviews=(replace(REVIEW, approves=False),)), unit(), "H", Reason.REVIEW_REFUSED),
    "stop": (snapshot(known(), stops=(StopFacts("tenant", "sending"),)), unit(), "B", Reason.KILL_SWITCH),
    "restored backup": (snapshot(known(), stops=(StopFacts("tenant", "restored"),)), unit(), "B", Reason.RESTORE_MISMATCH),
    "inactive creator": (snapshot(known(), stops=(INACTIVE,)), unit(), "B", Reason.CREATOR_INACTIVE),
    "inactive creator sells": (snapshot(known(), stops=(INACTIVE,)), unit(price=Money(500, "EUR")), "B", Reason.CREATOR_INACTIVE),
    "nudity stop": (snapshot(known(), stops=(StopFacts("tenant", "nudity"),)), unit(), "B", Reason.KILL_SWITCH),
    "offers stop": (snapshot(known(), stops=(NO_OFFERS,)), unit(buttons=(BUY,)), "B", Reason.KILL_SWITCH),
    "changed while reading": (snapshot(known(), unlocked=("k",)), unit(), "B", Reason.EPOCH_STALE),
    "unknown link": (snapshot(known()), unit(texts=(Text("body", "https://a.test/x"),)), "H", Reason.LINK_UNREGISTERED),
    "hidden characters": (snapshot(known()), unit(texts=(Text("body", "hi\u202e"),)), "H", Reason.TEXT_OBFUSCATED),
    "rephrase": (snapshot(known()), unit(texts=(Text("body", "MINOR-C-A"),)), "H", Reason.TEXT_REPHRASE),
    "explicit words": (snapshot(known()), WORDS, "H", Reason.TEXT_EXPLICIT_NO_FLAG),
    "audience": (snapshot(known()), unit(audience="everyone"), "B", Reason.AUDIENCE_UNKNOWN),
    "chat without viewer": (snapshot(known()), unit(audience="viewer"), "B", Reason.AUDIENCE_UNKNOWN),
}  # fmt: skip


CHOSEN = st.lists(
    st.builds(
        PlatformOption,
        st.sampled_from(("visibility", "readers", "adult", "flags")),
        st.sampled_from((("private",), ("SELF_ONLY",), ("false",), ("EXPLICIT-MARKER-A",))),
        st.booleans(),
    ),
    max_size=3,
).map(tuple)


@settings(max_examples=40)
@given(st.sampled_from(sorted(DEVIATIONS)), CHOSEN)
@example(
    "empty unit", (PlatformOption("warning", ("EXPLICIT-MARKER-A",), read=True),)
)  # found once, when an option made it a valid post
def test_platform_options_never_lower_verdict(
    name: str, chosen: tuple[PlatformOption, ...]
) -> None:
    """Rating, flags and audience are judged regardless of the options of the platform."""
    given_, whole, verdict, reason = DEVIATIONS[name]
    got, reasons = said(given_, replace(whole, options=chosen))
    assert Verdict(got).rank >= Verdict(verdict).rank
    assert reason in reasons or got != verdict


@pytest.mark.parametrize("name", DEVIATIONS)
def test_each_deviation_alone_raises_verdict(name: str) -> None:
    given_, whole, verdict, reason = DEVIATIONS[name]
    got, reasons = said(given_, whole)
    assert got == verdict
    assert reason in reasons


@pytest.mark.parametrize("feature", ["sending", "restored"])
@pytest.mark.parametrize(
    "name", ["no person named", "no review", "near match", "hidden characters"]
)
def test_other_reasons_are_reported_next_to_stop(name: str, feature: str) -> None:
    """If only the stop were reported, members would wait for its end instead of fixing the other
    reason."""
    given_, whole, _, reason = DEVIATIONS[name]
    beside = decide_unit(replace(given_, stops=(StopFacts("tenant", feature),)), whole, BUNDLE, NOW)
    assert (beside.is_transient, beside.main_reason.code) == (False, f"gate.{reason}")


UNREVIEWED = replace(SYNTHETIC, declaration=DeclarationFacts(True, False))
ELSEWHERE = grant("publish", surfaces=("telegram",))

PEOPLE: dict[str, tuple[PersonFacts, Reason]] = {
    "no identity": (replace(REAL, identities=()), Reason.IDENTITY_MISSING),
    "identity after production": (replace(REAL, identities=(AgeProof(NOW, None, None),)), Reason.IDENTITY_AFTER_PRODUCTION),
    "identity expired": (replace(REAL, identities=(AgeProof(BEFORE, NOW, None),)), Reason.IDENTITY_MISSING),
    "no consent": (replace(REAL, grants=GRANTS[:1]), Reason.CONSENT_MISSING),
    "another destination": (replace(REAL, grants=(GRANTS[0], ELSEWHERE)), Reason.CONSENT_SCOPE),
    "lower rating": (replace(REAL, grants=(GRANTS[0], grant("publish", max_rating=Rating.S))), Reason.CONSENT_SCOPE),
    "expired": (replace(REAL, grants=(GRANTS[0], grant("publish", valid_until=NOW))), Reason.CONSENT_EXPIRED),
    "not yet valid": (replace(REAL, grants=(GRANTS[0], grant("publish", valid_from=AFTER))), Reason.CONSENT_EXPIRED),
    "consent revoked": (replace(REAL, grants=(GRANTS[0], grant("publish", revoked=True))), Reason.CONSENT_REVOKED),
    "person revoked": (replace(REAL, state=PersonState.REVOKED), Reason.CONSENT_REVOKED),
    "digital twin without likeness consent": (replace(REAL, kind="digital_twin", grants=GRANTS[:3]), Reason.CONSENT_MISSING),
    "rating above consent": (replace(REAL, grants=(GRANTS[0], grant("publish", max_rating=Rating.S))), Reason.CONSENT_SCOPE),
    "synthetic, undeclared": (replace(SYNTHETIC, declaration=None), Reason.SYNTHETIC_DECLARATION_MISSING),
    "synthetic, one review": (UNREVIEWED, Reason.SYNTHETIC_DECLARATION_MISSING),
    "synthetic, no license": (replace(SYNTHETIC, declaration=DeclarationFacts(False, True)), Reason.LICENCE_MISSING),
}  # fmt: skip


@pytest.mark.parametrize("name", PEOPLE)
def test_each_missing_fact_of_person_alone_blocks(name: str) -> None:
    person, reason = PEOPLE[name]
    got, reasons = said(snapshot(known(person=person), persons=(person,)))
    assert (got, reasons) == ("B", {reason})


def test_age_proof_for_past_day_covers_older_pictures() -> None:
    late = replace(REAL, identities=(AgeProof(NOW, None, BEFORE),))
    assert said(snapshot(known(person=late), persons=(late,)))[0] == "F"


def test_ai_picture_of_real_person_requires_likeness_consent() -> None:
    drawn = unit(media=(AI,), flags=("adult=true", "ai=true"))
    assert said(snapshot(known(ai="generated")), drawn) == ("F", set())
    silent = replace(REAL, grants=GRANTS[:3])
    assert said(snapshot(known(person=silent), persons=(silent,))) == ("F", set())
    asked = said(snapshot(known(person=silent, ai="generated"), persons=(silent,)), drawn)
    assert asked == ("B", {Reason.CONSENT_MISSING})


def test_picture_with_future_date_is_undated() -> None:
    assert said(snapshot(known(produced_at=NOW))) == ("F", set())
    late = known(produced_at=NOW + timedelta(seconds=1))
    assert said(snapshot(late)) == ("B", {Reason.PRODUCTION_DATE_UNKNOWN})


def test_sale_requires_additional_consent() -> None:
    person = replace(REAL, grants=GRANTS[:2])
    given_ = snapshot(known(person=person), persons=(person,))
    assert said(given_)[0] == "F"
    assert said(given_, unit(subject=Subject("fulfilment", derived_uuid("f"))))[0] == "B"
    assert said(given_, unit(price=Money(500, "USD")))[0] == "B"


READER = ViewerFacts(AssuranceState.ASSURED, "L4", True, True, "", AFTER, 1)
READERS: dict[str, tuple[ViewerFacts | None, Reason]] = {
    "unknown": (None, Reason.VIEWER_UNASSURED),
    "pending": (replace(READER, state=AssuranceState.PENDING), Reason.VIEWER_UNASSURED),
    "self-declared": (replace(READER, level="L1"), Reason.VIEWER_LEVEL_LOW),
    "expired": (replace(READER, expires_at=NOW), Reason.VIEWER_EXPIRED),
    "no expiry": (replace(READER, expires_at=None), Reason.VIEWER_EXPIRED),
    "minor": (replace(READER, over_18=False), Reason.VIEWER_BLOCKED),
    "suspected": (replace(READER, state=AssuranceState.SUSPECTED), Reason.VIEWER_BLOCKED),
    "blocked": (replace(READER, state=AssuranceState.BLOCKED), Reason.VIEWER_BLOCKED),
}


def chat(**changes: Any) -> Unit:
    return unit(**{"surface": "sandbox.chat", "audience": "viewer", "viewer": "fan", **changes})


@pytest.mark.parametrize("name", READERS)
def test_nudity_reaches_only_adult_viewers(name: str) -> None:
    reader, reason = READERS[name]
    assert said(snapshot(known(), viewer=READER), chat()) == ("F", set())
    got, reasons = said(snapshot(known(), viewer=reader), chat())
    assert got == "B"
    assert reason in reasons


def test_assurance_does_not_count_on_real_platform() -> None:
    real = chat(platform="telegram", surface="telegram.bot_dm")
    person = replace(REAL, grants=tuple(replace(each, surfaces=("telegram",)) for each in GRANTS))
    _, reasons = said(snapshot(known(person=person), persons=(person,), viewer=READER), real)
    assert Reason.VIEWER_LEVEL_LOW in reasons


def test_general_message_reaches_all_but_blocked_viewers() -> None:
    plain = chat(media=(), flags=())
    assert said(snapshot(), plain)[0] == "A"
    blocked = replace(READER, state=AssuranceState.SUSPECTED)
    assert said(snapshot(viewer=blocked), plain) == ("B", {Reason.VIEWER_BLOCKED})


def test_own_and_registered_links_are_allowed() -> None:
    url = "https://mia.test/hello"
    linked = unit(media=(), texts=(Text("body", f"see {url}"),), flags=())
    assert said(snapshot(own_hosts=("mia.test",)), linked)[0] == "A"
    target = LinkFacts(url, False, Rating.G, True, AFTER)
    assert said(snapshot(links=(target,)), linked)[0] == "A"
    assert said(snapshot(links=(replace(target, active=False),)), linked) == (
        "H",
        {Reason.LINK_CHANGED},
    )
    adult = replace(target, adult=True)
    fanvue = replace(linked, surface="sandbox.as_fanvue")
    assert Reason.LINK_ADULT_FORBIDDEN in said(snapshot(links=(adult,)), fanvue)[1]


def media(given_: EvidenceSnapshot, **changes: Any) -> EvidenceSnapshot:
    return replace(given_, media=tuple(replace(each, **changes) for each in given_.media))


def people(given_: EvidenceSnapshot, **changes: Any) -> EvidenceSnapshot:
    return replace(given_, persons=tuple(replace(each, **changes) for each in given_.persons))


STRANGER = DepictionFacts(derived_uuid("new"), "proposed")
UNRATED = Rating.G

WORSE: dict[str, Any] = {
    "unrated": lambda s: media(s, rating=None) if s.media[0].rating is UNRATED else s,
    "explicit": lambda s: (
        media(s, rating=Rating.E) if s.media[0].rating not in (None, Rating.X) else s
    ),
    "prohibited": lambda s: media(s, rating=Rating.X, prohibited="category"),
    "frozen": lambda s: media(s, state="frozen"),
    "blocked": lambda s: media(s, blocked="exact"),
    "one more person": lambda s: media(s, shown=(*s.media[0].shown, STRANGER)),
    "undated": lambda s: media(s, produced_at=None),
    "stop": lambda s: replace(s, stops=(*s.stops, StopFacts("global", "sending"))),
    "revoked": lambda s: people(
        s, grants=tuple(replace(each, revoked=True) for each in s.persons[0].grants)
    ),
    "no papers": lambda s: people(s, identities=()),
    "undeclared": lambda s: people(s, declaration=None),
    "unknown reader": lambda s: replace(s, viewer=None) if s.viewer == READER else s,
    "suspected reader": lambda s: replace(
        s, viewer=replace(READER, state=AssuranceState.SUSPECTED)
    ),
    "lower limit": lambda s: replace(s, ceiling=Rating.G),
    "refusal": lambda s: replace(s, reviews=(*s.reviews, replace(REVIEW, approves=False, at=NOW))),
    "unlocked": lambda s: replace(s, unlocked=("k",)),
    "unknown author": lambda s: replace(s, author="", author_principal=None),
    "letters before": lambda s: replace(s, recent=(*s.recent, "EXPLICIT-MAR")),
}


@given(
    rating=st.sampled_from([Rating.G, Rating.S, Rating.N, Rating.E]),
    person=st.sampled_from([REAL, SYNTHETIC]),
    surface=st.sampled_from(
        ["post", "chat", "as_x", "as_instagram", "as_telegram", "as_fanvue", "profile", "nook"]
    ),
    words=st.sampled_from(
        ["Good morning", "KER-A", "NUDITY-MARKER-A", "SUGGESTIVE-MARKER-A", "MINOR-C-A"]
    ),
    steps=st.lists(st.sampled_from(sorted(WORSE)), min_size=1, max_size=4),
    private=st.booleans(),
)
@settings(max_examples=250, deadline=None)
def test_worse_facts_never_lower_verdict(
    *,
    rating: Rating,
    person: PersonFacts,
    surface: str,
    words: str,
    steps: list[str],
    private: bool,
) -> None:
    """Each step makes a fact worse or unknown."""
    whole = unit(surface=f"sandbox.{surface}", texts=(Text("body", words),))
    whole = replace(whole, audience="viewer", viewer="fan") if private else whole
    given_ = snapshot(known(rating, person), persons=(person,), viewer=READER if private else None)
    before = decide_unit(given_, whole, BUNDLE, NOW).verdict
    for step in steps:
        given_ = WORSE[step](given_)
        after = decide_unit(given_, whole, BUNDLE, NOW).verdict
        assert after.rank >= before.rank, step
        before = after


@given(st.text(min_size=1, max_size=40), st.text(min_size=1, max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_text_change_changes_digest(one: str, other: str) -> None:
    first, second = unit(texts=(Text("body", one),)), unit(texts=(Text("body", other),))
    assert (first.digest() == second.digest()) == (one == other)
    assert unit(native_key="1").digest() == unit(native_key="2").digest()


def test_decision_replays_identically() -> None:
    for given_, whole, *_ in DEVIATIONS.values():
        first = decide_unit(given_, whole, BUNDLE, NOW)
        again = decide_unit(
            facts.parse_snapshot(decision_log.encode_snapshot(given_)),
            facts.parse_unit(decision_log.encode_unit(whole)),
            BUNDLE,
            NOW,
        )
        assert again.to_canonical() == first.to_canonical()
        assert decision_log.encode_snapshot(
            facts.parse_snapshot(decision_log.encode_snapshot(given_))
        ) == decision_log.encode_snapshot(given_)
        assert first.reasons == tuple(sorted(first.reasons))
        assert (first.verdict in (Verdict.A, Verdict.F)) == first.is_allowed
