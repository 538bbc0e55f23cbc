"""Contact sheets: pictures that came in together, all of them seen, then one decision; single ones are taken out of it.

What counts as seen is what the file server handed out, as the safety check knows it; a press alone is none.
"""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages.approvals_posts import reveal, src
from dashboard.frame import Page
from dashboard.reads import sheets as sheet_reads
from dashboard.reads.approvals import Approvals, given
from dashboard.reads.sheets import Part, Tile
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.errors import Refused
from foundation.words import Message
from gate.units import Rating
from studio import sheets
from studio.sheets import Said, Sheet
from tenants import notices
from tenants.roles import Right

AT, TURN, OUT, LEVEL = "sheets:at", "sheets:part", "sheets:out", "sheets:level"
WITH, DENY, MINOR = "with", "deny", "X_minor"
LEVELS = (*(str(one) for one in Rating), MINOR)
TICK = "1s"


def show(page: Page, found: Approvals) -> Sheet | None:
    """Draw one sheet, the oldest unless another was chosen, and the way to the others; gives what was drawn."""
    if not found.sheets:
        return None
    keys = [one.key for one in found.sheets]
    at = keys.index(st.session_state[AT]) if st.session_state.get(AT) in keys else 0
    sheet = found.sheets[at]
    turn = int(st.session_state.get(TURN, 0)) if st.session_state.get(AT) == sheet.key else 0
    part = page.read(lambda scope: sheet_reads.part(scope, sheet, page.who.member, turn))
    _steps(page, keys, at)
    name = found.creators[sheet.creator_id].name
    draw("approvals_sheet.html", part=part, creator=name, found=found, voice=page.voice, word=page.word)
    _answers(page, part)
    _turns(page, part)
    with st.container(horizontal=True, gap="small"):
        for tile in part.drawn:
            with st.container(width=230, border=True, gap="small"):
                _tile(page, found, part, tile)
    if not part.whole:
        _watch(page, sheet, part.shown)
    return sheet


def _steps(page: Page, keys: list[str], at: int) -> None:
    if len(keys) < 2:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for code, key, to in (("approvals.before", "K", at - 1), ("approvals.after", "J", at + 1)):
            there = keys[to % len(keys)]
            st.button(page.word(code), key=f"sheets:{code}", shortcut=key, on_click=_go, args=(there, 0))
        draw("approvals_note.html", note=page.word("approvals.place", at=at + 1, total=len(keys)))


def _go(key: str, turn: int) -> None:
    st.session_state.update({AT: key, TURN: turn})


def _answers(page: Page, part: Part) -> None:
    """See what is drawn; then say yes or no to the whole sheet, but for what was taken out."""
    sheet = part.sheet
    unseen = tuple(tile.card.asset_id for tile in part.drawn if not tile.shown)
    if part.own:
        mixed = page.word("sheets.some_own", count=len(part.tiles) - part.left) if part.left else ""
        draw("approvals_note.html", note=" ".join(filter(None, [page.word(part.own), mixed])))
    if sheet.wants == "rating":
        st.selectbox(
            page.word("sheets.rate_as"),
            LEVELS,
            index=None,
            placeholder=page.word("sheets.choose_level"),
            format_func=lambda one: page.word(f"studio.level.{one}"),
            key=f"{LEVEL}:{sheet.key}",
        )
    with st.container(horizontal=True, gap="small"):
        acting.button(
            page,
            "sheets.reveal" if unseen else "sheets.reveal_again",
            partial(reveal, page, unseen or tuple(tile.card.asset_id for tile in part.drawn)),
            right=Right.REVIEW,
            key=f"reveal:{sheet.key}:{part.at}",
            kind="primary" if unseen else "tertiary",
            shortcut="P",
            icon=":material/visibility:",
        )
        answers = (("sheets.rate", None, "A"),) if sheet.wants == "rating" else ()
        for code, approve, key in answers or (("sheets.allow", True, "A"), ("sheets.deny", False, "X")):
            acting.button(
                page,
                code,
                partial(_judge, page, part, approve),
                right=Right.REVIEW,
                key=f"{code}:{sheet.key}",
                kind="secondary" if approve is False or unseen else "primary",
                shortcut=key,
                disabled=not part.whole or (approve is True and not part.left),
            )


def _turns(page: Page, part: Part) -> None:
    """From one part of a large sheet to the next, by key."""
    if part.parts < 2:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for code, key, to in (("sheets.part_before", "B", part.at - 1), ("sheets.part_after", "N", part.at + 1)):
            args = (part.sheet.key, to % part.parts)
            st.button(page.word(code), key=code, shortcut=key, on_click=_go, args=args)
        draw("approvals_note.html", note=page.word("sheets.part", at=part.at + 1, total=part.parts))


def _tile(page: Page, found: Approvals, part: Part, tile: Tile) -> None:
    """One picture, what was said of it before, and whether it is taken out of the decision."""
    sheet, asset_id = part.sheet, tile.card.asset_id
    draw("approvals_tile.html", src=src(asset_id), tile=tile, voice=page.voice, word=page.word)
    choices = _choices(sheet, tile)
    out = _out(sheet).get(str(asset_id), WITH)
    st.selectbox(
        page.word("sheets.tile", number=tile.number),
        choices,
        index=choices.index(out) if out in choices else 0,
        format_func=lambda one: page.word(_said(one), level=page.word(f"studio.level.{one}") if one in LEVELS else ""),
        key=f"tile:{sheet.key}:{asset_id}",
        on_change=_take_out,
        args=(sheet, asset_id),
        label_visibility="collapsed",
    )
    if past := part.past.get(asset_id):
        draw("approvals_past.html", past=past, found=found, voice=page.voice, word=page.word)


def _choices(sheet: Sheet, tile: Tile) -> list[str]:
    """With the others, refused, or rated by itself: never lower than it is."""
    known = tile.card.standing.rating
    levels = [one for one in LEVELS if known is None or Rating(one[0]).rank > known.rank]
    return [WITH, *([DENY] if sheet.wants == "review" else []), *levels]


def _said(choice: str) -> str:
    return {WITH: "sheets.with", DENY: "sheets.out_denied"}.get(choice, "sheets.out_rated")


def _out(sheet: Sheet) -> Mapping[str, str]:
    """What was taken out of a sheet, by picture: it outlives the part that is drawn."""
    kept: dict[str, dict[str, str]] = acting.typed(OUT) or {}
    return kept.get(sheet.key, {})


def _take_out(sheet: Sheet, asset_id: UUID) -> None:
    chosen = {**_out(sheet), str(asset_id): str(st.session_state[f"tile:{sheet.key}:{asset_id}"])}
    st.session_state[OUT] = {**st.session_state.get(OUT, {}), sheet.key: chosen}


@st.fragment(run_every=TICK)
def _watch(drawn: Page, sheet: Sheet, known: int) -> None:
    """How many pictures were shown by now; the page is drawn anew as soon as it is more."""
    page = frame.look()
    if page is None or page.who != drawn.who:
        st.rerun()
    now = page.read(lambda scope: len(sheet_reads.shown(scope, sheet, page.who.member)))
    if now != known:
        st.rerun()


def _judge(page: Page, part: Part, approve: bool | None, scope: Scope, press: UUID) -> Message:
    """Say it of the pictures as they were drawn; what came since makes a sheet of its own."""
    sheet = part.sheet
    page.my(scope, sheet.creator_id)
    mine = given(page.who.member, page.mine(scope), works=page.may(Right.RUN, Right.APPROVE))
    out, level = _out(sheet), str(acting.typed(f"{LEVEL}:{sheet.key}") or "")
    if approve is None and not level:
        raise Refused("sheets.choose_level")
    said = [_word(tile, out.get(str(tile.card.asset_id), WITH), approve, level) for tile in part.tiles]
    sheets.decide(scope, [one.id for one in mine], [one for one in said if one is not None], key=press)
    if sheet.wants == "rating":
        notices.settle(scope, f"review:{sheet.creator_id}")
    st.session_state[OUT] = {key: kept for key, kept in (acting.typed(OUT) or {}).items() if key != sheet.key}
    taken = sum(1 for one in out.values() if one != WITH)
    code = {None: "sheets.rated", True: "sheets.allowed", False: "sheets.denied"}[approve]
    return Message(code, {"count": sum(one is not None for one in said), "out": taken})


def _word(tile: Tile, out: str, approve: bool | None, level: str) -> Said | None:
    """What is said of one picture; nothing where it would be a yes of who made it: it waits for somebody else."""
    asset_id, rating = tile.card.asset_id, tile.card.standing.rating
    level = out if out in LEVELS else level if approve is None else ""
    if level:
        return Said(asset_id, rating, rating=Rating(level[0]), minor=level == MINOR)
    yes = bool(approve) and out != DENY
    return None if yes and tile.own else Said(asset_id, rating, approve=yes)
