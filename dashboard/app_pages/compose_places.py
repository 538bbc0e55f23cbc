"""What a post that is being written says otherwise on single accounts: other words, another title, fewer pictures, and
less of what follows it."""

from collections import Counter
from collections.abc import Mapping, Sequence

import streamlit as st

from dashboard.app_pages.compose_draft import (
    BODY,
    FIRST_COMMENT,
    KEPT,
    LEFT,
    MEDIA,
    OTHERS,
    TITLE,
    following,
    other_key,
    part_field,
    typed,
)
from dashboard.frame import Page
from dashboard.reads.compose import Account
from dashboard.widgets import draw
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
    media = [str(one) for one in st.session_state.get(MEDIA) or []]
    post = (("body", typed(BODY)), ("title", typed(TITLE)), ("media", media))
    body, title, pictures = (_begun(account, field, said) for field, said in post)
    kept = st.session_state[pictures] or []
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
        _following(page, account, name)


def _begun(account: str, field: str, said: object) -> str:
    """The key of a field of an account, which goes on saying what the post says until somebody changes it there."""
    key = other_key(account, field)
    before = f"{key}:before"
    known = st.session_state.get(key)
    if known is None or (known != said and known == st.session_state.get(before)):  # what is set is sent back
        st.session_state[key] = said
    st.session_state[before] = said
    return key


def _following(page: Page, account: str, name: str) -> None:
    """What of the thread and the first comment is left out there, and other words for the rest."""
    if st.session_state.get(other_key(account, KEPT)) is not None:
        draw("calendar_note.html", note=page.word("compose.other_kept", account=name))
        return
    parts = following()
    if not parts:
        return
    said = {one: page.word("compose.part", number=number) for number, one in enumerate(parts, start=2)}
    said |= {one: page.word("compose.comment") for one in parts if one == FIRST_COMMENT}
    left = other_key(account, LEFT)
    gone = st.session_state.get(left) or []
    if not parts.keys() >= set(gone):
        st.session_state[left] = [one for one in gone if one in parts]
    label = page.word("compose.other_left", account=name)
    st.pills(label, list(parts), format_func=said.__getitem__, selection_mode="multi", key=left, wrap=True)
    for one, piece in parts.items():
        if one not in (st.session_state.get(left) or []):
            label = page.word("compose.other_part", part=said[one], account=name)
            st.text_area(label, key=other_key(account, part_field(one)), placeholder=piece.body, height=70)
