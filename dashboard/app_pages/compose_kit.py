"""Texts by the model while a post is written: asked for with a press, offered when they are there, picked by hand."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard import acting, frame
from dashboard.app_pages import compose_draft
from dashboard.app_pages.compose_draft import ACCOUNTS, BODY, ID, MEDIA, TITLE, listed, typed
from dashboard.app_pages.compose_pictures import WORDS as ALT
from dashboard.frame import Page
from dashboard.reads.compose import Account
from dashboard.reads.kits import Desk, desk, picture_of
from dashboard.widgets import draw
from foundation.database import Scope
from foundation.words import Message
from generators.contract import Label
from schedules import kits
from schedules.kits import Kit
from schedules.kits_brief import LANGUAGES, LONGEST, MOST_PLACES, Wish
from schedules.kits_words import Offer
from schedules.overrides import MAX_TITLE
from studio import library
from tenants.reads import Creator
from tenants.roles import Right

IDEA, LANGUAGE, PLACES, INTO, KIT = (f"compose:kit:{name}" for name in ("idea", "language", "places", "into", "kit"))
TICK = "2s"


def show(page: Page, creator: Creator, hers: list[Account]) -> None:
    """Draw what can be asked for, and what the model wrote."""
    if not page.may(Right.RUN) or not typed(ID):
        return
    found = page.read(lambda scope: desk(scope, creator, UUID(typed(ID))))
    with st.expander(
        page.word("kit.title"), icon=":material/edit_note:", expanded=found.kit is not None or bool(typed(IDEA))
    ):
        draw("calendar_note.html", note=page.word("kit.why"))
        names = {str(one.id): one.name for one in hers}
        _asking(page, found, names)
        if found.kit is not None and not found.kit.written:
            _waiting(page, creator)
        elif found.kit is not None:  # in no fragment: what is picked fills fields that stand outside of one
            _offered(page, found.kit, names)


def _asking(page: Page, found: Desk, names: dict[str, str]) -> None:
    st.text_input(page.word("kit.idea"), key=IDEA, max_chars=LONGEST)
    if typed(LANGUAGE) not in LANGUAGES:
        st.session_state[LANGUAGE] = found.language
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.selectbox(page.word("kit.language"), LANGUAGES, format_func=language(page), key=LANGUAGE, width=180)
        st.multiselect(
            page.word("kit.into"),
            LANGUAGES,
            format_func=language(page),
            key=INTO,
            placeholder=page.word("kit.into_hint"),
            select_all=False,
        )
    st.checkbox(page.word("kit.kit"), value=True, key=KIT)
    chosen = [one for one in st.session_state.get(ACCOUNTS) or [] if one in names][:MOST_PLACES]
    if chosen:
        listed_names = ", ".join(names[one] for one in chosen)
        st.checkbox(page.word("kit.places", accounts=listed_names), key=PLACES)
    act = partial(_ask, page, found, tuple(map(UUID, chosen)))
    acting.button(page, "kit.ask", act, right=Right.RUN, key="compose:kit:ask", icon=":material/edit_note:")


def language(page: Page) -> "partial[str]":
    """How people call a language that texts are asked for in."""
    return partial(_named, page)


def _named(page: Page, language: str) -> str:
    return page.word(f"kit.in.{language}")


def _ask(page: Page, found: Desk, places: tuple[UUID, ...], scope: Scope, press: UUID) -> Message:
    creator = page.my(scope, found.creator.id)
    asset = next(iter(listed(MEDIA)), None)
    wish = Wish(
        creator_id=creator.id,
        idea=" ".join(str(acting.typed(IDEA) or "").split()) or typed(TITLE).strip(),
        language=typed(LANGUAGE),
        tone=found.tone,
        forbidden=found.forbidden,
        asset=asset,
        picture=picture_of(scope, asset) if asset is not None else "",
        kit=bool(acting.typed(KIT)),
        places=places if acting.typed(PLACES) else (),
        source=str(acting.typed(BODY) or "").strip() if acting.typed(INTO) else "",
        into=tuple(acting.typed(INTO) or ()),
    )
    kits.ask(scope, wish, draft=UUID(typed(ID)), key=press)
    return Message("kit.asked")


@st.fragment(run_every=TICK)
def _waiting(drawn: Page, creator: Creator) -> None:
    """The texts are written by the workers: once they are there, the page is drawn with them."""
    page = frame.look()
    if page is None or page.who != drawn.who or not typed(ID):
        st.rerun()
    kit = page.read(lambda scope: kits.newest(scope, page.my(scope, creator.id).id, UUID(typed(ID))))
    if kit is None or kit.written:
        st.rerun()
    draw("calendar_note.html", note=page.word("kit.waiting"))


def _offered(page: Page, kit: Kit, names: dict[str, str]) -> None:
    if any(one.label == Label.DEMO for one in kit.offers):
        draw("calendar_note.html", note=page.word("kit.demo"))
    for lack in kit.lacks:
        what = _what(page, lack.field, lack.of, names)
        draw("kit_lack.html", what=what, why=page.voice.say(lack.why))
    for number, offer in enumerate(kit.offers):
        _offer(page, kit, number, offer, names)


def _what(page: Page, field: str, of: str, names: dict[str, str]) -> str:
    """What a text is, and for whom."""
    where = _named(page, of) if of in LANGUAGES else names.get(of, "")
    return page.word(f"kit.field.{field}") + (f" · {where}" if where else "")


def _offer(page: Page, kit: Kit, number: int, offer: Offer, names: dict[str, str]) -> None:
    what = _what(page, offer.field, offer.of, names)
    with st.container(border=True, gap="small", key=f"kit:{kit.id}:{number}"):
        draw("kit_offer.html", what=what, text=offer.text, language=offer.of if offer.of in LANGUAGES else "")
        with st.container(horizontal=True, gap="small"):
            for target in _targets(offer, kit, names):
                key = f"compose:kit:{kit.id}:{number}:{target}"
                if target == "alt":
                    act = partial(_describe, page, kit, offer.text)
                    acting.button(page, "kit.to.alt", act, right=Right.RUN, key=key)
                else:
                    st.button(page.word(f"kit.to.{target}"), key=key, on_click=_put, args=(target, offer))


def _targets(offer: Offer, kit: Kit, names: dict[str, str]) -> list[str]:
    """Where a text may go."""
    if offer.field == "alt":
        return ["alt"] if kit.wish.asset is not None else []
    if offer.field == "title":
        return ["title"]
    if offer.field == "version":
        return ["account", "body"] if offer.of in names else ["body"]
    return ["more"] if offer.field == "hashtags" else ["body", "more"]


def _put(target: str, offer: Offer) -> None:
    """Put a text where somebody wants it, and keep that a model wrote it."""
    if target == "title":
        compose_draft.put(TITLE, offer.text[:MAX_TITLE])
    elif target == "account":
        compose_draft.put_other(offer.of, offer.text)
    elif target == "more":
        compose_draft.put(BODY, offer.text, after=typed(BODY).rstrip())
    else:
        compose_draft.put(BODY, offer.text)


def _describe(page: Page, kit: Kit, text: str, scope: Scope, _: UUID) -> Message:
    """The words that stand for the picture; its field is drawn anew with them."""
    creator, asset = page.my(scope, kit.wish.creator_id), kit.wish.asset
    if asset is not None:
        library.check_owner(scope, creator.id, [asset])
        library.describe(scope, asset, text)
        st.session_state[f"{ALT}{asset}"] = text
    return Message("kit.described")
