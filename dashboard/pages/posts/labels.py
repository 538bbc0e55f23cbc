"""Label components: the filter, the field of the composer and the labels of one post."""

from collections.abc import Mapping
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.posts.calendar_navigation import SELECT_WIDTH
from dashboard.pages.posts.queries import PostView
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from schedules.posts import labels
from schedules.posts.labels import MAX_LABELS_PER_POST, Label
from tenants.agencies.rights import Right

LABEL = "calendar:label"
OF_POST = "post:labels:"


def render_label_filter(page: PageContext) -> None:
    """Render the label filter. Render nothing while the agency has no labels."""
    known = _load_labels_by_id(page)
    _drop_deleted_choices(LABEL, known)
    if known:
        st.selectbox(
            page.text("post_label.only"),
            ["", *known],
            format_func=lambda one: known[one].name if one else page.text("post_label.every"),
            key=LABEL,
            width=SELECT_WIDTH,
        )


def get_label_filter() -> UUID | None:
    """Return the ID of the selected label, or None."""
    found = str(st.session_state.get(LABEL) or "")
    return UUID(found) if found else None


def open_label_manager() -> None:
    """Open the label manager. Call it in a callback."""
    st.query_params.from_dict({"labels": "1"})


def _load_labels_by_id(page: PageContext) -> dict[str, Label]:
    return {str(one.id): one for one in page.read(labels.list_labels)}


def _drop_deleted_choices(key: str, known: Mapping[str, Label]) -> None:
    """Remove labels from the stored selection that have been deleted since."""
    kept = st.session_state.get(key)
    if isinstance(kept, list) and not known.keys() >= set(kept):
        st.session_state[key] = [one for one in kept if one in known]
    elif isinstance(kept, str) and kept and kept not in known:
        st.session_state[key] = ""


def render_label_field(page: PageContext, key: str) -> None:
    """Render the field that selects the labels of a post. Render nothing while the agency has no
    labels."""
    known = _load_labels_by_id(page)
    _drop_deleted_choices(key, known)
    if known:
        st.multiselect(
            page.text("post_label.labels"),
            list(known),
            format_func=lambda one: known[one].name,
            placeholder=page.text("post_label.none_chosen"),
            max_selections=MAX_LABELS_PER_POST,
            key=key,
            select_all=False,
        )


def render_post_labels(page: PageContext, found: PostView) -> None:
    """Render the labels of a post and the form that changes them."""
    if found.labels:
        draw_template(
            "pages/posts/templates/labels.html", labels=found.labels, voice=page.localizer
        )
    if not page.has_right(Right.RUN):
        return
    seen = frozenset(one.id for one in found.labels)
    # Other members change labels too. Their ids in the key reset the field when they do.
    key = f"{OF_POST}{found.post.id}:{','.join(sorted(map(str, seen)))}"
    with st.popover(page.text("post_label.labels"), icon=":material/label:"):
        if key not in st.session_state:
            st.session_state[key] = [str(one.id) for one in found.labels]
        render_label_field(page, key)
        draw_template("shell/templates/note.html", note=page.text("post_label.no_yes"))
        act = partial(_save_post_labels, page, found, key)
        actions.action_button(
            page,
            "post_label.save",
            act,
            right=Right.RUN,
            key=f"label:put:{found.post.id}",
            kind="primary",
        )
        st.button(page.text("post_label.open"), key="post:labels:open", on_click=open_label_manager)


def _save_post_labels(
    page: PageContext, found: PostView, key: str, scope: Scope, _: UUID
) -> Message:
    """Apply only the labels that this user added or removed, so that concurrent changes of other
    members are retained."""
    page.get_creator(scope, found.creator.id)
    seen = {one.id for one in found.labels}
    chosen = {UUID(one) for one in actions.typed_value(key) or ()}
    now = set(labels.label_ids_of_post(scope, found.post.id))
    labels.set_post_labels(scope, found.post.id, (now - (seen - chosen)) | (chosen - seen))
    return Message("post_label.saved")
