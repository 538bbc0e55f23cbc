"""Link settings of a creator: UTM parameters and short links."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard.shell import actions, forms, session
from dashboard.shell.page_context import PageContext
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.posts import link_tracking
from schedules.posts.link_tracking import MAX_LINK_PARAMETER_LENGTH, LinkPolicy
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

SHORT = "links:short"
MARKS = ("source", "medium", "campaign", "content")
LABELS = {name: f"links.{name}" for name in MARKS} | {"campaign": "links.usual_campaign"}
HINTS = {"source": "{platform}", "medium": "social", "campaign": "", "content": "{account}"}


def render_link_settings(page: PageContext, creators: Sequence[Creator]) -> None:
    """Render the link settings of one of the member's creators."""
    st.subheader(page.text("links.title"), anchor="links")
    st.write(page.text("links.explained"))
    creator = creators[0]
    if len(creators) > 1:
        creator = st.selectbox(
            page.text("channels.whose"),
            creators,
            format_func=lambda one: one.name,
            key="links:creator",
        )
    known = page.read(lambda scope: link_tracking.link_policy_of_creator(scope, creator.id))
    base = session.public_url()
    with forms.open_form(page, f"links:{creator.id}", border=True):
        st.toggle(
            page.text("links.short", base=base),
            value=bool(known.base),
            key=_widget_key(creator, "short"),
        )
        if known.base and known.base != base:
            st.caption(page.text("links.moved", base=known.base))
        for name in MARKS:
            st.text_input(
                page.text(LABELS[name]),
                getattr(known, name),
                placeholder=HINTS[name],
                max_chars=MAX_LINK_PARAMETER_LENGTH,
                key=_widget_key(creator, name),
            )
            forms.show_field_error(name)
        st.caption(page.text("links.holes"))
        actions.submit_button(
            page,
            "links.save",
            partial(_save_link_settings, page, creator),
            right=Right.RUN,
            key=f"links:go:{creator.id}",
        )


def _widget_key(creator: Creator, name: str) -> str:
    return f"links:{creator.id}:{name}"


def _save_link_settings(page: PageContext, creator: Creator, scope: Scope, _: object) -> Message:
    mine = page.get_creator(scope, creator.id)
    marks = {
        name: str(actions.typed_value(_widget_key(creator, name)) or "").strip() for name in MARKS
    }
    base = session.public_url() if actions.typed_value(_widget_key(creator, "short")) else ""
    link_tracking.set_link_policy(scope, mine.id, LinkPolicy(base=base, **marks))
    return Message("links.saved", {"name": mine.name})
