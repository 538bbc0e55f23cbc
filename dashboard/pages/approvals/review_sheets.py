"""Review sheets: view all images of one batch, then decide once, with exceptions for single images.

An image counts as viewed once the file server has delivered it; pressing the button is not enough.
"""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media.library_files import reveal_pictures, revealed_picture_url
from dashboard.media.people_question import chosen_answer, render_people_question
from dashboard.pages.approvals import review_sheet_queries
from dashboard.pages.approvals.queries import ApprovalsView
from dashboard.pages.approvals.review_sheet_queries import SheetPage, SheetTile
from dashboard.shell import actions, forms, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import Refused
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from schedules.approvals.pending_decisions import reviewable_creators
from studio.library import review_sheets
from studio.library.review_sheets import PictureVerdict, ReviewSheet
from tenants.agencies.rights import Right
from tenants.notices import notices

AT = "sheets:at"
TURN = "sheets:part"
OUT = "sheets:out"
LEVEL = "sheets:level"
SHOWN = "sheets:shown"
WITH = "with"
DENY = "deny"
MINOR = "X_minor"
LEVELS = (*(str(one) for one in Rating), MINOR)
TICK = "1s"


def render_review_sheets(page: PageContext, found: ApprovalsView) -> ReviewSheet | None:
    """Draw the chosen sheet, the oldest by default, and the navigation. Return the sheet drawn."""
    if not found.sheets:
        return None
    keys = [one.key for one in found.sheets]
    at = keys.index(st.session_state[AT]) if st.session_state.get(AT) in keys else 0
    sheet = found.sheets[at]
    turn = int(st.session_state.get(TURN, 0)) if st.session_state.get(AT) == sheet.key else 0
    part = page.read(
        lambda scope: review_sheet_queries.load_sheet_page(scope, sheet, page.viewer.member, turn)
    )
    _render_sheet_navigation(page, keys, at)
    name = found.creators[sheet.creator_id].name
    draw_template(
        "pages/approvals/templates/review_sheet.html",
        part=part,
        creator=name,
        found=found,
        voice=page.localizer,
        word=page.text,
    )
    _render_sheet_actions(page, part)
    _render_sheet_pagination(page, part)
    with st.container(horizontal=True, gap="small"):
        for tile in part.drawn:
            with st.container(width=230, border=True, gap="small"):
                _render_sheet_tile(page, found, part, tile)
    if not part.is_fully_shown:
        _rerun_on_new_pictures(page, sheet, part.shown_count)
    return sheet


def _render_sheet_navigation(page: PageContext, keys: list[str], at: int) -> None:
    if len(keys) < 2:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for code, key, to in (("approvals.before", "K", at - 1), ("approvals.after", "J", at + 1)):
            there = keys[to % len(keys)]
            st.button(
                page.text(code),
                key=f"sheets:{code}",
                shortcut=key,
                on_click=_go_to_sheet,
                args=(there, 0),
            )
        draw_template(
            "shell/templates/note.html",
            note=page.text("approvals.place", at=at + 1, total=len(keys)),
        )


def _go_to_sheet(key: str, turn: int) -> None:
    st.session_state.update({AT: key, TURN: turn})


def _render_sheet_actions(page: PageContext, part: SheetPage) -> None:
    """Draw the buttons that reveal the images and decide on the sheet."""
    sheet = part.sheet
    unseen = tuple(tile.card.asset_id for tile in part.drawn if not tile.shown)
    if part.own_work_reason:
        mixed = (
            page.text("sheets.some_own", count=len(part.tiles) - part.approvable_count)
            if part.approvable_count
            else ""
        )
        draw_template(
            "shell/templates/note.html",
            note=" ".join(filter(None, [page.text(part.own_work_reason), mixed])),
        )
    if sheet.wants == "rating":
        st.selectbox(
            page.text("sheets.rate_as"),
            LEVELS,
            index=None,
            placeholder=page.text("sheets.choose_level"),
            format_func=lambda one: page.text(f"studio.level.{one}"),
            key=f"{LEVEL}:{sheet.key}",
        )
        render_people_question(page, f"{SHOWN}:{sheet.key}")
    with st.container(horizontal=True, gap="small"):
        actions.action_button(
            page,
            "sheets.reveal" if unseen else "sheets.reveal_again",
            partial(
                reveal_pictures, page, unseen or tuple(tile.card.asset_id for tile in part.drawn)
            ),
            right=Right.REVIEW,
            key=f"reveal:{sheet.key}:{part.at}",
            kind="primary" if unseen else "tertiary",
            shortcut="P",
            icon=":material/visibility:",
        )
        answers = (("sheets.rate", None, "A"),) if sheet.wants == "rating" else ()
        for code, approve, key in answers or (
            ("sheets.allow", True, "A"),
            ("sheets.deny", False, "X"),
        ):
            actions.action_button(
                page,
                code,
                partial(_submit_sheet_review, page, part, approve),
                right=Right.REVIEW,
                key=f"{code}:{sheet.key}",
                kind="secondary" if approve is False or unseen else "primary",
                shortcut=key,
                disabled=not part.is_fully_shown or (approve is True and not part.approvable_count),
            )


def _render_sheet_pagination(page: PageContext, part: SheetPage) -> None:
    """Draw the navigation between pages of a large sheet, with keyboard shortcuts."""
    if part.parts < 2:
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        for code, key, to in (
            ("sheets.part_before", "B", part.at - 1),
            ("sheets.part_after", "N", part.at + 1),
        ):
            args = (part.sheet.key, to % part.parts)
            st.button(page.text(code), key=code, shortcut=key, on_click=_go_to_sheet, args=args)
        draw_template(
            "shell/templates/note.html",
            note=page.text("sheets.part", at=part.at + 1, total=part.parts),
        )


def _render_sheet_tile(
    page: PageContext, found: ApprovalsView, part: SheetPage, tile: SheetTile
) -> None:
    """Draw one image, its previous decisions, and the choice of an exception."""
    sheet = part.sheet
    asset_id = tile.card.asset_id
    draw_template(
        "pages/approvals/templates/tile.html",
        src=revealed_picture_url(asset_id),
        tile=tile,
        voice=page.localizer,
        word=page.text,
    )
    choices = _list_tile_choices(sheet, tile)
    out = _excluded_pictures(sheet).get(str(asset_id), WITH)
    st.selectbox(
        page.text("sheets.tile", number=tile.number),
        choices,
        index=choices.index(out) if out in choices else 0,
        format_func=lambda one: page.text(
            _tile_choice_code(one), level=page.text(f"studio.level.{one}") if one in LEVELS else ""
        ),
        key=f"tile:{sheet.key}:{asset_id}",
        on_change=_store_tile_choice,
        args=(sheet, asset_id),
        label_visibility="collapsed",
    )
    if past := part.past.get(asset_id):
        draw_template(
            "pages/approvals/templates/past_decisions.html",
            past=past,
            found=found,
            voice=page.localizer,
            word=page.text,
        )


def _list_tile_choices(sheet: ReviewSheet, tile: SheetTile) -> list[str]:
    """Return the choices for one image. A sheet can raise a rating, never lower it."""
    known = tile.card.standing.rating
    levels = [one for one in LEVELS if known is None or Rating(one[0]).rank > known.rank]
    return [WITH, *([DENY] if sheet.wants == "review" else []), *levels]


def _tile_choice_code(choice: str) -> str:
    return {WITH: "sheets.with", DENY: "sheets.out_denied"}.get(choice, "sheets.out_rated")


def _excluded_pictures(sheet: ReviewSheet) -> Mapping[str, str]:
    """Return the exceptions of a sheet, keyed by image. They persist across its pages."""
    kept: dict[str, dict[str, str]] = actions.typed_value(OUT) or {}
    return kept.get(sheet.key, {})


def _store_tile_choice(sheet: ReviewSheet, asset_id: UUID) -> None:
    chosen = {
        **_excluded_pictures(sheet),
        str(asset_id): str(st.session_state[f"tile:{sheet.key}:{asset_id}"]),
    }
    st.session_state[OUT] = {**st.session_state.get(OUT, {}), sheet.key: chosen}


@st.fragment(run_every=TICK)
def _rerun_on_new_pictures(drawn: PageContext, sheet: ReviewSheet, known: int) -> None:
    """Redraw the page as soon as more images were delivered."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    now = page.read(
        lambda scope: len(review_sheet_queries.list_shown_digests(scope, sheet, page.viewer.member))
    )
    if now != known:
        st.rerun()


def _submit_sheet_review(
    page: PageContext, part: SheetPage, approve: bool | None, scope: Scope, press: UUID
) -> Message:
    """Submit the decision for the images as drawn. Images that were added since then form a new
    sheet."""
    sheet = part.sheet
    page.get_creator(scope, sheet.creator_id)
    mine = reviewable_creators(page.viewer.member, page.list_creators(scope))
    out = _excluded_pictures(sheet)
    level = str(actions.typed_value(f"{LEVEL}:{sheet.key}") or "")
    if approve is None and not level:
        raise Refused("sheets.choose_level")
    said = [
        _build_picture_verdict(tile, out.get(str(tile.card.asset_id), WITH), approve, level)
        for tile in part.tiles
    ]
    if sheet.wants == "rating":
        shown = chosen_answer(f"{SHOWN}:{sheet.key}")
        said = [replace(one, shown=shown) for one in said if one is not None]
    review_sheets.review_sheet(
        scope, [one.id for one in mine], [one for one in said if one is not None], key=press
    )
    if sheet.wants == "rating":
        notices.close(scope, f"review:{sheet.creator_id}")
    forms.set_on_success(
        OUT,
        {key: kept for key, kept in (actions.typed_value(OUT) or {}).items() if key != sheet.key},
    )
    taken = sum(1 for one in out.values() if one != WITH)
    code = {None: "sheets.rated", True: "sheets.allowed", False: "sheets.denied"}[approve]
    return Message(code, {"count": sum(one is not None for one in said), "out": taken})


def _build_picture_verdict(
    tile: SheetTile, out: str, approve: bool | None, level: str
) -> PictureVerdict | None:
    """Return the verdict for one image, or None if it would approve the member's own work."""
    asset_id = tile.card.asset_id
    rating = tile.card.standing.rating
    if out in LEVELS:
        level = out
    elif approve is not None:
        level = ""
    if level:
        return PictureVerdict(asset_id, rating, rating=Rating(level[0]), minor=level == MINOR)
    yes = bool(approve) and out != DENY
    return None if yes and tile.own else PictureVerdict(asset_id, rating, approve=yes)
