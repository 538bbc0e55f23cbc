"""Trying accounts from the terminal: a harmless question to each platform, and what its answer
means for who asks."""

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
from workers.terminal.output import translate
from workers.terminal.session import connect_installation
from workers.wiring import Services

TERMINAL_ACTOR = "system:terminal"


@dataclass(frozen=True)
class AccessCheck:
    """One account of somebody, `whose` by name with their agency, and what came of asking its
    platform; `well` where it answered."""

    owner_name: str
    channel: Channel
    is_ok: bool
    message: Message

    @property
    def format_line(self) -> str:
        """As it is printed; of an account that somebody must connect again, with what its platform
        said."""
        mark = "✓" if self.is_ok else "✗"
        name = translate(Message(f"platform.{self.channel.platform}"))
        why = (
            [self.channel.reason]
            if self.channel.state in UNUSABLE_STATES and self.channel.reason is not None
            else []
        )
        return (
            f"{mark} {self.channel.name} · {name} · {self.owner_name}: "
            f"{' '.join(map(translate, (self.message, *why)))}"
        )


def print_access_checks(name: str, *, agency: str, dry: bool) -> tuple[str, bool]:
    """What comes of trying every account of a name, of all accounts without one; and whether all is
    well. With `dry` what would be asked, and nothing leaves.

    Raises NotFound where there is none.
    """
    with connect_installation("channels") as services, telemetry.quiet_logs():
        found = check_accounts(services, name, agency, dry=dry)
    return "\n".join(one.format_line for one in found), all(one.is_ok for one in found)


def check_accounts(
    services: Services, name: str, agency: str, *, dry: bool = False
) -> list[AccessCheck]:
    """Each account of the house whose name or account is `name`, asked, or not where `dry`. Raises
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
    """The harmless request, as the connector builds it; an account that is lost stays so."""
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
