"""Account setup from the dashboard: a sealed form becomes a connected account, or a refusal with a
reason.

The page seals the input and requests the setup (`request_setup`); a worker opens it, signs in step
by step and connects the account (`run_setup`). The input is deleted as soon as there is a result.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlmodel import col, select

from channels.accounts import account_connectors, lifecycle, oauth_clients, queries
from channels.attempts import request_loop
from channels.connections import oauth_flow, token_renewal
from channels.connections.events import AccountSetupRequested, AccountTestRequested
from channels.connections.models import AccountSetupRow
from channels.connections.oauth_flow import REDIRECT_FIELD
from channels.connections.states import AccountSetupState
from channels.limits import send_limits
from connectors.contract.account_setup import (
    CLIENT_ID,
    CLIENT_SECRET,
    ConnectedAccount,
    ConnectForm,
    OAuthVisit,
    SupportsAccountSetup,
)
from connectors.contract.connector import (
    Connector,
    LookupQuery,
    OAuthClient,
    Response,
    Send,
    StepResult,
)
from connectors.contract.outcomes import Outcome, Reauthorize, Rejected, Retry
from connectors.shared.http_responses import outcome_of_status
from connectors.shared.oauth import client_from_form
from connectors.transport.transport import AccountTarget, Transport
from foundation.canonical_json import canonical_json
from foundation.db.database import OpenScope, Scope
from foundation.errors import BadInput, Conflict, NotFound
from foundation.http import address_policy
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.sealed import Sealed, SealSecret
from gate.contract.permit import AuthOrder, ControlOrder
from tenants import audit
from tenants.agencies.queries import get_creator
from tenants.vault.sealed_intake import ReadForm

IsReachable = Callable[[str], bool]
"""Returns True if requests are allowed to an address that was provided by a member, or by the
server that the member named."""

MAX_SETUP_STEPS = 8
_ADDRESS_REFUSED = "enrolment.address_refused"
SETUP_LIFETIME = timedelta(minutes=15)
"""Time for which an unreachable platform is tried again before the setup is refused."""


@dataclass(frozen=True)
class AccountSetup:
    """The status of an account setup: `waiting`, `visiting` with the URL of the platform,
    `connected` with its channel, or `refused` with the reason."""

    id: UUID
    creator_id: UUID
    platform: str
    state: AccountSetupState
    reason: Message | None
    channel_id: UUID | None
    visit: str = ""


def request_setup(
    scope: Scope, *, creator_id: UUID, platform: str, letter: bytes, key: UUID | None = None
) -> UUID:
    """Request the setup of an account and return its ID; `letter` is the form sealed by
    `tenants.vault.sealed_intake`.

    `key` makes a repeated submission the same setup.
    """
    if key is not None and scope.session.get(AccountSetupRow, (scope.tenant_id, key)) is not None:
        return key
    row = AccountSetupRow(
        tenant_id=scope.tenant_id,
        id=key or uuid7(),
        creator_id=creator_id,
        platform=platform,
        letter=letter,
        by=scope.actor,
    )
    scope.add(row)
    audit.record(scope, "channel.enrol", f"enrolment:{row.id}", platform=platform)
    outbox.put(
        scope, AccountSetupRequested(scope.tenant_id, row.id), priority=1, dedupe=f"enrol:{row.id}"
    )
    return row.id


def check_server(form: ConnectForm, typed: Mapping[str, str]) -> None:
    """Raise BadInput about the server's field if it names an address that cannot be one."""
    if _parse_server(form, typed) is None:
        raise BadInput(_ADDRESS_REFUSED).about(form.server)


def refused_field(form: ConnectForm, reason: Message) -> str:
    """Return the field of the form that the reason of a refused setup concerns, or ""."""
    if reason.code.endswith((_ADDRESS_REFUSED, ".no_server")):
        return form.server
    if reason.code == "oauth.client_refused":
        return CLIENT_ID
    return form.credential if reason.code.endswith("token") else ""


def get_setup(scope: Scope, enrolment_id: UUID) -> AccountSetup:
    """Return the status of a setup. Raises NotFound."""
    return _setup_from_row(_get_setup_row(scope, enrolment_id))


def latest_setup(scope: Scope, creators: Collection[UUID]) -> AccountSetup | None:
    """Return the latest setup for one of these creators that changed within `SETUP_LIFETIME`, or
    None."""
    row = scope.session.exec(
        select(AccountSetupRow)
        .where(
            AccountSetupRow.tenant_id == scope.tenant_id,
            col(AccountSetupRow.creator_id).in_(creators),
            col(AccountSetupRow.updated_at) > scope.now - SETUP_LIFETIME,
        )
        .order_by(col(AccountSetupRow.created_at).desc(), col(AccountSetupRow.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    ).first()
    return _setup_from_row(row) if row is not None else None


def run_setup(
    event: AccountSetupRequested,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectables: Mapping[str, SupportsAccountSetup],
    addresses: Mapping[str, str],
    read_form: ReadForm,
    may_reach: IsReachable,
    seal: SealSecret,
    returns_to: str,
) -> None:
    """Sign in with the form and connect the account, or begin the OAuth flow.

    `addresses` are the base URLs of the platforms, `returns_to` is the redirect URL.
    """
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        row = _get_setup_row(scope, event.subject_id)
        if row.state != AccountSetupState.WAITING:
            return
        platform = row.platform
        letter = row.letter
        answer = row.answer
        visit = row.visit
        asked_at = scope.now
        overdue = asked_at > (row.updated_at or asked_at) + SETUP_LIFETIME
        client = oauth_clients.latest_oauth_clients(scope).get(platform)
    connector = connectables[platform]
    typed = read_form(event.tenant_id, letter, _secret_fields(connector.form))
    back = read_form(event.tenant_id, answer, frozenset({oauth_flow.CODE_FIELD})) if answer else {}
    known = _resolve_oauth_client(connector.form, typed, client)
    visited = oauth_flow.visit_form_values(visit)
    form = {**typed, **known, **visited, **back, REDIRECT_FIELD: returns_to}
    named = _parse_server(connector.form, form)
    refused = Rejected(Message(_ADDRESS_REFUSED), permanent=True)
    address = named or addresses.get(platform, "")
    allowed = named == "" or (named is not None and may_reach(named))
    auth = addresses.get(f"{platform}_auth", "")
    account = AccountTarget(
        event.tenant_id, event.subject_id, "", address, platform=platform, auth_url=auth
    )
    end, given = _sign_in(account, connector, form, transport) if allowed else (refused, False)
    if isinstance(end, Retry) and not overdue:
        raise outbox.RetryLater(end.after)
    if isinstance(end, ConnectedAccount) and end.base_url and not may_reach(end.base_url):
        end = refused
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        if isinstance(end, OAuthVisit):
            pages = addresses.get(f"{platform}_pages") or auth or address
            end = replace(
                end, keep={**end.keep, **_resolve_oauth_client(connector.form, form, None)}
            )
            found = oauth_flow.prepare_visit(
                end, tenant_id=event.tenant_id, address=pages, returns_to=returns_to, seal=seal
            )
            _send_off(scope, event.subject_id, found)
            return
        if connector.form.needs_oauth(form):
            end = _record_oauth_client(scope, platform, form, end, given=given)
        _record_setup_result(scope, event.subject_id, end, address, asked_at)


def _secret_fields(form: ConnectForm) -> frozenset[str]:
    return frozenset(field.name for field in form.all_fields if field.secret)


def _record_oauth_client(
    scope: Scope,
    platform: str,
    form: Mapping[str, str | Sealed],
    end: ConnectedAccount | Outcome,
    *,
    given: bool,
) -> ConnectedAccount | Outcome:
    """Store the application in a form once the platform has issued it a token, which proves that
    the application works even if the account is refused. Return the result, including the
    application if an account was connected."""
    if given:
        oauth_clients.store_oauth_client(scope, platform, client_from_form(form))
    return (
        replace(end, app_key=client_from_form(form).client_id)
        if isinstance(end, ConnectedAccount)
        else end
    )


def _resolve_oauth_client(
    form: ConnectForm, typed: Mapping[str, str | Sealed], known: OAuthClient | None
) -> Mapping[str, str | Sealed]:
    """Return the client to sign in with: the one in the form, else the one the agency used last on
    the platform."""
    if not form.needs_oauth(typed):
        return {}
    client = client_from_form(typed) if typed.get(CLIENT_ID) else known or OAuthClient("")
    return {CLIENT_ID: client.client_id, CLIENT_SECRET: client.secret or ""}


def _parse_server(form: ConnectForm, typed: Mapping[str, str | Sealed]) -> str | None:
    """Return the server named in the form, "" for the default one, or None for an invalid
    address."""
    named = typed.get(form.server, "") if form.server else ""
    if not isinstance(named, str) or not named.strip():
        return ""
    return address_policy.parse_origin(named) or None


def _sign_in(
    account: AccountTarget,
    connector: SupportsAccountSetup,
    form: Mapping[str, str | Sealed],
    transport: Transport,
) -> tuple[ConnectedAccount | OAuthVisit | Outcome, bool]:
    """Return the result of the sign-in, and True if a token was issued."""
    credential = connector.form.credential
    given = False
    shown = form.get(credential)
    order = AuthOrder(account.tenant_id, account.channel_id)
    answers: tuple[StepResult, ...] = ()
    for _ in range(MAX_SETUP_STEPS):
        turn = connector.connect(form, answers)
        if not isinstance(turn, Send):
            return turn, given
        token = shown if isinstance(shown, Sealed) else None
        answers = (
            *answers,
            transport.send(turn.step, order, account=replace(account, token=token)),
        )
        if isinstance(answers[-1], Response):
            given |= credential in answers[-1].sealed
            shown = answers[-1].sealed.get(credential, shown)
    return Rejected(Message("enrolment.endless"), permanent=True), given


def _send_off(scope: Scope, enrolment_id: UUID, visit: Mapping[str, Any]) -> None:
    """Store the OAuth flow for which the member continues at the platform."""
    scope.run(
        "UPDATE enrolments SET state = 'visiting', updated_at = house_now(),"
        " visit = CAST(:visit AS jsonb) || jsonb_build_object('at', people_now())"
        " WHERE tenant_id = :tenant AND id = :id AND state = 'waiting'",
        tenant=scope.tenant_id,
        id=enrolment_id,
        visit=canonical_json(visit).decode(),
    )


def _record_setup_result(
    scope: Scope,
    enrolment_id: UUID,
    end: ConnectedAccount | Outcome,
    address: str,
    asked_at: datetime,
) -> None:
    row = _get_setup_row(scope, enrolment_id)
    if row.state != AccountSetupState.WAITING:
        return
    channel_id = None
    reason = None if isinstance(end, ConnectedAccount) else _setup_refusal_reason(end)
    if isinstance(end, ConnectedAccount):
        try:
            channel_id = _connect_found_account(scope, row, end, address, asked_at)
        except Conflict as conflict:
            reason = conflict.message
    state = AccountSetupState.CONNECTED if channel_id is not None else AccountSetupState.REFUSED
    scope.run(
        "UPDATE enrolments SET state = :state, reason = CAST(:reason AS jsonb), channel_id = "
        ":channel, letter = '',"
        " answer = '', visit = NULL, updated_at = house_now() WHERE tenant_id = :tenant AND id = "
        ":id",
        tenant=scope.tenant_id,
        id=enrolment_id,
        state=str(state),
        reason=canonical_json(reason.to_json()).decode() if reason is not None else None,
        channel=channel_id,
    )


def _connect_found_account(
    scope: Scope, row: AccountSetupRow, found: ConnectedAccount, address: str, asked_at: datetime
) -> UUID:
    creator = get_creator(scope, row.creator_id)
    return lifecycle.connect_account(
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
        options={
            **found.options,
            "connected_at": asked_at.isoformat(),
            **_limits_options(found, asked_at),
        },
    )


def _limits_options(found: ConnectedAccount, asked_at: datetime) -> Mapping[str, Any]:
    return account_connectors.limits_option(found.limits, asked_at) if found.limits else {}


def _setup_refusal_reason(outcome: Outcome) -> Message:
    reason: Message | None = getattr(outcome, "reason", None)
    return reason or Message("enrolment.unclear")


def request_test(scope: Scope, channel_id: UUID) -> None:
    """Request a test of an account: the result appears in `last_ok_at`, or in its state. Raises
    NotFound."""
    queries.get_channel(scope, channel_id)
    outbox.put(scope, AccountTestRequested(scope.tenant_id, channel_id), priority=1)


def verify_account(
    event: AccountTestRequested,
    *,
    tenant: OpenScope,
    transport: Transport,
    connectors: Mapping[str, Connector],
) -> None:
    """Send a harmless request for an account.

    Record the time of a success, or the loss of the account. A refused token is tried a second time
    first.
    """
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        channel = queries.get_channel(scope, event.subject_id)
        now = scope.now
    connector = account_connectors.find_connector_for(connectors, channel)
    if connector is None or channel.is_disconnected:
        return

    def check() -> tuple[Outcome | None, tuple[StepResult, ...]]:
        answers: tuple[StepResult, ...] = ()
        for _ in range(MAX_SETUP_STEPS):
            turn = _next_check(connector, channel, now, answers)
            if not isinstance(turn, Send):
                return turn, answers
            order = ControlOrder(event.tenant_id, channel.id, turn.step.action)
            answers = (
                *answers,
                transport.send(turn.step, order, account=queries.transport_account(channel)),
            )
        return Retry(timedelta(0), "account", Message("enrolment.endless")), answers

    end, answers = check()
    if isinstance(end, Reauthorize):
        end, answers = check()
    with tenant(event.tenant_id, request_loop.CHANNELS_ACTOR) as scope:
        if answers:
            send_limits.record_answer(scope, channel.id, answers[-1], creates=False)
        _record_test_result(scope, channel, end)


def _next_check(
    connector: Connector, channel: queries.Channel, now: datetime, answers: tuple[StepResult, ...]
) -> Send | Outcome | None:
    """Return the next request that verifies the account, or the outcome of the last response.
    Platforms without a sign-in have no such request: a lookup of a post that does not exist
    replaces it."""
    if isinstance(connector, SupportsAccountSetup):
        return connector.verify_account(channel.account, answers)
    if not answers:
        turn = connector.look_up(LookupQuery("probe", "probe", now, channel.account), ())
        return turn if isinstance(turn, Send) else None
    works = isinstance(answers[-1], Response) and answers[-1].is_success
    return None if works else outcome_of_status(answers[-1], creates=False)


def _record_test_result(scope: Scope, channel: queries.Channel, end: Outcome | None) -> None:
    if end is not None:
        token_renewal.apply_outcome_to_account(
            scope, channel, end, shown=channel.generation, repeated=True
        )
        return
    scope.run(
        "UPDATE channels SET last_ok_at = house_now() WHERE tenant_id = :tenant AND id = :id",
        tenant=scope.tenant_id,
        id=channel.id,
    )


def _get_setup_row(scope: Scope, enrolment_id: UUID) -> AccountSetupRow:
    row = scope.session.exec(
        select(AccountSetupRow)
        .where(
            AccountSetupRow.tenant_id == scope.tenant_id, col(AccountSetupRow.id) == enrolment_id
        )
        .execution_options(populate_existing=True)
    ).first()
    if row is None:
        raise NotFound("enrolment.unknown")
    return row


def _setup_from_row(row: AccountSetupRow) -> AccountSetup:
    return AccountSetup(
        row.id,
        row.creator_id,
        row.platform,
        AccountSetupState(row.state),
        Message.from_json(row.reason) if row.reason else None,
        row.channel_id,
        str((row.visit or {}).get("url", "")),
    )
