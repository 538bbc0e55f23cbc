"""Demo labels: allow an image with a demo label to be published on real platforms."""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.pages.studio.library.queries import PictureLineage
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from gate.assets import label_lifts
from studio.library import queries
from tenants.agencies.rights import Right


def render_demo_label(page: PageContext, creator_id: UUID, found: PictureLineage) -> None:
    """Draw the label's status and the button that allows or revokes publishing.

    Draw nothing for an image without a label.
    """
    card = found.tile.card
    if not card.label:
        return
    key = f"label:{card.asset_id}"
    with (
        st.popover(
            page.text("labels.out" if found.lifted else "labels.stays"), icon=":material/label:"
        ),
        forms.open_fields(page, key),
    ):
        if found.lifted is not None:
            draw_template(
                "shell/templates/note.html",
                note=page.text("labels.lifted", name=found.lifted_by, why=found.lifted.why),
            )
            act = partial(_end_demo_label_lift, page, creator_id, card.asset_id)
            actions.action_button(page, "labels.take_back", act, right=Right.RUN, key=f"{key}:end")
            return
        draw_template(
            "shell/templates/note.html",
            note=page.text("labels.how", label=page.text(f"studio.label.{card.label}")),
        )
        st.text_area(
            page.text("labels.why"),
            max_chars=label_lifts.MAX_LIFT_REASON,
            height=80,
            key=f"{key}:why",
        )
        forms.show_field_error("reason")
        act = partial(_lift_demo_label, page, creator_id, card.asset_id, f"{key}:why")
        actions.action_button(page, "labels.let_out", act, right=Right.RUN, key=key, kind="primary")


def _lift_demo_label(
    page: PageContext, creator_id: UUID, asset_id: UUID, key: str, scope: Scope, _: UUID
) -> Message:
    _check_asset_owned(page, creator_id, asset_id, scope)
    label_lifts.lift_label(scope, asset_id, why=str(actions.typed_value(key) or ""))
    return Message("labels.let_out_asked")


def _end_demo_label_lift(
    page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope, _: UUID
) -> Message:
    _check_asset_owned(page, creator_id, asset_id, scope)
    label_lifts.end_label_lift(scope, asset_id)
    return Message("labels.take_back_asked")


def _check_asset_owned(page: PageContext, creator_id: UUID, asset_id: UUID, scope: Scope) -> None:
    page.get_creator(scope, creator_id)
    if queries.get_asset_bytes(scope, asset_id).creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
