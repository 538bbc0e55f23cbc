"""The forms of a creator: a new one, and the profile of an existing one.

A refused input shows its reason in the form and keeps everything that was typed.
"""

from functools import partial
from typing import Any
from uuid import UUID

import streamlit as st

from channels.creators import profiles
from channels.creators.profiles import MAX_BIOGRAPHY, RATING_CEILINGS, NewCreator
from dashboard.media import library_files
from dashboard.pages.creators.queries import CreatorsView
from dashboard.shell import actions, forms
from dashboard.shell.actions import typed_value
from dashboard.shell.page_context import PageContext
from dashboard.shell.time_zones import list_time_zones, time_zone_label
from foundation.db.database import Scope
from foundation.i18n.translation import LANGUAGES, Message
from schedules.publishing import creator_handles
from studio.costs import quotas
from studio.costs.quotas import MAX_PER_DAY
from tenants.agencies.agencies import KINDS, TIERS
from tenants.agencies.creators import MAX_POSTS_PER_DAY, CreatorChanges, CreatorProfile
from tenants.agencies.names import MAX_HANDLE_LENGTH, MAX_NAME_LENGTH
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right

NEW = "creators:new"
"""Prefix of the fields of the form for a new creator, and where its refusal is shown."""

PICTURE_TYPES = ["jpg", "jpeg", "png", "webp", "heic"]
CEILINGS = tuple(str(one) for one in RATING_CEILINGS)


def render_new_form(page: PageContext, found: CreatorsView) -> None:
    """Draw the form for a new creator."""
    number = int(st.session_state.get(NEW, 0))
    turn = f"{NEW}:{number}"
    with forms.open_form(page, turn, enter_to_submit=False):
        left, right = st.columns(2)
        left.text_input(page.text("creators.name"), key=f"{turn}:name", max_chars=MAX_NAME_LENGTH)
        forms.show_field_error("name", left)
        right.text_input(
            page.text("creators.handle"),
            key=f"{turn}:handle",
            max_chars=MAX_HANDLE_LENGTH,
            placeholder="mia-laurent",
            help=page.text("creators.handle_help"),
        )
        forms.show_field_error("handle", right)
        _render_kind(page, left, f"{turn}:kind", KINDS[0])
        _render_ceiling(page, right, f"{turn}:ceiling", found.defaults.rating_ceiling)
        _render_languages(page, left, f"{turn}:languages", found.defaults.languages)
        _render_zone(page, right, f"{turn}:zone", found.defaults.zone)
        _render_approvals(page, f"{turn}:approvals", found.defaults.approval_tiers)
        _render_biography(page, f"{turn}:biography", "")
        _render_quotas(page, turn, 0, 0)
        actions.submit_button(
            page,
            "creators.add",
            partial(_add_creator, number),
            right=Right.STAFF,
            key=f"{NEW}:add",
        )


def render_edit_form(page: PageContext, found: CreatorsView, one: CreatorProfile) -> None:
    """Draw the fields of a creator that the member may change."""
    place = f"creators:{one.creator.id}"
    creator = one.creator
    with forms.open_form(page, place, enter_to_submit=False):
        if page.has_right(Right.RUN):
            left, right = st.columns(2)
            left.text_input(
                page.text("creators.name"),
                value=creator.name,
                key=f"{place}:name",
                max_chars=MAX_NAME_LENGTH,
            )
            forms.show_field_error("name", left)
            _render_zone(page, right, f"{place}:zone", creator.zone)
            _render_languages(page, left, f"{place}:languages", creator.languages)
            _render_responsible(page, right, place, found, one)
            if page.has_right(Right.STAFF):
                _render_handle(page, left, place, creator)
                _render_kind(page, right, f"{place}:kind", creator.kind)
                _render_ceiling(page, left, f"{place}:ceiling", creator.rating_ceiling)
        _render_biography(page, f"{place}:biography", one.biography)
        if page.has_right(Right.RUN):
            images = found.images.get(creator.id, 0)
            _render_quotas(page, place, creator.posts_per_day or 0, images)
        turn = int(st.session_state.get(f"{place}:turn", 0))
        st.file_uploader(
            page.text("creators.picture"),
            PICTURE_TYPES,
            key=f"{place}:picture:{turn}",
            help=page.text("creators.picture_help"),
        )
        if one.avatar:
            st.checkbox(page.text("creators.remove_picture"), key=f"{place}:no_picture")
        actions.submit_button(
            page,
            "creators.save",
            partial(_save_creator, page, found, one, turn),
            right=Right.RUN if page.has_right(Right.RUN) else Right.APPROVE,
            key=f"{place}:save",
        )


def _render_handle(page: PageContext, column: Any, place: str, creator: Creator) -> None:
    fixed = page.read(lambda scope: creator_handles.is_handle_fixed(scope, creator.id))
    column.text_input(
        page.text("creators.handle"),
        value=creator.slug,
        key=f"{place}:handle",
        max_chars=MAX_HANDLE_LENGTH,
        disabled=fixed,
        help=page.text("creators.handle_fixed" if fixed else "creators.handle_change"),
    )


def _render_kind(page: PageContext, column: Any, key: str, kind: str) -> None:
    column.selectbox(
        page.text("creators.kind"),
        KINDS,
        index=KINDS.index(kind),
        format_func=lambda one: page.text(f"creator.kind_{one}"),
        key=key,
    )


def _render_ceiling(page: PageContext, column: Any, key: str, ceiling: str) -> None:
    column.selectbox(
        page.text("creators.ceiling"),
        CEILINGS,
        index=CEILINGS.index(ceiling),
        format_func=lambda one: page.text(f"rating.{one}"),
        key=key,
    )


def _render_approvals(page: PageContext, key: str, tiers: int) -> None:
    st.selectbox(
        page.text("creators.approvals"),
        TIERS,
        index=TIERS.index(tiers),
        format_func=lambda number: page.text(f"rule.tiers.{number}"),
        key=key,
        help=page.text("creators.approvals_help"),
    )


def _render_languages(page: PageContext, column: Any, key: str, languages: tuple[str, ...]) -> None:
    column.multiselect(
        page.text("creators.languages"),
        LANGUAGES,
        default=[one for one in languages if one in LANGUAGES],
        format_func=lambda one: page.text(f"team.language_{one}"),
        key=key,
        placeholder=page.text("creators.choose"),
        select_all=False,
    )


def _render_zone(page: PageContext, column: Any, key: str, zone: str) -> None:
    column.selectbox(
        page.text("creators.zone"),
        list_time_zones(zone),
        format_func=partial(time_zone_label, page),
        key=key,
    )


def _render_biography(page: PageContext, key: str, biography: str) -> None:
    st.text_area(
        page.text("creators.biography"),
        value=biography,
        key=key,
        max_chars=MAX_BIOGRAPHY,
        help=page.text("creators.biography_help"),
    )


def _render_quotas(page: PageContext, place: str, posts: int, images: int) -> None:
    left, right = st.columns(2)
    for column, name, value, most in (
        (left, "posts", posts, MAX_POSTS_PER_DAY),
        (right, "images", images, MAX_PER_DAY),
    ):
        column.number_input(
            page.text(f"creators.{name}_per_day"),
            min_value=0,
            max_value=most,
            value=value,
            step=1,
            key=f"{place}:{name}",
            help=page.text("creators.no_limit_help"),
        )


def _render_responsible(
    page: PageContext, column: Any, place: str, found: CreatorsView, one: CreatorProfile
) -> None:
    able = found.able_members(one.creator.slug)
    column.multiselect(
        page.text("creators.responsible"),
        list(able),
        default=[member for member in one.responsible if member in able],
        format_func=able.__getitem__,
        key=f"{place}:responsible",
        placeholder=page.text("creators.all_members"),
        help=page.text("creators.responsible_help"),
        select_all=False,
    )


def _add_creator(number: int, scope: Scope, press_id: UUID) -> Message:
    turn = f"{NEW}:{number}"
    wanted = NewCreator(
        name=str(typed_value(f"{turn}:name") or ""),
        handle=str(typed_value(f"{turn}:handle") or ""),
        kind=typed_value(f"{turn}:kind"),
        zone=typed_value(f"{turn}:zone"),
        languages=typed_value(f"{turn}:languages") or (),
        biography=str(typed_value(f"{turn}:biography") or ""),
        rating_ceiling=typed_value(f"{turn}:ceiling"),
        approval_tiers=int(typed_value(f"{turn}:approvals") or 0),
        posts_per_day=int(typed_value(f"{turn}:posts") or 0),
    )
    creator_id = profiles.add_creator(scope, wanted, key=press_id)
    images = int(typed_value(f"{turn}:images") or 0)
    if images:
        quotas.set_daily_quota(scope, images, creator_id=creator_id)
    forms.set_on_success(NEW, number + 1)  # an empty form for the next creator
    return Message("creators.added", {"name": wanted.name.strip()})


def _save_creator(
    page: PageContext, found: CreatorsView, one: CreatorProfile, turn: int, scope: Scope, _: UUID
) -> Message:
    """Save the fields that differ from those drawn, so that changes of other members remain."""
    before = page.get_creator(scope, one.creator.id).approval_tiers
    place = f"creators:{one.creator.id}"
    handle = typed_value(f"{place}:handle")
    if handle is not None and handle != one.creator.slug:
        creator_handles.change_handle(scope, one.creator.id, str(handle))
    profiles.edit_creator(scope, one.creator.id, _read_changes(place, one))
    images = typed_value(f"{place}:images")
    if images is not None and int(images) != found.images.get(one.creator.id, 0):
        quotas.set_daily_quota(scope, int(images) or None, creator_id=one.creator.id)
    picture = typed_value(f"{place}:picture:{turn}")
    if picture is not None:
        store = library_files.object_store()
        profiles.set_avatar(scope, one.creator.id, picture.getvalue(), store)
        forms.set_on_success(f"{place}:turn", turn + 1)  # an empty field
    elif typed_value(f"{place}:no_picture"):
        profiles.remove_avatar(scope, one.creator.id)
        forms.set_on_success(f"{place}:no_picture", False)
    saved = page.get_creator(scope, one.creator.id)
    code = "creators.saved_approvals" if saved.approval_tiers > before else "creators.saved"
    return Message(code, {"name": saved.name})


def _read_changes(place: str, one: CreatorProfile) -> CreatorChanges:
    creator = one.creator
    typed: dict[str, tuple[Any, Any]] = {
        "name": (typed_value(f"{place}:name"), creator.name),
        "biography": (typed_value(f"{place}:biography"), one.biography),
        "kind": (typed_value(f"{place}:kind"), creator.kind),
        "zone": (typed_value(f"{place}:zone"), creator.zone),
        "languages": (typed_value(f"{place}:languages"), list(creator.languages)),
        "rating_ceiling": (typed_value(f"{place}:ceiling"), creator.rating_ceiling),
        "posts_per_day": (typed_value(f"{place}:posts"), creator.posts_per_day or 0),
        "responsible": (typed_value(f"{place}:responsible"), list(one.responsible)),
    }
    return CreatorChanges(**{name: new for name, (new, drawn) in typed.items() if new != drawn})
