"""Share links of Analytics: the form that creates one, and the list of links that work.

The address is shown once, to the member who created the link.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.analytics import filters
from dashboard.shell import actions, forms, session
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from insights.rollups.periods import AnalyticsPeriod
from insights.sharing import share_links
from insights.sharing.share_links import (
    LIFETIMES,
    MAX_NAME_LENGTH,
    SHARE_PATH,
    SharedView,
    ShareLink,
    ShareLinkDraft,
)
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

FORM = "analytics:share"
CREATE = f"{FORM}:create"
ADDRESS = f"{FORM}:address"
"""Session key of the address of the newest link, until the page is left."""


@dataclass(frozen=True)
class _ShareView:
    creators: Sequence[Creator]
    chosen: Sequence[Creator]
    links: Sequence[ShareLink]
    now: datetime


def render_share_links(page: PageContext, period: AnalyticsPeriod) -> None:
    """Render the button that opens the form and the list, for members who may share."""
    if not page.has_right(Right.RUN) or not page.has_right(Right.MONEY):
        return
    with st.popover(page.text("share.open"), icon=":material/share:"):
        found = page.read(partial(_load, page))
        st.write(page.text("share.what"))
        _draw_form(page, found, period)
        address = st.session_state.get(ADDRESS)
        if address is not None:
            st.code(address, language=None, wrap_lines=True)
            draw_template("shell/templates/note.html", note=page.text("share.once"))
        _draw_links(page, found)


def _load(page: PageContext, scope: Scope) -> _ShareView:
    return _ShareView(
        page.list_creators(scope),
        filters.list_chosen_creators(page, scope),
        share_links.list_share_links(scope),
        scope.now,
    )


def _draw_form(page: PageContext, found: _ShareView, period: AnalyticsPeriod) -> None:
    names = {one.id: one.name for one in found.creators}
    with forms.open_form(page, FORM):
        st.text_input(page.text("share.name"), key=f"{FORM}:name", max_chars=MAX_NAME_LENGTH)
        forms.show_field_error("name")
        st.multiselect(
            page.text("share.views"),
            list(SharedView),
            default=[SharedView.SALES, SharedView.AUDIENCE],
            format_func=lambda one: page.text(f"insights.view.{one}"),
            key=f"{FORM}:views",
            placeholder=page.text("share.choose_views"),
            select_all=False,
        )
        forms.show_field_error("views")
        st.multiselect(
            page.text("share.creators"),
            list(names),
            default=[one.id for one in found.chosen],
            format_func=lambda one: names[one],
            key=f"{FORM}:creators",
            placeholder=page.text("share.choose_creators"),
            select_all=False,
        )
        forms.show_field_error("creators")
        st.checkbox(
            page.text("share.rolling", days=len(period.days)), value=True, key=f"{FORM}:rolling"
        )
        st.selectbox(
            page.text("share.days"),
            LIFETIMES,
            index=1,
            format_func=lambda days: page.text("share.for_days", days=days),
            key=f"{FORM}:days",
        )
        st.form_submit_button(
            page.text("share.create"), type="primary", on_click=_handle_press, args=(period,)
        )


def _handle_press(period: AnalyticsPeriod) -> None:
    made: list[str] = []
    act = partial(_create_link, period, made)
    actions.run_action(act, Right.RUN, CREATE, label="share.create", form=FORM)
    if made and actions.has_succeeded(CREATE):
        st.session_state[ADDRESS] = made[0]


def _create_link(period: AnalyticsPeriod, made: list[str], scope: Scope, press_id: UUID) -> Message:
    days = actions.typed_value(f"{FORM}:days")
    if not isinstance(days, int):
        raise BadInput("share.bad_lifetime")
    draft = ShareLinkDraft(
        name=str(actions.typed_value(f"{FORM}:name") or ""),
        views=tuple(SharedView(one) for one in actions.typed_value(f"{FORM}:views") or ()),
        creators=tuple(actions.typed_value(f"{FORM}:creators") or ()),
        first=period.first,
        last=period.last,
        rolling=bool(actions.typed_value(f"{FORM}:rolling")),
        days=days,
    )
    token = share_links.create_share_link(scope, draft, link_id=press_id)
    made.append(f"{session.public_url()}{SHARE_PATH}{token}")
    return Message("share.created")


def _draw_links(page: PageContext, found: _ShareView) -> None:
    works = [one for one in found.links if one.status(found.now) == "open"]
    if not works:
        return
    st.write(page.text("share.list"))
    voice = page.localizer
    for one in works:
        with st.container(horizontal=True, vertical_alignment="center"):
            opened = (
                page.text("share.opened", at=voice.format_when(one.opened_at, found.now))
                if one.opened_at is not None
                else page.text("share.never_opened")
            )
            until = page.text("share.works_until", at=voice.format_when(one.expires_at, found.now))
            st.text(f"{one.name} · {until} · {opened}", width="stretch")
            actions.action_button(
                page,
                "share.revoke",
                partial(_revoke_link, one.id),
                right=Right.RUN,
                key=f"{FORM}:revoke:{one.id}",
            )


def _revoke_link(link_id: UUID, scope: Scope, _press_id: UUID) -> Message:
    share_links.revoke_share_link(scope, link_id)
    return Message("share.revoked")
