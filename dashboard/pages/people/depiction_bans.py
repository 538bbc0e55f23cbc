"""The section "Do not depict": names and faces that must not appear in generated images.

The member who adds a name cannot remove it. The removal of a face requires two members.
"""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.pages.people.queries import DepictionBanEntry, list_depiction_ban_entries
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import BadInput
from foundation.i18n.translation import Message
from gate.people import depiction_bans
from gate.people.depiction_bans import MAX_BANNED_NAME
from gate.reviews.face_bans import request_face_ban, request_face_ban_end
from gate.text.user_input import MAX_APPEAL_LENGTH
from generators.media import pictures
from tenants.agencies.rights import Right

BY = "never:by"
TURN = "never:turn"
NAME = "never:name"
FILE = "never:file"
WHY = "never:why"
WAYS = ("name", "face")
KINDS = ["jpg", "jpeg", "png", "webp", "heic", "heif", "avif", "gif"]


def render_depiction_bans(page: PageContext) -> None:
    """Draw the list and the form that adds a name or a face."""
    found = page.read(list_depiction_ban_entries)
    st.write(page.text("people.never_how"))
    if not found:
        draw_template("pages/people/templates/note.html", said=page.text("people.never_empty"))
    for one in found:
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            mine = _can_end_ban(page, one)
            draw_template(
                "pages/people/templates/depiction_ban.html",
                one=one,
                mine=mine,
                voice=page.localizer,
                word=page.text,
            )
            if mine:
                act = partial(_end_face_ban if one.way == "face" else _end_name_ban, one)
                actions.action_button(
                    page, "people.never_end", act, right=Right.RUN, key=f"never:{one.id}"
                )
    with st.container(border=True):
        _render_ban_form(page)


def _can_end_ban(page: PageContext, one: DepictionBanEntry) -> bool:
    """Return True if this member may remove the entry or confirm its removal."""
    if one.way == "name":
        return page.viewer.actor != one.noted_by
    return one.ending_by != page.viewer.member.principal_id


def _render_ban_form(page: PageContext) -> None:
    turn = st.session_state.get(TURN, 0)
    with forms.open_fields(page, f"{NAME}:{turn}"):
        way = st.segmented_control(
            page.text("people.never_by_what"),
            WAYS,
            format_func=lambda one: page.text(f"people.never_way.{one}"),
            default=WAYS[0],
            key=BY,
            required=True,
        )
        if way == "face":
            st.caption(page.text("people.never_face_how"))
            st.file_uploader(page.text("people.never_picture"), KINDS, key=f"{FILE}:{turn}")
            forms.show_field_error("picture")
            st.text_input(
                page.text("people.never_why"), key=f"{WHY}:{turn}", max_chars=MAX_APPEAL_LENGTH
            )
            forms.show_field_error("reason")
        else:
            st.caption(page.text("people.never_name_how"))
            st.text_input(
                page.text("people.never_name"), key=f"{NAME}:{turn}", max_chars=MAX_BANNED_NAME
            )
            forms.show_field_error("name")
        act = partial(_ban_face if way == "face" else _ban_name, turn)
        actions.action_button(
            page, "people.never_now", act, right=Right.RUN, key="never:note", kind="primary"
        )


def _ban_name(turn: int, scope: Scope, _: UUID) -> Message:
    name = str(actions.typed_value(f"{NAME}:{turn}") or "")
    depiction_bans.add_depiction_ban(scope, name)
    forms.set_on_success(TURN, turn + 1)
    return Message("people.never_noted", {"name": name.strip()})


def _ban_face(turn: int, scope: Scope, _: UUID) -> Message:
    brought = actions.typed_value(f"{FILE}:{turn}")
    if brought is None:
        raise BadInput("face.no_picture").about("picture")
    data = brought.getvalue()
    pictures.inspect_complete_picture(data, name=brought.name)
    sha256 = library_files.object_store().put(scope.tenant_id, data)
    request_face_ban(scope, sha256, why=str(actions.typed_value(f"{WHY}:{turn}") or ""))
    forms.set_on_success(TURN, turn + 1)
    return Message("people.never_looking")


def _end_name_ban(one: DepictionBanEntry, scope: Scope, _: UUID) -> Message:
    depiction_bans.end_depiction_ban(scope, one.id)
    return Message("people.never_ended", {"name": one.said})


def _end_face_ban(one: DepictionBanEntry, scope: Scope, _: UUID) -> Message:
    request_face_ban_end(scope, one.id)
    return Message("people.never_face_ended" if one.ending_by else "people.never_face_ending")
