"""What a post that is being written says otherwise on single accounts: other words, another title, other pictures, and
less or more of what follows it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st

from dashboard.app_pages import compose_draft
from dashboard.app_pages.compose_draft import (
    BODY,
    FIRST_COMMENT,
    LEFT,
    MEDIA,
    MORE,
    OTHERS,
    TARGET,
    TITLE,
    following,
    following_on,
    media_field,
    more_ids,
    other_key,
    part_field,
    typed,
)
from dashboard.frame import Page
from dashboard.reads.compose import Account
from dashboard.widgets import draw
from foundation.ids import uuid7
from schedules import threads
from schedules.overrides import MAX_TITLE
from schedules.threads import Piece


def show(page: Page, accounts: Mapping[str, str], chosen: Sequence[Account]) -> None:
    """Draw the accounts a post goes to, and fields of their own for those it is written differently for; of several on
    one platform, the platform too, which then speaks for all of them."""
    if not chosen:
        return
    picked = st.session_state.get(OTHERS) or []
    many = [one for one, count in Counter(one.platform for one in chosen).items() if count > 1]
    names = {one: _all_of(page, one) for one in many} | dict(accounts)
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
    apart = st.session_state.get(OTHERS) or []
    for one in offered:
        if one not in apart:
            compose_draft.as_the_post(one)
    for one in apart:
        _fields(page, one, names[one])


def names_of(page: Page, hers: Sequence[Account]) -> dict[str, str]:
    """What the accounts are called; those of one name, with where they are."""
    called = Counter(one.name for one in hers)
    return {
        str(one.id): one.name if called[one.name] == 1 else f"{one.name} · {page.word(f'platform.{one.platform}')}"
        for one in hers
    }


def target(page: Page, hers: Sequence[Account]) -> None:
    """Let the member say which part the pictures are for, and on which account, where there are several."""
    targets = compose_draft.targets()
    if len(targets) == 1:
        return
    if typed(TARGET) not in targets:
        st.session_state[TARGET] = MEDIA
    names, said = names_of(page, hers), {MEDIA: page.word("compose.part_first")}
    for key, (place, part) in targets.items():
        called = _called(page, part, place) if part else page.word("compose.part", number=1)
        said.setdefault(key, f"{called} · {names.get(place) or _all_of(page, place)}" if place else called)
    st.selectbox(page.word("compose.pictures_for"), list(said), format_func=said.__getitem__, key=TARGET)


def _all_of(page: Page, platform: str) -> str:
    return page.word("compose.all_of", platform=page.word(f"platform.{platform}"))


def _called(page: Page, part: str, account: str) -> str:
    """What a part is called, in the post or on an account that has parts of its own."""
    if part == FIRST_COMMENT:
        return page.word("compose.comment")
    ours, own = list(following()), more_ids(account)
    if part in own:
        return page.word("compose.part_own", number=own.index(part) + 1)
    return page.word("compose.part", number=ours.index(part) + 2)


def _fields(page: Page, account: str, name: str) -> None:
    """Begun with what the post says, so that one changes it rather than writing it anew."""
    body, title = _begun(account, "body", typed(BODY)), _begun(account, "title", typed(TITLE))
    _begun(account, media_field(), [str(one) for one in st.session_state.get(MEDIA) or []])
    with st.container(border=True, key=f"other:{account}"):
        st.text_area(page.word("compose.other_body", account=name), key=body, height=110)
        st.text_input(page.word("compose.other_title", account=name), key=title, max_chars=MAX_TITLE)
        _following(page, account, name)
        draw("calendar_note.html", note=page.word("compose.other_pictures", list=page.word("compose.pictures_for")))


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
    """What of the thread and the first comment is left out there, other words for the rest, and parts of its own."""
    ours, left = following(), other_key(account, LEFT)
    gone = st.session_state.get(left) or []
    if not ours.keys() >= set(gone):
        st.session_state[left] = [one for one in gone if one in ours]
    if ours:
        label, called = page.word("compose.other_left", account=name), partial(_called, page, account=account)
        st.pills(label, list(ours), format_func=called, selection_mode="multi", key=left, wrap=True)
    there = following_on(account)
    for one, piece in there.items():
        if one in ours or one in more_ids(account) or not piece.empty:
            _part(page, account, name, one, ours.get(one, Piece("")))
    label, full = page.word("compose.part_more_there", account=name), len(there) >= threads.MOST_PARTS
    st.button(label, key=f"compose:more:{account}", type="tertiary", on_click=_more, args=(account,), disabled=full)


def _part(page: Page, account: str, name: str, part: str, ours: Piece) -> None:
    """The words of one part there; empty, they are the post's."""
    if part != FIRST_COMMENT:
        _begun(account, media_field(part), [str(one) for one in ours.media])
    called = _called(page, part, account)
    own = part in more_ids(account)
    label = page.word("compose.other_own" if own else "compose.other_part", part=called, account=name)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_area(label, key=other_key(account, part_field(part)), placeholder=ours.body, height=70)
        if own:
            away = page.word("compose.part_away_there", part=called, account=name)
            st.button(away, key=f"compose:away:{part}", type="tertiary", on_click=_away, args=(account, part))


def _more(account: str) -> None:
    st.session_state[other_key(account, MORE)] = [*more_ids(account), uuid7().hex]


def _away(account: str, part: str) -> None:
    st.session_state[other_key(account, MORE)] = [one for one in more_ids(account) if one != part]
