"""Wildcards: shared word lists of the agency or a creator, with versions and an archive."""

from collections.abc import Sequence
from functools import partial
from typing import Literal
from uuid import UUID

import streamlit as st

from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from studio.recipes import wildcard_renames, wildcards
from studio.recipes.wildcards import WildcardVersion
from tenants.agencies.rights import Right

LIST = "studio:list"
"""Session key of the chosen list: "agency" or "creator" with its name, empty for a new list."""

NAME = "studio:list:name"
WHOSE = "studio:list:whose"
WORDS = "studio:list:words"
WHOSES: tuple[Literal["agency", "creator"], ...] = ("agency", "creator")


def render_wildcards(page: PageContext, creator_id: UUID) -> None:
    """Draw the chosen list with its history, or the form of a new one."""
    known = {
        _wildcard_key(one): one
        for one in page.read(lambda scope: wildcards.list_wildcards(scope, [creator_id]))
    }
    with st.expander(page.text("studio.lists"), icon=":material/list_alt:"):
        draw_template("shell/templates/note.html", note=page.text("studio.lists_how"))
        chosen = st.selectbox(
            page.text("studio.list"),
            ["", *known],
            format_func=lambda one: (
                _wildcard_label(page, known[one]) if one in known else page.text("studio.list_new")
            ),
            key=LIST,
        )
        if chosen in known:
            _render_wildcard(page, creator_id, known[chosen])
        else:
            _render_new_wildcard_form(page, creator_id)
        _render_archived_wildcards(page, creator_id)


def _wildcard_key(one: WildcardVersion) -> str:
    return f"{'agency' if one.creator_id is None else 'creator'}:{one.name}"


def _wildcard_label(page: PageContext, one: WildcardVersion) -> str:
    whose = "agency" if one.creator_id is None else "own"
    return page.text(f"studio.list_{whose}", name=one.name)


def _render_new_wildcard_form(page: PageContext, creator_id: UUID) -> None:
    with forms.open_form(page, "studio:list:new"):
        st.text_input(
            page.text("studio.list_name"), max_chars=wildcards.MAX_WILDCARD_NAME, key=NAME
        )
        forms.show_field_error("name")
        st.radio(
            page.text("studio.list_whose"),
            WHOSES,
            format_func=lambda one: page.text(f"studio.list_whose_{one}"),
            horizontal=True,
            key=WHOSE,
        )
        st.text_area(page.text("studio.list_words"), key=WORDS)
        forms.show_field_error("words")
        make = partial(_create_wildcard, page, creator_id)
        actions.submit_button(
            page, "studio.list_make", make, right=Right.RUN, key="studio:list:make"
        )


def _render_wildcard(page: PageContext, creator_id: UUID, one: WildcardVersion) -> None:
    by = page.read(
        lambda scope: wildcards.recipes_using_wildcard(
            scope, one.name, one.creator_id, seen=_visible_creator_ids(page, scope)
        )
    )
    said = (
        page.text("studio.list_by", recipes=", ".join(by))
        if by
        else page.text("studio.list_by_none")
    )
    draw_template("shell/templates/note.html", note=said)
    with forms.open_form(page, f"studio:list:{one.id}"):
        st.text_input(
            page.text("studio.list_name"),
            one.name,
            max_chars=wildcards.MAX_WILDCARD_NAME,
            key=f"{NAME}:{one.id}",
        )
        forms.show_field_error("name")
        st.text_area(
            page.text("studio.list_words"),
            wildcards.format_wildcard(one.said),
            key=f"{WORDS}:{one.id}",
        )
        forms.show_field_error("words")
        keep = partial(_save_wildcard, page, creator_id, one)
        actions.submit_button(
            page, "studio.list_keep", keep, right=Right.RUN, key=f"studio:list:keep:{one.id}"
        )
    retire = partial(_archive_wildcard, page, creator_id, one.id)
    actions.action_button(
        page, "studio.list_retire", retire, right=Right.RUN, key=f"studio:list:retire:{one.id}"
    )
    _render_wildcard_versions(page, creator_id, one)


def _render_wildcard_versions(page: PageContext, creator_id: UUID, one: WildcardVersion) -> None:
    found = page.read(lambda scope: wildcards.list_wildcard_versions(scope, [creator_id], one.id))
    with st.container(border=True, gap="small"):
        draw_template("shell/templates/note.html", note=page.text("studio.versions"))
        for each in found:
            words = ", ".join(wildcards.format_wildcard(each.said).splitlines())
            day = page.localizer.format_day_of_month(each.at)
            with st.container(horizontal=True, gap="small"):
                said = page.text("studio.list_version", version=each.version, day=day, words=words)
                draw_template("shell/templates/note.html", note=said)
                if each.id != one.id:
                    back = partial(
                        _restore_wildcard_version, page, creator_id, one.id, each.version
                    )
                    key = f"studio:list:back:{one.id}:{each.version}"
                    actions.action_button(
                        page, "studio.list_go_back", back, right=Right.RUN, key=key
                    )


def _render_archived_wildcards(page: PageContext, creator_id: UUID) -> None:
    if not (
        found := page.read(
            lambda scope: wildcards.list_wildcards(scope, [creator_id], retired=True)
        )
    ):
        return
    draw_template("shell/templates/note.html", note=page.text("studio.lists_retired"))
    for one in found:
        with st.container(horizontal=True, gap="small"):
            draw_template("shell/templates/note.html", note=_wildcard_label(page, one))
            act = partial(_unarchive_wildcard, page, creator_id, one.id)
            actions.action_button(
                page,
                "studio.list_bring_back",
                act,
                right=Right.RUN,
                key=f"studio:list:again:{one.id}",
            )


def _visible_creator_ids(page: PageContext, scope: Scope) -> Sequence[UUID]:
    return [one.id for one in page.list_creators(scope)]


def _create_wildcard(page: PageContext, creator_id: UUID, scope: Scope, _: UUID) -> Message:
    page.get_creator(scope, creator_id)
    words, weights = wildcards.parse_wildcard_lines(str(actions.typed_value(WORDS) or ""))
    name, said = wildcards.parse_wildcard(
        str(actions.typed_value(NAME) or "").strip(), {"words": words, "weights": weights}
    )
    own = creator_id if actions.typed_value(WHOSE) == "creator" else None
    wildcards.create_wildcard(scope, _visible_creator_ids(page, scope), name, said, creator_id=own)
    forms.set_on_success(LIST, f"{'agency' if own is None else 'creator'}:{name}")
    return Message("studio.list_kept", {"name": name})


def _save_wildcard(
    page: PageContext, creator_id: UUID, one: WildcardVersion, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    words, weights = wildcards.parse_wildcard_lines(
        str(actions.typed_value(f"{WORDS}:{one.id}") or "")
    )
    typed = str(actions.typed_value(f"{NAME}:{one.id}") or "").strip()
    seen = _visible_creator_ids(page, scope)
    name, said = wildcards.parse_wildcard(typed, {"words": words, "weights": weights})
    made, changed = wildcard_renames.rename_wildcard_and_recipes(scope, seen, one.id, name)
    wildcards.change_wildcard(scope, seen, made, said)
    forms.set_on_success(LIST, _wildcard_key(wildcards.lock_wildcard(scope, seen, made)))
    if changed:
        return Message("studio.list_renamed", {"name": name, "recipes": ", ".join(changed)[:200]})
    return Message("studio.list_kept", {"name": name})


def _restore_wildcard_version(
    page: PageContext, creator_id: UUID, list_id: UUID, version: int, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    seen = _visible_creator_ids(page, scope)
    found = wildcards.restore_wildcard_version(scope, seen, list_id, version)
    return Message(
        "studio.list_kept", {"name": wildcards.get_current_wildcard(scope, seen, found).name}
    )


def _archive_wildcard(
    page: PageContext, creator_id: UUID, list_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    return Message(
        "studio.list_retired",
        {"name": wildcards.archive_wildcard(scope, _visible_creator_ids(page, scope), list_id)},
    )


def _unarchive_wildcard(
    page: PageContext, creator_id: UUID, list_id: UUID, scope: Scope, _: UUID
) -> Message:
    page.get_creator(scope, creator_id)
    return Message(
        "studio.list_back",
        {"name": wildcards.unarchive_wildcard(scope, _visible_creator_ids(page, scope), list_id)},
    )
