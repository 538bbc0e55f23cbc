"""Studio: copies of one picture, cut, set right and signed as asked; the workers make them."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, files
from dashboard.app_pages.studio_variants import clear_src
from dashboard.frame import Page
from dashboard.widgets import draw
from foundation import settings
from foundation.database import Scope
from foundation.errors import BadInput, NotFound, Unavailable
from foundation.words import Message
from generators import forms
from generators.cutouts import BLURRED
from generators.finishing import Finish
from generators.watermarks import CORNERS, FAINTEST, LARGEST, LONGEST, SMALLEST, Watermark
from studio import finishing, watermarking
from studio import reads as studio_reads
from studio.finishing import Copy
from studio.reads import Card
from studio.states import UploadState
from tenants.roles import Right

COLOUR = "colour"


def ask(page: Page, creator_id: UUID, card: Card) -> None:
    """Choose what is done, see where each form would cut, and have the copies made; nothing of a film."""
    if card.seconds:
        return
    key = f"copy:{card.asset_id}"
    with st.popover(page.word("copy.make"), icon=":material/crop:"):
        chosen = st.multiselect(
            page.word("copy.forms"),
            [form.name for form in forms.FORMS],
            format_func=lambda one: page.word(f"copy.form.{one}"),
            placeholder=page.word("copy.forms_hint"),
            key=f"{key}:forms",
            select_all=False,
        )
        if chosen:
            _preview(page, card, chosen)
        strength = st.slider(page.word("copy.strength"), 0, 100, 0, 10, key=f"{key}:strength")
        larger = _larger(page, key)
        behind = _background(page, key)
        mark = page.read(lambda scope: watermarking.of(scope, creator_id))
        signed = mark is not None and st.checkbox(page.word("copy.signed", text=_plain(mark.text)), key=f"{key}:signed")
        draw("studio_note.html", note=page.word("copy.how"))
        act, nothing = (
            partial(_asked, page, creator_id, card.asset_id, key),
            not (chosen or strength or larger or signed or behind),
        )
        acting.button(page, "copy.ask", act, right=Right.RUN, key=key, kind="primary", disabled=nothing)
    _watermark(page, creator_id, mark)


def _larger(page: Page, key: str) -> bool:
    """Whether it is to be larger, plainly or by the model that is set for it."""
    twice = st.checkbox(page.word("copy.twice"), key=f"{key}:twice")
    if not settings.load().generators.upscale_model:
        draw("studio_note.html", note=page.word("copy.no_upscaler"))
        return twice
    return st.checkbox(page.word("copy.finer"), key=f"{key}:finer", disabled=twice) or twice


def _background(page: Page, key: str) -> str:
    """What is to stand behind the subject, as `Finish.background`; "" where nothing can be told from anything."""
    if not settings.load().generators.cutout_model:
        draw("studio_note.html", note=page.word("copy.no_cutter"))
        return ""
    kind = st.segmented_control(
        page.word("copy.background"),
        ["own", BLURRED, COLOUR],
        default="own",
        required=True,
        format_func=lambda one: page.word(f"copy.background.{one}"),
        key=f"{key}:background",
    )
    if kind == COLOUR:
        st.color_picker(page.word("copy.colour"), "#ffffff", key=f"{key}:colour")
    return _behind(key)


def _behind(key: str) -> str:
    """As it stands on the page now."""
    kind = acting.typed(f"{key}:background")
    if kind == COLOUR:
        return str(acting.typed(f"{key}:colour") or "#ffffff").lower()
    return BLURRED if kind == BLURRED else ""


def under_way(page: Page, copies: Sequence[Copy]) -> None:
    """Copies of the last hours; those that a model makes larger say how far they are, and can be stopped."""
    draw("studio_copies.html", copies=copies, voice=page.voice, word=page.word)
    for one in copies:
        if one.state == UploadState.WAITING and one.finish.finer:
            act = partial(_stop, page, one.id)
            acting.button(page, "copy.stop", act, right=Right.RUN, key=f"copy:stop:{one.id}")


def _stop(page: Page, copy_id: UUID, scope: Scope, _: UUID) -> Message:
    (found,) = finishing.copies(scope, [copy_id])
    page.my(scope, studio_reads.shown(scope, found.asset_id).creator_id)
    finishing.stop(scope, copy_id)
    return Message("copy.stopped")


def _plain(label: str) -> str:
    """A label in which nothing is read as a sign."""
    return "".join(f"\\{one}" if one in r"\`*_{}[]()#+-.!:$~>|<@" else one for one in label)


def _watermark(page: Page, creator_id: UUID, mark: Watermark | None) -> None:
    """What is written on this creator's copies: the words, and how they look."""
    key = f"watermark:{creator_id}"
    with st.popover(page.word("watermark.edit"), icon=":material/branding_watermark:"):
        st.text_input(page.word("watermark.text"), mark.text if mark else "", max_chars=LONGEST, key=f"{key}:text")
        st.selectbox(
            page.word("watermark.corner"),
            CORNERS,
            CORNERS.index(mark.corner) if mark else 0,
            format_func=lambda one: page.word(f"watermark.corner.{one}"),
            key=f"{key}:corner",
        )
        st.slider(page.word("watermark.size"), SMALLEST, LARGEST, mark.size if mark else 4, key=f"{key}:size")
        st.slider(page.word("watermark.opacity"), FAINTEST, 100, mark.opacity if mark else 70, 5, key=f"{key}:opacity")
        draw("studio_note.html", note=page.word("watermark.how"))
        act = partial(_kept, page, creator_id, key)
        acting.button(page, "watermark.keep", act, right=Right.RUN, key=key, kind="primary")


def _kept(page: Page, creator_id: UUID, key: str, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    said = [acting.typed(f"{key}:{one}") for one in ("text", "corner", "size", "opacity")]
    mark = Watermark(str(said[0] or "").strip(), str(said[1]), int(said[2] or 0), int(said[3] or 0))
    watermarking.keep(scope, creator_id, mark)
    return Message("watermark.kept")


def _preview(page: Page, card: Card, chosen: list[str]) -> None:
    """The picture as its page shows it, blurred where that is, each form cut out of it."""
    try:
        cuts = finishing.cuts(page.who.tenant_id, card.sha256, files.store())
    except (BadInput, NotFound, Unavailable) as wrong:
        st.error(page.voice.say(wrong.message))
        return
    shown = [(form, cuts.by_form[form]) for form in chosen if form in cuts.by_form]
    draw("studio_cuts.html", shown=shown, size=cuts.size, src=clear_src(card.asset_id), word=page.word)
    if len(shown) < len(chosen):
        st.warning(page.word("crop.too_small", wide=cuts.size[0], high=cuts.size[1]))


def _asked(page: Page, creator_id: UUID, asset_id: UUID, key: str, scope: Scope, _: UUID) -> Message:
    page.my(scope, creator_id)
    if studio_reads.shown(scope, asset_id).creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    chosen = [str(one) for one in acting.typed(f"{key}:forms") or ("",)]
    strength, twice = int(acting.typed(f"{key}:strength") or 0), bool(acting.typed(f"{key}:twice"))
    finer = bool(acting.typed(f"{key}:finer")) and not twice
    mark = watermarking.of(scope, creator_id) if acting.typed(f"{key}:signed") else None
    for form in chosen:
        finish = Finish(form=form, strength=strength, background=_behind(key), twice=twice, finer=finer, watermark=mark)
        finishing.ask(scope, asset_id, finish, by=page.who.actor, store=files.store())
    return Message("copy.asked", {"count": len(chosen)})
