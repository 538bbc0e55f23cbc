"""Shoot cards for tests: made by ann, signed by whom they name, with pictures on them."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.database import Scope
from gate import binding, cardfacts, cards, desk, minting, signing
from gate.carded import SIGNED
from gate.cards import Terms
from gate.reasons import Reason
from gate.units import Medium, Rating
from tests.gate.builders import World, asset_of, picture, real_person, unit

ZONE = "Europe/Paris"


def terms(scope: Scope, *persons: UUID, days: int = 3, **changes: Any) -> Terms:
    """What a card says, of a day so many days ago."""
    day = (scope.now - timedelta(days=days)).astimezone(ZoneInfo(ZONE)).date()
    plain = Terms(
        day=day,
        zone=ZONE,
        country="FR",
        persons=persons,
        scopes=("depict", "publish"),
        surfaces=("sandbox",),
        max_rating=Rating.E,
        pictures=20,
        months=12,
    )
    return replace(plain, **changes)


def make(world: World, *persons: UUID, **changes: Any) -> UUID:
    with world.scope(f"member:{world.ann}") as scope:
        return cards.make(scope, world.creator_id, terms(scope, *persons, **changes))


def say(world: World, card: UUID, person: UUID, said: str = SIGNED, *, digest: str = "") -> list[UUID]:
    """Somebody answers a card, as their own page does it."""
    with world.scope(f"person:{person}") as scope:
        known = digest or cardfacts.facts(scope, card).digest
        signing.ask(scope, card, said, digest=known)
        return signing.answer(scope, card, said, digest=known)


def signed(world: World, *persons: UUID, by: Sequence[UUID] | None = None, **changes: Any) -> UUID:
    """A card that everybody signed; or `by` alone."""
    card = make(world, *persons, **changes)
    for person in persons if by is None else by:
        say(world, card, person)
    return card


def undated(world: World, rating: Rating = Rating.E, *, people_seen: int | None = 1, **rest: Any) -> Medium:
    """A picture of which nobody knows when it was taken, nor who is shown."""
    with world.scope() as scope:
        return picture(scope, world, rating, source="ingest", age=timedelta(), people_seen=people_seen, **rest)


def put(world: World, card: UUID, *media: Medium) -> None:
    """Put pictures on a card."""
    for medium in media:
        with world.scope(f"member:{world.ann}") as scope:
            binding.bind(scope, asset_of(scope, medium), card)


def person(here: World, **papers: Any) -> UUID:
    """Somebody real, of age, who allowed nothing yet."""
    with here.scope() as scope:
        return real_person(scope, **{"scopes": (), **papers})


def judged(here: World, *media: Medium, **changes: Any) -> tuple[str, set[Reason]]:
    """What the check says of a post with these, once somebody looked."""
    whole = unit(here, text="Hello", media=media, **changes)
    author = f"member:{here.ann}"
    with here.scope() as scope:
        whole = replace(whole, flags=minting.flags(scope, whole))
        minting.judge(scope, whole, author=author)
    with here.scope(f"member:{here.rob}") as scope:
        desk.review(scope, whole.digest(), verdict="approve")
        found = minting.preview(scope, whole, author=author)
    return str(found.verdict), set(found.reasons)
