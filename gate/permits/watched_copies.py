"""Recall of live copies whose destination no longer passes the checks that the policy requires."""

from collections.abc import Collection
from uuid import UUID

from sqlmodel import col, select

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from gate.contract.units import Rating
from gate.copies.live_copies import LiveCopy, copy_from_row
from gate.copies.models import PermitRow
from gate.log.models import DecisionRow
from gate.policy import active_policy
from gate.policy.matrix import PlaceProbe
from gate.removal import recall

PLACE_CHANGED_REASON = "recall.place_changed"


_PLACES = """
SELECT DISTINCT p.channel_id, p.platform, p.surface, d.rating FROM permits p
JOIN decisions d ON d.tenant_id = p.tenant_id AND d.id = p.decision_id
WHERE p.tenant_id = :tenant AND p.state = 'consumed' AND p.viewer = '' AND p.gone_at IS NULL
  AND p.recalled_at IS NULL AND d.rating <> 'G'
"""


def list_watched_channels(scope: Scope) -> list[UUID]:
    """Return the accounts with live copies for which the policy requires destination checks."""
    rules = active_policy.current_bundle(scope)
    today = scope.now.date()
    found = scope.run(_PLACES, tenant=scope.tenant_id)
    return sorted(
        {
            one.channel_id
            for one in found
            if rules.row(one.platform, one.surface, on=today).required_probes(Rating(one.rating))
        }
    )


def is_watched_copy(scope: Scope, copy: LiveCopy) -> bool:
    """Return True if the policy requires destination checks for this copy."""
    rating = scope.run(
        "SELECT d.rating FROM permits p JOIN decisions d ON d.tenant_id = p.tenant_id AND d.id = "
        "p.decision_id"
        " WHERE p.tenant_id = :tenant AND p.id = :jti",
        tenant=scope.tenant_id,
        jti=copy.jti,
    ).scalar_one()
    row = active_policy.current_bundle(scope).row(copy.platform, copy.surface, on=scope.now.date())
    return bool(row.required_probes(Rating(rating)))


def recall_from_place(scope: Scope, channel_id: UUID, fails: Collection[str]) -> list[UUID]:
    """Recall the copies on an account whose destination failed a required check.

    `fails` are the failed probes. Return the permits of the copies.
    """
    if not fails:
        return []
    wrong = [
        copy
        for copy, wanted in _list_visible_copies(scope, channel_id)
        if any(probe.see in fails for probe in wanted)
    ]
    return recall.open_takedowns(scope, wrong, Message(PLACE_CHANGED_REASON))


def _list_visible_copies(
    scope: Scope, channel_id: UUID
) -> list[tuple[LiveCopy, tuple[PlaceProbe, ...]]]:
    """Return the public copies above General with the required destination checks. Checks for
    AI-generated content are left out, because a permit does not record whether a model made it."""
    query = (
        select(PermitRow, DecisionRow.rating)
        .join(
            DecisionRow,
            (col(DecisionRow.tenant_id) == col(PermitRow.tenant_id))
            & (col(DecisionRow.id) == col(PermitRow.decision_id)),
        )
        .where(
            PermitRow.tenant_id == scope.tenant_id,
            PermitRow.channel_id == channel_id,
            PermitRow.state == "consumed",
            PermitRow.viewer == "",
            col(PermitRow.gone_at).is_(None),
            col(PermitRow.recalled_at).is_(None),
            DecisionRow.rating != str(Rating.G),
        )
        .order_by(col(PermitRow.minted_at), col(PermitRow.id))
    )
    rules = active_policy.current_bundle(scope)
    today = scope.now.date()
    return [
        (
            copy_from_row(row),
            rules.row(row.platform, row.surface, on=today).required_probes(
                Rating(rating), generated=False
            ),
        )
        for row, rating in scope.session.exec(query.execution_options(populate_existing=True))
    ]
