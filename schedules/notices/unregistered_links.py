"""Posts on hold because of links that are not registered: list them, and resume them afterwards."""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from foundation.db.database import Scope
from gate.contract.reasons import Reason
from gate.text import link_readings, urls
from schedules.approvals import review_queue
from schedules.posts import channel_overrides
from schedules.posts.models import Delivery, Post
from schedules.posts.states import DeliveryState

REASONS = frozenset({f"gate.{Reason.LINK_UNREGISTERED}", f"gate.{Reason.LINK_CHANGED}"})
"""Reasons of a hold that ends when the link is registered."""

MAX_LINK_HOLDS = 500


@dataclass(frozen=True)
class LinkHold:
    """A post on an account that waits until links, as written in its text, are registered."""

    delivery_id: UUID
    post_id: UUID
    creator_id: UUID
    words: str
    addresses: tuple[str, ...]


def list_link_holds(scope: Scope, creators: Collection[UUID]) -> list[LinkHold]:
    """Return the posts of these creators that wait for links to be registered, by due time."""
    rows = scope.session.exec(
        select(Delivery, Post)
        .join(
            Post,
            (col(Post.tenant_id) == col(Delivery.tenant_id))
            & (col(Post.id) == col(Delivery.post_id)),
        )
        .where(
            Delivery.tenant_id == scope.tenant_id,
            col(Delivery.creator_id).in_(list(creators)),
            Delivery.state == str(DeliveryState.HELD),
            col(Delivery.reason)["code"].astext.in_(sorted(REASONS)),
        )
        .order_by(col(Delivery.due_at), col(Delivery.id))
        .limit(MAX_LINK_HOLDS)
        .execution_options(populate_existing=True)
    ).all()
    accounts = {one.id: one for one in queries.list_channels(scope)} if rows else {}
    return [_build_link_hold(row, owner, accounts[row.channel_id]) for row, owner in rows]


def _build_link_hold(row: Delivery, owner: Post, account: Channel) -> LinkHold:
    said = channel_overrides.content_for_channel(owner, account)
    found = link_readings.extract_links(
        (said.title, said.body, *(piece.body for piece in said.parts)), platform=account.platform
    )
    return LinkHold(row.id, row.post_id, row.creator_id, said.title or said.body, found)


def resume_link_holds(scope: Scope, creator_id: UUID, url: str) -> int:
    """Schedule the posts that waited for a registered link, and return their number.

    The gate checks them again at their due time. Posts that are too late stay on hold.
    """
    carrying = [
        one
        for one in list_link_holds(scope, [creator_id])
        if any(urls.canonical_url(each) == url for each in one.addresses)
    ]
    return sum(review_queue.resume_after_safety_review(scope, one.delivery_id) for one in carrying)
