"""Pictures to judge: how they are rated, and whether what shows Nudity may be used. Blurred until somebody presses."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.app_pages import approvals_sheets, film
from dashboard.app_pages.approvals_posts import films, reveal, src
from dashboard.frame import Page
from dashboard.reads.approvals import Approvals, Judged, judged
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message
from gate.calibrating import settled
from gate.units import Rating
from studio import judging
from studio import reads as studio_reads
from studio.reads import Card
from tenants import notices
from tenants.roles import Right

MINOR = "X_minor"
FEW, WIDE = 12, 300
PICKED = "pictures:picked"
"""What was chosen for each picture, one after the other."""


def show(page: Page, found: Approvals) -> None:
    """Draw the sheets, then the pictures that came alone, one after the other."""
    sheet = approvals_sheets.show(page, found)
    if not found.pictures and not found.sheets:
        draw("approvals_note.html", note=page.word("approvals.no_pictures"))
    if not found.pictures:
        return
    drawn = _beside(sheet.cards if sheet is not None else found.pictures[:1], found.pictures)[:FEW]
    waiting = page.read(lambda scope: judged(scope, drawn, page.who.member))
    with st.container(horizontal=True, gap="small"):
        for place, one in enumerate(waiting):
            with st.container(width=film.WIDE if one.card.seconds else WIDE, border=True, gap="small"):
                _picture(page, found, one, keys=place == 0 and not found.sheets)
    if len(found.pictures) > len(drawn):
        draw("approvals_note.html", note=page.voice.some("approvals.more_pictures", len(found.pictures) - len(drawn)))


def _beside(first: Sequence[Card], pictures: Sequence[Card]) -> Sequence[Card]:
    """The pictures that may stand beside the first: what a model of their own made shares no screen with those of
    demonstrations, which come before or after."""
    cards = [*first, *pictures]
    if not any(one.label for one in cards) or not any(one.seed is not None and not one.label for one in cards):
        return pictures
    return [one for one in pictures if bool(one.label) == bool(first[0].label)]


def _picture(page: Page, found: Approvals, one: Judged, *, keys: bool) -> None:
    """One picture; the first one answers to keys, and what comes after it moves up."""
    card = one.card
    name = found.creators[card.creator_id].name
    draw("approvals_picture.html", src=src(card.asset_id), card=card, creator=name, word=page.word)
    if one.past:
        draw("approvals_past.html", past=one.past, found=found, voice=page.voice, word=page.word)
    films(page, [one.shot])
    if not one.shot.seen:
        acting.button(
            page,
            "approvals.reveal_one",
            partial(reveal, page, (card.asset_id,)),
            right=Right.REVIEW,
            key=f"reveal:{card.asset_id}",
            shortcut="P" if keys else None,
            icon=":material/visibility:",
        )
        return
    if card.standing.rating is None:
        _rate(page, card)
    else:
        _review(page, card, one.own, keys=keys)


def _rate(page: Page, card: Card) -> None:
    levels = [str(one) for one in Rating] + [MINOR]
    key = f"level:{card.asset_id}"
    st.selectbox(
        page.word("studio.rate_as"),
        levels,
        format_func=lambda one: page.word(f"studio.level.{one}"),
        key=key,
        on_change=_pick,
        args=(card.asset_id, key),
    )
    act = partial(_rated, page, card.asset_id)
    acting.button(page, "studio.rate_now", act, right=Right.REVIEW, key=f"rate:{card.asset_id}", kind="primary")


def _pick(asset_id: UUID, key: str) -> None:
    """Who changes their mind more than once about a picture means the higher of what they chose."""
    kept = st.session_state.get(PICKED, {})
    chosen = Rating(str(st.session_state[key])[0])
    st.session_state[PICKED] = {**kept, str(asset_id): (*kept.get(str(asset_id), ()), chosen)}


def _review(page: Page, card: Card, own: str, *, keys: bool) -> None:
    if own:
        draw("approvals_note.html", note=page.word(own))
    with st.container(horizontal=True, gap="small"):
        for code, approve, key in (("approvals.allow", True, "A"), ("approvals.deny", False, "X")):
            acting.button(
                page,
                code,
                partial(_reviewed, page, card.asset_id, approve),
                right=Right.REVIEW,
                key=f"{code}:{card.asset_id}",
                kind="primary" if approve else "secondary",
                shortcut=key if keys else None,
                disabled=bool(own) and approve,
            )


def _check(page: Page, scope: Scope, asset_id: UUID) -> UUID:
    """Raise NotFound for a picture of somebody else's creators, Refused for one this member did not look at.

    Its creator's id.
    """
    creator_id = studio_reads.shown(scope, asset_id).creator_id
    page.my(scope, creator_id)
    works = page.may(Right.RUN, Right.APPROVE)
    if not works and not page.who.member.creators:  # who only reviews sees what was given to them
        raise NotFound("library.asset_unknown", destination="-")
    if not files.seen(scope, [asset_id]):
        raise Refused("approvals.look_first")
    return creator_id


def _rated(page: Page, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    creator_id, level = _check(page, scope, asset_id), str(acting.typed(f"level:{asset_id}"))
    picked = (acting.typed(PICKED) or {}).get(str(asset_id), ())
    judging.rate(scope, asset_id, settled([*picked, Rating(level[0])]), minor=level == MINOR)
    notices.settle(scope, f"review:{creator_id}")
    return Message("studio.rated")


def _reviewed(page: Page, asset_id: UUID, approve: bool, scope: Scope, _: UUID) -> Message:
    _check(page, scope, asset_id)
    judging.review(scope, asset_id, approve=approve)
    return Message("approvals.picture_allowed" if approve else "approvals.picture_denied")
