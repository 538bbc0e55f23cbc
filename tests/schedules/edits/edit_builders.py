"""Builders and readers of edits of live posts."""

from typing import Any
from uuid import UUID

from sqlmodel import col, select

from gate.contract.units import Subject
from gate.copies import copy_edits, live_copies
from schedules.edits.models import PostEdit
from schedules.posts import queries
from schedules.posts.states import DeliveryState
from schedules.publishing import edit_requests as asking
from schedules.publishing.edit_requests import EditRequestResult
from tests.schedules.builders import SandboxAgency

ABLE = frozenset({"sandbox"})


def publish_post(lea: SandboxAgency, body: str = "old words", **more: Any) -> UUID:
    """Publish a post and return its delivery ID."""
    delivery_id = lea.delivery(body, **more)
    lea.run()
    assert lea.state(delivery_id) is DeliveryState.PUBLISHED
    return delivery_id


def edit_live_post(
    lea: SandboxAgency,
    delivery_id: UUID,
    body: str,
    *,
    title: str = "",
    approve: bool = True,
    **more: Any,
) -> EditRequestResult:
    """Request an edit as the author, and approve it as the manager unless `approve` is False."""
    with lea.scope(f"member:{lea.author}") as scope:
        post_id = queries.post_id_of_delivery(scope, delivery_id)
        asked = asking.request_edit(
            scope,
            post_id,
            title=title,
            body=body,
            **{"able": ABLE, "author": f"member:{lea.author}", **more},
        )
    if approve:
        lea.approve(post_id)
    return asked


def list_edits(lea: SandboxAgency, delivery_id: UUID) -> list[PostEdit]:
    """Return every edit of the delivery, oldest first."""
    with lea.scope() as scope:
        query = select(PostEdit).where(
            PostEdit.tenant_id == lea.tenant_id, PostEdit.delivery_id == delivery_id
        )
        return list(scope.session.exec(query.order_by(col(PostEdit.id))))


def get_edit_state(lea: SandboxAgency, delivery_id: UUID) -> str:
    """Return the state of the latest edit of the delivery."""
    return list_edits(lea, delivery_id)[-1].state


def get_edit_reason(lea: SandboxAgency, delivery_id: UUID) -> str:
    """Return the reason code of the latest edit, or an empty string."""
    reason = list_edits(lea, delivery_id)[-1].reason
    return str(reason["code"]) if reason else ""


def list_edit_visibility(lea: SandboxAgency, delivery_id: UUID) -> list[bool]:
    """Return, for each edit of the live copy that the gate has recorded, True if it is known to be
    visible."""
    with lea.scope() as scope:
        (copy,) = live_copies.list_copies(scope, Subject("delivery", delivery_id))
        return [one.visible_at is not None for one in copy_edits.list_copy_edits(scope, copy.jti)]
