"""What is chosen in the library: one picture with its story, or several at once, and what can be done."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.app_pages import (
    film,
    studio_alts,
    studio_avowing,
    studio_cards,
    studio_clip,
    studio_collections,
    studio_copies,
    studio_erasing,
    studio_labels,
    studio_look,
    studio_motion,
    studio_people,
    studio_tags,
    studio_vary,
)
from dashboard.app_pages.studio_variants import CLEAR, clear_src, reveal, shelve
from dashboard.frame import Page
from dashboard.reads.library import Library, Lineage, Tile, lineage
from dashboard.reads.studio import Studio
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import NotFound, Refused
from foundation.words import Message
from gate.lowering import LONGEST
from gate.units import Rating
from studio import judging, library, packs, playing
from studio import lineage as making
from studio import reads as studio_reads
from studio.states import ShelfState
from tenants import notices
from tenants.reads import Creator
from tenants.roles import Right

MINOR = "X_minor"


def show(page: Page, found: Studio, here: Library, picked: list[Tile]) -> None:
    """Draw what is chosen and what can be done with it."""
    creator = found.creator
    with st.container(border=True, key="studio_chosen"):
        if len(picked) == 1:
            _one(page, creator, picked[0])
        else:
            draw("studio_part.html", title=page.word("studio.chosen", count=len(picked)), note="")
            _uncover(page, "studio.reveal_all", [tile for tile in picked if files.covered(tile.card.standing.rating)])
        assets = tuple(tile.card.asset_id for tile in picked)
        with st.container(horizontal=True, gap="small"):
            if page.may(Right.RUN):
                _shelf(page, creator.id, assets, picked)
                _pack(page, creator.id, assets)
                studio_clip.put(page, creator.id, picked)
                studio_tags.edit(page, creator.id, picked)
                studio_collections.put(page, creator.id, here, assets)
                studio_cards.put_on(page, found, assets)
                studio_avowing.ask(page, creator.id, picked)
            if page.may(Right.REVIEW):
                _rate(page, creator.id, assets, picked)


def _one(page: Page, creator: Creator, tile: Tile) -> None:
    asset_id = tile.card.asset_id
    found = page.read(lambda scope: lineage(scope, creator.id, asset_id))
    left, right = st.columns([1, 1], gap="medium")
    reel, seen = page.read(
        lambda scope: (playing.reels(scope, [asset_id]).get(asset_id), files.seen(scope, [asset_id]))
    )
    with left:
        clear, covered = st.session_state.get(f"{CLEAR}{asset_id}"), files.covered(tile.card.standing.rating)
        if not film.show(page, reel, clear=clear, covered=covered, seen=bool(seen)):
            draw("studio_picture.html", src=clear_src(asset_id), card=tile.card)
        _uncover(page, "studio.reveal", [tile] if files.covered(tile.card.standing.rating) else [])
    with right:
        draw("studio_lineage.html", one=found, voice=page.voice, word=page.word, creator=creator)
        if found.card is not None and page.may(Right.REVIEW):
            studio_cards.name(page, creator.id, asset_id, found.card)
        if page.may(Right.REVIEW) and tile.card.standing.rating not in (None, Rating.G):
            _too_high(page, creator.id, tile)
        if found.card is None and page.may(Right.RUN):
            studio_people.name(page, creator.id, asset_id, tile.card.sha256)
        if page.may(Right.RUN):
            with st.container(horizontal=True, gap="small"):
                _work_on(page, creator.id, tile, found)
            studio_alts.offers(page, creator.id, [asset_id])


def _work_on(page: Page, creator_id: UUID, tile: Tile, found: Lineage) -> None:
    """What can be made of one picture, and said of it."""
    asset_id = tile.card.asset_id
    studio_labels.show(page, creator_id, found)
    studio_erasing.show(page, creator_id, tile)
    studio_copies.ask(page, creator_id, tile.card)
    studio_vary.ask(page, creator_id, tile.card)
    studio_vary.ask_posture(page, creator_id, tile.card)
    studio_look.choose(page, creator_id, tile.card)
    studio_motion.ask(page, creator_id, tile.card)
    _again(page, creator_id, asset_id, found.story.again)
    studio_people.blurred(page, creator_id, asset_id)
    with st.popover(page.word("studio.alt"), icon=":material/edit:"):
        st.text_input(page.word("studio.alt_hint"), tile.card.alt, max_chars=300, key=f"alt:{asset_id}")
        act = partial(_describe, page, creator_id, asset_id)
        acting.button(page, "studio.alt_keep", act, right=Right.RUN, key=f"alt_keep:{asset_id}", kind="primary")
        if not tile.card.seconds:
            studio_alts.ask(page, creator_id, [asset_id], code="alt.ask", key=str(asset_id), hint=True)


def _again(page: Page, creator_id: UUID, asset_id: UUID, count: int) -> None:
    """The press that runs once more what made this picture."""
    if count:
        act = partial(_made_again, page, creator_id, asset_id)
        acting.button(page, "studio.again", act, right=Right.RUN, key=f"again:{asset_id}", icon=":material/replay:")


def _made_again(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, press: UUID) -> Message:
    _mine(page, scope, creator_id, (asset_id,))
    _, count = making.make_again(scope, asset_id, key=f"again:{press}", by=page.who.actor)
    return Message("studio.started" if count > 1 else "studio.started_one", {"count": count})


def _too_high(page: Page, creator_id: UUID, tile: Tile) -> None:
    """Ask others to lower its rating; who asks has looked, and says why."""
    asset_id, known = tile.card.asset_id, tile.card.standing.rating or Rating.G
    with st.popover(page.word("second.too_high"), icon=":material/arrow_downward:"):
        draw("studio_note.html", note=page.word("second.too_high_how"))
        acting.button(
            page, "studio.reveal", partial(reveal, page, (asset_id,)), right=Right.REVIEW, key=f"lower:see:{asset_id}"
        )
        st.selectbox(
            page.word("second.lower_to"),
            [str(one) for one in Rating if one.rank < known.rank],
            format_func=lambda one: page.word(f"studio.level.{one}"),
            key=f"lower:to:{asset_id}",
        )
        st.text_area(page.word("second.why"), max_chars=LONGEST, height=80, key=f"lower:why:{asset_id}")
        act = partial(_ask_lower, page, creator_id, asset_id)
        acting.button(page, "second.ask", act, right=Right.REVIEW, key=f"lower:{asset_id}", kind="primary")


def _ask_lower(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    _mine(page, scope, creator_id, (asset_id,))
    wanted = Rating(str(acting.typed(f"lower:to:{asset_id}")))
    judging.lower(scope, asset_id, wanted, why=str(acting.typed(f"lower:why:{asset_id}") or ""))
    return Message("second.asked")


def _uncover(page: Page, code: str, covered: list[Tile]) -> None:
    """The press that shows what comes blurred, and writes down that this member looked."""
    if covered and files.uncovers(page.who.member):
        assets = tuple(tile.card.asset_id for tile in covered)
        right = Right.REVIEW if page.may(Right.REVIEW) else Right.RUN
        act = partial(reveal, page, assets)
        acting.button(page, code, act, right=right, key=f"reveal:{assets[0]}", icon=":material/visibility:")


def _describe(page: Page, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID) -> Message:
    _mine(page, scope, creator_id, (asset_id,))
    library.describe(scope, asset_id, str(acting.typed(f"alt:{asset_id}") or "").strip())
    return Message("studio.alt_kept")


def _mine(page: Page, scope: Scope, creator_id: UUID, assets: tuple[UUID, ...]) -> None:
    """Raise NotFound unless each picture is of this creator, and the creator one of this member's."""
    page.my(scope, creator_id)
    for asset_id in assets:
        if studio_reads.shown(scope, asset_id).creator_id != creator_id:
            raise NotFound("library.asset_unknown", destination="-")


def _shelf(page: Page, creator_id: UUID, assets: tuple[UUID, ...], picked: list[Tile]) -> None:
    away = all(tile.card.shelf is ShelfState.RETIRED for tile in picked)
    kept = all(tile.card.shelf is ShelfState.KEPT for tile in picked)
    keep = partial(shelve, page, creator_id, assets, ShelfState.KEPT)
    code = "studio.take_out" if away else "studio.keep"
    acting.button(page, code, keep, right=Right.RUN, key="studio:keep", icon=":material/favorite:", disabled=kept)
    put = partial(shelve, page, creator_id, assets, ShelfState.RETIRED)
    acting.button(
        page, "studio.put_away", put, right=Right.RUN, key="studio:away", icon=":material/inventory_2:", disabled=away
    )
    ask = partial(_ask_review, page, creator_id, assets)
    acting.button(page, "studio.ask_review", ask, right=Right.RUN, key="studio:ask", icon=":material/fact_check:")


def _ask_review(page: Page, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, press: UUID) -> Message:
    shelve(page, creator_id, assets, ShelfState.KEPT, scope, press)
    told = Message("studio.review_wanted", {"member": page.who.member.name, "count": len(assets)})
    notices.put(scope, told, cause=f"review:{creator_id}", urgent=False, creator_id=creator_id)
    return Message("studio.review_asked")


def _rate(page: Page, creator_id: UUID, assets: tuple[UUID, ...], picked: list[Tile]) -> None:
    least = max((tile.card.standing.rating.rank for tile in picked if tile.card.standing.rating), default=0)
    levels = [str(one) for one in Rating if one is Rating.X or one.rank >= least] + [MINOR]
    covered = [tile.card.asset_id for tile in picked if files.covered(tile.card.standing.rating)]
    unseen = bool(covered) and not page.read(lambda scope: files.seen(scope, covered)) >= set(covered)
    with st.popover(page.word("studio.rate"), icon=":material/gavel:"):
        st.radio(
            page.word("studio.rate_as"), levels, format_func=lambda one: page.word(f"studio.level.{one}"), key="rate:as"
        )
        draw("studio_note.html", note=page.word("approvals.look_first" if unseen else "studio.rate_note"))
        act = partial(_rated, page, creator_id, assets)
        acting.button(
            page, "studio.rate_now", act, right=Right.REVIEW, key="studio:rate", kind="primary", disabled=unseen
        )


def _rated(page: Page, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, _: UUID) -> Message:
    _mine(page, scope, creator_id, assets)
    level = str(acting.typed("rate:as"))
    covered = [one for one in assets if files.covered(studio_reads.shown(scope, one).standing.rating)]
    if not files.seen(scope, covered) >= set(covered):
        raise Refused("approvals.look_first")
    for asset_id in assets:
        judging.rate(scope, asset_id, Rating(level[0]), minor=level == MINOR)
    notices.settle(scope, f"review:{creator_id}")
    return Message("studio.rated")


def _pack(page: Page, creator_id: UUID, assets: tuple[UUID, ...]) -> None:
    with st.popover(page.word("studio.pack"), icon=":material/inventory:"):
        st.text_input(page.word("studio.pack_title"), max_chars=packs.MAX_TITLE, key="pack:title")
        st.text_area(page.word("studio.pack_about"), max_chars=packs.MAX_DESCRIPTION, key="pack:about")
        draw("studio_note.html", note=page.voice.some("studio.pack_note", len(assets)))
        act = partial(_packed, page, creator_id, assets)
        acting.button(page, "studio.pack_now", act, right=Right.RUN, key="studio:pack", kind="primary")


def _packed(page: Page, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, press: UUID) -> Message:
    _mine(page, scope, creator_id, assets)
    title, about = str(acting.typed("pack:title") or "").strip(), str(acting.typed("pack:about") or "").strip()
    packs.make(scope, creator_id=creator_id, slug=f"pack-{press}", title=title, description=about, assets=assets)
    return Message("studio.pack_made", {"title": title})
