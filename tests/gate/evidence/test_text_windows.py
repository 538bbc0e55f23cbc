"""Text windows: prohibited terms split over messages, accounts, posts or fields are found; ordinary
posts are not affected."""

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.db.database import OpenScope
from foundation.ids import uuid7
from gate.contract.units import Button, Medium, Rating, Text, Unit
from gate.evidence import snapshot, text_windows
from gate.permits import issuance
from gate.permits.issuance import PermitDenied
from gate.policy import active_policy
from gate.text.lexicon import shipped_lexicon
from tenants.agencies import agencies
from tests.gate.builders import (
    KEY,
    Step,
    World,
    message,
    picture,
    sentence_beginning_with,
    unit,
    world,
)

TERM = "explicitmarkera"
SHORTER_TERM = len("explici")
ORDINARY = "Good morning from the harbour, the light is lovely today"
"""A text that is longer than any piece of a term."""


@pytest.fixture
def here(tenant: OpenScope) -> World:
    return world(tenant, uuid7())


def rating(here: World, whole: Unit) -> Rating:
    with here.scope() as scope:
        decision = issuance.preview_decision(scope, whole, author=f"member:{here.ann}")
    return decision.rating


def send(here: World, whole: Unit) -> None:
    """Publish a unit allowed by an earlier decision."""
    with here.scope() as scope:
        issuance.mint_permit(scope, whole, Step(), key=KEY, author=f"member:{here.ann}")


CHECK = settings(max_examples=3, suppress_health_check=[HealthCheck.function_scoped_fixture])


@CHECK
@given(st.integers(1, 3), st.booleans())
def test_term_split_over_bots_of_creator_is_found(
    tenant: OpenScope, bots: int, disturbed: bool
) -> None:
    here = world(tenant, uuid7())
    accounts = [uuid7() for _ in range(bots)]
    *before, last = TERM
    for index, piece in enumerate(before):
        send(here, message(here, "leo", text=piece, channel_id=accounts[index % bots]))
        if disturbed:
            send(here, message(here, "leo", text=ORDINARY, channel_id=accounts[0]))
    end = message(here, "leo", text=last, channel_id=accounts[-1])
    assert rating(here, end) is Rating.E
    assert rating(here, replace(end, viewer="lou")) is Rating.G


@CHECK
@given(st.integers(1, 2), st.booleans(), st.booleans())
def test_term_split_over_public_posts_is_found(
    tenant: OpenScope, accounts: int, crossposted: bool, newest_first: bool
) -> None:
    here = world(tenant, uuid7())
    channels = [uuid7() for _ in range(accounts)]
    *before, last = reversed(TERM) if newest_first else TERM
    for index, piece in enumerate(before):
        for channel in channels if crossposted else [channels[index % accounts]]:
            part = unit(here, text=f"{piece}\n\nPhoto by our studio team", channel_id=channel)
            if index >= SHORTER_TERM and rating(here, part) is Rating.E:
                return  # the letters so far, posted twice, form a shorter term of the lexicon
            send(here, part)
        send(here, unit(here, text=ORDINARY, channel_id=channels[0]))
    end = unit(here, text=f"{last}\n\nPhoto by our studio team", channel_id=channels[0])
    assert rating(here, end) is Rating.E
    assert rating(here, replace(end, texts=(Text("body", ORDINARY),))) is Rating.G


@CHECK
@given(st.integers(1, 3))
def test_chat_window_belongs_to_the_reader(tenant: OpenScope, creators: int) -> None:
    """A reader sees the messages of all creators of the agency one after the other."""
    here = world(tenant, uuid7())
    with here.scope() as scope:
        others = [
            agencies.add_creator(
                scope,
                slug=f"nova-{number}",
                name="Nova",
                kind="human",
                zone="UTC",
                languages=["en"],
                rating_ceiling="E",
            )
            for number in range(creators - 1)
        ]
    senders = [here.creator_id, *others]
    *before, last = TERM
    for index, piece in enumerate(before):
        send(here, message(here, "leo", text=piece, creator_id=senders[index % creators]))
    end = message(here, "leo", text=last, creator_id=senders[-1])
    assert rating(here, end) is Rating.E
    assert rating(here, replace(end, viewer="lou")) is Rating.G
    assert rating(here, replace(end, platform="telegram", surface="telegram.bot_dm")) is Rating.G


@CHECK
@given(st.booleans(), st.booleans(), st.booleans())
def test_first_letters_of_posts_spell_no_term(
    tenant: OpenScope, newest_first: bool, crossposted: bool, one_account: bool
) -> None:
    here = world(tenant, uuid7())
    accounts = [uuid7(), uuid7()]
    *before, last = reversed(TERM) if newest_first else TERM
    send(here, unit(here, text=ORDINARY, channel_id=accounts[0]))
    for letter in before:
        subject = unit(here).subject
        for channel in accounts if crossposted else accounts[:1]:
            send(
                here,
                unit(
                    here, text=sentence_beginning_with(letter), channel_id=channel, subject=subject
                ),
            )
        if one_account:  # Posts on another account do not hide the letters of this one.
            send(here, unit(here, text=ORDINARY, channel_id=accounts[1]))
    end = unit(here, text=sentence_beginning_with(last), channel_id=accounts[0])
    assert rating(here, end) is Rating.E
    assert rating(here, replace(end, texts=(Text("body", ORDINARY),))) is Rating.G
    assert rating(here, replace(end, viewer="leo", audience="viewer")) is Rating.G


def test_sentences_between_short_lines_do_not_shorten_the_window(here: World) -> None:
    for piece in TERM:
        send(here, unit(here, text=piece if piece in "expli" else ORDINARY))
    whole = unit(here, text="t")
    asked = {**text_windows.window_params(whole), "permits": 5, "most": 60}
    with here.scope() as scope:
        read = scope.run(
            f"SELECT {text_windows.PUBLIC_SQL}",
            tenant=here.tenant_id,
            viewer="",
            subject=whole.subject.id,
            **asked,
        ).one()
    assert len(read.public) == 5
    assert all(field for _, _, lines in read.public for field, _ in lines[1:])
    assert [len(letters) for letters in read.initials] == [5, 5]


FIELDS = ("body", "title", "alt", "button")


def in_field(whole: Unit, field: str, piece: str, medium: Medium) -> Unit:
    """Put the piece into one field of a unit, and short texts into the other fields."""
    alt = piece if field == "alt" else "Sea view"
    return replace(
        whole,
        texts=(
            Text("title", piece if field == "title" else "Harbour"),
            Text("body", piece if field == "body" else ORDINARY),
        ),
        media=(replace(medium, alt=alt),),
        buttons=(Button(piece if field == "button" else "More", "buy", "1"),),
    )


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("make", [unit, lambda here: message(here, "leo")], ids=["post", "chat"])
def test_term_split_over_texts_of_one_field_is_found(here: World, make, field: str) -> None:
    with here.scope() as scope:
        medium = picture(scope, here)
    *before, last = TERM
    for piece in before:
        send(here, in_field(make(here), field, piece, medium))
    assert rating(here, in_field(make(here), field, last, medium)) is Rating.E
    assert rating(here, in_field(make(here), field, "Hello you", medium)) is Rating.G


def test_ordinary_short_posts_match_no_term(here: World) -> None:
    posts = ["Good morning", "New set", "Bonjour", "Soon", "Nova", "Thank you", "a", "b", "Paris"]
    for text in posts:
        send(here, unit(here, text=text))
    for text in [*posts, ORDINARY]:
        assert rating(here, unit(here, text=text)) is Rating.G


def test_window_contains_only_posts_of_creator(here: World, tenant: OpenScope) -> None:
    other = world(tenant, uuid7())
    *before, last = TERM
    for piece in before:
        send(other, unit(other, text=piece))
    assert rating(here, unit(here, text=last)) is Rating.G


def test_public_window_covers_longest_term(here: World) -> None:
    with here.scope() as scope:
        whole = unit(here, text="x")
        for number in range(text_windows.WINDOW_MESSAGES + 5):
            lines = [["body", f"p{number}"]]
            stored = [(str(uuid7()), str(here.channel_id), lines)]
            found = text_windows.public_windows(whole, stored)
            assert found[0].texts == (f"p{number}",)
        by = active_policy.current_policy(scope)
        facts, _ = snapshot.gather_snapshot(scope, whole, author="", by=by)
    assert facts.windows == ()
    assert TERM in {run for term in shipped_lexicon().terms for run in term.runs}
    with pytest.raises(PermitDenied):
        send(here, unit(here, text=TERM))
