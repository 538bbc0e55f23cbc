"""AI captions in the composer. The user requests them, sees the suggestions and inserts one."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.compose import draft
from dashboard.pages.compose.caption_queries import CaptionsView, load_captions, picture_description
from dashboard.pages.compose.draft import (
    ACCOUNTS_KEY,
    BODY_KEY,
    ID_KEY,
    MEDIA_KEY,
    TITLE_KEY,
    field_text,
    id_list,
)
from dashboard.pages.compose.media_picker import ALT_TEXT_PREFIX
from dashboard.pages.posts.accounts import PostAccount
from dashboard.shell import actions, forms, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from generators.contract.engines import OriginLabel
from schedules.posts.channel_overrides import MAX_TITLE_LENGTH
from schedules.suggestions.captions import proposals
from schedules.suggestions.captions.brief import (
    MAX_BRIEF_CHANNELS,
    MAX_IDEA_LENGTH,
    CaptionSetBrief,
)
from schedules.suggestions.captions.prompts import CaptionOffer
from schedules.suggestions.captions.proposals import CaptionSet
from schedules.suggestions.shared.languages import WRITABLE_LANGUAGES
from studio.library import assets
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

IDEA_KEY, LANGUAGE_KEY, PLACES, INTO, KIT = (
    f"compose:kit:{name}" for name in ("idea", "language", "places", "into", "kit")
)
REFRESH_INTERVAL = "2s"


def render_captions(page: PageContext, creator: Creator, hers: list[PostAccount]) -> None:
    """Render the form for AI captions and the latest suggestions."""
    if not page.has_right(Right.RUN) or not field_text(ID_KEY):
        return
    found = page.read(lambda scope: load_captions(scope, creator, UUID(field_text(ID_KEY))))
    with st.expander(
        page.text("kit.title"),
        icon=":material/edit_note:",
        expanded=found.kit is not None or bool(field_text(IDEA_KEY)),
    ):
        draw_template("shell/templates/note.html", note=page.text("kit.why"))
        names = {str(one.id): one.name for one in hers}
        _render_caption_request(page, found, names)
        if found.kit is not None and not found.kit.written:
            _poll_captions(page, creator)
        # Outside any fragment, because inserting a suggestion changes fields of the whole page.
        elif found.kit is not None:
            _render_caption_set(page, found.kit, names)


def _render_caption_request(page: PageContext, found: CaptionsView, names: dict[str, str]) -> None:
    with forms.open_fields(page, "compose:kit"):
        st.text_input(page.text("kit.idea"), key=IDEA_KEY, max_chars=MAX_IDEA_LENGTH)
        forms.show_field_error("idea")
        if field_text(LANGUAGE_KEY) not in WRITABLE_LANGUAGES:
            st.session_state[LANGUAGE_KEY] = found.default_language
        with st.container(horizontal=True, vertical_alignment="bottom"):
            st.selectbox(
                page.text("kit.language"),
                WRITABLE_LANGUAGES,
                format_func=language_labeler(page),
                key=LANGUAGE_KEY,
                width=180,
            )
            st.multiselect(
                page.text("kit.into"),
                WRITABLE_LANGUAGES,
                format_func=language_labeler(page),
                key=INTO,
                placeholder=page.text("kit.into_hint"),
                select_all=False,
            )
        st.checkbox(page.text("kit.kit"), value=True, key=KIT)
        chosen = [one for one in st.session_state.get(ACCOUNTS_KEY) or [] if one in names][
            :MAX_BRIEF_CHANNELS
        ]
        if chosen:
            listed_names = ", ".join(names[one] for one in chosen)
            st.checkbox(page.text("kit.places", accounts=listed_names), key=PLACES)
        act = partial(_request_captions, page, found, tuple(map(UUID, chosen)))
        actions.action_button(
            page,
            "kit.ask",
            act,
            right=Right.RUN,
            key="compose:kit:ask",
            icon=":material/edit_note:",
        )


def language_labeler(page: PageContext) -> "partial[str]":
    """Return a function that formats the name of a caption language."""
    return partial(_language_name, page)


def _language_name(page: PageContext, language: str) -> str:
    return page.text(f"kit.in.{language}")


def _request_captions(
    page: PageContext, found: CaptionsView, places: tuple[UUID, ...], scope: Scope, press: UUID
) -> Message:
    creator = page.get_creator(scope, found.creator.id)
    asset = next(iter(id_list(MEDIA_KEY)), None)
    wish = CaptionSetBrief(
        creator_id=creator.id,
        idea=" ".join(str(actions.typed_value(IDEA_KEY) or "").split())
        or field_text(TITLE_KEY).strip(),
        language=field_text(LANGUAGE_KEY),
        tone=found.tone,
        forbidden=found.forbidden,
        asset=asset,
        picture=picture_description(scope, asset) if asset is not None else "",
        kit=bool(actions.typed_value(KIT)),
        places=places if actions.typed_value(PLACES) else (),
        source=str(actions.typed_value(BODY_KEY) or "").strip()
        if actions.typed_value(INTO)
        else "",
        into=tuple(actions.typed_value(INTO) or ()),
    )
    proposals.request_captions(scope, wish, draft=UUID(field_text(ID_KEY)), key=press)
    return Message("kit.asked")


@st.fragment(run_every=REFRESH_INTERVAL)
def _poll_captions(drawn: PageContext, creator: Creator) -> None:
    """Poll for the captions, which workers write. Rerun the page when they are complete."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer or not field_text(ID_KEY):
        st.rerun()
    kit = page.read(
        lambda scope: proposals.latest_captions(
            scope, page.get_creator(scope, creator.id).id, UUID(field_text(ID_KEY))
        )
    )
    if kit is None or kit.written:
        st.rerun()
    draw_template("shell/templates/note.html", note=page.text("kit.waiting"))


def _render_caption_set(page: PageContext, kit: CaptionSet, names: dict[str, str]) -> None:
    if any(one.label == OriginLabel.DEMO for one in kit.offers):
        draw_template("shell/templates/note.html", note=page.text("kit.demo"))
    if any(one.label == OriginLabel.TEMPLATE for one in kit.offers):
        draw_template("shell/templates/note.html", note=page.text("kit.template"))
    for lack in kit.lacks:
        what = _suggestion_label(page, lack.field, lack.of, names)
        draw_template(
            "shell/templates/suggestion_missing.html",
            what=what,
            why=page.localizer.message_text(lack.why),
        )
    for number, offer in enumerate(kit.offers):
        _render_caption_suggestion(page, kit, number, offer, names)


def _suggestion_label(page: PageContext, field: str, of: str, names: dict[str, str]) -> str:
    """Return the kind of a suggestion with its language or account."""
    where = _language_name(page, of) if of in WRITABLE_LANGUAGES else names.get(of, "")
    return page.text(f"kit.field.{field}") + (f" · {where}" if where else "")


def _render_caption_suggestion(
    page: PageContext, kit: CaptionSet, number: int, offer: CaptionOffer, names: dict[str, str]
) -> None:
    what = _suggestion_label(page, offer.field, offer.of, names)
    if offer.label == OriginLabel.TEMPLATE:
        what = page.text("kit.template_label", what=what)
    with st.container(border=True, gap="small", key=f"kit:{kit.id}:{number}"):
        draw_template(
            "shell/templates/suggestion.html",
            what=what,
            text=offer.text,
            language=offer.of if offer.of in WRITABLE_LANGUAGES else "",
        )
        with st.container(horizontal=True, gap="small"):
            for target in _list_insert_targets(offer, kit, names):
                key = f"compose:kit:{kit.id}:{number}:{target}"
                if target == "alt":
                    act = partial(_save_suggested_alt_text, page, kit, offer.text)
                    actions.action_button(page, "kit.to.alt", act, right=Right.RUN, key=key)
                else:
                    st.button(
                        page.text(f"kit.to.{target}"),
                        key=key,
                        on_click=_insert_caption,
                        args=(target, offer),
                    )


def _list_insert_targets(offer: CaptionOffer, kit: CaptionSet, names: dict[str, str]) -> list[str]:
    """Return the fields that a suggestion can be inserted into."""
    if offer.field == "alt":
        return ["alt"] if kit.wish.asset is not None else []
    if offer.field == "title":
        return ["title"]
    if offer.field == "version":
        return ["account", "body"] if offer.of in names else ["body"]
    return ["more"] if offer.field == "hashtags" else ["body", "more"]


def _insert_caption(target: str, offer: CaptionOffer) -> None:
    """Insert a suggestion into a field and record whether a model or a template wrote it."""
    template = offer.label == OriginLabel.TEMPLATE
    if target == "title":
        draft.fill_field(TITLE_KEY, offer.text[:MAX_TITLE_LENGTH], template=template)
    elif target == "account":
        draft.fill_override(offer.of, offer.text, template=template)
    elif target == "more":
        before = field_text(BODY_KEY).rstrip()
        draft.fill_field(BODY_KEY, offer.text, after=before, template=template)
    else:
        draft.fill_field(BODY_KEY, offer.text, template=template)


def _save_suggested_alt_text(
    page: PageContext, kit: CaptionSet, text: str, scope: Scope, _: UUID
) -> Message:
    """Save a suggested alt text and show it in the field of the picture."""
    creator = page.get_creator(scope, kit.wish.creator_id)
    asset = kit.wish.asset
    if asset is not None:
        assets.check_assets_owned(scope, creator.id, [asset])
        assets.set_alt_text(scope, asset, text)
        forms.set_on_success(f"{ALT_TEXT_PREFIX}{asset}", text)
    return Message("kit.described")
