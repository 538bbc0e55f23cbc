"""Writer of imports: insert all posts of a file in a few statements, and cancel them again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from channels.sending import reconciliation
from foundation.db.bulk_insert import discard_plans, insert_rows
from foundation.db.database import Scope
from foundation.db.tables import stored_message
from foundation.ids import derived_uuid, uuid7
from foundation.ops import telemetry
from foundation.outbox import bulk
from foundation.outbox.bulk import DueEvent
from schedules.approvals import decisions
from schedules.imports.planned_rows import ImportAccount, PlannedRow
from schedules.posts import (
    channel_overrides,
    dry_run_state,
    fingerprints,
    labels,
    lateness,
    thread_parts,
    webhook_events,
)
from schedules.posts.content_digest import (
    content_digest,
    media_digest,
    options_digest,
    part_digest,
    price_digest,
)
from schedules.posts.deliveries import FINAL_PREFLIGHT_LEAD, allow_approval_time
from schedules.posts.delivery_units import delivery_subject
from schedules.posts.dry_run_state import IsDryRun
from schedules.posts.events import PreflightDue, PublishDue, ReconcileDue, StageDue
from schedules.posts.lateness import LateLimit
from schedules.posts.models import Delivery, DeliveryMove, Post, PostLabel
from schedules.posts.states import CANCELLABLE, DELIVERY_STATES, DeliveryState
from schedules.posts.transitions import (
    FIRST_PREFLIGHT_LEAD,
    PREFLIGHT_QUEUE_PRIORITY,
    delivery_notice_causes,
)
from tenants.notices import notices

ORIGIN = "csv"
"""`origin` of imported posts; their origin key is the ID of the import and the key of the row."""

AT_ONCE = 1_000
"""Number of posts built and inserted together. With all posts of a file, garbage collection took a
fifth of the time."""

_UNASKED = stored_message(decisions.APPROVAL_NOT_REQUESTED)

PLANNED = (DeliveryState.DRAFT, DeliveryState.APPROVED, DeliveryState.SCHEDULED)
"""States of a post that needs no approval, in order."""


@dataclass(frozen=True)
class ImportAuthor:
    """The author of the posts: the actor and its principal."""

    actor: str
    principal: UUID | None


def row_origin_key(import_id: UUID, key: str) -> str:
    """Return the origin key of a row's post: the same row of the same import is one post."""
    return f"{import_id}:{key}"


def write_posts(
    scope: Scope, import_id: UUID, wishes: Sequence[PlannedRow], *, plan: bool, author: ImportAuthor
) -> int:
    """Insert the posts of rows with deliveries and outbox rows; return the number of new posts.

    Existing posts are skipped. With `plan`, posts that need no approval are scheduled; others stay
    drafts.
    """
    ids = {
        wish.row.line: derived_uuid(
            scope.tenant_id, ORIGIN, row_origin_key(import_id, wish.row.key)
        )
        for wish in wishes
    }
    known = _list_imported_post_ids(scope, import_id)
    fresh = [(post_id, wish) for wish in wishes if (post_id := ids[wish.row.line]) not in known]
    # With plans from nearly empty tables, the foreign key checks of an import scan whole tables.
    discard_plans(scope)
    planned = 0
    dry = dry_run_state.load_dry_run_check(scope)
    for start in range(0, len(fresh), AT_ONCE):
        page = fresh[start : start + AT_ONCE]
        insert_rows(
            scope,
            Post,
            [_build_post_row(wish, post_id, import_id, author) for post_id, wish in page],
        )
        fingerprints.store_marks(
            scope, [_build_post_marks(wish, post_id) for post_id, wish in page]
        )
        planned += _insert_deliveries(scope, page, dry, plan=plan)
    chosen = {post_id: (wish.creator.id, wish.labels) for post_id, wish in fresh if wish.labels}
    insert_rows(
        scope, PostLabel, labels.build_label_rows(scope, chosen, file=f"import:{import_id}")
    )
    scope.after_commit(
        partial(telemetry.DELIVERIES_BY_STATE.labels(str(DeliveryState.SCHEDULED)).inc, planned)
    )
    return len(fresh)


def _insert_deliveries(
    scope: Scope, page: Sequence[tuple[UUID, PlannedRow]], dry: IsDryRun, *, plan: bool
) -> int:
    """Insert deliveries with moves and outbox rows; return how many are scheduled."""
    deliveries = list[Mapping[str, object]]()
    moves = list[Mapping[str, object]]()
    dues = list[DueEvent]()
    planned = 0
    for post_id, wish in page:
        states = PLANNED if plan and wish.creator.approval_tiers == 0 else PLANNED[:1]
        planned += len(wish.accounts) if len(states) > 1 else 0
        late = None if wish.late_ok is None else wish.due + wish.late_ok
        late = allow_approval_time(scope, late, wish.due) if len(states) == 1 else late
        for account in wish.accounts:
            delivery_id = derived_uuid(post_id, account.channel.id)
            row = _build_delivery_row(wish, (post_id, delivery_id), account, states, dry)
            deliveries.append({**row, "late_until": late})
            moves += _build_move_rows(scope, str(wish.creator.id), str(delivery_id), states)
            dues += _build_wakeup_events(scope, wish, delivery_id, account)
    insert_rows(scope, Delivery, deliveries)
    insert_rows(scope, DeliveryMove, moves)
    bulk.put_many(scope, dues)
    return planned


def _build_post_marks(wish: PlannedRow, post_id: UUID) -> fingerprints.PostMarks:
    """Build the marks of a post from the fingerprints that validation computed."""
    said = fingerprints.list_content_variants(wish.content_of_row, wish.others)
    return fingerprints.PostMarks(
        wish.creator.id, post_id, fingerprints.marks_of_fingerprints(map(wish.fingerprint, said))
    )


def _list_imported_post_ids(scope: Scope, import_id: UUID) -> set[UUID]:
    rows = scope.session.exec(
        select(Post.id).where(
            Post.tenant_id == scope.tenant_id,
            Post.origin == ORIGIN,
            col(Post.origin_key).startswith(f"{import_id}:"),
        )
    )
    return set(rows)


def _build_post_row(
    wish: PlannedRow, post_id: UUID, import_id: UUID, author: ImportAuthor
) -> dict[str, Any]:
    prints = [media_digest(str(one.asset_id), one.medium) for one in wish.pictures]
    parts = [part_digest(one.thread_part, one.media) for one in wish.parts]
    otherwise = {
        one.place: [
            wish.row.title,
            one.body or wish.row.body,
            prints,
            parts,
            *price_digest(one.price),
            *options_digest(one.options),
        ]
        for one in wish.others
    }
    late = lateness.late_span(LateLimit.DAY) if wish.row.until_midnight else wish.late_ok
    return {
        "id": post_id,
        "creator_id": wish.creator.id,
        "title": wish.row.title,
        "body": wish.row.body,
        "media": [str(one.asset_id) for one in wish.pictures],
        "parts": thread_parts.dump_thread([one.thread_part for one in wish.parts]),
        "overrides": channel_overrides.dump_overrides(wish.others),
        "links": wish.links,
        "origin": ORIGIN,
        "origin_key": row_origin_key(import_id, wish.row.key),
        "author": author.actor,
        "author_principal": author.principal,
        "text_ai": wish.row.text_ai,
        "priority": wish.row.priority,
        "late_ok": None if late is None else f"{int(late.total_seconds())} seconds",
        "until_midnight": wish.row.until_midnight,
        "digest": content_digest(
            wish.row.title,
            wish.row.body,
            prints,
            wish.row.text_ai,
            parts,
            otherwise=otherwise,
            links=wish.links,
        ),
        "version": 1,
    }


def _build_delivery_row(
    wish: PlannedRow,
    ids: tuple[UUID, UUID],
    account: ImportAccount,
    states: Sequence[DeliveryState],
    dry: IsDryRun,
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
        "priority": wish.row.priority,
        "occurrence_key": "",
        "parts": 1,
        "part_ids": [],
        "attempt": 0,
        "dry_run": dry(post_id, account.channel.id),
        # As if every transition had been written separately.
        "version": len(states),
    }


def _build_move_rows(
    scope: Scope, creator_id: str, delivery_id: str, states: Sequence[DeliveryState]
) -> list[Mapping[str, object]]:
    pairs = list(pairwise(states))
    for before, after in pairs:
        DELIVERY_STATES.check(before, after)
    return [
        _build_move_row(scope, creator_id, delivery_id, str(before), str(after))
        for before, after in pairs
    ]


def _build_move_row(
    scope: Scope, creator_id: str, delivery_id: str, before: str, after: str
) -> Mapping[str, object]:
    """Build a transition as `transition_delivery` records it.

    Imported posts are approved only if they need no approval.
    """
    return {
        "reason": _UNASKED if after == DeliveryState.APPROVED else None,
        "id": uuid7(),
        "creator_id": creator_id,
        "delivery_id": delivery_id,
        "before": before,
        "after": after,
        "by": scope.actor,
    }


def _build_wakeup_events(
    scope: Scope, wish: PlannedRow, delivery_id: UUID, account: ImportAccount
) -> list[DueEvent]:
    """Build the events that `deliveries.schedule_wakeups` writes for a delivery without published
    parts."""
    ids = (scope.tenant_id, delivery_id)
    channel = account.channel.id
    # Must match `_enqueue_publishing` of `schedules.posts.deliveries`.
    early = wish.due - FINAL_PREFLIGHT_LEAD
    found = []
    if early > scope.now:
        found.append(
            DueEvent(
                PreflightDue(*ids),
                max(wish.due - FIRST_PREFLIGHT_LEAD, scope.now),
                priority=PREFLIGHT_QUEUE_PRIORITY,
            )
        )
        if wish.pictures or any(one.pictures for one in wish.parts):
            found.append(DueEvent(StageDue(*ids), early, lane=f"stage:{channel}"))
    return [
        *found,
        DueEvent(PublishDue(*ids), wish.due, lane=f"channel:{channel}", priority=wish.row.priority),
    ]


def take_back_posts(scope: Scope, import_id: UUID) -> tuple[int, int]:
    """Cancel the unpublished deliveries of an import.

    Returns the number of cancelled deliveries, and of those that are published or being published.
    Deliveries that were cancelled before are counted in neither number.
    """
    rows = scope.run(
        "SELECT id, creator_id, state FROM deliveries WHERE tenant_id = :tenant AND post_id = "
        "ANY(:posts)"
        " ORDER BY id FOR UPDATE",
        tenant=scope.tenant_id,
        # Not a join: without statistics PostgreSQL would compare every delivery with every post.
        posts=list(_list_imported_post_ids(scope, import_id)),
    ).all()
    here = [row for row in rows if DeliveryState(row.state) in CANCELLABLE]
    for before in {DeliveryState(row.state) for row in here}:
        DELIVERY_STATES.check(before, DeliveryState.CANCELLED)
    ids = [row.id for row in here]
    scope.run(
        "UPDATE deliveries SET state = :cancelled, reason = NULL, version = version + 1, "
        "updated_at = house_now()"
        " WHERE tenant_id = :tenant AND id = ANY(:ids)",
        cancelled=str(DeliveryState.CANCELLED),
        tenant=scope.tenant_id,
        ids=ids,
    )
    reconciliation.abandon_subjects(scope, [delivery_subject(one) for one in ids])
    discard_plans(scope)
    moves = [
        _build_move_row(
            scope, str(one.creator_id), str(one.id), one.state, str(DeliveryState.CANCELLED)
        )
        for one in here
    ]
    insert_rows(scope, DeliveryMove, moves)
    bulk.cancel_many(
        scope, [kind.kind for kind in (PreflightDue, StageDue, PublishDue, ReconcileDue)], ids
    )
    notices.close_all(scope, [cause for one in ids for cause in delivery_notice_causes(one)])
    webhook_events.announce_cancellations(
        scope, [(row.id, DeliveryState(row.state)) for row in here]
    )
    scope.after_commit(
        partial(telemetry.DELIVERIES_BY_STATE.labels(str(DeliveryState.CANCELLED)).inc, len(ids))
    )
    return len(ids), sum(row.state != DeliveryState.CANCELLED for row in rows) - len(ids)
