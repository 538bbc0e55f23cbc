"""Taking the house's hand off an account: its platform is told, its credentials are forgotten, its history stays.

From the press on nothing leaves: claims find the account on its way out, and what is under way ends at its next step.
The credentials go in the transaction that says so, never before or after it, whatever the platform answers; killed
before that, it is all done again.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from channels import abilities, asking, attempts, connecting, handing, oauth_clients, reads
from channels.events import ChannelLeave
from channels.models import HandoverRow
from channels.reads import Channel
from channels.states import LIVE_TASKS, ChannelState
from connectors import calling
from connectors.contract import (
    Answer,
    Connector,
    Hookable,
    OAuthClient,
    Response,
    Send,
    StepKind,
    StepNotSent,
    WireStep,
)
from connectors.outcomes import Outcome, Published, Rejected, Uncertain
from connectors.revoking import Held, Revocable
from connectors.transport import EgressForbidden, Transport
from foundation import outbox
from foundation.database import OpenScope, Scope
from foundation.words import Message
from gate.permit import AuthOrder, Authority, ControlOrder
from tenants import audit

MOST_STEPS = 3
ASKED_SECONDS = 10.0
"""How long one request may take: the credentials go whether or not there is an answer."""

UNDER_WAY, LOOKED_AT = timedelta(seconds=90), timedelta(seconds=2)
"""So long, at most, what was sent before the press may be answered; looked at so often."""


def ask(scope: Scope, channel_id: UUID, by: str) -> None:
    """A person, named `by`, disconnects an account; once more changes nothing. Raises NotFound, Conflict."""
    channel = reads.channel(scope, channel_id)
    if channel.left:
        return
    connecting.leave(scope, channel_id, Message("channel.disconnected_by", {"name": by}))
    audit.note(scope, "channel.disconnected", f"channel:{channel_id}", account=channel.name)
    outbox.put(scope, ChannelLeave(scope.tenant_id, channel_id, by, scope.now), priority=1)


def leave(
    event: ChannelLeave,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    addresses: Mapping[str, str],
) -> None:
    """Tell the platform, then forget the credentials. No transaction is open meanwhile; an account that was connected
    again in between is left alone. Raises NotFound, and `outbox.Later` while something is under way."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, event.subject_id)
        if channel.state != ChannelState.LEAVING:
            return
        busy = attempts.under_way(scope, channel.id) and scope.now < event.at + UNDER_WAY
        client = oauth_clients.of_channel(scope, channel.id)
    if busy:
        raise outbox.Later(LOOKED_AT)
    code = _told(channel, client, abilities.known(connectors, channel), transport, addresses)
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        _left(scope, channel, Message(code, {"name": event.by}))


def gave_up(event: ChannelLeave, *, tenant: OpenScope) -> None:
    """Its platform could not even be asked: the credentials go all the same."""
    with tenant(event.tenant_id, asking.ACTOR) as scope:
        channel = reads.channel(scope, event.subject_id)
        if channel.state == ChannelState.LEAVING:
            _left(scope, channel, Message("channel.left_unanswered", {"name": event.by}))


def _left(scope: Scope, channel: Channel, reason: Message) -> None:
    """What a person was to post there is nobody's task any more; what they are to take away there still is."""
    if not connecting.left(scope, channel, reason):
        return
    tasks = select(HandoverRow).where(
        HandoverRow.tenant_id == scope.tenant_id,
        HandoverRow.channel_id == channel.id,
        HandoverRow.kind == handing.POST,
        col(HandoverRow.state).in_(sorted(map(str, LIVE_TASKS))),
    )
    for row in scope.session.exec(tasks.with_for_update()).all():
        handing.recall(scope, row, "handover.disconnected")


def _told(
    channel: Channel,
    client: OAuthClient | None,
    connector: Connector | None,
    transport: Transport,
    addresses: Mapping[str, str],
) -> str:
    """Sign it off and end its tokens where there is a way; the code of the sentence that says what came of it."""
    if channel.token is None or connector is None:
        return "channel.left"
    account = replace(reads.account(channel), auth_url=addresses.get(f"{channel.platform}_auth", ""))

    def sent(step: WireStep) -> Answer:
        quick = replace(step, deadline=min(step.deadline, ASKED_SECONDS))
        control = ControlOrder(channel.tenant_id, channel.id, step.action)
        order: Authority = control if step.kind is StepKind.CONTROL else AuthOrder(channel.tenant_id, channel.id)
        try:
            return transport.send(quick, order, account=account)
        except EgressForbidden:  # a request that could not be made ends nothing, and keeps nothing here either
            return StepNotSent(step.name, "not made")

    if isinstance(connector, Hookable):
        off = sent(connector.unsubscribe())
        signed_off: Outcome = (
            Published(channel.account)
            if isinstance(off, Response) and off.ok
            else Uncertain(Message("attempt.no_answer"))
        )
    elif isinstance(connector, calling.Subscribes):
        signed_off = _asked(lambda answers: connector.subscribe(channel.account, frozenset(), answers), sent)
    else:
        signed_off = Published(channel.account)
    if not isinstance(connector, Revocable):
        told = isinstance(signed_off, Published | Rejected)
        return "channel.left_kept" if told else "channel.left_unanswered"
    held = Held(channel.account, channel.token, channel.refresh, client)
    match _asked(lambda answers: connector.revoke(held, answers), sent):
        case Published():
            return "channel.left"
        case Rejected():
            return "channel.left_refused"
        case _:
            return "channel.left_unanswered"


def _asked(turn: Callable[[tuple[Answer, ...]], Send | Outcome], sent: Callable[[WireStep], Answer]) -> Outcome:
    answers: tuple[Answer, ...] = ()
    for _ in range(MOST_STEPS):
        end = turn(answers)
        if not isinstance(end, Send):
            return end
        answers = (*answers, sent(end.step))
    last = turn(answers)
    return Uncertain(Message("attempt.no_answer")) if isinstance(last, Send) else last
