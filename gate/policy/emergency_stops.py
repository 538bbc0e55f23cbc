"""Emergency stops: pressed by anyone on duty with one tap, ended by those who may, with a reason.

Stopping is a brake: who has the right stops all, also where they work for some creators alone.
Ending a stop sends what it kept back, so it takes who works for all of that (ADR 0173).
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
"""A wide stop is ended by two people, or by one after this long."""

REOPEN_ACT = "switch.reopen"
"""The act that one person signs with a passkey."""

SOLO_TOO_EARLY = "switch.alone_too_early"
PASSKEY_REQUIRED = "switch.passkey_wanted"
"""Why a lone person may not end a wide stop yet: a second one may."""

STOPPED_AGAIN = "switch.pressed_anew"
"""Why a stop stays whose end was asked for: somebody pressed it again since."""

NOT_PERMITTED = "switch.not_yours"
"""Why who works for some creators alone does not end what keeps back others' work."""

_SET = """
INSERT INTO switches (tenant_id, id, scope, target, feature, open, by, reason)
VALUES (:tenant, :id, :scope, :target, :feature, :open, :by, :reason)
ON CONFLICT (tenant_id, scope, target, feature) DO UPDATE
SET open = excluded.open, by = excluded.by, reason = excluded.reason, updated_at = house_now()
RETURNING id
"""


def close_switch(scope: Scope, where: str, target: str, feature: str, *, reason: str) -> UUID:
    """Stop a feature; claims that have not committed see it. Returns the switch's id.

    `where` is one of SCOPES; `target` is empty for global and tenant, a platform's name, a
    creator's or a channel's id, or `<channel>:<viewer>` for a chat. Raises BadInput for another,
    Refused for a member without the right.
    """
    member = _find_acting_member(scope)
    if member is not None:
        require_right(member.role, Right.STOP)
    _lock_switch(scope, where, target, feature)
    switch_id = _record_switch(scope, where, target, feature, open_=False, reason=reason)
    outbox.put(scope, SwitchClosed(scope.tenant_id, switch_id, where, target, feature))
    if feature != RESTORE_STOP:  # the restore puts that one itself
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
    """End a stop; whether one held. `second` is another member who agrees, needed at once where the
    stop is wide; `signed` is what a person alone signed with a passkey, as `signed_as` says it;
    `since` is when it was pressed, as they saw it.

    Raises Refused for who may not, for a lone person too early or, where they have a passkey,
    without it, without a reason, for a stop pressed anew, and as `check_end`; BadInput for an
    unknown switch.
    """
    if not reason.strip():
        raise Refused("switch.no_reason")
    member = _find_acting_member(scope)
    if member is not None:
        check_may_reopen(scope, member, where, target)
    elif scope.tenant_id != INSTALLATION_ID:
        raise Refused("switch.people_only")
    _lock_switch(scope, where, target, feature)  # whoever presses it now is waited for, and seen
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
    """Open a stop that the journal says was opened, after a backup was restored; nothing where none
    is closed."""
    _lock_switch(scope, where, target, feature)
    if _find_stop_time(scope, where, target, feature) is not None:
        _record_switch(scope, where, target, feature, open_=True, reason=reason)


def check_may_reopen(scope: Scope, member: queries.Member, where: str, target: str) -> None:
    """Raise Refused for a role without the right, and for who works for some creators alone, unless
    a stop keeps back theirs and no others'.

    Whose an account is, the gate does not know: whoever asks for its end has looked that up.
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
    """What a person signs who ends this very stop for this very reason."""
    return hashlib.sha256(canonical_json([where, target, feature, reason.strip()])).hexdigest()


def _check_signature(scope: Scope, member_id: UUID, signed: UUID | None, about: str) -> None:
    """Whoever has a passkey signs; of whoever has none the delay alone is asked."""
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
    """When a stop that holds was pressed last; None where none does."""
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
    """An emergency stop that holds: what, since when, who pressed it and why."""

    where: str
    target: str
    feature: str
    since: datetime
    by: str
    reason: str


def list_stops(scope: Scope, *, of: UUID | None = None) -> list[ActiveStop]:
    """The stops that hold now, the latest first: the agency's, or those `of` the house, which hold
    for everybody."""
    rows = scope.session.exec(
        select(StopSwitch)
        .where(StopSwitch.tenant_id == (of or scope.tenant_id), col(StopSwitch.open).is_(False))
        .order_by(col(StopSwitch.updated_at).desc())
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
    """Where a feature is stopped now."""

    everywhere: bool
    targets: frozenset[str]
    """Creators and accounts, by id."""
    platforms: frozenset[str] = frozenset()
    """Whose accounts those are, the gate does not know."""

    def covers(self, *ids: UUID) -> bool:
        """Whether it is stopped for one of these: a creator, an account."""
        return self.everywhere or any(str(one) in self.targets for one in ids)


def stopped_scope(scope: Scope, feature: str) -> StoppedScope:
    """Where `feature` is stopped, by the house or by this agency; one statement, whomever it is
    asked about."""
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
    """Whether a feature is stopped for everybody, this tenant, this creator, this account, or this
    chat (`<channel>:<viewer>`)."""
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
