"""Live copies are judged again when the agency bans a word or a person: what was published before
must not stay where it could not be published now."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.facts import EvidenceSnapshot, parse_snapshot, parse_unit
from gate.contract.units import Rating, Unit, Verdict
from gate.copies.events import CopiesRereadDue, reread_lane
from gate.copies.live_copies import LiveCopy, copy_from_row
from gate.copies.models import PermitRow
from gate.decision.decide import Decision, decide_unit
from gate.evidence import media_facts
from gate.log.models import DecisionInput, DecisionRow
from gate.policy import active_policy
from gate.policy.agency_lexicon import current_own_terms
from gate.policy.bundle import Bundle
from gate.removal import recall
from tenants.notices import notices

COPIES_PER_RUN = 200
TERMS_CHANGED_REASON = "recall.terms_changed"
REREAD_NOTICE = "copies.reread"


def handle_reread(event: CopiesRereadDue, *, tenant: OpenScope) -> None:
    """Judge the next copies again, and request the run for those after them."""
    with tenant(event.tenant_id, "system:gate") as scope:
        last = reread_copies(scope, event.subject_id)
        if last is not None:
            following = CopiesRereadDue(scope.tenant_id, last)
            outbox.put(scope, following, lane=reread_lane(scope))


def reread_copies(scope: Scope, after: UUID, *, limit: int = COPIES_PER_RUN) -> UUID | None:
    """Judge up to `limit` live copies with permits after `after`. Return the last permit,
    or None if no more copies follow.

    A copy is judged with the facts and at the time of its decision, but with the agency's terms and
    bans of today. It is recalled if they block it, or hold it above Suggestive. Members are
    notified of others that they would hold.
    """
    rows = scope.session.exec(
        select(PermitRow, DecisionRow, DecisionInput)
        .join(
            DecisionRow,
            (col(DecisionRow.tenant_id) == col(PermitRow.tenant_id))
            & (col(DecisionRow.id) == col(PermitRow.decision_id)),
        )
        .join(
            DecisionInput,
            (col(DecisionInput.tenant_id) == col(PermitRow.tenant_id))
            & (col(DecisionInput.id) == col(PermitRow.decision_id)),
        )
        .where(
            PermitRow.tenant_id == scope.tenant_id,
            PermitRow.state == "consumed",
            col(PermitRow.gone_at).is_(None),
            col(PermitRow.recalled_at).is_(None),
            PermitRow.id > after,
        )
        .order_by(col(PermitRow.id))
        .limit(limit)
        .execution_options(populate_existing=True)
    ).all()
    copies = [
        (copy_from_row(permit), parse_unit(stored.unit), stored.snapshot, decision.decided_at)
        for permit, decision, stored in rows
    ]
    terms = current_own_terms(scope)
    banned = _banned_bytes(scope, [unit for _, unit, _, _ in copies])
    bundle = active_policy.current_bundle(scope)
    for copy, unit, stored, decided_at in copies:
        before = parse_snapshot(stored)
        found = _judge_stricter(before, unit, bundle, decided_at, terms=terms, banned=banned)
        if found is not None:
            _withdraw_copy(scope, copy, found)
    return copies[-1][0].jti if len(copies) == limit else None


def _banned_bytes(scope: Scope, units: Sequence[Unit]) -> frozenset[str]:
    """Return the digests of the media of these units that show a banned person."""
    digests = sorted({medium.sha256 for unit in units for medium in unit.all_media})
    return frozenset(
        known.sha256 for known in media_facts.media_facts_of_bytes(scope, digests) if known.banned
    )


def _judge_stricter(
    before: EvidenceSnapshot,
    unit: Unit,
    bundle: Bundle,
    at: datetime,
    *,
    terms: tuple[tuple[str, str], ...],
    banned: Collection[str],
) -> Decision | None:
    """Return the decision that the terms and bans of today give, or None if they change nothing."""
    facts = replace(
        before,
        own_terms=terms,
        media=tuple(replace(known, banned=known.sha256 in banned) for known in before.media),
    )
    decision = decide_unit(facts, unit, bundle, at)
    if decision.is_allowed or not decide_unit(before, unit, bundle, at).is_allowed:
        return None
    return decision


def _withdraw_copy(scope: Scope, copy: LiveCopy, decision: Decision) -> None:
    if decision.verdict is Verdict.B or decision.rating.rank >= Rating.N.rank:
        recall.open_takedowns(scope, [copy], Message(TERMS_CHANGED_REASON))
        return
    values: dict[str, Any] = {"account": copy.account, "platform": copy.platform}
    notices.put(
        scope,
        Message(REREAD_NOTICE, values),
        cause=f"{REREAD_NOTICE}:{copy.jti}",
        creator_id=copy.creator_id,
    )
