"""Connecting an account from the dashboard: a sealed form goes in, the platform is asked, a channel or a reason comes.

The page seals what was typed and asks (`ask`); the workers open it, sign in step by step and connect (`enrol`). What
was typed is forgotten as soon as there is an answer.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from channels import abilities, asking, budgets, connecting, oauth_clients, reads, refreshing, visiting
from channels.events import ChannelEnrol, ChannelTest
from channels.models import EnrolmentRow
from channels.states import EnrolmentState
from channels.visiting import RETURN
from connectors.contract import Answer, OAuthClient, Response, Send
from connectors.enrolment import CLIENT_ID, CLIENT_SECRET, Connectable, Connected, ConnectForm, Visit
from connectors.oauth import client_of
from connectors.outcomes import Outcome, Rejected, Retry
from connectors.transport import Account, Transport
from foundation import addresses as addressing
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.errors import Conflict, NotFound
from foundation.ids import uuid7
from foundation.sealed import Seal, Sealed
from foundation.words import Message, canonical
from gate.permit import AuthOrder, ControlOrder
from tenants import audit
from tenants import reads as tenant_reads

MayReach = Callable[[str], bool]
"""Whether the house may go to an address a person, or the server they named, gave."""

ReadForm = Callable[[UUID, bytes, frozenset[str]], Mapping[str, str | Sealed]]
"""Opens a letter to a tenant: its fields, those named secret sealed again under the tenant's own key."""

MOST_STEPS = 8
LIFE = timedelta(minutes=15)
"""How long a platform that cannot be reached is asked again before the person is told."""


@dataclass(frozen=True)
class Enrolment:
    """How connecting an account stands: `waiting`, `visiting` with the address where a person goes on, `connected` with
    its channel, or `refused` with the reason."""

    id: UUID
    creator_id: UUID
    platform: str
    state: EnrolmentState
    reason: Message | None
    channel_id: UUID | None
    visit: str = ""


def ask(scope: Scope, *, creator_id: UUID, platform: str, letter: bytes, key: UUID | None = None) -> UUID:
    """Ask for an account to be connected; `letter` is the form sealed by `tenants.letterbox`. Returns the enrolment.

    `key` makes a repeat of one press the same enrolment.
    """
    if key is not None and scope.session.get(EnrolmentRow, (scope.tenant_id, key)) is not None:
        return key
    row = EnrolmentRow(
        tenant_id=scope.tenant_id,
        id=key or uuid7(),
        creator_id=creator_id,
        platform=platform,
        letter=letter,
        by=scope.actor,
    )
    scope.add(row)
    audit.note(scope, "channel.enrol", f"enrolment:{row.id}", platform=platform)
    outbox.put(scope, ChannelEnrol(scope.tenant_id, row.id), priority=1, dedupe=f"enrol:{row.id}")
    return row.id


def enrolment(scope: Scope, enrolment_id: UUID) -> Enrolment:
    """How it stands. Raises NotFound."""
    return _value(_row(scope, enrolment_id))


def latest(scope: Scope, creators: Collection[UUID]) -> Enrolment | None:
    """The last account that was asked for one of these creators, if anything became of it in a quarter of an hour."""
    row = scope.session.exec(
        select(EnrolmentRow)
        .where(
            EnrolmentRow.tenant_id == scope.tenant_id,
            col(EnrolmentRow.creator_id).in_(creators),
            col(EnrolmentRow.updated_at) > scope.now - LIFE,
        )
        .order_by(col(EnrolmentRow.created_at).desc(), col(EnrolmentRow.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
    return _value(row) if row is not None else None


def enrol(
    event: ChannelEnrol,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectables: Mapping[str, Connectable],
    addresses: Mapping[str, str],
    read_form: ReadForm,
    may_reach: MayReach,
    seal: Seal,
    returns_to: str,
) -> None:
    """Sign in as the form says and connect the account, or say where the person goes on.

    `addresses` are the platforms' base addresses, `returns_to` is where a person comes back to.
    """
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        row = _row(scope, event.subject_id)
        if row.state != EnrolmentState.WAITING:
            return
        platform, letter, answer, visit, asked_at = row.platform, row.letter, row.answer, row.visit, scope.now
        overdue = asked_at > (row.updated_at or asked_at) + LIFE
        client = oauth_clients.latest(scope).get(platform)
    connector = connectables[platform]
    secret = frozenset(field.name for field in connector.form.asked if field.secret)
    typed = read_form(event.tenant_id, letter, secret)
    back = read_form(event.tenant_id, answer, frozenset({visiting.CODE})) if answer else {}
    form = {**typed, **_client(connector.form, typed, client), **visiting.kept(visit), **back, RETURN: returns_to}
    named, refused = _server(connector.form, form), Rejected(Message("enrolment.address_refused"), permanent=True)
    address = named or addresses.get(platform, "")
    allowed = named == "" or (named is not None and may_reach(named))
    auth = addresses.get(f"{platform}_auth", "")
    account = Account(event.tenant_id, event.subject_id, "", address, platform=platform, auth_url=auth)
    end, given = _sign_in(account, connector, form, transport) if allowed else (refused, False)
    if isinstance(end, Retry) and not overdue:
        raise outbox.Later(end.after)
    if isinstance(end, Connected) and end.base_url and not may_reach(end.base_url):
        end = refused
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        if isinstance(end, Visit):
            pages = addresses.get(f"{platform}_pages") or auth or address
            end = replace(end, keep={**end.keep, **_client(connector.form, form, None)})
            found = visiting.prepared(end, tenant_id=event.tenant_id, address=pages, returns_to=returns_to, seal=seal)
            _send_off(scope, event.subject_id, found)
            return
        if given and connector.form.signs_in(form):  # an application that was given a token works, whoever is refused
            oauth_clients.keep(scope, platform, client_of(form))
        if isinstance(end, Connected) and connector.form.signs_in(form):
            end = replace(end, app_key=client_of(form).client_id)
        _settle(scope, event.subject_id, end, address, asked_at)


def _client(
    form: ConnectForm, typed: Mapping[str, str | Sealed], known: OAuthClient | None
) -> Mapping[str, str | Sealed]:
    """The client to sign in by: the one that was typed, else the one the agency is known by there."""
    if not form.signs_in(typed):
        return {}
    client = client_of(typed) if typed.get(CLIENT_ID) else known or OAuthClient("")
    return {CLIENT_ID: client.client_id, CLIENT_SECRET: client.secret or ""}


def _server(form: ConnectForm, typed: Mapping[str, str | Sealed]) -> str | None:
    """The server a person named, "" for the usual one; None for what is no address."""
    named = typed.get(form.server, "") if form.server else ""
    if not isinstance(named, str) or not named.strip():
        return ""
    return addressing.origin(named) or None


def _sign_in(
    account: Account, connector: Connectable, form: Mapping[str, str | Sealed], transport: Transport
) -> tuple[Connected | Visit | Outcome, bool]:
    """How it ends, and whether a token was given on the way."""
    credential, given = connector.form.credential, False
    shown = form.get(credential)
    order = AuthOrder(account.tenant_id, account.channel_id)
    answers: tuple[Answer, ...] = ()
    for _ in range(MOST_STEPS):
        turn = connector.connect(form, answers)
        if not isinstance(turn, Send):
            return turn, given
        token = shown if isinstance(shown, Sealed) else None
        answers = (*answers, transport.send(turn.step, order, account=replace(account, token=token)))
        if isinstance(answers[-1], Response):
            given |= credential in answers[-1].sealed
            shown = answers[-1].sealed.get(credential, shown)
    return Rejected(Message("enrolment.endless"), permanent=True), given


def _send_off(scope: Scope, enrolment_id: UUID, visit: Mapping[str, Any]) -> None:
    """A person goes on at the platform."""
    scope.run(
        "UPDATE enrolments SET state = 'visiting', updated_at = house_now(),"
        " visit = CAST(:visit AS jsonb) || jsonb_build_object('at', people_now())"
        " WHERE tenant_id = :tenant AND id = :id AND state = 'waiting'",
        tenant=scope.tenant_id,
        id=enrolment_id,
        visit=canonical(visit).decode(),
    )


def _settle(scope: Scope, enrolment_id: UUID, end: Connected | Outcome, address: str, asked_at: datetime) -> None:
    row = _row(scope, enrolment_id)
    if row.state != EnrolmentState.WAITING:
        return
    channel_id, reason = None, None if isinstance(end, Connected) else _why(end)
    if isinstance(end, Connected):
        try:
            channel_id = _connect(scope, row, end, address, asked_at)
        except Conflict as conflict:
            reason = conflict.message
    state = EnrolmentState.CONNECTED if channel_id is not None else EnrolmentState.REFUSED
    scope.run(
        "UPDATE enrolments SET state = :state, reason = CAST(:reason AS jsonb), channel_id = :channel, letter = '',"
        " answer = '', visit = NULL, updated_at = house_now() WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=enrolment_id,
        state=str(state),
        reason=canonical(reason.to_json()).decode() if reason is not None else None,
        channel=channel_id,
    )


def _connect(scope: Scope, row: EnrolmentRow, found: Connected, address: str, asked_at: datetime) -> UUID:
    creator = tenant_reads.creator(scope, row.creator_id)
    return connecting.connect(
        scope,
        creator_id=row.creator_id,
        platform=row.platform,
        surface=found.surface,
        chat_surface=found.chat_surface,
        account=found.account,
        name=found.name,
        base_url=found.base_url or address,
        token=found.token,
        refresh=found.refresh,
        expires_at=asked_at + found.lifetime if found.lifetime is not None else None,
        zone=creator.zone,
        min_gap=timedelta(seconds=found.min_gap_seconds),
        app_key=found.app_key,
        options={**found.options, "connected_at": asked_at.isoformat(), **_limits(found, asked_at)},
    )


def _limits(found: Connected, asked_at: datetime) -> Mapping[str, Any]:
    return abilities.kept(found.limits, asked_at) if found.limits else {}


def _why(outcome: Outcome) -> Message:
    reason: Message | None = getattr(outcome, "reason", None)
    return reason or Message("enrolment.unclear")


def ask_test(scope: Scope, channel_id: UUID) -> None:
    """Ask for an account to be tried: its answer shows in `last_ok_at`, or in its state. Raises NotFound."""
    reads.channel(scope, channel_id)
    outbox.put(scope, ChannelTest(scope.tenant_id, channel_id), priority=1)


def test(
    event: ChannelTest, *, tenant: OpenScope, transport: Transport, connectables: Mapping[str, Connectable]
) -> None:
    """Ask the platform something harmless; a dead token or a lost account is told, a good answer is dated."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, event.subject_id)
    connector = connectables.get(channel.platform)
    if connector is None or channel.left:
        return
    answers: tuple[Answer, ...] = ()
    end: Outcome | None = Retry(timedelta(0), "account", Message("enrolment.endless"))
    for _ in range(MOST_STEPS):
        turn = connector.check(channel.account, answers)
        if not isinstance(turn, Send):
            end = turn
            break
        order = ControlOrder(event.tenant_id, channel.id, turn.step.action)
        answers = (*answers, transport.send(turn.step, order, account=reads.account(channel)))
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        if answers:
            budgets.note(scope, channel.id, answers[-1], creates=False)
        _tested(scope, channel, end)


def _tested(scope: Scope, channel: reads.Channel, end: Outcome | None) -> None:
    if end is not None:
        refreshing.weigh(scope, channel, end, shown=channel.generation)
        return
    scope.run(
        "UPDATE channels SET last_ok_at = house_now() WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=channel.id,
    )


def _row(scope: Scope, enrolment_id: UUID) -> EnrolmentRow:
    row = scope.session.exec(
        select(EnrolmentRow)
        .where(EnrolmentRow.tenant_id == scope.tenant_id, col(EnrolmentRow.id) == enrolment_id)
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("enrolment.unknown")
    return row


def _value(row: EnrolmentRow) -> Enrolment:
    return Enrolment(
        row.id,
        row.creator_id,
        row.platform,
        EnrolmentState(row.state),
        Message.from_json(row.reason) if row.reason else None,
        row.channel_id,
        str((row.visit or {}).get("url", "")),
    )
