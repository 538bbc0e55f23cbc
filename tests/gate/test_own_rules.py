"""One's own picture without a second look, as a rule: each condition missing in turn, and what stays a rule."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import yaml

from foundation.ids import derived
from foundation.money import Money
from gate import bundle, lexicon
from gate.case import Case
from gate.decide import decide
from gate.facts import Holder, Release, ReviewFacts, Shown
from gate.own_likeness import DELAY, Lack, missing
from gate.reasons import Reason
from gate.states import PersonState
from gate.units import Button, Invoice, Medium, Rating, Subject, Text
from tests.gate.opening import COUNSEL, PLACE, opened
from tests.gate.test_decide import ANN, BEFORE, NOW, PREAL, REAL, ROB, SYNTHETIC, known, snapshot
from tests.gate.test_decide import unit as plain

OPEN = opened()
WHOLE = plain(surface=PLACE)
HOLDS = Holder(PREAL, ANN, BEFORE, None)
MINE = Release(WHOLE.digest(), ANN, NOW - DELAY, 100, True, (HOLDS,))
OWN = known(Rating.E, reviews=(), people_seen=1)
NO = ReviewFacts(ROB, False, 100, NOW - timedelta(hours=1))
TWO = Medium("b" * 64, "image/jpeg", 10)
SECOND = replace(OWN, sha256=TWO.sha256)
OTHER = replace(REAL, id=derived("somebody else"))
SOURCE = {"creator_verified": True, "creator_verified_source": {"source_url": ["https://a.example"]}}
BOTH = replace(OWN, shown=(*OWN.shown, Shown(OTHER.id, "confirmed")))


def given(release: Release | None = MINE, *media: Any, **changes: Any) -> Any:
    return snapshot(*(media or (OWN,)), release=release, **changes)


def test_a_release_that_holds_in_every_point_stands_for_a_look() -> None:
    found = decide(given(), WHOLE, OPEN, NOW)
    assert (str(found.verdict), found.reasons) == ("F", ())
    assert decide(given(None), WHOLE, OPEN, NOW).reasons == (Reason.REVIEW_MISSING,)


def signed_for(whole: Any, **changes: Any) -> Release:
    return replace(MINE, unit_digest=whole.digest(), **changes)


def varied(**changes: Any) -> tuple[Any, Any]:
    """Another unit, and the release of just that one."""
    whole = replace(WHOLE, **changes)
    return given(signed_for(whole)), whole


PAIR = replace(WHOLE, media=(*WHOLE.media, TWO))
LACKS: dict[str, tuple[Any, Any, Lack]] = {
    "taken back, or the passkey gone": (given(replace(MINE, stands=False)), WHOLE, Lack.WITHDRAWN),
    "edited since": (given(), replace(WHOLE, texts=(Text("body", "Good evening"),)), Lack.CHANGED),
    "a second too early": (given(replace(MINE, at=NOW - DELAY + timedelta(seconds=1))), WHOLE, Lack.SOON),
    "a hundred days old": (given(replace(MINE, at=NOW - timedelta(days=100))), WHOLE, Lack.OLD),
    "somebody else's": (given(replace(MINE, principal=ROB)), WHOLE, Lack.AUTHOR),
    "nobody's": (given(author=""), WHOLE, Lack.AUTHOR),
    "half seen": (given(replace(MINE, seen_percent=94)), WHOLE, Lack.SEEN),
    "sold": (*varied(subject=Subject("fulfilment", derived("d"))), Lack.KIND),
    "handed out as a file": (*varied(subject=Subject("export", derived("d"))), Lack.KIND),
    "to one reader": (*varied(audience="viewer", viewer="7"), Lack.KIND),
    "behind a price": (*varied(price=Money(500, "USD")), Lack.KIND),
    "with a bill": (*varied(invoice=Invoice("a", "b", 1, "XTR", "p")), Lack.KIND),
    "with a button": (*varied(buttons=(Button("Buy", "buy", "1"),)), Lack.KIND),
    "a place that verifies nobody": (*varied(surface="sandbox.post"), Lack.PLACE),
    "own page": (*varied(platform="own_page", surface="own_page.assured"), Lack.PLACE),
    "a bot": (*varied(platform="telegram", surface="telegram.bot_dm"), Lack.PLACE),
    "a place nobody knows": (*varied(surface="sandbox.nook"), Lack.PLACE),
    "no custodian": (given(replace(MINE, holders=())), WHOLE, Lack.HOLDER),
    "another human's account": (given(replace(MINE, holders=(replace(HOLDS, principal=ROB),))), WHOLE, Lack.HOLDER),
    "a custodian of yesterday": (given(replace(MINE, holders=(replace(HOLDS, valid_until=NOW),))), WHOLE, Lack.HOLDER),
    "two people hold it": (given(replace(MINE, holders=(HOLDS, replace(HOLDS, person=ROB)))), WHOLE, Lack.HOLDER),
    "two faces": (given(MINE, replace(OWN, people_seen=2)), WHOLE, Lack.PERSON),
    "nobody counted": (given(MINE, replace(OWN, people_seen=None)), WHOLE, Lack.PERSON),
    "only proposed": (given(MINE, replace(OWN, shown=(Shown(PREAL, "proposed"),))), WHOLE, Lack.PERSON),
    "somebody blurred": (
        given(MINE, replace(OWN, shown=(*OWN.shown, Shown(OTHER.id, "non_identifiable"))), persons=(REAL, OTHER)),
        WHOLE,
        Lack.PERSON,
    ),
    "two named": (
        given(MINE, replace(BOTH, people_seen=2), persons=(REAL, OTHER)),
        WHOLE,
        Lack.PERSON,
    ),
    "somebody else alone": (
        given(MINE, replace(OWN, shown=(Shown(OTHER.id, "confirmed"),)), persons=(REAL, OTHER)),
        WHOLE,
        Lack.PERSON,
    ),
    "another in the second picture": (
        given(signed_for(PAIR), OWN, replace(SECOND, rating=Rating.G, shown=(Shown(OTHER.id, "confirmed"),)),
              persons=(REAL, OTHER)),
        PAIR,
        Lack.PERSON,
    ),
    "an invented person": (
        given(replace(MINE, holders=(replace(HOLDS, person=SYNTHETIC.id),)),
              known(Rating.E, SYNTHETIC, reviews=(), people_seen=1), persons=(SYNTHETIC,)),
        WHOLE,
        Lack.PERSON,
    ),
    "a double": (given(persons=(replace(REAL, kind="digital_twin"),)), WHOLE, Lack.PERSON),
    "who left": (given(persons=(replace(REAL, state=PersonState.REVOKED),)), WHOLE, Lack.PERSON),
    "adult words too": (*varied(texts=(Text("body", "EXPLICIT-MARKER-A"),)), Lack.WORDS),
    "refused by somebody": (given(MINE, replace(OWN, reviews=(NO,))), WHOLE, Lack.REFUSED),
}  # fmt: skip


@pytest.mark.parametrize(("facts", "whole", "lack"), LACKS.values(), ids=LACKS)
def test_it_fails_as_a_whole_where_one_point_is_missing(facts: Any, whole: Any, lack: Lack) -> None:
    assert lack in missing(Case(facts, whole, OPEN, NOW))
    found = decide(facts, whole, OPEN, NOW)
    assert Reason.RELEASE_INVALID in found.reasons
    assert not found.allowed


def test_every_lack_is_tried() -> None:
    assert {lack for _, _, lack in LACKS.values()} | {Lack.COUNTRY} == set(Lack)


def test_two_pictures_of_the_author_and_one_of_nobody() -> None:
    assert decide(given(signed_for(PAIR), OWN, SECOND), PAIR, OPEN, NOW).reasons == ()
    bare = replace(SECOND, rating=Rating.G, shown=(), people_seen=0)
    assert decide(given(signed_for(PAIR), OWN, bare), PAIR, OPEN, NOW).reasons == ()


def test_a_look_of_somebody_else_needs_no_release() -> None:
    """A release that does not count takes nothing away from a real look."""
    looked = replace(OWN, reviews=(ReviewFacts(ROB, True, 100, NOW - timedelta(hours=1)),))
    assert decide(given(replace(MINE, stands=False), looked), WHOLE, OPEN, NOW).reasons == ()


def test_every_other_rule_stays() -> None:
    for facts, reason in (
        (given(MINE, replace(OWN, hidden=True)), Reason.CONTAINER_HIDDEN_CONTENT),
        (given(persons=(replace(REAL, grants=()),)), Reason.CONSENT_MISSING),
        (given(persons=(replace(REAL, identities=()),)), Reason.IDENTITY_MISSING),
        (given(MINE, replace(OWN, blocked="exact")), Reason.BLOCKLIST_EXACT),
    ):
        assert reason in decide(facts, WHOLE, OPEN, NOW).reasons


# ------------------------------------------------------------------ the rules' data
def test_the_product_opens_it_nowhere() -> None:
    shipped = bundle.shipped()
    assert not shipped.opened
    assert missing(Case(given(), WHOLE, shipped, NOW)) == (Lack.COUNTRY,)
    assert set(decide(given(), WHOLE, shipped, NOW).reasons) == {Reason.RELEASE_INVALID, Reason.REVIEW_MISSING}


@pytest.mark.parametrize("left_out", ["counsel", "source_url", "review_by"])
def test_nobody_opens_it_in_passing(left_out: str) -> None:
    with pytest.raises(ValueError, match="own_likeness"):
        opened(default={name: value for name, value in COUNSEL.items() if name != left_out})
    assert opened(default=COUNSEL).opened == {"default": date(2027, 2, 18)}


def test_a_country_of_its_own_is_not_the_default_s() -> None:
    only_default, only_us = opened(default=COUNSEL), opened(US=COUNSEL)
    day = NOW.date()
    assert [only_default.own_likeness(one, day) for one in ("", "FR", "US")] == [True, True, False]
    assert [only_us.own_likeness(one, day) for one in ("", "FR", "US")] == [False, False, True]
    assert not only_default.own_likeness("FR", date(2027, 2, 19))


@pytest.mark.parametrize(
    "changes",
    [SOURCE | {"creator_verified_source": None}, SOURCE | {"viewer": "product"}, SOURCE | {"viewer": "door"}],
    ids=["no source", "own page", "our door"],
)
def test_a_place_of_ours_verifies_nobody(changes: dict[str, Any]) -> None:
    content = yaml.safe_load(bundle.SHIPPED.read_text("utf-8"))
    row = next(row for row in content["rows"] if row["id"] == "fanvue.post")
    assert bundle.parse(yaml.safe_dump(content).encode(), lexicon.shipped())
    row.update(changes)
    with pytest.raises(ValueError, match="verifies creators"):
        bundle.parse(yaml.safe_dump(content).encode(), lexicon.shipped())
