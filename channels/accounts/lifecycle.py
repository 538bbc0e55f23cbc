"""Accounts: connecting one, letting it rest, and what happens when the platform lets go of it."""

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
"""Another agency of this installation has the account connected."""

MAX_INTERVAL_MINUTES = 24 * 60
"""Minutes."""

_UNTIL = "(channels.rest ->> 'until')::timestamptz"
_RESTS = f"(channels.rest IS NOT NULL AND coalesce({_UNTIL}, 'infinity') > house_now())"
"""A person let the account rest before it was lost, and the rest is not over."""

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
    """Connect an account, or connect it again with a new token; returns its channel.

    The same platform and account is the same channel: nothing is made twice. A pause of a person
    outlives it. `app_key` names what else on the platform shares its limits; it is known here by
    its digest alone. Puts the fact `ChannelConnected`. Raises Conflict when the account is another
    creator's, since what waits for it would leave under the wrong name, or another agency's.
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
    """Raise Conflict if the database refuses a statement because another agency has the account
    connected; the transaction goes on as if the statement had not been made."""
    scope.run("SAVEPOINT held_account")
    try:
        yield
    except IntegrityError as error:
        if HELD_INDEX not in str(error.orig):
            raise
        scope.run("ROLLBACK TO SAVEPOINT held_account")
        raise Conflict(HELD_ELSEWHERE, account=account) from error
    scope.run("RELEASE SAVEPOINT held_account")


def pause_account(
    scope: Scope, channel_id: UUID, reason: Message, *, until: datetime | None = None
) -> None:
    """Let an account rest, until `until` (UTC-aware) or until it is resumed. Raises NotFound,
    Conflict."""
    _change_state(scope, channel_id, ChannelState.PAUSED, reason, until=until)


def resume_account(scope: Scope, channel_id: UUID) -> None:
    """End a pause. Raises NotFound; Conflict when the account must be connected again instead."""
    before = queries.get_channel(scope, channel_id).state
    if before == ChannelState.ACTIVE:
        return
    if before != ChannelState.PAUSED:
        raise Conflict("channel.connect_again")
    _change_state(scope, channel_id, ChannelState.ACTIVE, None)


def lock_channel(scope: Scope, channel_id: UUID) -> queries.Channel:
    """An account; nobody else changes it until this transaction ends. Raises NotFound."""
    scope.run(
        "SELECT FROM channels WHERE tenant_id = :t AND id = :id FOR UPDATE",
        t=scope.tenant_id,
        id=channel_id,
    )
    return queries.get_channel(scope, channel_id)


def set_min_interval(scope: Scope, channel_id: UUID, minutes: int) -> None:
    """Leave at least so many minutes between two posts of an account, up to a day, and the seconds
    its platform asks for (below a minute, wherever one asks) on top. It outlives connecting again.
    Raises NotFound, BadInput."""
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
    """Hold what an account said already until somebody says that it is meant so, or only tell who
    plans it.

    It outlives connecting again. Raises NotFound.
    """
    _set_option(scope, channel_id, "hold_repeats", on)


def hold_min_interval(scope: Scope, channel_id: UUID, on: bool) -> None:
    """Keep posts back until the minutes between two have passed, or only tell who plans them; as
    above.

    What waits already is looked at again by whoever asks for this:
    `schedules.notices.interval_waits.set_minimum_interval`.
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
    """A history came with the account: its platform took something in `last`, before the house knew
    it."""
    scope.run(
        "UPDATE channels SET last_ok_at = greatest(last_ok_at, :last) WHERE tenant_id = :tenant "
        "AND id = :id",
        tenant=scope.tenant_id,
        id=channel_id,
        last=last,
    )


def require_reauthorization(scope: Scope, channel_id: UUID, reason: Message) -> None:
    """The platform refuses the token: nothing leaves until the owner connects the account again.
    Raises NotFound."""
    _record_lost_access(scope, channel_id, ChannelState.REAUTHORIZE, reason)


def mark_gone(scope: Scope, channel_id: UUID, reason: Message) -> None:
    """The account is no more. Raises NotFound."""
    _record_lost_access(scope, channel_id, ChannelState.GONE, reason)


SHUT_OUT_REASON = "channel.shut_out"
ACCESS_LOST_REASON = "channel.let_go"
"""Why an account is gone that its platform may let in again, and then says so: a server put the bot
out, a channel or a group took its rights away."""


def mark_shut_out(scope: Scope, channel_id: UUID, why: str = SHUT_OUT_REASON) -> None:
    """The place an account posts to put it out, and may take it in again. Raises NotFound."""
    mark_gone(scope, channel_id, Message(why))
    if queries.get_channel(scope, channel_id).reason != Message(
        why
    ):  # a post met it first, and knew no more
        _record_disconnect_reason(scope, channel_id, Message(why))


def start_disconnection(scope: Scope, channel_id: UUID, reason: Message) -> None:
    """A person takes the account off: nothing leaves from now on. Raises NotFound, Conflict."""
    _change_state(scope, channel_id, ChannelState.LEAVING, reason)
    _settle_notices(scope, channel_id)
    notices.close_all(scope, [cause.format(channel_id) for cause in _ASKED])


def finish_disconnection(scope: Scope, channel: queries.Channel, reason: Message) -> bool:
    """Its credentials are forgotten, and it is said so; nothing, and False, where somebody
    connected it meanwhile."""
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
    """A bot's place took its rights away, or gave it what it needs. Raises NotFound."""
    if back:
        mark_readmitted(scope, channel_id)
    else:
        mark_shut_out(scope, channel_id, ACCESS_LOST_REASON)


def mark_readmitted(scope: Scope, channel_id: UUID) -> None:
    """It did: what waited goes on by itself, or rests as a person had wanted. Nothing changes for
    any other account. An account that another agency connected since does not return. Raises
    NotFound."""
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
    """Whether an account that is gone is listened for: it may be let in again."""
    return channel.state == ChannelState.GONE and channel.reason in (
        Message(SHUT_OUT_REASON),
        Message(ACCESS_LOST_REASON),
    )


def is_listened_to(channel: queries.Channel) -> bool:
    """Whether anybody listens on an account."""
    return channel.state == ChannelState.ACTIVE or can_return(channel)


def end_wait_for_return(scope: Scope, channel_id: UUID, reason: Message) -> None:
    """An account that might have returned never will without its owner. Raises NotFound."""
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
    """One notice per channel, however many posts meet the same dead token."""
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
    """The notice of a lost account says how many posts wait for it; none where the account is not
    lost."""
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
    """Compare and set; a channel that moved meanwhile, or that another agency connected, answers
    Conflict."""
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


_ASKED = (
    *(f"channel:{{}}:{what}" for what in ("two_listeners", "no_messages", "unread", "menu")),
    *(f"role:{{}}:{what}" for what in ("give", "take")),
)
"""The causes of what people are asked to mend on an account that is in use, whichever of this
room's files asks."""


def _notice_cause(channel_id: UUID, state: ChannelState) -> str:
    return f"channel:{channel_id}:{state}"


def _settle_notices(scope: Scope, channel_id: UUID) -> None:
    for state in sorted(UNUSABLE_STATES):
        notices.close(scope, _notice_cause(channel_id, state))
