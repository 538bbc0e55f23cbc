"""Oracle of the gate: decides from a list of events alone whether a post may be sent. It shares
only the names of the ratings with the gate: if the two differ, one of them is wrong."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.gate.oracle_events import (
    ConsentGranted,
    ConsentRevoked,
    Event,
    PersonAdded,
    PictureBlocked,
    PictureFrozen,
    PictureMade,
    PictureRated,
    ReviewGiven,
    SendRequest,
    StopSwitched,
    ViewerAgeChanged,
)

LADDER = "GSNEX"
# The highest rating of each destination, from the rules of the platforms and not from the matrix.
ALLOWED = {
    "sandbox.post": "E",
    "sandbox.chat": "E",
    "x.post": "E",
    "instagram.post": "G",
    "own_page.public": "S",
}
OTHER = "rob"
"""The reviewer, who is not the author."""


@dataclass
class _World:
    """The state after the events."""

    people: dict[str, PersonAdded] = field(default_factory=dict)
    allows: dict[tuple[str, str], list[ConsentGranted]] = field(default_factory=dict)
    pictures: dict[str, PictureMade] = field(default_factory=dict)
    ratings: dict[str, str] = field(default_factory=dict)
    said: dict[str, dict[str, bool]] = field(default_factory=dict)
    frozen: set[str] = field(default_factory=set)
    forbidden: set[str] = field(default_factory=set)
    stops: set[str] = field(default_factory=set)
    age: str = "unknown"


def _after(events: Iterable[Event]) -> _World:
    now = _World()
    for event in events:
        match event:
            case PersonAdded():
                now.people[event.person] = event
            case ConsentGranted():
                now.allows.setdefault((event.person, event.what), []).append(event)
            case ConsentRevoked():
                now.allows.pop((event.person, event.what), None)
            case PictureMade():
                now.pictures[event.picture] = event
            case PictureRated():
                now.ratings[event.picture] = _top(
                    [now.ratings.get(event.picture, "G"), event.rating]
                )
            case ReviewGiven():
                now.said.setdefault(event.about, {})[event.who] = event.yes
            case PictureFrozen():
                (now.frozen.add if event.until_told else now.frozen.discard)(event.picture)
            case PictureBlocked():
                now.forbidden.add(event.picture)
            case StopSwitched():
                (now.stops.add if event.on else now.stops.discard)(event.feature)
            case ViewerAgeChanged():
                now.age = event.known
    return now


def _top(ratings: Sequence[str]) -> str:
    return max(ratings, key=LADDER.index, default="G")


def may_be_sent(events: Iterable[Event], wish: SendRequest) -> bool:
    """Return True if the request may be sent after these events."""
    now = _after(events)
    if any(_own(now, picture) is None for picture in wish.pictures):
        return False  # the picture has no rating
    rating = _top([wish.words, *(_own(now, picture) or "X" for picture in wish.pictures)])
    adult = rating in "NE"
    if rating == "X" or LADDER.index(rating) > LADDER.index(ALLOWED[wish.place]):
        return False
    if "sending" in now.stops or (adult and "nudity" in now.stops):
        return False
    if any(picture in now.frozen | now.forbidden for picture in wish.pictures):
        return False
    if not all(_people_agree(now, picture, wish.place, rating) for picture in wish.pictures):
        return False
    if wish.place == "sandbox.chat" and (
        now.age in ("blocked", "suspected") or (adult and now.age != "proven")
    ):
        return False
    return _seen(now, wish)


def _own(now: _World, picture: str) -> str | None:
    """Return the rating of a picture. A picture made from an adult picture is at least Suggestive,
    even if blurred."""
    if picture not in now.ratings:
        return None
    source = now.pictures[picture].source
    floor = now.ratings.get(source, "G") if source else "G"
    return _top([now.ratings[picture], "S" if floor in "NE" else floor])


def _people_agree(now: _World, picture: str, place: str, rating: str) -> bool:
    made = now.pictures[picture]
    shown = set(made.shows) | (set(now.pictures[made.source].shows) if made.source else set())
    proven = now.pictures[made.source].proven if made.source else made.proven
    if (made.counted or 0) > len(shown) or (not shown and _own(now, picture) != "G"):
        return False
    for name in shown:
        person = now.people[name]
        if person.real and rating != "G" and not (person.papers and proven):
            return False
        if person.real and not all(
            _allows(now, name, what, place, rating) for what in ("depict", "publish")
        ):
            return False
        if not person.real and rating in "NE" and not person.papers:
            return False
    return True


def _allows(now: _World, person: str, what: str, place: str, rating: str) -> bool:
    given = now.allows.get((person, what), [])
    platform = place.partition(".")[0]
    return any(
        platform in one.platforms and LADDER.index(rating) <= LADDER.index(one.most)
        for one in given
    )


def _seen(now: _World, wish: SendRequest) -> bool:
    """Return True if another member approved the adult pictures and texts, and no last review
    refused them."""
    whole = now.said.get(wish.name, {})
    if False in whole.values():
        return False
    if whole.get(OTHER):
        return True
    adult = [picture for picture in wish.pictures if now.ratings[picture] in "NE"]
    looked = [now.said.get(picture, {}) for picture in adult]
    return wish.words not in "NE" and all(
        said.get(OTHER) and False not in said.values() for said in looked
    )
