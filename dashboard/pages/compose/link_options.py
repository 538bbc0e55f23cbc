"""Link options in the composer: the campaign, and the links that are not tagged."""

import streamlit as st

from dashboard.pages.compose import draft
from dashboard.pages.compose.draft import CAMPAIGN_KEY, PLAIN_LINKS_KEY
from dashboard.shell.page_context import PageContext
from schedules.drafts.drafts import Draft
from schedules.posts import link_tracking
from schedules.posts.link_tracking import MAX_LINK_PARAMETER_LENGTH, MAX_PLAIN_ADDRESSES
from tenants.agencies.queries import Creator


def render_link_options(page: PageContext, creator: Creator) -> None:
    """Render the link options if the draft contains links that can be tagged."""
    words = list_texts(draft.build_draft(creator.id))
    if not link_tracking.changeable_addresses(words):
        return
    rule = page.read(lambda scope: link_tracking.link_policy_of_creator(scope, creator.id))
    found = link_tracking.changeable_addresses(words, rule.base)[:MAX_PLAIN_ADDRESSES]
    st.text_input(
        page.text("compose.campaign"),
        key=CAMPAIGN_KEY,
        max_chars=MAX_LINK_PARAMETER_LENGTH,
        help=page.text("links.campaign"),
    )
    if rule.is_idle and not draft.field_text(CAMPAIGN_KEY):
        return
    kept = st.session_state.get(PLAIN_LINKS_KEY) or []
    # A changed link is a different one, so its exclusion is removed.
    if not set(found) >= set(kept):
        st.session_state[PLAIN_LINKS_KEY] = [one for one in kept if one in found]
    st.pills(
        page.text("compose.plain_links"),
        found,
        selection_mode="multi",
        key=PLAIN_LINKS_KEY,
        wrap=True,
    )


def list_texts(written: Draft) -> list[str]:
    """Return every text of a draft that can contain links."""
    texts = [written.body, *(part.body for part in written.parts)]
    for one in written.others:
        texts += [one.body or "", *(part.body for part in one.parts or ())]
    return texts
