"""Emergency stops: pressed with one tap by any member on duty, ended with a reason by members with
the right.

Every member with the right may stop everything, even if they work for some creators only. Ending a
stop publishes what it held back, so it requires a member who works for all creators concerned (ADR
0173).
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlmodel import col, select

from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput, Refused
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from gate import epochs, journal
from gate.contract.facts import RESTORE_STOP
from gate.policy.events import SwitchClosed
from gate.policy.models import StopSwitch
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.auth import passkeys

SCOPES = ("global", "platform", "tenant", "creator", "channel", "chat")
FEATURES = ("sending", "nudity", "bot", "offers", "campaigns", "payments", RESTORE_STOP)
WIDE_SCOPES = ("global", "platform", "tenant")
SOLO_REOPEN_DELAY = timedelta(minutes=15)
"""Time after which one member alone may end a wide stop; before that, two are needed."""

REOPEN_ACT = "switch.reopen"
"""The action that one member alone confirms with a passkey."""

SOLO_TOO_EARLY = "switch.alone_too_early"
PASSKEY_REQUIRED = "switch.passkey_wanted"
"""Refusal codes for a member who tries to end a wide stop alone. With a second member, it can be
ended."""

STOPPED_AGAIN = "switch.pressed_anew"
"""Refusal code for ending a stop that was pressed again since the request."""

NOT_PERMITTED = "switch.not_yours"
"""Refusal code for ending a stop that concerns creators the member does not work for."""

_SET = """
INSERT INTO switches (tenant_id, id, scope, target, feature, open, by, reason)
VALUES (:tenant, :id, :scope, :target, :feature, :open, :by, :reason)
ON CONFLICT (tenant_id, scope, target, feature) DO UPDATE
SET open = excluded.open, by = excluded.by, reason = excluded.reason, updated_at = house_now()
RETURNING id
"""


def close_switch(scope: Scope, where: str, target: str, feature: str, *, reason: str) -> UUID:
    """Stop a feature and return the ID of the switch. Claims that have not committed see the stop.

    `where` is one of SCOPES; `target` is empty for global and tenant, the name of a platform, the
    ID of a creator or a channel, or `<channel>:<viewer>` for a chat. Raises BadInput for any other
    value, Refused for a member without the right.
    """
    member = _find_acting_member(scope)
    if member is not None:
        require_right(member.role, Right.STOP)
    _lock_switch(scope, where, target, feature)
    switch_id = _record_switch(scope, where, target, feature, open_=False, reason=reason)
    outbox.put(scope, SwitchClosed(scope.tenant_id, switch_id, where, target, feature))
    if feature != RESTORE_STOP:  # The restore writes its own stop again.
        journal.record_restriction(scope, journal.STOP, f"{where}:{feature}:{target}")
    return switch_id


def reopen_switch(
    scope: Scope,
    where: str,
    target: str,
    feature: str,
    *,
    reason: str,
    second: UUID | None = None,
    signed: UUID | None = None,
    since: datetime | None = None,
) -> bool:
    """End a stop. Return False if it was not active.

    `second` is another member who agrees, required to end a wide stop without delay; `signed` is
    the ID of a passkey signature over `reopen_signing_text`, for one member alone; `since` is the
    time at which the stop was pressed, as the member saw it.

    Raises Refused for a member without the right, without a reason, for one member alone who is too
    early or does not use their passkey, and for a stop that was pressed again; BadInput for an
    unknown switch.
    """
    if not reason.strip():
        raise Refused("switch.no_reason").about("reason")
    member = _find_acting_member(scope)
    if member is not None:
        check_may_reopen(scope, member, where, target)
    # Stops of the installation are ended on the command line, where no member acts.
    elif scope.tenant_id != INSTALLATION_ID:
        raise Refused("switch.people_only")
    # Wait for a member who presses it at the same time.
    _lock_switch(scope, where, target, feature)
    pressed = _find_stop_time(scope, where, target, feature)
    if pressed is None:
        return False
    if since is not None and pressed != since:
        raise Refused(STOPPED_AGAIN)
    if (
        member is not None
        and where in WIDE_SCOPES
        and not _has_second_approval(scope, member.principal_id, second)
    ):
        if scope.now < pressed + SOLO_REOPEN_DELAY:
            raise Refused(SOLO_TOO_EARLY, minutes=int(SOLO_REOPEN_DELAY.total_seconds() // 60))
        _check_signature(
            scope, member.id, signed, reopen_signing_text(where, target, feature, reason)
        )
    _record_switch(scope, where, target, feature, open_=True, reason=reason)
    if feature != RESTORE_STOP:
        journal.record_restriction(scope, journal.REOPEN, f"{where}:{feature}:{target}")
    return True


def repeat_reopening(scope: Scope, where: str, target: str, feature: str, *, reason: str) -> None:
    """End a stop again after a restore, because the journal contains its end. Does nothing if it is
    not active."""
    _lock_switch(scope, where, target, feature)
    if _find_stop_time(scope, where, target, feature) is not None:
        _record_switch(scope, where, target, feature, open_=True, reason=reason)


def check_may_reopen(scope: Scope, member: queries.Member, where: str, target: str) -> None:
    """Raise Refused for a role without the right, and for members of some creators only, unless the
    stop concerns no other creators.

    The gate does not know the creators of an account: the caller must have checked them.
    """
    require_right(member.role, Right.REOPEN)
    if where in WIDE_SCOPES or where == "creator":
        kept = [
            one
            for one in queries.list_creators(scope)
            if where in WIDE_SCOPES or str(one.id) == target
        ]
        if not all(member.works_for(one.slug) for one in kept):
            raise Refused(NOT_PERMITTED)


def reopen_signing_text(where: str, target: str, feature: str, reason: str) -> str:
    """Return the digest that a member signs to end this stop for this reason."""
    return hashlib.sha256(canonical_json([where, target, feature, reason.strip()])).hexdigest()


def _check_signature(scope: Scope, member_id: UUID, signed: UUID | None, about: str) -> None:
    """Require a passkey signature from members with a passkey; for others the delay is enough."""
    if signed is not None:
        passkeys.consume_signature(scope, signed, act=REOPEN_ACT, about=about)
    elif passkeys.needs_signature(scope, member_id):
        raise Refused(PASSKEY_REQUIRED)


def _find_acting_member(scope: Scope) -> queries.Member | None:
    kind, _, key = scope.actor.partition(":")
    return queries.get_member(scope, UUID(key)) if kind == "member" else None


def _has_second_approval(scope: Scope, principal: UUID, second: UUID | None) -> bool:
    if second is None:
        return False
    other = queries.get_member(scope, second)
    require_right(other.role, Right.REOPEN)
    works_for_all = all(other.works_for(one.slug) for one in queries.list_creators(scope))
    return other.principal_id != principal and works_for_all


def _find_stop_time(scope: Scope, where: str, target: str, feature: str) -> datetime | None:
    """Return the time at which an active stop was last pressed, or None."""
    rows = list_stops(scope)
    return next(
        (
            one.since
            for one in rows
            if (one.where, one.target, one.feature) == (where, target, feature)
        ),
        None,
    )


def _lock_switch(scope: Scope, where: str, target: str, feature: str) -> None:
    if (
        feature not in FEATURES
        or where not in SCOPES
        or (where in ("global", "tenant")) == bool(target)
    ):
        raise BadInput("switch.unknown", scope=where, feature=feature)
    if where == "global" and scope.tenant_id != INSTALLATION_ID:
        raise Refused("switch.house_only")
    epochs.lock_and_advance(scope, _epoch_key(scope, where, target))


def _record_switch(
    scope: Scope, where: str, target: str, feature: str, *, open_: bool, reason: str
) -> UUID:
    with scope.acting_as("gate"):
        switch_id: UUID = scope.run(
            _SET,
            tenant=scope.tenant_id,
            id=uuid7(),
            scope=where,
            target=target,
            feature=feature,
            open=open_,
            by=scope.actor,
            reason=reason,
        ).scalar_one()
    return switch_id


def _epoch_key(scope: Scope, where: str, target: str) -> str:
    match where:
        case "global":
            return epochs.installation_key()
        case "platform":
            return epochs.platform_key(target)
        case "tenant":
            return epochs.tenant_key(scope)
        case "creator":
            return epochs.creator_key(scope, UUID(target))
        case "channel":
            return epochs.channel_key(scope, UUID(target))
        case _:
            channel, _, viewer = target.partition(":")
            return epochs.chat_key(scope, UUID(channel), viewer)


@dataclass(frozen=True)
class ActiveStop:
    """An active emergency stop, with its time, actor and reason."""

    where: str
    target: str
    feature: str
    since: datetime
    by: str
    reason: str


def list_stops(scope: Scope, *, of: UUID | None = None) -> list[ActiveStop]:
    """Return the active stops, latest first: those of the agency, or of the tenant `of`. Those of
    the installation apply to every agency."""
    rows = scope.session.exec(
        select(StopSwitch)
        .where(StopSwitch.tenant_id == (of or scope.tenant_id), col(StopSwitch.open).is_(False))
        .order_by(col(StopSwitch.updated_at).desc())
        # The rows may have changed while this transaction waited for the epoch.
        .execution_options(populate_existing=True)
    )
    return [
        ActiveStop(
            row.scope, row.target, row.feature, row.updated_at or scope.now, row.by, row.reason
        )
        for row in rows
    ]


@dataclass(frozen=True)
class StoppedScope:
    """The scopes in which a feature is stopped."""

    everywhere: bool
    targets: frozenset[str]
    """IDs of creators and accounts."""
    platforms: frozenset[str] = frozenset()
    """Platforms; the caller must find the accounts on them."""

    def covers(self, *ids: UUID) -> bool:
        """Return True if the feature is stopped for one of these creators or accounts. Stops of
        platforms are not considered."""
        return self.everywhere or any(str(one) in self.targets for one in ids)


def stopped_scope(scope: Scope, feature: str) -> StoppedScope:
    """Return the scopes in which `feature` is stopped, by the installation or this agency, in one
    statement."""
    found = scope.session.exec(
        select(StopSwitch.scope, StopSwitch.target).where(
            ~col(StopSwitch.open), StopSwitch.feature == feature
        )
    )
    rows = list(found)
    everywhere = any(where in ("global", "tenant") for where, _ in rows)
    targets = frozenset(target for where, target in rows if where in ("creator", "channel"))
    return StoppedScope(
        everywhere, targets, frozenset(target for where, target in rows if where == "platform")
    )


def is_stopped(
    scope: Scope,
    feature: str,
    *,
    creator: UUID | None = None,
    channel: UUID | None = None,
    chat: str | None = None,
) -> bool:
    """Return True if a feature is stopped for the installation, the agency, this creator, this
    account or this chat (`<channel>:<viewer>`), or the creator is inactive. Stops of platforms are
    not considered."""
    if creator is not None and queries.is_inactive_creator(scope, creator):
        return True
    targets = {
        "global": "",
        "tenant": "",
        "creator": str(creator),
        "channel": str(channel),
        "chat": str(chat),
    }
    found = scope.session.exec(
        select(StopSwitch.scope, StopSwitch.target).where(
            ~col(StopSwitch.open), StopSwitch.feature == feature
        )
    )
    return any(targets.get(where) == target for where, target in found)
