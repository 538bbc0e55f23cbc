"""`greenroom channels check`: a harmless request to the platform of each channel."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from channels.accounts import account_connectors, queries
from channels.accounts.queries import Channel
from channels.accounts.states import UNUSABLE_STATES
from channels.connections import account_setup
from channels.connections.events import AccountTestRequested
from connectors.contract.connector import Send
from connectors.registry.loader import connectable_platforms
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops import telemetry
from tenants.agencies.queries import get_agency, list_creators
from tenants.scope import list_tenant_ids
from workers.terminal.exit_codes import ExitCode
from workers.terminal.lookup import TERMINAL_ACTOR
from workers.terminal.output import translate
from workers.terminal.session import connect_installation
from workers.terminal.tables import format_json, format_table
from workers.wiring import Services


@dataclass(frozen=True)
class AccessCheck:
    """The check of one channel; `owner_name` is its creator and agency."""

    owner_name: str
    channel: Channel
    is_ok: bool
    message: Message

    @property
    def details(self) -> tuple[Message, ...]:
        """The result, and the platform's reason for a channel that must be reconnected."""
        if self.channel.state in UNUSABLE_STATES and self.channel.reason is not None:
            return self.message, self.channel.reason
        return (self.message,)

    @property
    def cells(self) -> tuple[str, ...]:
        """Its row in the table."""
        return (
            "✓" if self.is_ok else "✗",
            self.channel.name,
            translate(Message(f"platform.{self.channel.platform}")),
            self.owner_name,
            " ".join(map(translate, self.details)),
        )


def print_access_checks(name: str, *, agency: str, dry: bool, as_json: bool) -> int:
    """Check every channel of a name, or all channels, and print the results; with `dry` send
    nothing.

    Returns OK if every check succeeded, else FAILED. Raises NotFound if no channel matches.
    """
    with connect_installation("channels") as services, telemetry.quiet_logs():
        found = check_accounts(services, name, agency, dry=dry)
    if as_json:
        print(format_json([_check_as_json(one) for one in found]))
    else:
        columns = ("", "channel", "platform", "creator", "result")
        print(format_table(columns, [one.cells for one in found]))
    return ExitCode.OK if all(one.is_ok for one in found) else ExitCode.FAILED


def _check_as_json(one: AccessCheck) -> dict[str, object]:
    return {
        "channel": one.channel.name,
        "account": one.channel.account,
        "platform": one.channel.platform,
        "creator": one.owner_name,
        "ok": one.is_ok,
        "result": one.details,
    }


def check_accounts(
    services: Services, name: str, agency: str, *, dry: bool = False
) -> list[AccessCheck]:
    """Check each channel whose name or account is `name`; with `dry` send nothing. Raises
    NotFound."""
    ask = _preview_check if dry else _run_check
    found = [
        ask(services, *one)
        for one in _list_named_channels(services, name.casefold(), agency.casefold())
    ]
    if not found:
        raise NotFound("channel.unknown")
    return found


def _list_named_channels(
    services: Services, name: str, agency: str
) -> Iterator[tuple[UUID, str, Channel]]:
    for tenant_id in list_tenant_ids(services.tenant):
        with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
            called = get_agency(scope).name
            channels = queries.list_channels(scope)
            names = {one.id: one.name for one in list_creators(scope)}
        for channel in channels if agency in ("", called.casefold()) else ():
            if name in ("", channel.name.casefold(), channel.account.casefold()):
                yield tenant_id, f"{names[channel.creator_id]}, {called}", channel


def _preview_check(services: Services, _: UUID, whose: str, channel: Channel) -> AccessCheck:
    """Return the request that a check would send; a channel that must be reconnected fails."""
    if channel.state in UNUSABLE_STATES:
        return AccessCheck(
            whose, channel, False, Message(f"channel.is_{channel.state}", {"account": channel.name})
        )
    able = connectable_platforms(services.connectors).get(channel.platform)
    turn = able.verify_account(channel.account, ()) if able is not None else None
    if not isinstance(turn, Send):
        return AccessCheck(whose, channel, True, Message("cli.channel.nothing_to_ask"))
    said = Message("cli.connect.would_ask", {"request": f"{turn.step.method} {turn.step.path}"})
    return AccessCheck(whose, channel, True, said)


def _run_check(services: Services, tenant_id: UUID, whose: str, channel: Channel) -> AccessCheck:
    able = connectable_platforms(services.connectors)
    if (
        channel.platform not in able
        or account_connectors.connector_for(services.connectors, channel).capabilities.hand_over
    ):
        return AccessCheck(whose, channel, True, Message("cli.channel.nothing_to_ask"))
    test = AccountTestRequested(tenant_id, channel.id)
    account_setup.verify_account(
        test,
        tenant=services.tenant,
        transport=services.transport,
        connectors=services.connectors,
    )
    with services.tenant(tenant_id, TERMINAL_ACTOR) as scope:
        now = queries.get_channel(scope, channel.id)
    if now.state in UNUSABLE_STATES:
        return AccessCheck(
            whose, now, False, Message(f"channel.is_{now.state}", {"account": now.name})
        )
    answered = now.last_ok_at is not None and (
        channel.last_ok_at is None or now.last_ok_at > channel.last_ok_at
    )
    return AccessCheck(
        whose,
        now,
        answered,
        Message("cli.channel.answered" if answered else "cli.channel.no_answer"),
    )
