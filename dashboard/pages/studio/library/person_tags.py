"""People in images without a shoot card: tag them, or count unrecognizable people.

Another member confirms both on the Consent & models page.
"""

from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.shell import actions, forms
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from gate.log.queries import list_depicted_people
from gate.reviews import bystanders, depicted_people
from studio.library import queries
from tenants.agencies.rights import Right


def render_person_tags(page: PageContext, creator_id: UUID, asset_id: UUID, sha256: str) -> None:
    """Draw current tags and the form that adds people."""
    people, named, waits = page.read(
        lambda scope: (
            depicted_people.list_nameable_people(scope),
            list_depicted_people(scope, [sha256]),
            bool(depicted_people.list_pending_proposals(scope, asset_id=asset_id)),
        )
    )
    with st.popover(page.text("cards.who"), icon=":material/group:"):
        if named:
            said = ", ".join(one.name for one in named)
            draw_template(
                "shell/templates/note.html",
                note=page.text("people.named_open" if waits else "people.named", names=said),
            )
        if not people:
            draw_template("shell/templates/note.html", note=page.text("people.name_first"))
            return
        key = f"proposed:{asset_id}"
        st.multiselect(
            page.text("people.who_is"),
            list(people),
            format_func=people.__getitem__,
            max_selections=depicted_people.MAX_PROPOSED_PEOPLE,
            placeholder=page.text("cards.people_hint"),
            key=key,
            select_all=False,
        )
        draw_template("shell/templates/note.html", note=page.text("people.propose_how"))
        act = partial(_propose_people, page, creator_id, asset_id, key)
        actions.action_button(
            page, "people.propose", act, right=Right.RUN, key=f"propose:{asset_id}", kind="primary"
        )


def render_unrecognizable_count(page: PageContext, creator_id: UUID, asset_id: UUID) -> None:
    """Draw the form that counts unrecognizable people in an image."""
    with forms.open_fields(page, f"blur:{asset_id}"):
        known = page.read(lambda scope: bystanders.find_bystanders(scope, asset_id))
        with st.popover(page.text("people.blurred"), icon=":material/blur_on:"):
            if known is not None and known.confirmed:
                draw_template(
                    "shell/templates/note.html",
                    note=page.text("people.blurred_counted", count=known.confirmed),
                )
            if known is not None and known.proposed:
                draw_template(
                    "shell/templates/note.html",
                    note=page.text("people.blurred_open", count=known.proposed),
                )
            draw_template("shell/templates/note.html", note=page.text("people.blurred_how"))
            key = f"blurred:{asset_id}"
            st.number_input(
                page.text("people.blurred_many"), 1, bystanders.MAX_BYSTANDERS, 1, key=key
            )
            act = partial(_propose_bystanders, page, creator_id, asset_id, key)
            actions.action_button(
                page,
                "people.blurred_say",
                act,
                right=Right.RUN,
                key=f"blur:{asset_id}",
                kind="primary",
            )


def _propose_bystanders(
    page: PageContext, creator_id: UUID, asset_id: UUID, key: str, scope: Scope, _: UUID
) -> Message:
    _check_picture_revealed(page, scope, creator_id, asset_id)
    bystanders.propose_bystanders(scope, asset_id, int(actions.typed_value(key) or 0))
    return Message("people.blurred_said")


def _check_picture_revealed(
    page: PageContext, scope: Scope, creator_id: UUID, asset_id: UUID
) -> None:
    """Raise NotFound for an image of another creator, Refused for one that the member has not
    revealed."""
    page.get_creator(scope, creator_id)
    found = queries.get_asset_bytes(scope, asset_id)
    if found.creator_id != creator_id:
        raise NotFound("library.asset_unknown", destination="-")
    if library_files.list_blurred(
        scope, {asset_id: found.standing.rating}
    ) and not library_files.list_revealed(scope, [asset_id]):
        raise Refused("approvals.look_first")


def _propose_people(
    page: PageContext, creator_id: UUID, asset_id: UUID, key: str, scope: Scope, _: UUID
) -> Message:
    _check_picture_revealed(page, scope, creator_id, asset_id)
    depicted_people.propose_people(
        scope, asset_id, [UUID(one) for one in actions.typed_value(key) or ()]
    )
    return Message("people.proposed")
