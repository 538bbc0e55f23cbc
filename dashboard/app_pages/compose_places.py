"""What a post that is being written says otherwise on single accounts: other words, another title, fewer pictures."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.app_pages.compose_draft import BODY, MEDIA, OTHERS, TITLE, other_key, typed
from dashboard.frame import Page
from dashboard.reads.compose import Account
from schedules.overrides import MAX_TITLE


def show(page: Page, accounts: Mapping[str, str], chosen: Sequence[Account]) -> None:
    """Draw the accounts a post goes to, and fields of their own for those it is written differently for; of several on
    one platform, the platform too, which then speaks for all of them."""
    if not chosen:
        return
    picked = st.session_state.get(OTHERS) or []
    many = [one for one, count in Counter(one.platform for one in chosen).items() if count > 1]
    names = {one: page.word("compose.all_of", platform=page.word(f"platform.{one}")) for one in many} | dict(accounts)
    offered = many + [str(one.id) for one in chosen if one.platform not in many or one.platform not in picked]
    if not set(offered) >= set(picked):  # an account that was taken off says nothing any more
        st.session_state[OTHERS] = [one for one in picked if one in offered]
    st.pills(
        page.word("compose.others"),
        offered,
        format_func=lambda one: names[one],
        selection_mode="multi",
        key=OTHERS,
        wrap=True,
    )
    for one in st.session_state.get(OTHERS) or []:
        _fields(page, one, names[one])


def _fields(page: Page, account: str, name: str) -> None:
    """Begun with what the post says, so that one changes it rather than writing it anew."""
    body, title, pictures = (other_key(account, field) for field in ("body", "title", "media"))
    media = [str(one) for one in st.session_state.get(MEDIA) or []]
    st.session_state.setdefault(body, typed(BODY))
    st.session_state.setdefault(title, typed(TITLE))
    kept = st.session_state.setdefault(pictures, media)
    if not set(media) >= set(kept):
        st.session_state[pictures] = [one for one in kept if one in media]
    with st.container(border=True, key=f"other:{account}"):
        st.text_area(page.word("compose.other_body", account=name), key=body, height=110)
        st.text_input(page.word("compose.other_title", account=name), key=title, max_chars=MAX_TITLE)
        if media:
            st.pills(
                page.word("compose.other_pictures", account=name),
                media,
                format_func=lambda one: str(media.index(one) + 1),
                selection_mode="multi",
                key=pictures,
            )
