"""The addresses in a post that is being written: which campaign they belong to, and which stay as they stand."""

import streamlit as st

from dashboard.app_pages import compose_draft
from dashboard.app_pages.compose_draft import CAMPAIGN, PLAIN
from dashboard.frame import Page
from schedules import linking
from schedules.drafting import Draft
from schedules.linking import LONGEST_MARK, MOST_PLAIN
from tenants.reads import Creator


def show(page: Page, creator: Creator) -> None:
    """Draw the fields, where there is an address in it."""
    words = words_of(compose_draft.draft(creator.id))
    if not linking.named(words):
        return
    rule = page.read(lambda scope: linking.rule_of(scope, creator.id))
    found = linking.named(words, rule.base)[:MOST_PLAIN]
    st.text_input(page.word("compose.campaign"), key=CAMPAIGN, max_chars=LONGEST_MARK, help=page.word("links.campaign"))
    if rule.idle and not compose_draft.typed(CAMPAIGN):
        return
    kept = st.session_state.get(PLAIN) or []
    if not set(found) >= set(kept):  # an address that was rewritten is another one
        st.session_state[PLAIN] = [one for one in kept if one in found]
    st.pills(page.word("compose.plain_links"), found, selection_mode="multi", key=PLAIN, wrap=True)


def words_of(written: Draft) -> list[str]:
    """Every text of a draft that an address may stand in, in whatever place."""
    texts = [written.body, *(part.body for part in written.parts)]
    for one in written.others:
        texts += [one.body or "", *(part.body for part in one.parts or ())]
    return texts
