"""Link targets of a creator: the URLs that posts may contain, with their owners and ratings."""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.channels.links.queries import (
    LinksView,
    UnregisteredLink,
    find_link_target,
    load_links,
)
from dashboard.shell import actions, forms, page_context
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from gate.reviews import link_targets
from gate.reviews.link_targets import LinkOwner, LinkTargetSummary
from gate.text import urls
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

LINKS_PARAM = "links"
"""Query parameter of the page that shows only this section."""

TICK = "3s"
WHOSE, URL, OWNER, RATING, ADULT = (
    f"targets:{name}" for name in ("whose", "url", "owner", "rating", "adult")
)
SHOWN = (Rating.G, Rating.S, Rating.N, Rating.E)


def render_link_targets(page: PageContext, creators: Sequence[Creator]) -> None:
    """Render the link targets of one of the member's creators."""
    st.subheader(page.text("targets.title"), anchor="list")
    st.write(page.text("targets.explained"))
    creator = creators[0]
    if len(creators) > 1:
        creator = st.selectbox(
            page.text("channels.whose"), creators, format_func=lambda one: one.name, key=WHOSE
        )
    _render_link_targets(page, creator)
    _render_target_form(page, creator)


@st.fragment(run_every=TICK)
def _render_link_targets(drawn: PageContext, creator: Creator) -> None:
    """Render the targets and the unregistered URLs. The fragment refreshes, because workers write
    the results of checks."""
    page = page_context.current_page()
    if page is None or page.viewer != drawn.viewer:
        st.rerun()
    found = page.read(lambda scope: load_links(scope, page.get_creator(scope, creator.id)))
    actions.show_notices(page, "targets")
    for number, wanted in enumerate(found.wanted):
        _render_unregistered_link(page, found, wanted, number)
    for one in found.known:
        _render_link_target(page, found, one)
    if not found.known:
        draw_template(
            "shell/templates/note.html", note=page.text("targets.none", name=creator.name)
        )


def _render_unregistered_link(
    page: PageContext, found: LinksView, wanted: UnregisteredLink, number: int
) -> None:
    """Render an unregistered URL with a button that copies it to the form."""
    with st.container(border=True, key=f"targets:wanted:{number}"):
        draw_template(
            "pages/channels/templates/unregistered_link.html",
            wanted=wanted,
            voice=page.localizer,
            word=page.text,
        )
        key = f"targets:take:{found.creator.id}:{number}"
        if st.button(
            page.text("targets.take"), key=key, on_click=_fill_url_field, args=(wanted.written,)
        ):
            st.rerun()  # The form is outside this fragment, so the whole page must be rerun.


def _fill_url_field(written: str) -> None:
    st.session_state[URL] = urls.canonical_url(written) or written


def _render_link_target(page: PageContext, found: LinksView, one: LinkTargetSummary) -> None:
    with st.container(border=True, key=f"targets:{one.id}"):
        fits = one.is_usable(found.now)
        by = found.people.get(one.by, "")
        draw_template(
            "pages/channels/templates/link_target.html",
            one=one,
            fits=fits,
            by=by,
            now=found.now,
            voice=page.localizer,
            word=page.text,
        )
        about = (page, found.creator.id, one.id)
        with st.container(horizontal=True, gap="small"):
            actions.action_button(
                page,
                "targets.still",
                partial(_renew_link_target, *about),
                right=Right.RUN,
                key=f"targets:still:{one.id}",
            )
            with st.popover(page.text("targets.end")):
                draw_template("shell/templates/note.html", note=page.text("targets.end_asked"))
                end = partial(_end_link_target, *about)
                actions.action_button(
                    page, "targets.end_sure", end, right=Right.RUN, key=f"targets:end:{one.id}"
                )


def _render_target_form(page: PageContext, creator: Creator) -> None:
    with forms.open_form(page, "targets:new", border=True):
        st.text_input(
            page.text("targets.url"), placeholder="https://", max_chars=urls.MAX_URL_LENGTH, key=URL
        )
        forms.show_field_error("url")
        st.selectbox(
            page.text("targets.owner"),
            list(LinkOwner),
            format_func=lambda one: page.text(f"targets.owner.{one}"),
            key=OWNER,
        )
        st.radio(
            page.text("targets.rating"),
            SHOWN,
            index=None,
            format_func=lambda one: page.text(f"targets.rating.{one}"),
            key=RATING,
        )
        forms.show_field_error("rating")
        st.checkbox(page.text("targets.adult"), key=ADULT)
        draw_template("shell/templates/note.html", note=page.text("targets.honest"))
        actions.submit_button(
            page,
            "targets.add",
            partial(_request_link_target, page, creator.id),
            right=Right.RUN,
            key="targets:add",
        )


def _request_link_target(page: PageContext, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    creator = page.get_creator(scope, creator_id)
    rating = actions.typed_value(RATING)
    if rating is None:
        raise BadInput("targets.no_rating").about("rating")
    typed = str(actions.typed_value(URL) or "")
    owner = LinkOwner(actions.typed_value(OWNER) or LinkOwner.OTHER)
    url = link_targets.request_link_target(
        scope,
        creator.id,
        typed,
        owner=owner,
        rating=Rating(rating),
        adult=bool(actions.typed_value(ADULT)),
    )
    return Message("targets.asked", {"url": url})


def _get_own_link_target(
    page: PageContext, scope: Scope, creator_id: UUID, target_id: UUID
) -> LinkTargetSummary:
    found = find_link_target(scope, page.get_creator(scope, creator_id).id, target_id)
    if found is None:
        raise NotFound("link.unknown")
    return found


def _renew_link_target(
    page: PageContext, creator_id: UUID, target_id: UUID, scope: Scope, _: UUID
) -> Message:
    one = _get_own_link_target(page, scope, creator_id, target_id)
    url = link_targets.request_link_target(
        scope, creator_id, one.url, owner=LinkOwner(one.owner), rating=one.rating, adult=one.adult
    )
    return Message("targets.asked", {"url": url})


def _end_link_target(
    page: PageContext, creator_id: UUID, target_id: UUID, scope: Scope, _: UUID
) -> Message:
    one = _get_own_link_target(page, scope, creator_id, target_id)
    link_targets.request_link_target_end(scope, one.id)
    return Message("targets.ended", {"url": one.url})
