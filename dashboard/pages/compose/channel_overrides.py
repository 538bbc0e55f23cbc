"""Overrides of single accounts in the composer: text, title, media and thread parts that differ
from the post."""

from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from dashboard.pages.compose import draft
from dashboard.pages.compose.draft import (
    BODY_KEY,
    EXTRA_PARTS_FIELD,
    FIRST_COMMENT,
    MEDIA_KEY,
    MEDIA_TARGET_KEY,
    OMITTED_PARTS_FIELD,
    OVERRIDES_KEY,
    TITLE_KEY,
    extra_part_ids,
    field_text,
    list_channel_parts,
    list_parts,
    media_field,
    override_key,
    part_field,
)
from dashboard.pages.posts.accounts import PostAccount
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.ids import uuid7
from schedules.posts import thread_parts
from schedules.posts.channel_overrides import MAX_TITLE_LENGTH
from schedules.posts.thread_parts import ThreadPart


def render_channel_overrides(
    page: PageContext,
    accounts: Mapping[str, str],
    chosen: Sequence[PostAccount],
    slots: dict[str, DeltaGenerator],
) -> None:
    """Render the selection of accounts to customize, and their fields. If several accounts are on
    one platform, the platform can be customized as a whole. Add the places for the counters to
    `slots`."""
    if not chosen:
        return
    picked = st.session_state.get(OVERRIDES_KEY) or []
    many = [one for one, count in Counter(one.platform for one in chosen).items() if count > 1]
    names = {one: _all_accounts_label(page, one) for one in many} | dict(accounts)
    offered = many + [
        str(one.id) for one in chosen if one.platform not in many or one.platform not in picked
    ]
    if not set(offered) >= set(picked):  # Remove overrides of accounts that are no longer selected.
        st.session_state[OVERRIDES_KEY] = [one for one in picked if one in offered]
    st.pills(
        page.text("compose.others"),
        offered,
        format_func=lambda one: names[one],
        selection_mode="multi",
        key=OVERRIDES_KEY,
        wrap=True,
    )
    apart = st.session_state.get(OVERRIDES_KEY) or []
    for one in offered:
        if one not in apart:
            draft.clear_overrides(one)
    for one in apart:
        _render_override_fields(page, one, names[one], slots)


def account_labels(page: PageContext, hers: Sequence[PostAccount]) -> dict[str, str]:
    """Return the names of accounts. Accounts with the same name include their platform."""
    called = Counter(one.name for one in hers)
    return {
        str(one.id): one.name
        if called[one.name] == 1
        else f"{one.name} · {page.text(f'platform.{one.platform}')}"
        for one in hers
    }


def select_media_target(page: PageContext, hers: Sequence[PostAccount]) -> None:
    """Render the selection of the part and account that pictures are added to, if there are
    several."""
    targets = draft.media_targets()
    if len(targets) == 1:
        return
    if field_text(MEDIA_TARGET_KEY) not in targets:
        st.session_state[MEDIA_TARGET_KEY] = MEDIA_KEY
    names = account_labels(page, hers)
    said = {MEDIA_KEY: page.text("compose.part_first")}
    for key, (place, part) in targets.items():
        called = _part_label(page, part, place) if part else page.text("compose.part", number=1)
        said.setdefault(
            key,
            f"{called} · {names.get(place) or _all_accounts_label(page, place)}"
            if place
            else called,
        )
    st.selectbox(
        page.text("compose.pictures_for"),
        list(said),
        format_func=said.__getitem__,
        key=MEDIA_TARGET_KEY,
    )


def _all_accounts_label(page: PageContext, platform: str) -> str:
    return page.text("compose.all_of", platform=page.text(f"platform.{platform}"))


def _part_label(page: PageContext, part: str, account: str) -> str:
    """Return the label of a part of the post, or of an extra part of an account."""
    if part == FIRST_COMMENT:
        return page.text("compose.comment")
    ours = list(list_parts())
    own = extra_part_ids(account)
    if part in own:
        return page.text("compose.part_own", number=own.index(part) + 1)
    return page.text("compose.part", number=ours.index(part) + 2)


def _render_override_fields(
    page: PageContext, account: str, name: str, slots: dict[str, DeltaGenerator]
) -> None:
    """Render the override fields of an account, prefilled with the content of the post."""
    body = _sync_override_field(account, "body", field_text(BODY_KEY))
    title = _sync_override_field(account, "title", field_text(TITLE_KEY))
    _sync_override_field(
        account, media_field(), [str(one) for one in st.session_state.get(MEDIA_KEY) or []]
    )
    with st.container(border=True, key=f"other:{account}"):
        st.text_area(page.text("compose.other_body", account=name), key=body, height=110)
        slots[body] = st.container()
        st.text_input(
            page.text("compose.other_title", account=name), key=title, max_chars=MAX_TITLE_LENGTH
        )
        _render_override_parts(page, account, name)
        draw_template(
            "shell/templates/note.html",
            note=page.text("compose.other_pictures", list=page.text("compose.pictures_for")),
        )


def _sync_override_field(account: str, field: str, said: object) -> str:
    """Return the key of an account's field. The field follows the content of the post until the
    user changes it for the account."""
    key = override_key(account, field)
    before = f"{key}:before"
    known = st.session_state.get(key)
    # Assigning sends the value to the browser again, so do it only when it changed.
    if known is None or (known != said and known == st.session_state.get(before)):
        st.session_state[key] = said
    st.session_state[before] = said
    return key


def _render_override_parts(page: PageContext, account: str, name: str) -> None:
    """Render the parts to omit on the account, overrides of the others, and extra parts of the
    account."""
    ours = list_parts()
    left = override_key(account, OMITTED_PARTS_FIELD)
    gone = st.session_state.get(left) or []
    if not ours.keys() >= set(gone):
        st.session_state[left] = [one for one in gone if one in ours]
    if ours:
        label = page.text("compose.other_left", account=name)
        called = partial(_part_label, page, account=account)
        st.pills(label, list(ours), format_func=called, selection_mode="multi", key=left, wrap=True)
    there = list_channel_parts(account)
    for one, piece in there.items():
        if one in ours or one in extra_part_ids(account) or not piece.is_empty:
            _render_override_part(page, account, name, one, ours.get(one, ThreadPart("")))
    label = page.text("compose.part_more_there", account=name)
    full = len(there) >= thread_parts.MAX_THREAD_PARTS
    st.button(
        label,
        key=f"compose:more:{account}",
        type="tertiary",
        on_click=_add_extra_part,
        args=(account,),
        disabled=full,
    )


def _render_override_part(
    page: PageContext, account: str, name: str, part: str, ours: ThreadPart
) -> None:
    """Render the text of one part on the account. An empty field uses the text of the post."""
    if part != FIRST_COMMENT:
        _sync_override_field(account, media_field(part), [str(one) for one in ours.media])
    called = _part_label(page, part, account)
    own = part in extra_part_ids(account)
    label = page.text(
        "compose.other_own" if own else "compose.other_part", part=called, account=name
    )
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        st.text_area(
            label, key=override_key(account, part_field(part)), placeholder=ours.body, height=70
        )
        if own:
            away = page.text("compose.part_away_there", part=called, account=name)
            st.button(
                away,
                key=f"compose:away:{part}",
                type="tertiary",
                on_click=_remove_extra_part,
                args=(account, part),
            )


def _add_extra_part(account: str) -> None:
    st.session_state[override_key(account, EXTRA_PARTS_FIELD)] = [
        *extra_part_ids(account),
        uuid7().hex,
    ]


def _remove_extra_part(account: str, part: str) -> None:
    st.session_state[override_key(account, EXTRA_PARTS_FIELD)] = [
        one for one in extra_part_ids(account) if one != part
    ]
