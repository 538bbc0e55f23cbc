"""The section "Tagged images": one member tagged people, another must confirm them.

The second member must have neither tagged nor uploaded the image.
"""

from collections.abc import Sequence
from functools import partial
from uuid import UUID

import streamlit as st

from dashboard.media import library_files
from dashboard.media.library_files import reveal_pictures, revealed_picture_url
from dashboard.pages.people.queries import list_pending_confirmations, list_unrecognizable
from dashboard.shell import actions
from dashboard.shell.page_context import PageContext
from dashboard.shell.widgets import draw_template
from foundation.db.database import Scope
from foundation.errors import NotFound, Refused
from foundation.i18n.translation import Message
from gate.reviews import bystanders, depicted_people
from gate.reviews.bystanders import BystanderCount
from gate.reviews.depicted_people import PendingProposal
from schedules.approvals.pending_decisions import reviewable_creators
from studio.library import demo_separation, member_reviews, queries
from tenants.agencies.queries import Creator
from tenants.agencies.rights import Right


def render_picture_confirmations(page: PageContext) -> None:
    """Draw the images to confirm, or a hint for an empty list."""
    st.write(page.text("people.pictures_how"))
    if not render_pending_pictures(page, page.read(page.list_creators)):
        draw_template("pages/people/templates/note.html", said=page.text("people.no_open_picture"))


def render_pending_pictures(page: PageContext, creators: Sequence[Creator]) -> bool:
    """Draw the pending images of these creators. Return True if there are any."""
    every: list[PendingProposal | BystanderCount] = page.read(
        lambda scope: [
            *list_pending_confirmations(scope, creators),
            *list_unrecognizable(scope, creators),
        ]
    )
    drawn = [
        every[at]
        for at in page.read(
            lambda scope: demo_separation.same_kind_indexes(
                scope, [[one.asset_id] for one in every]
            )
        )
    ]
    found = [one for one in drawn if isinstance(one, PendingProposal)]
    blurred = [one for one in drawn if isinstance(one, BystanderCount)]
    covered = page.read(
        lambda scope: _list_covered_pictures(scope, [one.asset_id for one in drawn])
    )
    names = {one.id: one.name for one in creators}
    with st.container(horizontal=True, gap="small"):
        for one in found:
            with st.container(width=300, border=True, gap="small"):
                _render_people_proposal(
                    page, one, names[one.creator_id], hidden=one.asset_id in covered
                )
    for each in blurred:  # Full page width: a face cannot be judged on a thumbnail.
        with st.container(border=True, gap="small"):
            _render_bystander_count(
                page, each, names[each.creator_id], hidden=each.asset_id in covered
            )
    if len(every) > len(drawn):
        st.caption(page.localizer.count_text("approvals.later", len(every) - len(drawn)))
    return bool(every)


def _list_covered_pictures(scope: Scope, assets: Sequence[UUID]) -> frozenset[UUID]:
    """Return the images that are shown blurred and that this member has not revealed."""
    adult = [
        one
        for one in assets
        if library_files.is_blurred(queries.get_asset_bytes(scope, one).standing.rating)
    ]
    return frozenset(adult) - library_files.list_revealed(scope, adult)


def _render_coverable_picture(
    page: PageContext, asset_id: UUID, creator: str, *, hidden: bool, mark: str
) -> bool:
    """Draw an image with a reveal button if it is hidden. Return True if it is visible."""
    draw_template(
        "pages/people/templates/picture.html",
        src=revealed_picture_url(asset_id),
        creator=creator,
        word=page.text,
    )
    if hidden:
        actions.action_button(
            page,
            "approvals.reveal_one",
            partial(reveal_pictures, page, (asset_id,)),
            right=Right.REVIEW,
            key=f"reveal:{mark}:{asset_id}",
            icon=":material/visibility:",
        )
    return not hidden


def _render_bystander_count(
    page: PageContext, one: BystanderCount, creator: str, *, hidden: bool
) -> None:
    if not _render_coverable_picture(page, one.asset_id, creator, hidden=hidden, mark="blurred"):
        return
    st.write(page.text("people.blurred_count", count=one.proposed))
    own = page.viewer.actor == one.proposed_by
    if own:
        st.caption(page.text("people.blurred_by_you"))
    with st.container(horizontal=True, gap="small"):
        for code, count in (("people.blurred_yes", one.proposed), ("people.blurred_no", 0)):
            actions.action_button(
                page,
                code,
                partial(_confirm_bystanders, page, one.asset_id, count),
                right=Right.REVIEW,
                key=f"{code}:{one.asset_id}",
                kind="primary" if count else "secondary",
                disabled=own,
            )


def _confirm_bystanders(
    page: PageContext, asset_id: UUID, count: int, scope: Scope, _: UUID
) -> Message:
    _check_picture_revealed(page, scope, asset_id)
    bystanders.confirm_bystanders(
        scope, asset_id, count, maker=member_reviews.makers_of(scope, [asset_id]).get(asset_id, "")
    )
    return Message("people.blurred_noted" if count else "people.blurred_refused")


def _render_people_proposal(
    page: PageContext, one: PendingProposal, creator: str, *, hidden: bool
) -> None:
    people = {str(person): name for person, name in one.people.items()}
    if not _render_coverable_picture(page, one.asset_id, creator, hidden=hidden, mark="named"):
        return
    key = f"confirm:{one.asset_id}"
    st.multiselect(
        page.text("people.who_is"),
        list(people),
        default=list(people),
        format_func=people.__getitem__,
        key=key,
        placeholder=page.text("cards.people_hint"),
        select_all=False,
    )
    own = page.viewer.actor in one.proposed_by
    if own:
        st.caption(page.text("people.named_by_you"))
    act = partial(submit_confirmation, page, one.asset_id, key)
    actions.action_button(
        page,
        "cards.who_now",
        act,
        right=Right.REVIEW,
        key=f"confirmed:{one.asset_id}",
        kind="primary",
        disabled=own,
    )


def submit_confirmation(
    page: PageContext, asset_id: UUID, key: str, scope: Scope, _: UUID
) -> Message:
    """Confirm that exactly the people chosen in the widget `key` are in the image."""
    _check_picture_revealed(page, scope, asset_id)
    people = [UUID(one) for one in actions.typed_value(key) or ()]
    depicted_people.submit_people_confirmation(
        scope, asset_id, people, maker=member_reviews.makers_of(scope, [asset_id]).get(asset_id, "")
    )
    return Message("cards.who_told")


def _check_picture_revealed(page: PageContext, scope: Scope, asset_id: UUID) -> None:
    """Check that this member may judge the image.

    Raises NotFound for an image of a creator who is not assigned to them, and Refused for one that
    they have not revealed.
    """
    found = queries.get_asset_bytes(scope, asset_id)
    mine = reviewable_creators(page.viewer.member, page.list_creators(scope))
    if found.creator_id not in {one.id for one in mine}:
        raise NotFound("library.asset_unknown", destination="-")
    if library_files.is_blurred(found.standing.rating) and not library_files.list_revealed(
        scope, [asset_id]
    ):
        raise Refused("approvals.look_first")
