"""Shoot cards for tests: created by Ann, signed by the people they name, and bound to pictures."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from foundation.db.database import Scope
from gate.consent import asset_bindings, card_answers, queries, shoot_cards
from gate.consent.shoot_cards import CardTerms
from gate.contract.reasons import Reason
from gate.contract.units import Medium, Rating
from gate.decision.shoot_card_terms import CARD_SIGNED
from gate.permits import issuance
from gate.reviews import content_reviews
from tests.gate.builders import World, asset_of, picture, real_person, unit

ZONE = "Europe/Paris"


def build_card_terms(scope: Scope, *persons: UUID, days: int = 3, **changes: Any) -> CardTerms:
    """Return card terms for a shoot `days` days ago."""
    day = (scope.now - timedelta(days=days)).astimezone(ZoneInfo(ZONE)).date()
    plain = CardTerms(
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


def add_card(world: World, *persons: UUID, **changes: Any) -> UUID:
    with world.scope(f"member:{world.ann}") as scope:
        return shoot_cards.create_card(
            scope, world.creator_id, build_card_terms(scope, *persons, **changes)
        )


def answer_card(
    world: World, card: UUID, person: UUID, said: str = CARD_SIGNED, *, digest: str = ""
) -> list[UUID]:
    """Answer a card in the subject portal."""
    with world.scope(f"person:{person}") as scope:
        known = digest or queries.get_card_facts(scope, card).digest
        card_answers.submit_card_answer(scope, card, said, digest=known)
        return card_answers.record_card_answer(scope, card, said, digest=known)


def add_signed_card(
    world: World, *persons: UUID, by: Sequence[UUID] | None = None, **changes: Any
) -> UUID:
    """Add a card signed by all its people, or only by those in `by`."""
    card = add_card(world, *persons, **changes)
    for person in persons if by is None else by:
        answer_card(world, card, person)
    return card


def add_undated_picture(
    world: World, rating: Rating = Rating.E, *, people_seen: int | None = 1, **rest: Any
) -> Medium:
    """Add a picture without a known date and without named people."""
    with world.scope() as scope:
        return picture(
            scope, world, rating, source="ingest", age=timedelta(), people_seen=people_seen, **rest
        )


def bind_pictures(world: World, card: UUID, *media: Medium) -> None:
    """Bind pictures to a card."""
    for medium in media:
        with world.scope(f"member:{world.ann}") as scope:
            asset_bindings.bind_asset(scope, asset_of(scope, medium), card)


def person(here: World, **papers: Any) -> UUID:
    """Add a real adult without consents."""
    with here.scope() as scope:
        return real_person(scope, **{"scopes": (), **papers})


def judge_post(here: World, *media: Medium, **changes: Any) -> tuple[str, set[Reason]]:
    """Return the verdict and reasons for a reviewed post with these pictures."""
    whole = unit(here, text="Hello", media=media, **changes)
    author = f"member:{here.ann}"
    with here.scope() as scope:
        whole = replace(whole, flags=issuance.required_flags_of_unit(scope, whole))
        issuance.judge_unit(scope, whole, author=author)
    with here.scope(f"member:{here.rob}") as scope:
        content_reviews.review_unit(scope, whole.digest(), verdict="approve")
        found = issuance.preview_decision(scope, whole, author=author)
    return str(found.verdict), set(found.reasons)
