"""A production installation from nothing: through the link of its first owner, accounts on X,
Reddit, Telegram and Discord, and a post on each through the API. Every process has its own login;
the test acts for members with the login of web processes."""

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

import httpx
import pytest

from channels.connections import account_setup, oauth_flow
from channels.connections.account_setup import AccountSetup
from channels.connections.oauth_flow import OAUTH_RETURN_PATH
from channels.connections.states import AccountSetupState
from foundation.db.database import Database, Scope
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops import settings as house_settings
from foundation.ops.clock import sleep, wall_now
from foundation.ops.settings import Settings
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.api_keys import keys
from tenants.api_keys.keys import ApiKeyScope
from tenants.vault import sealed_intake
from tests.conftest import wait_until
from tests.fakes.discord.server import FakeDiscord, discord
from tests.fakes.reddit.server import FakeReddit, reddit
from tests.fakes.telegram import server as fake_telegram
from tests.fakes.telegram.server import TelegramServer
from tests.fakes.x.server import FakeX, x
from tests.stack.conftest import Installation, new_installations
from tests.stack.test_production_start import ZOE
from tests.web.api_client import add_passkey
from workers.runtime.supervisor import RestartPolicy

pytestmark = pytest.mark.slow

ZONE = "Europe/Paris"


@dataclass(frozen=True)
class Platforms:
    """The fake platforms."""

    x: FakeX
    reddit: FakeReddit
    telegram: TelegramServer
    discord: FakeDiscord

    def environment(self) -> Mapping[str, str]:
        """Return the settings of an installation that reaches them."""
        addresses = {
            "X": self.x.url,
            "X_PAGES": self.x.url,
            "REDDIT": self.reddit.url,
            "REDDIT_AUTH": self.reddit.url,
            "TELEGRAM": self.telegram.url,
            "DISCORD": self.discord.api,
        }
        named = {f"GREENROOM_CONNECTORS__{name}_URL": url for name, url in addresses.items()}
        return {**named, "GREENROOM_REACHABLE": "http://127.0.0.1:*"}


@contextmanager
def running_platforms() -> Iterator[Platforms]:
    """Run the fakes, and check at the end that no request broke their specifications."""
    with ExitStack() as stack:
        made = Platforms(
            stack.enter_context(x()),
            stack.enter_context(reddit()),
            stack.enter_context(fake_telegram.network()),
            stack.enter_context(discord()),
        )
        yield made
        assert made.x.forbidden == []
        assert (made.reddit.forbidden, made.reddit.unknown) == ([], [])
        assert made.discord.spec.refused == []
        assert made.telegram.world.checks.broken == []


@dataclass
class ProductionAgency:
    """The agency of the first owner, a second member and a creator."""

    settings: Settings
    pages: Database
    tenant_id: UUID
    members: Mapping[Role, UUID]
    secrets: Mapping[Role, str]
    creator_id: UUID

    def scope(self, role: Role = Role.MANAGER) -> Any:
        """Open a transaction of a member with the login of web processes."""
        return self.pages.scope(self.tenant_id, f"member:{self.members[role]}")

    def seal(self, form: Mapping[str, str]) -> str:
        """Seal a form as the dashboard does."""
        return sealed_intake.seal_form(
            self.settings.tenants.letterbox_key, self.tenant_id, dict(form)
        )

    def connect(self, platform: str, approving: str = "", **form: str) -> UUID:
        """Connect an account; `approving` is the user who authorizes an application."""
        with self.scope() as scope:
            setup_id = account_setup.request_setup(
                scope, creator_id=self.creator_id, platform=platform, letter=self.seal(form)
            )
        if approving:
            visit = self.await_setup(setup_id, AccountSetupState.VISITING).visit
            answer = httpx.get(f"{visit}&approve={approving}")
            assert answer.status_code == 302, answer.text
            back = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
            with self.scope() as scope:
                oauth_flow.accept_return(scope, back["state"], self.seal({"code": back["code"]}))
        channel_id = self.await_setup(setup_id, AccountSetupState.CONNECTED).channel_id
        assert channel_id is not None
        return channel_id

    def await_setup(self, setup_id: UUID, state: AccountSetupState) -> AccountSetup:
        """Wait for the state of an account setup."""
        seen: list[AccountSetup] = []

        def is_reached() -> bool:
            with self.scope() as scope:
                seen.append(account_setup.get_setup(scope, setup_id))
            assert seen[-1].state != AccountSetupState.REFUSED, seen[-1].reason
            return bool(seen[-1].state == state)

        wait_until(is_reached, 60)
        return seen[-1]

    def ask(self, method: str, path: str, body: Any = None, *, role: Role, version: int = 0) -> Any:
        """Send a request to the API, which must succeed, and return its JSON."""
        headers = {
            "authorization": f"Bearer {self.secrets[role]}",
            "idempotency-key": str(uuid7()),
            **({"if-match": f'"{version}"'} if version else {}),
        }
        url = f"http://127.0.0.1:{self.settings.web.port}/v1{path}"
        answer = httpx.request(method, url, json=body, headers=headers, timeout=30)
        assert answer.is_success, (method, path, answer.status_code, answer.text)
        return answer.json()


def found_agency(house: Installation) -> ProductionAgency:
    """Sign up the first owner with the printed link, and add a manager and a creator."""
    invited = house.command("invite", "--owner").stdout.strip()
    assert httpx.post(invited, data=ZOE).status_code == 303
    settings = house_settings.load_settings_of(house.home.folder)
    pages = Database(settings.database.pages_url.get_secret_value())
    with pages.scope(INSTALLATION_ID, "system:door", role="door") as scope:
        tenant_id, owner = scope.run(
            "SELECT tenant_id, id FROM members WHERE lower(email) = :email",
            email=ZOE["email"],
        ).one()
    with pages.scope(tenant_id, f"member:{owner}") as scope:
        members, creator_id = add_people(scope, owner)
    secrets = {}
    for role, member_id in members.items():
        with pages.scope(tenant_id, f"member:{member_id}") as scope:
            secrets[role] = keys.create_key(
                scope, name="journey", scopes=tuple(ApiKeyScope), creators=(), days=1
            )
    return ProductionAgency(settings, pages, tenant_id, members, secrets, creator_id)


def add_people(scope: Scope, owner: UUID) -> tuple[dict[Role, UUID], UUID]:
    """Add a manager with a second factor, and a creator."""
    manager = agencies.add_member(
        scope,
        name="Marc",
        email="marc@agence.example",
        role=Role.MANAGER,
        language="fr",
        zone=ZONE,
    )
    for member_id in (owner, manager):
        add_passkey(scope, member_id)
    creator_id = agencies.add_creator(
        scope, slug="nova", name="Nova", kind="virtual", zone=ZONE, languages=["fr"]
    )
    return {Role.OWNER: owner, Role.MANAGER: manager}, creator_id


@dataclass(frozen=True)
class ConnectedPlatform:
    """A connected account, and how many posts its platform accepted."""

    channel_id: UUID
    count: Callable[[], int]


def connect_accounts(
    agency: ProductionAgency, platforms: Platforms
) -> dict[str, ConnectedPlatform]:
    """Connect an account on each platform; those on X and Reddit through an application."""
    returns_to = agency.settings.dashboard.public_url + OAUTH_RETURN_PATH
    app = platforms.x.application(returns_to)
    form = {"client_id": app.client_id, "client_secret": app.secret or ""}
    user = platforms.x.account("nova")
    found = {
        "x": ConnectedPlatform(agency.connect("x", user.username, **form), lambda: len(user.taken))
    }

    app = platforms.reddit.application(returns_to)
    place = platforms.reddit.subreddit("harbour")
    poster = platforms.reddit.account("nova")
    connected = agency.connect(
        "reddit",
        poster.username,
        client_id=app.client_id,
        client_secret=app.secret or "",
        community=f"https://www.reddit.com/r/{place.name}/",
        approval="2026-10-04, ticket 12345",
        ai="allowed",
    )
    found["reddit"] = ConnectedPlatform(connected, lambda: len(poster.taken))

    chats = platforms.telegram.world
    bot = chats.bot("novabot")
    channel = chats.channel("Nova", username="nova", post=bot)
    connected = agency.connect(
        "telegram", token=bot.token, channel=f"https://t.me/{channel.username}"
    )
    found["telegram"] = ConnectedPlatform(connected, lambda: len(channel.messages))

    world = platforms.discord.world
    helper = world.bot()
    room = world.channel(world.guild(helper))
    connected = agency.connect("discord", token=helper.token, channel=room.id)
    found["discord"] = ConnectedPlatform(connected, lambda: len(platforms.discord.sent(room)))
    return found


@dataclass(frozen=True)
class Production:
    """A running production installation with an account on each platform."""

    house: Installation
    agency: ProductionAgency
    accounts: Mapping[str, ConnectedPlatform]

    def schedule_post(self, platform: str, text: str, *, after: timedelta) -> str:
        """Write, schedule and approve a post, and return its ID."""
        body = {
            "creator_id": str(self.agency.creator_id),
            "title": text,
            "body": text,
            "channels": [str(self.accounts[platform].channel_id)],
            "at": (wall_now() + after).isoformat(),
        }
        post = self.agency.ask("POST", "/posts", body, role=Role.MANAGER)
        approve = f"/posts/{post['id']}/approve"
        self.agency.ask("POST", approve, {}, role=Role.OWNER, version=1)
        return str(post["id"])

    def state_of(self, post_id: str) -> str:
        """Return the state of the only delivery of a post."""
        post = self.agency.ask("GET", f"/posts/{post_id}", role=Role.OWNER)
        return str(post["deliveries"][0]["state"])

    def senders(self) -> dict[str, int]:
        """Return the process ID of each running sender, by name."""
        return {
            one.name: one.pid
            for one in self.house.report().processes
            if one.name.partition("-")[0] == "send" and one.pid is not None
        }


@pytest.fixture(scope="module")
def production(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Production]:
    with running_platforms() as platforms, new_installations(tmp_path_factory.mktemp("all")) as new:
        house = new(table="production", environment=dict(platforms.environment()))
        house.up()
        agency = found_agency(house)
        yield Production(house, agency, connect_accounts(agency, platforms))
        agency.pages.close()
        house.end()


def test_post_on_each_platform_arrives_once(production: Production) -> None:
    accounts, after = production.accounts, timedelta(seconds=20)
    posts = [production.schedule_post(name, f"Bonjour {name}", after=after) for name in accounts]

    def have_all_arrived() -> bool:
        return all(account.count() for account in accounts.values())

    def are_all_published() -> bool:
        sleep(1)
        return {production.state_of(post_id) for post_id in posts} == {"published"}

    # The fakes are polled, since the API limits requests of a key.
    wait_until(have_all_arrived, 180)
    wait_until(are_all_published, 60)
    assert {name: one.count() for name, one in accounts.items()} == dict.fromkeys(accounts, 1)


def test_killed_senders_do_not_stop_publishing(production: Production) -> None:
    """Every sender ends more often than its restart policy allows, while posts are due."""
    count, before = 6, production.accounts["discord"].count()
    posts = [
        production.schedule_post("discord", f"Vague {n}", after=timedelta(seconds=10 + 3 * n))
        for n in range(count)
    ]
    kills = RestartPolicy().limit + 1
    killed: set[int] = set()

    def has_new_sender() -> bool:
        return bool(set(production.senders().values()) - killed)

    for _ in range(kills):
        wait_until(has_new_sender, 30)
        for pid in set(production.senders().values()) - killed:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
    wait_until(has_new_sender, 30)

    def have_all_arrived() -> bool:
        return production.accounts["discord"].count() - before >= count

    wait_until(have_all_arrived, 240)
    sleep(3)
    assert production.accounts["discord"].count() - before == count
    assert {production.state_of(post_id) for post_id in posts} == {"published"}
