"""Terms of shoot cards, compared with an oracle that knows only the events, in hours since a first
Monday."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

from hypothesis import given, settings
from hypothesis import strategies as st

from gate.contract.facts import (
    AgeProof,
    CardAnswerFacts,
    CardPositionFacts,
    DepictionFacts,
    MediumFacts,
    PersonFacts,
    ShootCardFacts,
)
from gate.contract.states import PersonState
from gate.contract.units import Rating
from gate.decision import shoot_card_terms
from gate.decision.shoot_card_terms import CARD_DECLINED, CARD_SIGNED, CARD_WITHDRAWN, CardUse

FIRST = datetime(2026, 6, 1, tzinfo=UTC)
CREATOR, CARD = UUID(int=1), UUID(int=2)
BEGINS = 240
"""First hour of the shoot day, which ends at hour 264."""


@dataclass(frozen=True)
class Story:
    """The events of a shoot. Each answer is (person, answer, hour, signed in person, card
    unchanged)."""

    people: int
    answers: tuple[tuple[int, str, int, bool, bool], ...]
    left: bool
    checked: tuple[int, ...]
    strict: bool
    camera: int | None
    known: int
    place: int
    allowed: Rating
    used_as: Rating
    sold: bool
    sells: bool
    elsewhere: bool
    others: bool
    now: int
    seen: int | None
    named: frozenset[int]
    """People named in the picture: 0, 1 and 2 are on the card, 9 is not."""


hours = st.integers(0, 500)
stories = st.builds(
    Story,
    people=st.integers(1, 3),
    answers=st.lists(
        st.tuples(
            st.integers(0, 2),
            st.sampled_from([CARD_SIGNED] * 12 + [CARD_DECLINED, CARD_WITHDRAWN]),
            st.one_of(st.just(250), hours),
            st.sampled_from([True] * 7 + [False]),
            st.sampled_from([True] * 7 + [False]),
        ),
        max_size=5,
    ).map(tuple),
    left=st.sampled_from([False] * 9 + [True]),
    checked=st.tuples(*[st.one_of(st.just(0), hours)] * 3),
    strict=st.booleans(),
    camera=st.one_of(st.none(), st.integers(BEGINS, BEGINS + 40), hours),
    known=st.one_of(st.just(300), hours),
    place=st.sampled_from([1, 2, 3, 4, 5]),
    allowed=st.sampled_from([Rating.S, Rating.N, Rating.E, Rating.E]),
    used_as=st.sampled_from([Rating.G, Rating.S, Rating.N, Rating.E]),
    sold=st.booleans(),
    sells=st.booleans(),
    elsewhere=st.sampled_from([False] * 5 + [True]),
    others=st.sampled_from([False] * 5 + [True]),
    now=st.one_of(st.just(400), st.integers(0, 1200)),
    seen=st.one_of(st.none(), st.integers(0, 4)),
    named=st.frozensets(st.sampled_from([0, 1, 2, 9]), max_size=2),
)
MOST, ENDS = 4, 900
"""Number of pictures on the card, and the hour at which it expires."""


def counts(story: Story) -> bool:
    """Return True if the card covers this use, by a direct reading of the rules."""
    listed = [one for one in story.answers if one[0] < story.people]
    if any(what in (CARD_DECLINED, CARD_WITHDRAWN) for _, what, _, _, _ in listed):
        return False
    for person in range(story.people):
        good = [
            1
            for who, what, at, own, same in listed
            if who == person and own and same and at >= BEGINS
        ]
        if not good:
            return False
        if story.strict and story.used_as is not Rating.G and story.checked[person] > BEGINS:
            return False
    too_late = story.now >= ENDS or story.now < BEGINS
    another_set = story.camera is not None and not BEGINS <= story.camera < BEGINS + 48
    more_than_signed = "GSNEX".index(story.used_as) > "GSNEX".index(story.allowed) or (
        story.sold and not story.sells
    )
    beyond = story.place > MOST or story.elsewhere or story.others or more_than_signed
    return not (too_late or another_set or beyond or story.left or story.known < BEGINS)


def since(story: Story) -> int | None:
    """Return the hour of production, if any evidence gives one."""
    told = [hour for hour in (story.camera, BEGINS if counts(story) else None) if hour is not None]
    return min(told, default=None)


def confirmed(story: Story) -> set[int]:
    everybody = set(range(story.people))
    return (
        everybody
        if counts(story) and story.seen == story.people and story.named <= everybody
        else set()
    )


def at(hour: int) -> datetime:
    return FIRST + timedelta(hours=hour)


def person(number: int) -> UUID:
    return UUID(int=100 + number)


def told(story: Story) -> tuple[MediumFacts, CardUse, dict[UUID, PersonFacts]]:
    """Return the story as the facts that the product stores."""
    card = ShootCardFacts(
        id=CARD,
        creator=UUID(int=3) if story.others else CREATOR,
        digest="d",
        day=date(2026, 6, 11),
        zone="UTC",
        starts_at=at(BEGINS),
        ends_at=at(BEGINS + 24),
        country="US" if story.strict else "FR",
        persons=tuple(person(one) for one in range(story.people)),
        scopes=("depict", "publish", "download_sell") if story.sells else ("depict", "publish"),
        surfaces=("x",) if story.elsewhere else ("sandbox",),
        max_rating=story.allowed,
        pictures=MOST,
        valid_until=at(ENDS),
        answers=tuple(
            CardAnswerFacts(
                person(who),
                what,
                at(hour),
                f"person:{person(who)}" if own else "member:x",
                "d" if same else "c",
            )
            for who, what, hour, own, same in story.answers
            if who < story.people  # the database accepts answers of people on the card only
        ),
    )
    shown = tuple(DepictionFacts(person(one), "proposed") for one in sorted(story.named))
    medium = MediumFacts(
        "a" * 64, "image/jpeg", 1, "made", "none", None, Rating.E, "", story.seen, shown, (), ""
    )
    produced = at(story.camera) if story.camera is not None else None
    medium = replace(
        medium, produced_at=produced, card=CardPositionFacts(card, story.place, at(story.known))
    )
    use = CardUse(
        creator=CREATOR,
        places=frozenset({"sandbox", "sandbox.post"}),
        rating=story.used_as,
        sold=story.sold,
        now=at(story.now),
        checked_first=lambda country: country == "US",
    )
    state = PersonState.REVOKED if story.left else PersonState.ACTIVE
    people = {
        person(one): PersonFacts(
            person(one), "real", state, (AgeProof(at(story.checked[one]), None, None),)
        )
        for one in range(story.people)
    }
    return medium, use, people


@settings(max_examples=600, deadline=None)
@given(stories)
def test_resolved_medium_matches_story(story: Story) -> None:
    medium, use, people = told(story)
    found = shoot_card_terms.resolve_medium(medium, use, people)
    hour = since(story)
    assert found.produced_at == (None if hour is None else at(hour))
    assert found.card is not None
    assert found.card.counts is counts(story)
    named = {one.person for one in found.shown if one.state == "confirmed"}
    assert named == {person(one) for one in confirmed(story)}
    assert {one.person for one in found.shown} >= {one.person for one in medium.shown}


def test_stories_include_valid_cards() -> None:
    """Without valid cards the property would be trivial."""
    whole = Story(
        **{
            **dict.fromkeys(("left", "strict", "sold", "sells", "elsewhere", "others"), False),
            **{
                "people": 1,
                "answers": ((0, CARD_SIGNED, 250, True, True),),
                "checked": (0, 0, 0),
                "camera": None,
            },
            **{
                "known": 300,
                "place": 1,
                "allowed": Rating.E,
                "used_as": Rating.E,
                "now": 400,
                "seen": 1,
            },
            "named": frozenset(),
        }
    )
    assert (since(whole), confirmed(whole)) == (BEGINS, {0})
    medium, use, people = told(whole)
    assert shoot_card_terms.resolve_medium(medium, use, people).produced_at == at(BEGINS)
    assert shoot_card_terms.resolve_medium(medium, use, {}).produced_at is None, (
        "unknown people sign nothing"
    )
