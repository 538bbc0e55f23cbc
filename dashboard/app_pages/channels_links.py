"""What becomes of the addresses in a creator's posts: marks of where a reader came from, short ones of the house."""

from collections.abc import Sequence
from functools import partial

import streamlit as st

from dashboard import acting, session
from dashboard.frame import Page
from foundation.database import Scope
from foundation.words import Message
from schedules import linking
from schedules.linking import LONGEST_MARK, Rule
from tenants.reads import Creator
from tenants.roles import Right

SHORT = "links:short"
MARKS = ("source", "medium", "campaign", "content")
LABELS = {name: f"links.{name}" for name in MARKS} | {"campaign": "links.usual_campaign"}
HINTS = {"source": "{platform}", "medium": "social", "campaign": "", "content": "{account}"}


def show(page: Page, creators: Sequence[Creator]) -> None:
    """Draw the part, for one of the member's creators."""
    st.subheader(page.word("links.title"), anchor="links")
    st.write(page.word("links.explained"))
    creator = creators[0]
    if len(creators) > 1:
        creator = st.selectbox(
            page.word("channels.whose"), creators, format_func=lambda one: one.name, key="links:creator"
        )
    known = page.read(lambda scope: linking.rule_of(scope, creator.id))
    base = session.public_address()
    with st.form(f"links:{creator.id}"):
        st.toggle(page.word("links.short", base=base), value=bool(known.base), key=_key(creator, "short"))
        if known.base and known.base != base:
            st.caption(page.word("links.moved", base=known.base))
        for name in MARKS:
            st.text_input(
                page.word(LABELS[name]),
                getattr(known, name),
                placeholder=HINTS[name],
                max_chars=LONGEST_MARK,
                key=_key(creator, name),
            )
        st.caption(page.word("links.holes"))
        acting.submit(page, "links.save", partial(_save, page, creator), right=Right.RUN, key=f"links:go:{creator.id}")


def _key(creator: Creator, name: str) -> str:
    return f"links:{creator.id}:{name}"


def _save(page: Page, creator: Creator, scope: Scope, _: object) -> Message:
    mine = page.my(scope, creator.id)
    marks = {name: str(acting.typed(_key(creator, name)) or "").strip() for name in MARKS}
    base = session.public_address() if acting.typed(_key(creator, "short")) else ""
    linking.set_rule(scope, mine.id, Rule(base=base, **marks))
    return Message("links.saved", {"name": mine.name})
