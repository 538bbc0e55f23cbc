"""Release of own pictures without a second reviewer: each condition, and the rules that remain."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import yaml

from foundation.ids import derived_uuid
from foundation.money import Money
from gate.contract.facts import AccountHolderFacts, DepictionFacts, OwnReleaseFacts, ReviewFacts
from gate.contract.reasons import Reason
from gate.contract.states import PersonState
from gate.contract.units import Button, Invoice, Medium, Rating, Subject, Text
from gate.decision.case import Case
from gate.decision.decide import decide_unit
from gate.decision.own_release_rules import OWN_RELEASE_DELAY, MissingCondition, missing_conditions
from gate.policy import bundle
from gate.text import lexicon
from tests.gate.decision.test_decide import (
    ANN,
    BEFORE,
    NOW,
    PREAL,
    REAL,
    ROB,
    SYNTHETIC,
    known,
    snapshot,
)
from tests.gate.decision.test_decide import unit as plain
from tests.gate.own_release_builders import COUNSEL, PLACE, build_open_bundle

OPEN = build_open_bundle()
WHOLE = plain(surface=PLACE)
HOLDS = AccountHolderFacts(PREAL, ANN, BEFORE, None)
MINE = OwnReleaseFacts(WHOLE.digest(), ANN, NOW - OWN_RELEASE_DELAY, 100, True, (HOLDS,))
OWN = known(Rating.E, reviews=(), people_seen=1)
NO = ReviewFacts(ROB, False, 100, NOW - timedelta(hours=1))
TWO = Medium("b" * 64, "image/jpeg", 10)
SECOND = replace(OWN, sha256=TWO.sha256)
OTHER = replace(REAL, id=derived_uuid("somebody else"))
SOURCE = {
    "creator_verified": True,
    "creator_verified_source": {"source_url": ["https://a.example"]},
}
BOTH = replace(OWN, shown=(*OWN.shown, DepictionFacts(OTHER.id, "confirmed")))


def given(release: OwnReleaseFacts | None = MINE, *media: Any, **changes: Any) -> Any:
    return snapshot(*(media or (OWN,)), release=release, **changes)


def test_valid_release_replaces_review() -> None:
    found = decide_unit(given(), WHOLE, OPEN, NOW)
    assert (str(found.verdict), found.reasons) == ("F", ())
    assert decide_unit(given(None), WHOLE, OPEN, NOW).reasons == (Reason.REVIEW_MISSING,)


def signed_for(whole: Any, **changes: Any) -> OwnReleaseFacts:
    return replace(MINE, unit_digest=whole.digest(), **changes)


def varied(**changes: Any) -> tuple[Any, Any]:
    """Return a changed unit and the release for exactly that unit."""
    whole = replace(WHOLE, **changes)
    return given(signed_for(whole)), whole


PAIR = replace(WHOLE, media=(*WHOLE.media, TWO))
LACKS: dict[str, tuple[Any, Any, MissingCondition]] = {
    "withdrawn, or passkey removed": (given(replace(MINE, stands=False)), WHOLE, MissingCondition.WITHDRAWN),
    "edited after release": (given(), replace(WHOLE, texts=(Text("body", "Good evening"),)), MissingCondition.CHANGED),
    "one second too early": (given(replace(MINE, at=NOW - OWN_RELEASE_DELAY + timedelta(seconds=1))), WHOLE, MissingCondition.SOON),
    "100 days old": (given(replace(MINE, at=NOW - timedelta(days=100))), WHOLE, MissingCondition.OLD),
    "another member": (given(replace(MINE, principal=ROB)), WHOLE, MissingCondition.AUTHOR),
    "no author": (given(author=""), WHOLE, MissingCondition.AUTHOR),
    "partially viewed": (given(replace(MINE, seen_percent=94)), WHOLE, MissingCondition.SEEN),
    "sold": (*varied(subject=Subject("fulfilment", derived_uuid("d"))), MissingCondition.KIND),
    "exported file": (*varied(subject=Subject("export", derived_uuid("d"))), MissingCondition.KIND),
    "to one viewer": (*varied(audience="viewer", viewer="7"), MissingCondition.KIND),
    "with price": (*varied(price=Money(500, "USD")), MissingCondition.KIND),
    "with invoice": (*varied(invoice=Invoice("a", "b", 1, "XTR", "p")), MissingCondition.KIND),
    "with button": (*varied(buttons=(Button("Buy", "buy", "1"),)), MissingCondition.KIND),
    "destination without verified creators": (*varied(surface="sandbox.post"), MissingCondition.PLACE),
    "own page": (*varied(platform="own_page", surface="own_page.assured"), MissingCondition.PLACE),
    "bot": (*varied(platform="telegram", surface="telegram.bot_dm"), MissingCondition.PLACE),
    "unknown destination": (*varied(surface="sandbox.nook"), MissingCondition.PLACE),
    "no account holder": (given(replace(MINE, holders=())), WHOLE, MissingCondition.HOLDER),
    "account of another human": (given(replace(MINE, holders=(replace(HOLDS, principal=ROB),))), WHOLE, MissingCondition.HOLDER),
    "expired account holder": (given(replace(MINE, holders=(replace(HOLDS, valid_until=NOW),))), WHOLE, MissingCondition.HOLDER),
    "two account holders": (given(replace(MINE, holders=(HOLDS, replace(HOLDS, person=ROB)))), WHOLE, MissingCondition.HOLDER),
    "two faces": (given(MINE, replace(OWN, people_seen=2)), WHOLE, MissingCondition.PERSON),
    "people not counted": (given(MINE, replace(OWN, people_seen=None)), WHOLE, MissingCondition.PERSON),
    "only proposed": (given(MINE, replace(OWN, shown=(DepictionFacts(PREAL, "proposed"),))), WHOLE, MissingCondition.PERSON),
    "blurred second person": (
        given(MINE, replace(OWN, shown=(*OWN.shown, DepictionFacts(OTHER.id, "non_identifiable"))), persons=(REAL, OTHER)),
        WHOLE,
        MissingCondition.PERSON,
    ),
    "two people named": (
        given(MINE, replace(BOTH, people_seen=2), persons=(REAL, OTHER)),
        WHOLE,
        MissingCondition.PERSON,
    ),
    "another person only": (
        given(MINE, replace(OWN, shown=(DepictionFacts(OTHER.id, "confirmed"),)), persons=(REAL, OTHER)),
        WHOLE,
        MissingCondition.PERSON,
    ),
    "another person in second picture": (
        given(signed_for(PAIR), OWN, replace(SECOND, rating=Rating.G, shown=(DepictionFacts(OTHER.id, "confirmed"),)),
              persons=(REAL, OTHER)),
        PAIR,
        MissingCondition.PERSON,
    ),
    "synthetic person": (
        given(replace(MINE, holders=(replace(HOLDS, person=SYNTHETIC.id),)),
              known(Rating.E, SYNTHETIC, reviews=(), people_seen=1), persons=(SYNTHETIC,)),
        WHOLE,
        MissingCondition.PERSON,
    ),
    "digital twin": (given(persons=(replace(REAL, kind="digital_twin"),)), WHOLE, MissingCondition.PERSON),
    "revoked person": (given(persons=(replace(REAL, state=PersonState.REVOKED),)), WHOLE, MissingCondition.PERSON),
    "adult text": (*varied(texts=(Text("body", "EXPLICIT-MARKER-A"),)), MissingCondition.WORDS),
    "refused in review": (given(MINE, replace(OWN, reviews=(NO,))), WHOLE, MissingCondition.REFUSED),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "whole", "lack"), LACKS.values(), ids=LACKS)
def test_release_is_invalid_if_any_condition_is_missing(
    facts: Any, whole: Any, lack: MissingCondition
) -> None:
    assert lack in missing_conditions(Case(facts, whole, OPEN, NOW))
    found = decide_unit(facts, whole, OPEN, NOW)
    assert Reason.RELEASE_INVALID in found.reasons
    assert not found.is_allowed


def test_every_missing_condition_has_a_case() -> None:
    assert {lack for _, _, lack in LACKS.values()} | {MissingCondition.COUNTRY} == set(
        MissingCondition
    )


def test_release_covers_pictures_of_author_or_without_people() -> None:
    assert decide_unit(given(signed_for(PAIR), OWN, SECOND), PAIR, OPEN, NOW).reasons == ()
    bare = replace(SECOND, rating=Rating.G, shown=(), people_seen=0)
    assert decide_unit(given(signed_for(PAIR), OWN, bare), PAIR, OPEN, NOW).reasons == ()


def test_review_by_another_member_needs_no_release() -> None:
    """An invalid release does not invalidate a review."""
    looked = replace(OWN, reviews=(ReviewFacts(ROB, True, 100, NOW - timedelta(hours=1)),))
    assert decide_unit(given(replace(MINE, stands=False), looked), WHOLE, OPEN, NOW).reasons == ()


def test_release_does_not_replace_other_rules() -> None:
    for facts, reason in (
        (given(MINE, replace(OWN, hidden=True)), Reason.CONTAINER_HIDDEN_CONTENT),
        (given(persons=(replace(REAL, grants=()),)), Reason.CONSENT_MISSING),
        (given(persons=(replace(REAL, identities=()),)), Reason.IDENTITY_MISSING),
        (given(MINE, replace(OWN, blocked="exact")), Reason.BLOCKLIST_EXACT),
    ):
        assert reason in decide_unit(facts, WHOLE, OPEN, NOW).reasons


# ------------------------------------------------------------------ policy data
def test_shipped_policy_allows_release_in_no_country() -> None:
    shipped = bundle.shipped_bundle()
    assert not shipped.opened
    assert missing_conditions(Case(given(), WHOLE, shipped, NOW)) == (MissingCondition.COUNTRY,)
    assert set(decide_unit(given(), WHOLE, shipped, NOW).reasons) == {
        Reason.RELEASE_INVALID,
        Reason.REVIEW_MISSING,
    }


@pytest.mark.parametrize("left_out", ["counsel", "source_url", "review_by"])
def test_release_requires_complete_legal_source(left_out: str) -> None:
    with pytest.raises(ValueError, match="own_likeness"):
        build_open_bundle(
            default={name: value for name, value in COUNSEL.items() if name != left_out}
        )
    assert build_open_bundle(default=COUNSEL).opened == {"default": date(2027, 2, 18)}


def test_country_rule_is_independent_of_default() -> None:
    only_default, only_us = build_open_bundle(default=COUNSEL), build_open_bundle(US=COUNSEL)
    day = NOW.date()
    assert [only_default.can_release_own(one, day) for one in ("", "FR", "US")] == [
        True,
        True,
        False,
    ]
    assert [only_us.can_release_own(one, day) for one in ("", "FR", "US")] == [False, False, True]
    assert not only_default.can_release_own("FR", date(2027, 2, 19))


@pytest.mark.parametrize(
    "changes",
    [
        SOURCE | {"creator_verified_source": None},
        SOURCE | {"viewer": "product"},
        SOURCE | {"viewer": "door"},
    ],
    ids=["no source", "own page", "web process"],
)
def test_own_destination_cannot_verify_creators(changes: dict[str, Any]) -> None:
    content = yaml.safe_load(bundle.SHIPPED_MATRIX_PATH.read_text("utf-8"))
    row = next(row for row in content["rows"] if row["id"] == "fanvue.post")
    assert bundle.parse_bundle(yaml.safe_dump(content).encode(), lexicon.shipped_lexicon())
    row.update(changes)
    with pytest.raises(ValueError, match="creator_verified"):
        bundle.parse_bundle(yaml.safe_dump(content).encode(), lexicon.shipped_lexicon())
