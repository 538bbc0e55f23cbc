"""Lifecycle of accounts: connect, pause, resume and disconnect them, and record that access was
lost or returned."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy.exc import IntegrityError

from channels.accounts import credentials, queries
from channels.accounts.events import ChannelConnected
from channels.accounts.states import (
    CHANNEL_STATES,
    DISCONNECTED_STATES,
    UNUSABLE_STATES,
    ChannelState,
)
from foundation.canonical_json import canonical_json
from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.i18n.translation import Message
from foundation.ids import derived_uuid, uuid7
from foundation.outbox import outbox
from foundation.sealed import Sealed
from tenants.notices import notices
from tenants.webhooks.outgoing_calls import record_webhook_event

HELD_INDEX = "channels_held"
HELD_ELSEWHERE = "channel.other_agency"
"""Code of the refusal to connect an account that another agency of this installation has connected.
"""

MAX_INTERVAL_MINUTES = 24 * 60
"""Upper bound of the minimum interval between two posts, in minutes."""

_UNTIL = "(channels.rest ->> 'until')::timestamptz"
_RESTS = f"(channels.rest IS NOT NULL AND coalesce({_UNTIL}, 'infinity') > house_now())"
"""SQL condition: the account was paused when access was lost, and the pause has not ended."""

_CONNECT = f"""
INSERT INTO channels (tenant_id, id, creator_id, platform, surface, chat_surface, account,
base_url, name, state,
  min_gap_seconds, zone, options, app_key)
VALUES (:tenant, :id, :creator, :platform, :surface, :chat_surface, :account, :base_url, :name,
'active',
  :gap, :zone, CAST(:options AS jsonb), :app_key)
ON CONFLICT (tenant_id, platform, account) DO UPDATE SET
  surface = EXCLUDED.surface, chat_surface = EXCLUDED.chat_surface, base_url = EXCLUDED.base_url,
  name = EXCLUDED.name,
  state = CASE WHEN channels.state = 'paused' OR {_RESTS} THEN 'paused' ELSE 'active' END,
  reason = CASE WHEN channels.state = 'paused' THEN channels.reason WHEN {_RESTS} THEN
  channels.rest -> 'reason' END,
  paused_until = CASE WHEN channels.state = 'paused' THEN channels.paused_until WHEN {_RESTS}
  THEN {_UNTIL} END,
  rest = NULL,
  min_gap_seconds = greatest(channels.min_gap_seconds, EXCLUDED.min_gap_seconds),
  zone = EXCLUDED.zone, app_key = EXCLUDED.app_key, options = channels.options || EXCLUDED.options,
  updated_at = house_now()
WHERE channels.creator_id = EXCLUDED.creator_id
RETURNING id
"""  # noqa: S608  our own conditions

_LET_IN = f"""
UPDATE channels SET state = CASE WHEN {_RESTS} THEN 'paused' ELSE 'active' END,
  reason = CASE WHEN {_RESTS} THEN rest -> 'reason' END, paused_until = CASE WHEN {_RESTS} THEN
  {_UNTIL} END,
  rest = NULL, updated_at = house_now()
WHERE tenant_id = :tenant AND id = :id AND state = 'gone'
"""  # noqa: S608  our own conditions

_MOVE = """
UPDATE channels SET state = :after, reason = CAST(:reason AS jsonb), paused_until = :until,
  rest = CASE WHEN NOT :lost THEN NULL WHEN state = 'paused'
    THEN jsonb_build_object('reason', reason, 'until', paused_until) ELSE rest END, updated_at =
    house_now()
WHERE tenant_id = :tenant AND id = :id AND state = :before
"""


def connect_account(
    scope: Scope,
    *,
    creator_id: UUID,
    platform: str,
    surface: str,
    account: str,
    name: str,
    base_url: str,
    token: Sealed | None,
    zone: str,
    refresh: Sealed | None = None,
    expires_at: datetime | None = None,
    chat_surface: str = "",
    min_gap: timedelta = timedelta(0),
    options: Mapping[str, Any] | None = None,
    app_key: str = "",
) -> UUID:
    """Connect an account, or connect it again with a new token, and return its channel.

    An account of a platform always has the same channel. A pause set by a member remains. `app_key`
    identifies the application whose limits the account shares; only its digest is stored. Publishes
    the event `ChannelConnected`. Raises Conflict if the account belongs to another agency, or to
    another creator, because its waiting posts carry that creator's name.
    """
    with _refusing_held_account(scope, account):
        channel_id: UUID | None = scope.run(
            _CONNECT,
            tenant=scope.tenant_id,
            id=uuid7(),
            creator=creator_id,
            platform=platform,
            surface=surface,
            chat_surface=chat_surface,
            account=account,
            base_url=base_url,
            name=name,
            gap=int(min_gap.total_seconds()),
            zone=zone,
            options=canonical_json(dict(options or {})).decode(),
            app_key=derived_uuid(platform, app_key) if app_key else None,
        ).scalar()
    if channel_id is None:
        raise Conflict("channel.other_creator", account=account)
    if token is not None:
        credentials.store_credentials(scope, channel_id, token, refresh, expires_at)
    _settle_notices(scope, channel_id)
    outbox.put(
        scope, ChannelConnected(scope.tenant_id, channel_id), dedupe=f"connected:{channel_id}"
    )
    return channel_id


@contextmanager
def _refusing_held_account(scope: Scope, account: str) -> Iterator[None]:
    """Raise Conflict if the database rejects a statement because another agency has the account
    connected. The statement is rolled back, the transaction continues."""
    # A rejected statement would otherwise abort the transaction of the caller.
    scope.run("SAVEPOINT held_account")
    try:
        yield
    except IntegrityError as error:
        if HELD_INDEX not in str(error.orig):
            raise
        scope.run("ROLLBACK TO SAVEPOINT held_account")
        raise Conflict(HELD_ELSEWHERE, account=account) from error
    scope.run("RELEASE SAVEPOINT held_account")


def rename_account(
    scope: Scope, creator_id: UUID, platform: str, *, before: str, after: str
) -> None:
    """Change the name of a creator's account, if the creator has it."""
    scope.run(
        "UPDATE channels SET account = :after, updated_at = house_now() WHERE tenant_id = :tenant"
        " AND creator_id = :creator AND platform = :platform AND account = :before",
        tenant=scope.tenant_id,
        creator=creator_id,
        platform=platform,
        before=before,
        after=after,
    )


def pause_account(
    scope: Scope, channel_id: UUID, reason: Message, *, until: datetime | None = None
) -> None:
    """Pause an account until `until` (UTC-aware), or until it is resumed. Raises NotFound,
    Conflict."""
    _change_state(scope, channel_id, ChannelState.PAUSED, reason, until=until)


def resume_account(scope: Scope, channel_id: UUID) -> None:
    """End a pause. Raises NotFound; Conflict if the account must be connected again instead."""
    before = queries.get_channel(scope, channel_id).state
    if before == ChannelState.ACTIVE:
        return
    if before != ChannelState.PAUSED:
        raise Conflict("channel.connect_again")
    _change_state(scope, channel_id, ChannelState.ACTIVE, None)


def lock_channel(scope: Scope, channel_id: UUID) -> queries.Channel:
    """Return a channel, locked until the transaction ends. Raises NotFound."""
    scope.run(
        "SELECT FROM channels WHERE tenant_id = :t AND id = :id FOR UPDATE",
        t=scope.tenant_id,
        id=channel_id,
    )
    return queries.get_channel(scope, channel_id)


def set_min_interval(scope: Scope, channel_id: UUID, minutes: int) -> None:
    """Set the minimum interval between two posts of an account, up to a day.

    The seconds that its platform requires (always less than a minute) are added. The interval
    remains when the account is connected again. Raises NotFound, BadInput.
    """
    if not 0 <= minutes <= MAX_INTERVAL_MINUTES:
        raise BadInput("channel.apart_wrong", most=MAX_INTERVAL_MINUTES)
    done = scope.run(
        "UPDATE channels SET min_gap_seconds = :gap + min_gap_seconds % 60, updated_at = "
        "house_now()"
        " WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=channel_id,
        gap=minutes * 60,
    )
    if not done.rowcount:
        raise NotFound("channel.unknown")


def hold_repeats(scope: Scope, channel_id: UUID, on: bool) -> None:
    """Hold posts that repeat an earlier post of the account until a member confirms them, or only
    warn their author.

    The setting remains when the account is connected again. Raises NotFound.
    """
    _set_option(scope, channel_id, "hold_repeats", on)


def hold_min_interval(scope: Scope, channel_id: UUID, on: bool) -> None:
    """Hold posts until the minimum interval has passed, or only warn their author.

    The setting remains when the account is connected again. Raises NotFound. The caller must check
    waiting posts again, as `schedules.notices.interval_waits.set_minimum_interval` does.
    """
    _set_option(scope, channel_id, "hold_distance", on)


def _set_option(scope: Scope, channel_id: UUID, option: str, on: bool) -> None:
    done = scope.run(
        "UPDATE channels SET options = options || jsonb_build_object(CAST(:option AS text), "
        "CAST(:held AS boolean)),"
        " updated_at = house_now() WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=channel_id,
        option=option,
        held=on,
    )
    if not done.rowcount:
        raise NotFound("channel.unknown")


def record_imported_history(scope: Scope, channel_id: UUID, last: datetime) -> None:
    """Record that the account published something at `last`, before it was connected here."""
    scope.run(
        "UPDATE channels SET last_ok_at = greatest(last_ok_at, :last) WHERE tenant_id = :tenant "
        "AND id = :id",
        tenant=scope.tenant_id,
        id=channel_id,
        last=last,
    )


def require_reauthorization(scope: Scope, channel_id: UUID, reason: Message) -> None:
    """Record that the platform refuses the token.

    Nothing is sent until the account is connected again. Raises NotFound.
    """
    _record_lost_access(scope, channel_id, ChannelState.REAUTHORIZE, reason)


def mark_gone(scope: Scope, channel_id: UUID, reason: Message) -> None:
    """Record that the account no longer exists. Raises NotFound."""
    _record_lost_access(scope, channel_id, ChannelState.GONE, reason)


SHUT_OUT_REASON = "channel.shut_out"
ACCESS_LOST_REASON = "channel.let_go"
"""Reasons for which an account is gone but may return, which its platform then reports: the bot was
removed from a server, or lost its rights in a channel or group."""


def mark_shut_out(scope: Scope, channel_id: UUID, why: str = SHUT_OUT_REASON) -> None:
    """Record that an account was removed from its destination, which may readmit it. Raises
    NotFound."""
    mark_gone(scope, channel_id, Message(why))
    if queries.get_channel(scope, channel_id).reason != Message(
        why
    ):  # A post may have noticed the loss before, without this reason.
        _record_disconnect_reason(scope, channel_id, Message(why))


def start_disconnection(scope: Scope, channel_id: UUID, reason: Message) -> None:
    """Begin to disconnect an account at a member's request. From now on nothing is sent. Raises
    NotFound, Conflict."""
    _change_state(scope, channel_id, ChannelState.LEAVING, reason)
    _settle_notices(scope, channel_id)
    notices.close_all(scope, [cause.format(channel_id) for cause in _ASKED])


def finish_disconnection(scope: Scope, channel: queries.Channel, reason: Message) -> bool:
    """Delete the credentials of an account and notify the members.

    Return False and do nothing if it was connected again since.
    """
    credentials.lock_account(scope, channel.id)
    if queries.get_channel(scope, channel.id).state != ChannelState.LEAVING:
        return False
    credentials.delete_credentials(scope, channel.id)
    _change_state(scope, channel.id, ChannelState.DISCONNECTED, reason)
    message = Message("channel.notice_disconnected", {"account": channel.name})
    notices.put(
        scope,
        message,
        cause=_notice_cause(channel.id, ChannelState.DISCONNECTED),
        creator_id=channel.creator_id,
    )
    return True


def update_bot_rights(scope: Scope, channel_id: UUID, *, back: bool) -> None:
    """Record that a bot lost its rights at its destination, or received them again. Raises
    NotFound."""
    if back:
        mark_readmitted(scope, channel_id)
    else:
        mark_shut_out(scope, channel_id, ACCESS_LOST_REASON)


def mark_readmitted(scope: Scope, channel_id: UUID) -> None:
    """Record that an account was readmitted to its destination. Waiting posts continue, unless the
    account was paused.

    Does nothing for accounts in other states, and for accounts that another agency has connected
    since. Raises NotFound.
    """
    channel = queries.get_channel(scope, channel_id)
    if not can_return(channel):
        return
    try:
        with _refusing_held_account(scope, channel.account):
            scope.run(_LET_IN, tenant=scope.tenant_id, id=channel_id)
    except Conflict as held:
        return end_wait_for_return(scope, channel_id, held.message)
    _settle_notices(scope, channel_id)
    outbox.put(
        scope, ChannelConnected(scope.tenant_id, channel_id), dedupe=f"connected:{channel_id}"
    )


def can_return(channel: queries.Channel) -> bool:
    """Return True if an account is gone but may be readmitted, so that it must be listened to."""
    return channel.state == ChannelState.GONE and channel.reason in (
        Message(SHUT_OUT_REASON),
        Message(ACCESS_LOST_REASON),
    )


def is_listened_to(channel: queries.Channel) -> bool:
    """Return True if a listener receives the events of an account."""
    return channel.state == ChannelState.ACTIVE or can_return(channel)


def end_wait_for_return(scope: Scope, channel_id: UUID, reason: Message) -> None:
    """Record that an account that could have been readmitted must be connected again. Raises
    NotFound."""
    if can_return(queries.get_channel(scope, channel_id)):
        _record_disconnect_reason(scope, channel_id, reason)


def _record_disconnect_reason(scope: Scope, channel_id: UUID, reason: Message) -> None:
    scope.run(
        "UPDATE channels SET reason = CAST(:reason AS jsonb), updated_at = house_now() WHERE "
        "tenant_id = :tenant"
        " AND id = :id AND state = 'gone'",
        tenant=scope.tenant_id,
        id=channel_id,
        reason=canonical_json(reason.to_json()).decode(),
    )


def _record_lost_access(
    scope: Scope, channel_id: UUID, state: ChannelState, reason: Message
) -> None:
    """Record lost access with one notice per channel, even if several posts meet the same refused
    token."""
    channel = queries.get_channel(scope, channel_id)
    if channel.state in DISCONNECTED_STATES or channel.state in (state, ChannelState.GONE):
        return
    _change_state(scope, channel_id, state, reason)
    message = Message(f"channel.notice_{state}", {"account": channel.name})
    notices.put(
        scope,
        message,
        cause=_notice_cause(channel_id, state),
        urgent=True,
        creator_id=channel.creator_id,
    )
    if state is ChannelState.REAUTHORIZE:
        record_webhook_event(
            scope,
            "channel.reauthorize",
            creator_id=channel.creator_id,
            channel_id=channel_id,
            state=str(state),
        )


def report_waiting_posts(scope: Scope, channel_id: UUID, posts: int) -> None:
    """Show the number of waiting posts in the notice of an account that lost access. Does nothing
    for other accounts."""
    channel = queries.get_channel(scope, channel_id)
    if channel.state not in UNUSABLE_STATES or channel.state is ChannelState.LEAVING:
        return
    said: dict[str, str | int] = {"account": channel.name}
    code = f"channel.notice_{channel.state}" + ("_posts" if posts else "")
    told = Message(code, said | ({"posts": posts} if posts else {}))
    notices.update_message(scope, told, cause=_notice_cause(channel_id, channel.state))


def _change_state(
    scope: Scope,
    channel_id: UUID,
    after: ChannelState,
    reason: Message | None,
    *,
    until: datetime | None = None,
) -> None:
    """Change the state by compare-and-set. Raises Conflict if it changed since, or if another
    agency connected the account."""
    channel = queries.get_channel(scope, channel_id)
    before = channel.state
    CHANNEL_STATES.check(before, after)
    with _refusing_held_account(scope, channel.account):
        done = scope.run(
            _MOVE,
            tenant=scope.tenant_id,
            id=channel_id,
            before=str(before),
            after=str(after),
            reason=canonical_json(reason.to_json()).decode() if reason is not None else None,
            until=until,
            lost=after in UNUSABLE_STATES,
        )
    if not done.rowcount:
        raise Conflict("channel.moved")


_CLIENT_REFUSED = "channel:{}:client"
_ASKED = (
    *(f"channel:{{}}:{what}" for what in ("two_listeners", "no_messages", "unread", "menu")),
    *(f"role:{{}}:{what}" for what in ("give", "take")),
)
"""Causes of notices that ask members to fix an account in use, from all modules of this package."""


def _notice_cause(channel_id: UUID, state: ChannelState) -> str:
    return f"channel:{channel_id}:{state}"


def report_refused_client(scope: Scope, channel: queries.Channel) -> None:
    """Notify the members that the platform refuses the application of an account. The account stays
    connected: its grant may be valid."""
    message = Message("channel.notice_client_refused", {"account": channel.name})
    cause = _CLIENT_REFUSED.format(channel.id)
    notices.put(scope, message, cause=cause, urgent=True, creator_id=channel.creator_id)


def settle_refused_client(scope: Scope, channel_id: UUID) -> None:
    """Close the notice about the application, because the platform accepted it."""
    notices.close(scope, _CLIENT_REFUSED.format(channel_id))


def _settle_notices(scope: Scope, channel_id: UUID) -> None:
    settle_refused_client(scope, channel_id)
    for state in sorted(UNUSABLE_STATES):
        notices.close(scope, _notice_cause(channel_id, state))
