"""Edits of published posts: requested here, approved and checked like new posts, then sent.

A delivery stays published during its edit. The post stores the new text: unpublished deliveries use
it immediately, published ones after the approval, the safety check and the platform's confirmation.
"""

from collections.abc import Collection
from dataclasses import dataclass
from uuid import UUID

from sqlmodel import col, or_, select

from channels.accounts import queries
from channels.accounts.queries import Channel
from channels.sending.edits import is_edit_uncertain
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, Refused
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from schedules.approvals.release import approver_names, release_post
from schedules.downtime import missed_posts
from schedules.edits import edits
from schedules.edits.events import EditResolved
from schedules.edits.models import PostEdit
from schedules.edits.states import EditState
from schedules.posts import channel_overrides, deliveries, fingerprints
from schedules.posts.content_digest import current_digest
from schedules.posts.deliveries import deliveries_of_post, get_post, schedule_wakeups
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.models import Delivery, Post
from schedules.posts.states import CANCELLABLE, DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from schedules.recurrence.models import PostTest
from schedules.recurrence.variant_assignment import has_variant_post
from tenants import audit
from tenants.agencies.queries import get_creator, get_member
from tenants.agencies.rights import Right, require_right

S = DeliveryState
E = EditState
Words = dict[str, str]

NOT_NOW = frozenset({S.PUBLISHING, S.PROCESSING, S.UNCERTAIN, S.PARTLY, S.BROKEN_OFF})
"""States in which the published text is uncertain, or more parts are to follow."""

NOT_THERE = Message("edit.not_there")
REPLACED = Message("edit.replaced")
LEFT = Message("edit.left_as_it_is")


@dataclass(frozen=True)
class EditRequestResult:
    """The result of a request: the number of deliveries that are edited, and the number of those
    that do not support edits."""

    changed: int
    not_there: int
    waiting: tuple[str, ...]
    """Names of the members who can approve the new text; empty if no approval is needed."""


def request_edit(
    scope: Scope,
    post_id: UUID,
    *,
    title: str,
    body: str,
    able: Collection[str],
    author: str,
    seen: tuple[str, str] | None = None,
) -> EditRequestResult:
    """Change the text of a post, and request edits of its published deliveries without a text
    override.

    `able` are the platforms that support edits; `seen` are title and text as the author saw them.
    Raises NotFound; BadInput if the text is unchanged, empty or invalid; Conflict if the post
    changed since `seen`, nothing is published, no platform supports edits, every account has an
    override, a delivery is being published, or an A/B test is running.
    """
    row = get_post(scope, post_id)
    # Lock order: the post first, then its deliveries, as in a rewrite.
    scope.session.refresh(row, with_for_update={"key_share": True})
    if seen is not None and (row.title, row.body) != seen:
        raise Conflict("post.changed_meanwhile")
    rows = deliveries_of_post(scope, post_id, lock=True)
    standing = [one for one in rows if one.state == S.PUBLISHED and one.native_id]
    accounts = {one.channel_id: queries.get_channel(scope, one.channel_id) for one in standing}
    _check_edit_request(scope, row, rows, standing, title=title, body=body)
    if not any(channel.platform in able for channel in accounts.values()):
        raise Conflict("edit.nowhere")
    opened = edits.open_edits_of_deliveries(scope, [one.id for one in standing])
    for each in opened.values():
        edits.require_not_sending(each)
    before = {
        one.id: _find_live_texts(scope, one) or _texts_on_channel(row, accounts[one.channel_id])
        for one in standing
    }
    _apply_new_texts(scope, row, title=title, body=body, author=author)
    changed = not_there = 0
    for one in standing:
        channel = accounts[one.channel_id]
        known = opened.get(one.id)
        if known is not None:
            edits.transition_edit(scope, known, E.DROPPED, reason=REPLACED, settled_at=scope.now)
        now = _texts_on_channel(row, channel)
        if not _needs_edit(scope, one, before[one.id], now):
            continue
        made = edits.create_edit(scope, one, row, words=(before[one.id], now))
        changed += channel.platform in able
        if channel.platform not in able:
            not_there += 1
            edits.transition_edit(scope, made, E.REFUSED, reason=NOT_THERE, settled_at=scope.now)
    if not (opened or changed or not_there):
        raise Conflict("edit.own_words")
    _revert_pending_to_draft(scope, rows)
    release_post(scope, post_id)
    return EditRequestResult(changed, not_there, approver_names(scope, post_id))


def _check_edit_request(
    scope: Scope,
    row: Post,
    rows: Collection[Delivery],
    standing: Collection[Delivery],
    *,
    title: str,
    body: str,
) -> None:
    said = channel_overrides.base_content(row)
    if not (title.strip() or body.strip() or said.media):
        raise BadInput("compose.empty").about("body")
    if (title, body) == (row.title, row.body):
        raise BadInput("edit.same_words").about("body")
    channel_overrides.check_content(
        channel_overrides.apply_override(
            said, channel_overrides.ChannelOverride("", title=title, body=body)
        ),
        channel_overrides.overrides_of_post(row),
    )
    if any(one.state in NOT_NOW for one in rows):
        raise Conflict("edit.not_now")
    if not standing:
        raise Conflict("edit.nothing_stands")
    compared = select(PostTest.id).where(
        PostTest.tenant_id == scope.tenant_id,
        or_(PostTest.a_id == row.id, has_variant_post(row.id)),
        col(PostTest.ended_at).is_(None),
    )
    if scope.session.exec(compared).first() is not None:
        raise Conflict("edit.compared")


def _texts_on_channel(row: Post, channel: Channel) -> Words:
    said = channel_overrides.content_for_channel(row, channel)
    return {"title": said.title, "body": said.body}


def _find_live_texts(scope: Scope, row: Delivery) -> Words | None:
    """Return the last known published text of a delivery that was edited before, or None for any
    other delivery."""
    query = select(PostEdit).where(
        PostEdit.tenant_id == scope.tenant_id, PostEdit.delivery_id == row.id
    )
    last = scope.session.exec(query.order_by(col(PostEdit.id).desc())).first()
    if last is None:
        return None
    return last.after if last.state == E.DONE else last.before


def _needs_edit(scope: Scope, row: Delivery, before: Words, now: Words) -> bool:
    """Return True unless the published text is certainly the new one."""
    return before != now or is_edit_uncertain(scope, delivery_subject(row.id), row.native_id or "")


def _apply_new_texts(scope: Scope, row: Post, *, title: str, body: str, author: str) -> None:
    row.title = title
    row.body = body
    row.author = author
    row.author_principal = deliveries.principal_of_author(scope, author)
    row.version += 1
    row.digest = current_digest(scope, row)
    scope.add(row)
    fingerprints.store_fingerprints(scope, row)


def _revert_pending_to_draft(scope: Scope, rows: Collection[Delivery]) -> None:
    """Turn unpublished deliveries into drafts that keep their times, until the new text is
    approved."""
    for one in rows:
        if one.state in CANCELLABLE and not missed_posts.is_still_held(scope, one):
            if one.state != S.DRAFT:
                transition_delivery(scope, one, S.DRAFT)
            schedule_wakeups(scope, one)


def retry_edit(scope: Scope, delivery_id: UUID) -> None:
    """Retry an edit that was refused or is uncertain. Raises Conflict if there is none."""
    row = _get_undecided_edit(scope, delivery_id)
    edits.transition_edit(scope, row, E.DUE, until=scope.now + edits.EDIT_LIFETIME)
    edits.schedule_edit(scope, row)


def abandon_edit(scope: Scope, delivery_id: UUID) -> None:
    """Keep the published text of a delivery. The post gets it back if no delivery has the new text.

    Raises Conflict if no edit is open, its request is being sent, or the published text is
    uncertain.
    """
    there = get_delivery(scope, delivery_id)
    owner = get_post(scope, there.post_id)
    scope.session.refresh(owner, with_for_update={"key_share": True})
    rows = deliveries_of_post(scope, owner.id, lock=True)
    row = edits.open_edits_of_deliveries(scope, [delivery_id]).get(delivery_id)
    if row is None:
        raise Conflict("edit.nothing_open")
    edits.require_not_sending(row)
    if row.state == E.UNSURE or is_edit_uncertain(
        scope, delivery_subject(delivery_id), there.native_id or ""
    ):
        raise Conflict("edit.say_which_first")
    edits.transition_edit(scope, row, E.DROPPED, reason=LEFT, settled_at=scope.now)
    if _is_edit_revertible(scope, owner, row):
        _apply_new_texts(
            scope, owner, title=row.before["title"], body=row.before["body"], author=owner.author
        )
        _revert_pending_to_draft(scope, rows)
        release_post(scope, owner.id)


def _is_edit_revertible(scope: Scope, owner: Post, left: PostEdit) -> bool:
    """Return True if no delivery has, or will get, the new text of the post."""
    plain = not owner.overrides and (owner.title, owner.body) == (
        left.after["title"],
        left.after["body"],
    )
    others = select(PostEdit.id).where(
        PostEdit.tenant_id == scope.tenant_id,
        PostEdit.post_id == owner.id,
        PostEdit.digest == left.digest,
        PostEdit.id != left.id,
        col(PostEdit.state).in_([*edits.OPEN_EDIT_STATES, str(E.DONE)]),
    )
    began = left.created_at or scope.now
    since = [
        one
        for one in deliveries_of_post(scope, owner.id)
        if one.settled_at is not None and one.settled_at > began
    ]
    return plain and not since and scope.session.exec(others).first() is None


def _get_undecided_edit(scope: Scope, delivery_id: UUID) -> PostEdit:
    row = edits.open_edits_of_deliveries(scope, [delivery_id]).get(delivery_id)
    if row is None or row.state not in (E.REFUSED, E.UNSURE) or row.reason == NOT_THERE.to_json():
        raise Conflict("edit.nothing_open")
    return row


def resolve_uncertain_edit(scope: Scope, delivery_id: UUID, *, came: bool, member_id: UUID) -> None:
    """Record a member's statement about which text is published: the new one if `came`. A worker
    applies it.

    Raises Refused for a role without the right, and Conflict if the edit is not uncertain.
    """
    row = edits.open_edits_of_deliveries(scope, [delivery_id]).get(delivery_id)
    member = get_member(scope, member_id)
    owner_id = get_delivery(scope, delivery_id).creator_id
    creator = get_creator(scope, owner_id)
    require_right(member.role, Right.APPROVE)
    if member.creators and creator.slug not in member.creators:
        raise Refused("approval.other_creator", creator=creator.name)
    if row is None or row.state != E.UNSURE:
        raise Conflict("edit.nothing_open")
    audit.record(scope, "delivery.words_said", f"delivery:{delivery_id}", came=int(came))
    event = EditResolved(scope.tenant_id, row.id, came=came, by=f"member:{member_id}")
    outbox.put(scope, event, priority=1, dedupe=f"edit_said:{row.id}")
