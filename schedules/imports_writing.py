"""The posts of a file, all in one transaction: written in a few statements, and taken back while they are here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from channels import reconciling
from foundation import outbox_bulk, telemetry
from foundation.database import Scope, stored
from foundation.ids import derived, uuid7
from foundation.loading import forget_plans, load
from foundation.outbox_bulk import Due
from schedules import announcing, approvals, labels, lateness, overrides, prints, rehearsing, threads
from schedules.composing import subject
from schedules.events import PreflightDue, PublishDue, ReconcileDue, StageDue
from schedules.imports_wishes import Account, Wish
from schedules.lateness import Late
from schedules.models import Delivery, DeliveryMove, Post
from schedules.models_planning import PostLabel
from schedules.moving import A_DAY, LAST, causes
from schedules.planning import AHEAD, content_digest, options_print, part_print, price_print, print_of
from schedules.rehearsing import Dry
from schedules.states import CANCELLABLE, DELIVERY_STATES, DeliveryState
from tenants import notices

ORIGIN = "csv"
"""`origin` of posts that came from a file; their key is the file's id and their own."""

AT_ONCE = 1_000
"""Posts whose rows are made and sent together: all of a file's at once are so many that looking for garbage among them,
again and again, was a fifth of the work."""

_UNASKED = stored(approvals.UNASKED)

S = DeliveryState
PLANNED = (S.DRAFT, S.APPROVED, S.SCHEDULED)
"""What a post goes through that nobody has to say yes to."""


@dataclass(frozen=True)
class Author:
    """Who wrote the posts: an actor, and the human behind it."""

    actor: str
    principal: UUID | None


def key_of(import_id: UUID, key: str) -> str:
    """What a post of a file is known by: the same line of the same file is one post, however often it is written."""
    return f"{import_id}:{key}"


def write(scope: Scope, import_id: UUID, wishes: Sequence[Wish], *, plan: bool, author: Author) -> int:
    """Write posts with their deliveries and what wakes them; what is there stays. Returns how many posts were new.

    With `plan`, the posts of a creator who asks for nobody's yes go onto the calendar; all others stay drafts.
    """
    ids = {wish.row.line: derived(scope.tenant_id, ORIGIN, key_of(import_id, wish.row.key)) for wish in wishes}
    known = _known(scope, import_id)
    fresh = [(post_id, wish) for wish in wishes if (post_id := ids[wish.row.line]) not in known]
    forget_plans(scope)
    planned, dry = 0, rehearsing.covered(scope)
    for start in range(0, len(fresh), AT_ONCE):
        page = fresh[start : start + AT_ONCE]
        load(scope, Post, [_post(wish, post_id, import_id, author) for post_id, wish in page])
        prints.keep_marks(scope, [_found(wish, post_id) for post_id, wish in page])
        planned += _place(scope, page, dry, plan=plan)
    chosen = {post_id: (wish.creator.id, wish.labels) for post_id, wish in fresh if wish.labels}
    load(scope, PostLabel, labels.rows_of(scope, chosen, file=f"import:{import_id}"))
    scope.once_committed(partial(telemetry.DELIVERIES.labels(str(S.SCHEDULED)).inc, planned))
    return len(fresh)


def _place(scope: Scope, page: Sequence[tuple[UUID, Wish]], dry: Dry, *, plan: bool) -> int:
    """Write the deliveries of some posts with their moves and what wakes them; how many are on the calendar."""
    deliveries, moves, dues = list[Mapping[str, object]](), list[Mapping[str, object]](), list[Due]()
    planned = 0
    for post_id, wish in page:
        states = PLANNED if plan and wish.creator.approval_tiers == 0 else PLANNED[:1]
        planned += len(wish.accounts) if len(states) > 1 else 0
        for account in wish.accounts:
            delivery_id = derived(post_id, account.channel.id)
            deliveries.append(_delivery(wish, (post_id, delivery_id), account, states, dry))
            moves += _moves(scope, str(wish.creator.id), str(delivery_id), states)
            dues += _dues(scope, wish, delivery_id, account)
    load(scope, Delivery, deliveries)
    load(scope, DeliveryMove, moves)
    outbox_bulk.put_all(scope, dues)
    return planned


def _found(wish: Wish, post_id: UUID) -> prints.Found:
    """What a post is found by, from what looking at its line made of it."""
    said = prints.contents(wish.content, wish.others)
    return prints.Found(wish.creator.id, post_id, prints.marks_of(map(wish.print_of, said)))


def _known(scope: Scope, import_id: UUID) -> set[UUID]:
    rows = scope.session.exec(
        select(Post.id).where(
            Post.tenant_id == scope.tenant_id, Post.origin == ORIGIN, col(Post.origin_key).startswith(f"{import_id}:")
        )
    )
    return set(rows)


def _post(wish: Wish, post_id: UUID, import_id: UUID, author: Author) -> dict[str, Any]:
    prints = [print_of(str(one.asset_id), one.medium) for one in wish.pictures]
    parts = [part_print(one.piece, one.media) for one in wish.parts]
    otherwise = {
        one.place: [
            wish.row.title,
            one.body or wish.row.body,
            prints,
            parts,
            *price_print(one.price),
            *options_print(one.options),
        ]
        for one in wish.others
    }
    late = lateness.span(Late.DAY) if wish.row.until_midnight else wish.late_ok
    return {
        "id": post_id,
        "creator_id": wish.creator.id,
        "title": wish.row.title,
        "body": wish.row.body,
        "media": [str(one.asset_id) for one in wish.pictures],
        "parts": threads.stored([one.piece for one in wish.parts]),
        "overrides": overrides.stored(wish.others),
        "links": wish.links,
        "origin": ORIGIN,
        "origin_key": key_of(import_id, wish.row.key),
        "author": author.actor,
        "author_principal": author.principal,
        "text_ai": wish.row.text_ai,
        "priority": wish.row.priority,
        "late_ok": None if late is None else f"{int(late.total_seconds())} seconds",
        "until_midnight": wish.row.until_midnight,
        "digest": content_digest(
            wish.row.title, wish.row.body, prints, wish.row.text_ai, parts, otherwise=otherwise, links=wish.links
        ),
        "version": 1,
    }


def _delivery(
    wish: Wish, ids: tuple[UUID, UUID], account: Account, states: Sequence[DeliveryState], dry: Dry
) -> Mapping[str, object]:
    post_id, delivery_id = ids
    return {
        "id": delivery_id,
        "creator_id": wish.creator.id,
        "post_id": post_id,
        "channel_id": account.channel.id,
        "state": str(states[-1]),
        "wall_time": str(wish.at),
        "zone": wish.at.zone,
        "due_at": wish.due,
        "late_until": None if wish.late_ok is None else wish.due + wish.late_ok,
        "priority": wish.row.priority,
        "occurrence_key": "",
        "parts": 1,
        "part_ids": [],
        "attempt": 0,
        "dry_run": dry(post_id, account.channel.id),
        "version": len(states),
    }


def _moves(
    scope: Scope, creator_id: str, delivery_id: str, states: Sequence[DeliveryState]
) -> list[Mapping[str, object]]:
    pairs = list(pairwise(states))
    for before, after in pairs:
        DELIVERY_STATES.check(before, after)
    return [_move(scope, creator_id, delivery_id, str(before), str(after)) for before, after in pairs]


def _move(scope: Scope, creator_id: str, delivery_id: str, before: str, after: str) -> Mapping[str, object]:
    """A move as `moving` writes it. What a file brings is approved where nobody is asked, and nowhere else."""
    return {
        "reason": _UNASKED if after == S.APPROVED else None,
        "id": uuid7(),
        "creator_id": creator_id,
        "delivery_id": delivery_id,
        "before": before,
        "after": after,
        "by": scope.actor,
    }


def _dues(scope: Scope, wish: Wish, delivery_id: UUID, account: Account) -> list[Due]:
    """What `planning.wake` writes for a delivery of which nothing is outside."""
    ids, channel, early = (scope.tenant_id, delivery_id), account.channel.id, wish.due - AHEAD
    found = []
    if early > scope.now:
        found.append(Due(PreflightDue(*ids), max(wish.due - A_DAY, scope.now), priority=LAST))
        if wish.pictures or any(one.pictures for one in wish.parts):
            found.append(Due(StageDue(*ids), early, lane=f"stage:{channel}"))
    return [*found, Due(PublishDue(*ids), wish.due, lane=f"channel:{channel}", priority=wish.row.priority)]


def take_back(scope: Scope, import_id: UUID) -> tuple[int, int]:
    """Take everything of a file off the calendar of which nothing is outside; how many that were, and how many had
    left, or were on their way. What had been taken off before is neither."""
    rows = scope.run(
        "SELECT id, creator_id, state FROM deliveries WHERE tenant_id = :tenant AND post_id = ANY(:posts)"
        " ORDER BY id FOR UPDATE",
        tenant=scope.tenant_id,
        posts=list(_known(scope, import_id)),  # not joined: unanalysed, each delivery was held against each post
    ).all()
    here = [row for row in rows if S(row.state) in CANCELLABLE]
    for before in {S(row.state) for row in here}:
        DELIVERY_STATES.check(before, S.CANCELLED)
    ids = [row.id for row in here]
    scope.run(
        "UPDATE deliveries SET state = :cancelled, reason = NULL, version = version + 1, updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = ANY(:ids)",
        cancelled=str(S.CANCELLED),
        tenant=scope.tenant_id,
        ids=ids,
    )
    reconciling.leave_all(scope, [subject(one) for one in ids])
    forget_plans(scope)
    moves = [_move(scope, str(one.creator_id), str(one.id), one.state, str(S.CANCELLED)) for one in here]
    load(scope, DeliveryMove, moves)
    outbox_bulk.cancel_all(scope, [kind.kind for kind in (PreflightDue, StageDue, PublishDue, ReconcileDue)], ids)
    notices.settle_all(scope, [cause for one in ids for cause in causes(one)])
    announcing.taken_back(scope, [(row.id, S(row.state)) for row in here])
    scope.once_committed(partial(telemetry.DELIVERIES.labels(str(S.CANCELLED)).inc, len(ids)))
    return len(ids), sum(row.state != S.CANCELLED for row in rows) - len(ids)
