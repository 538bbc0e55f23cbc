"""AI-written alt texts: a member requests them, a vision model proposes, the member accepts."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.studio.library import alt_text_queries
from dashboard.pages.studio.library.alt_text_queries import AltTextEntry
from dashboard.shell import actions, forms, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template, escape_markdown
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops import settings
from schedules.suggestions.alt_texts import proposals
from schedules.suggestions.alt_texts.proposals import MAX_ALT_TEXT_LENGTH, MAX_DESCRIPTION_LENGTH
from schedules.suggestions.states import AltTextState
from tenants.agencies.rights import Right

FIELDS = ("alt:", "compose:alt:")
"""Prefixes of session keys of alt text fields. An accepted proposal is copied into these fields."""

TICK = "2s"


def render_alt_text_request(
    page: PageContext,
    creator_id: UUID,
    assets: Sequence[UUID],
    *,
    code: str,
    key: str,
    hint: bool = False,
) -> None:
    """Draw the button that requests alt texts.

    Without a configured vision model, draw nothing, or a note about it if `hint` is set.
    """
    if not assets or not page.has_right(Right.RUN):
        return
    if not settings.load_settings().generators.ollama_vision_model:
        if hint:
            draw_template("shell/templates/note.html", note=page.text("engine.seeing_none"))
        return
    act = partial(_request_alt_texts, page, creator_id, tuple(assets))
    actions.action_button(
        page,
        code,
        act,
        right=Right.RUN,
        key=f"alt:ask:{key}",
        icon=":material/image_search:",
        params={"count": len(assets)},
    )


def render_alt_text_proposals(
    page: PageContext, creator_id: UUID, assets: Sequence[UUID], *, pictured: bool = False
) -> None:
    """Draw the proposals for these images. `pictured` adds each image for pages that do not show
    it."""
    if not assets or not page.has_right(Right.RUN):
        return
    found = page.read(
        lambda scope: alt_text_queries.list_alt_text_proposals(
            scope, page.get_creator(scope, creator_id).id, assets
        )
    )
    for one in found:
        if one.proposal.state is not AltTextState.WAITING:
            _render_alt_text_proposal(page, creator_id, one, pictured=pictured)
    if asked := alt_text_queries.pending_assets(found):
        _poll_alt_texts(page, creator_id, tuple(assets), asked)


def _request_alt_texts(
    page: PageContext, creator_id: UUID, assets: tuple[UUID, ...], scope: Scope, press: UUID
) -> Message:
    creator = page.get_creator(scope, creator_id)
    language, forbidden = alt_text_queries.description_style(scope, creator)
    count = proposals.request_alt_texts(
        scope, creator.id, assets, language=language, forbidden=forbidden, key=press
    )
    return Message("alt.asked", {"count": count})


@st.fragment(run_every=TICK)
def _poll_alt_texts(
    drawn: PageContext, creator_id: UUID, assets: tuple[UUID, ...], asked: frozenset[UUID]
) -> None:
    """Poll while workers request texts from the model, and redraw the page when another image is
    done."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = page.read(
        lambda scope: alt_text_queries.list_alt_text_proposals(
            scope, page.get_creator(scope, creator_id).id, assets
        )
    )
    if alt_text_queries.pending_assets(found) != asked:
        st.rerun()
    draw_template("shell/templates/note.html", note=page.text("alt.waiting", count=len(asked)))


def _render_alt_text_proposal(
    page: PageContext, creator_id: UUID, one: AltTextEntry, *, pictured: bool
) -> None:
    proposal = one.proposal
    key = f"alt:{one.proposal.id}"
    with st.container(border=True, gap="small", key=key), forms.open_fields(page, key):
        if pictured:
            draw_template(
                "pages/studio/library/templates/alt_text_picture.html",
                src=library_files.picture_url(proposal.asset_id),
                alt=one.now,
            )
        if proposal.state is AltTextState.LACKING and proposal.reason is not None:
            draw_template(
                "shell/templates/suggestion_missing.html",
                what=page.text("alt.none"),
                why=page.localizer.message_text(proposal.reason),
            )
            refuse = partial(_reject_alt_text, page, creator_id, proposal.id)
            actions.action_button(page, "alt.seen", refuse, right=Right.RUN, key=f"{key}:refuse")
            return
        draw_template(
            "shell/templates/suggestion.html",
            what=page.text("alt.now"),
            text=one.now or page.text("studio.no_alt"),
            language="",
        )
        label = page.text("alt.proposed", model=escape_markdown(proposal.model))
        st.text_area(
            label, proposal.alt, max_chars=MAX_ALT_TEXT_LENGTH, height=80, key=f"{key}:alt"
        )
        forms.show_field_error("alt")
        st.text_area(
            page.text("alt.shows"),
            proposal.shows,
            max_chars=MAX_DESCRIPTION_LENGTH,
            height=100,
            key=f"{key}:shows",
        )
        with st.container(horizontal=True, gap="small"):
            take = partial(_accept_alt_text, page, creator_id, one)
            actions.action_button(
                page, "alt.take", take, right=Right.RUN, key=f"{key}:take", kind="primary"
            )
            refuse = partial(_reject_alt_text, page, creator_id, proposal.id)
            actions.action_button(page, "alt.refuse", refuse, right=Right.RUN, key=f"{key}:refuse")


def _accept_alt_text(
    page: PageContext, creator_id: UUID, one: AltTextEntry, scope: Scope, _: UUID
) -> Message:
    proposal = one.proposal
    key = f"alt:{one.proposal.id}"
    alt, shows = (
        " ".join(str(actions.typed_value(f"{key}:{name}") or "").split())
        for name in ("alt", "shows")
    )
    proposals.accept_alt_text(
        scope,
        [page.get_creator(scope, creator_id).id],
        proposal.id,
        alt,
        instead_of=one.now,
        shows=shows,
    )
    for field in FIELDS:
        if f"{field}{proposal.asset_id}" in st.session_state:
            forms.set_on_success(f"{field}{proposal.asset_id}", alt)
    return Message("studio.alt_kept")


def _reject_alt_text(
    page: PageContext, creator_id: UUID, proposal_id: UUID, scope: Scope, _: UUID
) -> None:
    proposals.reject_alt_text(scope, [page.get_creator(scope, creator_id).id], proposal_id)
