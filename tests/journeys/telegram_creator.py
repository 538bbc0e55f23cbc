"""A creator with a bot on the fake Telegram in a running installation: relay, Redis, worker and
listeners."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from threading import Thread
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID

from channels.accounts import queries as channel_reads
from channels.connections import account_setup
from channels.connections.account_setup import AccountSetup
from connectors.conformance.fake_servers import serve_app
from foundation.money import Money
from foundation.ops.clock import monotonic
from foundation.ops.settings import Settings
from generators.contract.engines import TextEngine
from studio.packs import packs
from subscribers.catalog.prices import set_price
from subscribers.ledger import entries
from subscribers.ledger.entries import SplitShares
from subscribers.replies import persona
from tenants.vault import envelope, sealed_intake
from tests.conftest import wait_until
from tests.fakes.sandbox import RunningSandbox as Sandbox
from tests.fakes.telegram.chats import Chat, Told
from tests.fakes.telegram.server import TelegramServer
from tests.fakes.telegram.state import Bot
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from tests.subscribers.builders import NOVA, ScriptedModel
from workers.listeners.factory import make_listener_pool
from workers.listeners.polling import ListenerPool
from workers.listeners.webhooks import server
from workers.wiring import Services

PRICE = 250
TELEGRAM = "telegram"


@dataclass
class TelegramCreator:
    """Léa, her bot and her channel."""

    desk: SandboxAgency
    telegram: TelegramServer
    bot: Bot
    channel: Chat
    writer: ScriptedModel
    pack_id: UUID
    ears: list[tuple[ListenerPool, Thread]] = field(default_factory=list)

    @property
    def services(self) -> Services:
        return self.desk.services

    @property
    def world(self) -> Any:
        return self.telegram.world

    # account

    def enrol(self, token: str = "", channel: str = "") -> UUID:
        """Submit the bot's sealed setup form."""
        master = envelope.parse_master_key(
            self.services.settings.tenants.master_key.get_secret_value()
        )
        typed = {
            "token": token or self.bot.token,
            "channel": channel or f"https://t.me/{self.channel.username}",
        }
        letter = sealed_intake.seal_form(
            sealed_intake.derive_public_key(master), self.desk.tenant_id, typed
        )
        with self.desk.scope(f"member:{self.desk.manager}") as scope:
            return account_setup.request_setup(
                scope, creator_id=self.desk.creator_id, platform=TELEGRAM, letter=letter
            )

    def stands(self, enrolment_id: UUID) -> AccountSetup:
        with self.desk.scope() as scope:
            return account_setup.get_setup(scope, enrolment_id)

    def connected(self) -> UUID:
        """Connect the account and return its ID."""
        asked = self.enrol()
        wait_until(lambda: self.stands(asked).channel_id is not None)
        found = self.stands(asked).channel_id
        assert found is not None
        self.desk.channels["telegram"] = found
        return found

    def account(self) -> channel_reads.Channel:
        with self.desk.scope() as scope:
            return channel_reads.get_channel(scope, self.desk.channels["telegram"])

    # listening

    def listen(self) -> None:
        """Start a new listener process."""
        ears = make_listener_pool(self.services)
        ears._every = 0.25  # otherwise each test waits up to five seconds for the first poll
        thread = Thread(target=ears.run, kwargs={"beat": lambda: None}, daemon=True)
        thread.start()
        self.ears.append((ears, thread))

    def door(self) -> AbstractContextManager[str]:
        """Serve the webhook endpoint of the listener process and return its local address."""
        return serve_app(
            server.create_webhook_app(self.ears[-1][0].find_listener, lambda *call: False)
        )

    def deaf(self) -> None:
        """Stop the listener processes. The next poller terminates their open polls."""
        for ears, thread in self.ears:
            ears.stop()
            thread.join(10)
        self.ears.clear()

    # messages and posts

    def texts(self, person: str = "leo") -> list[str]:
        return [str(text) for text in self.world.texts(self.bot, person)]

    def seen(self, person: str = "leo") -> list[Told]:
        return list(self.world.seen(self.bot, person))

    def waits(
        self, until: Callable[[list[Told]], bool], person: str = "leo", seconds: float = 20.0
    ) -> None:
        wait_until(lambda: until(self.seen(person)), seconds)

    def posts(self) -> list[Told]:
        return [
            one
            for number, one in self.channel.messages.items()
            if number not in self.channel.deleted
        ]

    def rows(self, statement: str) -> list[Any]:
        with self.desk.scope() as scope:
            return list(scope.run(statement, tenant=self.desk.tenant_id))

    def fault(self, mode: str, on: str, **more: Any) -> None:
        self.telegram.book.schedule_fault(
            mode, account=str(self.bot.id), on=on, **{"seconds": 0.2, **more}
        )

    def pass_time(self, **by: float) -> None:
        """Advance the clocks of the installation and of Telegram."""
        self.desk.pass_time(**by)
        self.telegram.clock.advance(
            sum({"minutes": 60, "seconds": 1, "hours": 3600}[unit] * n for unit, n in by.items())
        )


def settings_for(settings: Settings, url: str, public_url: str) -> Settings:
    """Return the settings of an installation that reaches the fake Telegram."""
    connectors = settings.connectors.model_copy(update={"telegram_url": url})
    return settings.model_copy(update={"connectors": connectors, "public_url": public_url})


def create_telegram_creator(
    services: Services, sandbox: Sandbox, telegram: TelegramServer, *, public_url: str = ""
) -> TelegramCreator:
    """Create a tenant with a bot that is not connected yet, a persona on autopilot and a pack for
    Stars."""
    writer = ScriptedModel()
    engine = cast(TextEngine, SimpleNamespace(write=writer))
    own = replace(
        services,
        settings=settings_for(services.settings, telegram.url, public_url),
        chat_engine=lambda: engine,
    )
    made = create_sandbox_agency(own, sandbox)
    name = f"lea_{secrets.token_hex(4)}"
    bot = telegram.world.bot(f"{name}_bot")
    channel = telegram.world.channel("Léa", username=name, post=bot)
    assets = [made.photo(number) for number in (1, 2)]
    with made.scope() as scope:
        persona.activate_persona(
            scope, persona.create_persona_version(scope, made.creator_id, NOVA)
        )
        pack_id = packs.create_pack(
            scope,
            creator_id=made.creator_id,
            slug="matin",
            title="Matin calme",
            description="Le port au lever du jour",
            assets=assets,
        )
        set_price(scope, made.creator_id, pack_id, "stars", Money(PRICE, "XTR"))
        shares = SplitShares(agency=4000, creator=6000, chatter=0)
        entries.set_revenue_split(scope, made.creator_id, shares, effective_from=scope.now)
    return TelegramCreator(made, telegram, bot, channel, writer, pack_id)


@contextmanager
def timed() -> Iterator[Callable[[], float]]:
    """Yield a function that returns the seconds since the block began."""
    started = monotonic()
    yield lambda: monotonic() - started
