"""Trying accounts from the terminal: a harmless question to each platform, and what its answer means for who asks."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from channels import abilities, enrolling
from channels import reads as channel_reads
from channels.events import ChannelTest
from channels.reads import Channel
from channels.states import LOST
from connectors.contract import Send
from connectors.registry import connectables
from foundation import telemetry
from foundation.errors import NotFound
from foundation.words import Message
from tenants import reads as tenant_reads
from tenants.scope import all_tenants
from workers.terminal import sentence
from workers.visiting import at_home
from workers.wiring import Services

ASKING = "system:terminal"


@dataclass(frozen=True)
class Tried:
    """One account of somebody, `whose` by name with their agency, and what came of asking its platform; `well` where it
    answered."""

    whose: str
    channel: Channel
    well: bool
    said: Message

    @property
    def line(self) -> str:
        """As it is printed; of an account that somebody must connect again, with what its platform said."""
        mark, name = "✓" if self.well else "✗", sentence(Message(f"platform.{self.channel.platform}"))
        why = [self.channel.reason] if self.channel.state in LOST and self.channel.reason is not None else []
        return f"{mark} {self.channel.name} · {name} · {self.whose}: {' '.join(map(sentence, (self.said, *why)))}"


def show(name: str, *, agency: str, dry: bool) -> tuple[str, bool]:
    """What comes of trying every account of a name, of all accounts without one; and whether all is well. With `dry`
    what would be asked, and nothing leaves.

    Raises NotFound where there is none.
    """
    with at_home("channels") as services, telemetry.quietly():
        found = tried(services, name, agency, dry=dry)
    return "\n".join(one.line for one in found), all(one.well for one in found)


def tried(services: Services, name: str, agency: str, *, dry: bool = False) -> list[Tried]:
    """Each account of the house whose name or account is `name`, asked, or not where `dry`. Raises NotFound."""
    ask = _would if dry else _ask
    found = [ask(services, *one) for one in _wanted(services, name.casefold(), agency.casefold())]
    if not found:
        raise NotFound("channel.unknown")
    return found


def _wanted(services: Services, name: str, agency: str) -> Iterator[tuple[UUID, str, Channel]]:
    for tenant_id in all_tenants(services.tenant):
        with services.tenant(tenant_id, ASKING) as scope:
            called, channels = tenant_reads.agency(scope).name, channel_reads.every_channel(scope)
            names = {one.id: one.name for one in tenant_reads.creators(scope)}
        for channel in channels if agency in ("", called.casefold()) else ():
            if name in ("", channel.name.casefold(), channel.account.casefold()):
                yield tenant_id, f"{names[channel.creator_id]}, {called}", channel


def _would(services: Services, _: UUID, whose: str, channel: Channel) -> Tried:
    """The harmless request, as the connector builds it; an account that is lost stays so."""
    if channel.state in LOST:
        return Tried(whose, channel, False, Message(f"channel.is_{channel.state}", {"account": channel.name}))
    able = connectables(services.connectors).get(channel.platform)
    turn = able.check(channel.account, ()) if able is not None else None
    if not isinstance(turn, Send):
        return Tried(whose, channel, True, Message("cli.channel.nothing_to_ask"))
    said = Message("cli.connect.would_ask", {"request": f"{turn.step.method} {turn.step.path}"})
    return Tried(whose, channel, True, said)


def _ask(services: Services, tenant_id: UUID, whose: str, channel: Channel) -> Tried:
    able = connectables(services.connectors)
    if channel.platform not in able or abilities.of(services.connectors, channel).capabilities.hand_over:
        return Tried(whose, channel, True, Message("cli.channel.nothing_to_ask"))
    test = ChannelTest(tenant_id, channel.id)
    enrolling.test(test, tenant=services.tenant, transport=services.transport, connectables=able)
    with services.tenant(tenant_id, ASKING) as scope:
        now = channel_reads.channel(scope, channel.id)
    if now.state in LOST:
        return Tried(whose, now, False, Message(f"channel.is_{now.state}", {"account": now.name}))
    answered = now.last_ok_at is not None and (channel.last_ok_at is None or now.last_ok_at > channel.last_ok_at)
    return Tried(whose, now, answered, Message("cli.channel.answered" if answered else "cli.channel.no_answer"))
