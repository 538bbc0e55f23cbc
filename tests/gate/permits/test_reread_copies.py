"""Live copies are judged again when the agency bans a word or a person."""

from dataclasses import replace
from uuid import UUID

import pytest

from foundation.db.database import OpenScope
from foundation.outbox import outbox
from gate.contract.units import Text, Unit
from gate.copies import live_copies
from gate.copies.events import FIRST_COPY, CopiesRereadDue
from gate.people import depiction_bans
from gate.permits import reread_copies
from gate.reviews import own_terms
from tenants.notices.queries import list_open_notices
from tests.gate.builders import World, publish_unit, unit, world

WORD, OTHER, NAME = "zorblax", "plimvort", "Wanda Plonk"
SENTENCE = "Good evening everyone, we are all on the beach today and there is"


@pytest.fixture
def here(tenant: OpenScope, tenant_id: UUID) -> World:
    return world(tenant, tenant_id)


def publish(here: World, text: str, place: str = "sandbox.post", native: str = "n1") -> UUID:
    """Publish a text and return its permit."""
    platform, _, _ = place.partition(".")
    whole: Unit = replace(
        unit(here, text=text), platform=platform, surface=place, texts=(Text("body", text),)
    )
    return publish_unit(here, whole, native=native)


def ban(here: World, word: str, kind: str) -> None:
    with here.scope(f"member:{here.rob}") as scope:
        if kind == "person":
            depiction_bans.add_depiction_ban(scope, word)
        else:
            own_terms.add_own_terms(scope, kind, (word,))


def reread(here: World, limit: int = reread_copies.COPIES_PER_RUN) -> None:
    """Handle the requested runs, one after the other."""
    after: UUID | None = FIRST_COPY
    while after is not None:
        with here.scope() as scope:
            after = reread_copies.reread_copies(scope, after, limit=limit)


def recall_reason(here: World, jti: UUID) -> str:
    with here.scope() as scope:
        copy = live_copies.find_copy(scope, jti)
        assert copy is not None
        return "" if copy.recalled_at is None else "recalled"


@pytest.mark.parametrize(
    ("kind", "word", "place"),
    [
        ("explicit", WORD, "instagram.post"),
        ("prohibited", WORD, "sandbox.post"),
        ("minor", WORD, "sandbox.post"),
        ("person", NAME, "sandbox.post"),
        ("person", NAME, "x.post"),
    ],
)
def test_copy_with_a_banned_word_is_recalled(here: World, kind: str, word: str, place: str) -> None:
    harm = publish(here, f"{SENTENCE} {word}", place)
    twin = publish(here, f"{SENTENCE} {OTHER}", place, native="n2")
    reread(here)
    assert (recall_reason(here, harm), recall_reason(here, twin)) == ("", "")
    ban(here, word, kind)
    reread(here)
    assert (recall_reason(here, harm), recall_reason(here, twin)) == ("recalled", "")


def test_copy_that_would_be_held_is_reported_once(here: World) -> None:
    jti = publish(here, f"{SENTENCE} {WORD}", "instagram.post")
    ban(here, WORD, "suggestive")
    reread(here)
    reread(here)
    assert recall_reason(here, jti) == ""
    with here.scope() as scope:
        told = [each for each in list_open_notices(scope) if each.cause.endswith(str(jti))]
    assert len(told) == 1


def test_word_that_the_surface_allows_changes_nothing(here: World) -> None:
    jti = publish(here, f"{SENTENCE} {WORD}")
    ban(here, WORD, "suggestive")
    reread(here)
    assert recall_reason(here, jti) == ""


def test_runs_continue_after_the_last_copy(here: World) -> None:
    copies = [publish(here, f"{SENTENCE} {WORD}", native=f"n{number}") for number in range(5)]
    ban(here, WORD, "prohibited")
    with here.scope() as scope:
        assert outbox.is_pending(scope, FIRST_COPY, CopiesRereadDue.kind)
    reread(here, limit=2)
    assert [recall_reason(here, jti) for jti in copies] == ["recalled"] * 5
