"""Disconnect an account: revoke the grant, erase credentials, keep history.

Once disconnection is requested, no content is sent: claims find the account in the state LEAVING,
and sends in progress end at their next step. The credentials are deleted in the transaction that
changes the state, regardless of the platform's response; if the process dies before, all of it is
repeated.
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import account_connectors, lifecycle, oauth_clients, queries
from channels.accounts.queries import Channel
from channels.accounts.states import ChannelState
from channels.attempts import attempts, request_loop
from channels.connections.events import DisconnectionRequested
from channels.manual_tasks import task_lifecycle
from channels.manual_tasks.models import ManualTaskRow
from channels.manual_tasks.states import OPEN_TASK_STATES
from connectors.contract import app_webhooks
from connectors.contract.chats import SupportsWebhook
from connectors.contract.connector import (
    Connector,
    OAuthClient,
    Response,
    Send,
    StepKind,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.contract.outcomes import Outcome, Published, Rejected, Uncertain
from connectors.shared.oauth import HeldCredentials, SupportsRevocation
from connectors.transport.transport import EgressForbidden, Transport
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.outbox import outbox
from gate.contract.permit import AuthOrder, Authority, ControlOrder
from tenants import audit

MAX_STEPS = 3
ASKED_SECONDS = 10.0
"""Maximum duration of one request in seconds; the credentials are deleted even without a response.
"""

UNDER_WAY = timedelta(seconds=90)
LOOKED_AT = timedelta(seconds=2)
"""Maximum wait for responses to requests sent before, and the interval at which they are checked.
"""


def request_disconnection(scope: Scope, channel_id: UUID, by: str) -> None:
    """Disconnect an account for a member, named `by`. A second request has no effect. Raises
    NotFound, Conflict."""
    channel = queries.get_channel(scope, channel_id)
    if channel.is_disconnected:
        return
    lifecycle.start_disconnection(
        scope, channel_id, Message("channel.disconnected_by", {"name": by})
    )
    audit.record(scope, "channel.disconnected", f"channel:{channel_id}", account=channel.name)
    outbox.put(
        scope, DisconnectionRequested(scope.tenant_id, channel_id, by, scope.now), priority=1
    )


def perform_disconnection(
    event: DisconnectionRequested,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
    addresses: Mapping[str, str],
) -> None:
    """Revoke the grant at the platform, then delete the credentials.

    No transaction is open during requests; an account that was connected again since is not
    changed. Raises NotFound, and `outbox.RetryLater` while requests are in progress.
    """
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        if channel.state != ChannelState.LEAVING:
            return
        busy = attempts.has_open_attempts(scope, channel.id) and scope.now < event.at + UNDER_WAY
        client = oauth_clients.oauth_client_of_channel(scope, channel.id)
    if busy:
        raise outbox.RetryLater(LOOKED_AT)
    code = _revoke_access(
        channel,
        client,
        account_connectors.find_connector_for(connectors, channel),
        transport,
        addresses,
    )
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        _finish_disconnection(scope, channel, Message(code, {"name": event.by}))


def disconnect_without_platform(event: DisconnectionRequested, *, tenant: OpenScope) -> None:
    """Delete the credentials of an account whose platform could not be reached."""
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        if channel.state == ChannelState.LEAVING:
            _finish_disconnection(
                scope, channel, Message("channel.left_unanswered", {"name": event.by})
            )


def _finish_disconnection(scope: Scope, channel: Channel, reason: Message) -> None:
    """Delete the credentials and recall open tasks to post; open tasks to remove content remain."""
    if not lifecycle.finish_disconnection(scope, channel, reason):
        return
    tasks = select(ManualTaskRow).where(
        ManualTaskRow.tenant_id == scope.tenant_id,
        ManualTaskRow.channel_id == channel.id,
        ManualTaskRow.kind == task_lifecycle.POST_TASK,
        col(ManualTaskRow.state).in_(sorted(map(str, OPEN_TASK_STATES))),
    )
    for row in scope.session.exec(tasks.with_for_update()).all():
        task_lifecycle.recall_task(scope, row, "handover.disconnected")


def _revoke_access(
    channel: Channel,
    client: OAuthClient | None,
    connector: Connector | None,
    transport: Transport,
    addresses: Mapping[str, str],
) -> str:
    """Unsubscribe the account and revoke its tokens, if the platform supports it. Return the code
    of the sentence that describes the result."""
    if channel.token is None or connector is None:
        return "channel.left"
    account = replace(
        queries.transport_account(channel), auth_url=addresses.get(f"{channel.platform}_auth", "")
    )

    def sent(step: WireStep) -> StepResult:
        quick = replace(step, deadline=min(step.deadline, ASKED_SECONDS))
        act = "off" if step.action == app_webhooks.WEBHOOKS_ACTION else ""
        control = ControlOrder(channel.tenant_id, channel.id, step.action, act)
        order: Authority = (
            control if step.kind is StepKind.CONTROL else AuthOrder(channel.tenant_id, channel.id)
        )
        try:
            return transport.send(quick, order, account=account)
        except EgressForbidden:  # A request that cannot be made must not stop the disconnection.
            return StepNotSent(step.name, "not made")

    if isinstance(connector, SupportsWebhook):
        off = sent(connector.delete_webhook())
        signed_off: Outcome = (
            Published(channel.account)
            if isinstance(off, Response) and off.is_success
            else Uncertain(Message("attempt.no_answer"))
        )
    elif isinstance(connector, app_webhooks.SupportsWebhookSubscription):
        signed_off = _run_revocation(
            lambda answers: connector.subscribe_account(channel.account, frozenset(), answers), sent
        )
    else:
        signed_off = Published(channel.account)
    if not isinstance(connector, SupportsRevocation):
        told = isinstance(signed_off, Published | Rejected)
        return "channel.left_kept" if told else "channel.left_unanswered"
    held = HeldCredentials(channel.account, channel.token, channel.refresh, client)
    match _run_revocation(lambda answers: connector.revoke_tokens(held, answers), sent):
        case Published():
            return "channel.left"
        case Rejected():
            return "channel.left_refused"
        case _:
            return "channel.left_unanswered"


def _run_revocation(
    turn: Callable[[tuple[StepResult, ...]], Send | Outcome], sent: Callable[[WireStep], StepResult]
) -> Outcome:
    answers: tuple[StepResult, ...] = ()
    for _ in range(MAX_STEPS):
        end = turn(answers)
        if not isinstance(end, Send):
            return end
        answers = (*answers, sent(end.step))
    last = turn(answers)
    return Uncertain(Message("attempt.no_answer")) if isinstance(last, Send) else last
