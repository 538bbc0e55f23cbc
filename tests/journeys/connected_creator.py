"""A creator with an Explicit rating ceiling and her platform accounts: the real system against fake
platforms."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from channels.connections import account_setup, oauth_flow
from channels.connections.account_setup import AccountSetup
from connectors.conformance.fake_servers import serve_app
from connectors.platforms.discord.ids import ChannelRef
from foundation.db.database import Database
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ids import uuid7
from foundation.ops.settings import (
    ConnectorsSettings,
    DatabaseSettings,
    GateSettings,
    Settings,
    TenantsSettings,
)
from foundation.storage.object_store import open_library_store, open_page_store
from gate.contract.units import Rating, Subject
from gate.copies import live_copies
from gate.people import persons
from gate.people.synthetic_person_declarations import LookResult
from gate.ratings import ratings
from gate.reviews import content_reviews, synthetic_people
from gate.viewers import age_assurance
from studio.library import assets as studio_library
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies import rights as tenant_roles
from tenants.scope import scope_opener
from tenants.vault import sealed_intake
from tests.conftest import Cluster
from tests.fakes.bluesky.server import FakeBluesky, Repo, bluesky
from tests.fakes.discord.server import FakeDiscord, discord
from tests.fakes.discord.spec import load_description
from tests.fakes.discord.state import Channel
from tests.fakes.facebook.server import FakeFacebook, facebook
from tests.fakes.facebook.state import Page
from tests.fakes.instagram.server import FakeInstagram, Profile, instagram
from tests.fakes.mastodon.server import FakeMastodon, Member, mastodon
from tests.fakes.telegram import server as fake_telegram
from tests.fakes.telegram.chats import Chat
from tests.fakes.telegram.state import Bot
from tests.fakes.threads.server import FakeThreads, threads
from tests.fakes.threads.state import Profile as ThreadsProfile
from tests.fakes.x.server import FakeX, x
from tests.fakes.x.server import Member as XMember
from tests.schedules.builders import ZONE, SandboxAgency
from web.app import create_web_app
from workers.relay.ticks import DESTINATION_CHECK_SECONDS, TICKS
from workers.wiring import Services, build_services

MASTER = bytes(range(32))
PASSWORD = "abcd-efgh-ijkl-mnop"
HTTP = HttpClient()


@dataclass
class FakePlatforms:
    """The fake platforms, and the services of a process that reaches them."""

    services: Services
    telegram: fake_telegram.TelegramServer
    discord: FakeDiscord
    bluesky: FakeBluesky
    instagram: FakeInstagram
    mastodon: FakeMastodon
    x: FakeX
    threads: FakeThreads
    facebook: FakeFacebook

    def move(self, seconds: float) -> None:
        """Advance the clocks of all platforms."""
        chats, meta = (self.telegram, self.discord), (self.instagram, self.threads, self.facebook)
        for network in (*chats, self.bluesky, self.mastodon, self.x, *meta):
            network.clock.advance(seconds)


@contextmanager
def outside(cluster: Cluster, home: Path, *, reachable: bool = True) -> Iterator[FakePlatforms]:
    """Run the fakes and check at the end that no request broke their specifications. `reachable`:
    the platforms can call the installation."""
    key = base64.b64encode(MASTER).decode()
    with ExitStack() as stack:
        telegram = stack.enter_context(fake_telegram.network())
        chats, sky = (
            stack.enter_context(discord(load_description())),
            stack.enter_context(bluesky()),
        )
        pictures, toots = stack.enter_context(instagram()), stack.enter_context(mastodon())
        posts, talk = stack.enter_context(x()), stack.enter_context(threads())
        walls = stack.enter_context(facebook())
        settings = Settings(
            home=home,
            environment="test",
            database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
            tenants=TenantsSettings(master_key=key),
            gate=GateSettings(signing_key=key),
            connectors=ConnectorsSettings(
                telegram_url=telegram.url,
                discord_url=chats.api,
                bluesky_url=sky.url,
                instagram_url=pictures.url,
                threads_url=talk.url,
                facebook_url=walls.url,
                x_url=posts.url,
                x_pages_url=posts.url,
            ),
        )
        if reachable:
            settings = settings.model_copy(
                update={"public_url": stack.enter_context(_pages(settings))}
            )
        services = stack.enter_context(build_services(settings, pool_size=8, application="tests"))
        yield FakePlatforms(services, telegram, chats, sky, pictures, toots, posts, talk, walls)
        assert toots.spec.refused == []
        assert posts.forbidden == []
        assert chats.spec.refused == []
        assert telegram.world.checks.broken == []


@contextmanager
def _pages(settings: Settings) -> Iterator[str]:
    """Serve the public web application, from which platforms fetch temporary URLs."""
    database = Database(
        settings.database.work_url.get_secret_value(), pool_size=2, application="web"
    )
    store, files = open_page_store(settings), open_library_store(settings)
    app = create_web_app(
        tenant=scope_opener(database), store=store, library=files, public_url="http://127.0.0.1"
    )
    with serve_app(app) as url:
        yield url
    database.close()


@dataclass
class ConnectedCreator:
    """A creator with her agency, and her accounts as she connected them."""

    outside: FakePlatforms
    desk: SandboxAgency

    # accounts

    def enrol(self, platform: str, **typed: str) -> UUID:
        """Connect an account through its setup form."""
        return self.connected(platform, self.asked(platform, **typed).id)

    def asked(self, platform: str, **typed: str) -> AccountSetup:
        """Submit a setup form and return the account setup that it starts."""
        letter = sealed_intake.seal_form(
            sealed_intake.derive_public_key(MASTER), self.desk.tenant_id, typed
        )
        with self.desk.scope(f"member:{self.desk.author}") as scope:
            asked = account_setup.request_setup(
                scope, creator_id=self.desk.creator_id, platform=platform, letter=letter
            )
        self.desk.run()
        with self.desk.scope() as scope:
            return account_setup.get_setup(scope, asked)

    def connected(self, platform: str, wish: UUID) -> UUID:
        """Return the account that a setup created."""
        self.desk.run()
        with self.desk.scope() as scope:
            found = account_setup.get_setup(scope, wish)
        assert found.channel_id is not None, found.reason
        self.desk.channels[platform] = found.channel_id
        return found.channel_id

    def telegram(self, *, joins: str = "by_request", username: str = "") -> tuple[Bot, Chat]:
        """Connect a bot and its channel, which is private unless it has a name. It has one member
        with a proven age."""
        world = self.outside.telegram.world
        bot = world.bot(f"mia_{str(self.desk.tenant_id)[-8:]}_bot")
        chat = world.channel("Mia", username=username, post=bot)
        self.enrol(
            "telegram",
            token=bot.token,
            channel=f"@{username}" if username else str(chat.id),
            joins=joins,
        )
        self.adult(str(world.join(chat, f"ok{bot.id}").id))
        return bot, chat

    def adult(self, user: str) -> None:
        """Record a proven age for a member of the channel."""
        with self.desk.scope() as scope:
            age_assurance.record_assurance(
                scope,
                platform="telegram",
                user_id=user,
                method="document",
                assured_level="L4",
                over_18=True,
                environment="test",
            )

    def discord(self, *, nsfw: bool, thread: bool = False) -> Channel:
        """Connect a channel of a server, or a thread in one whose name marks it as for adults."""
        world = self.outside.discord.world
        bot = world.bot()
        channel = world.channel(world.guild(bot), nsfw=nsfw)
        self.enrol("discord", token=bot.token, channel=channel.id)
        if not thread:
            return channel
        under = world.thread(channel, "nsfw-only-18-plus")
        account = ChannelRef(under.id, under.guild, bot.id).account
        self.desk.connect_to(
            "discord",
            account=account,
            token=bot.token,
            platform="discord",
            surface="discord.guild_channel",
            base_url=self.outside.discord.api,
        )
        with self.desk.scope() as scope:
            scope.run("UPDATE channels SET options = options || '{\"can_be_seen\": true}'")
        return under

    def bluesky(self) -> Repo:
        """Connect an account on a server."""
        repo = self.outside.bluesky.account(
            f"mia-{str(self.desk.tenant_id)[-8:]}.bsky.social", PASSWORD
        )
        self.enrol("bluesky", handle=repo.handle, app_password=PASSWORD, server="")
        return repo

    def instagram(self) -> Profile:
        """Connect a professional account."""
        profile = self.outside.instagram.profile(f"mia{str(self.desk.tenant_id)[-8:]}")
        self.enrol("instagram", access_token=profile.token)
        return profile

    def threads(self) -> ThreadsProfile:
        """Connect an account on Threads."""
        profile = self.outside.threads.profile(f"mia{str(self.desk.tenant_id)[-8:]}")
        self.enrol("threads", access_token=profile.token)
        return profile

    def facebook(self, **typed: str) -> Page:
        """Connect a Page on Facebook."""
        page = self.outside.facebook.page(f"Mia {str(self.desk.tenant_id)[-8:]}")
        self.enrol("facebook", page=page.id, access_token=page.token, **typed)
        return page

    def mastodon(self, *, rules: str = "adult") -> Member:
        """Connect an account on a server, with her declaration about the server's rules."""
        member = self.outside.mastodon.account(f"mia{str(self.desk.tenant_id)[-8:]}")
        self.toot(member, rules=rules)
        return member

    def toot(self, member: Member, *, rules: str) -> None:
        """Connect the account through the OAuth flow of the server."""
        self.visit("mastodon", member.username, server=self.outside.mastodon.url, rules=rules)

    def x(self) -> XMember:
        """Connect an account on X with the application of its agency."""
        member = self.outside.x.account(f"mia{str(self.desk.tenant_id)[-8:]}")
        app = self.outside.x.application(
            self.outside.services.settings.dashboard.public_url + oauth_flow.OAUTH_RETURN_PATH
        )
        self.visit("x", member.username, client_id=app.client_id, client_secret=app.secret or "")
        return member

    def visit(self, platform: str, username: str, **typed: str) -> None:
        """Authorize the account in the platform's OAuth flow."""
        wish = self.asked(platform, **typed)
        answer = HTTP.send(HttpRequest("GET", f"{wish.visit}&approve={username}"))
        assert isinstance(answer, HttpResponse)
        said = dict(parse_qsl(urlsplit(answer.headers["location"]).query))
        letter = sealed_intake.seal_form(
            sealed_intake.derive_public_key(MASTER), self.desk.tenant_id, {"code": said["code"]}
        )
        with self.desk.scope(f"member:{self.desk.author}") as scope:
            oauth_flow.accept_return(scope, said["state"], letter)
        self.connected(platform, wish.id)

    # content

    def picture(self, rating: Rating = Rating.E) -> UUID:
        """Add a reviewed picture of a synthetic person with complete documents."""
        self.desk.written += 1
        asset, by = self.desk.photo(self.desk.written, rating=rating), f"member:{self.desk.manager}"
        with self.desk.scope(by) as scope:
            author, manager = (
                tenant_reads.get_member(scope, each).principal_id
                for each in (self.desk.author, self.desk.manager)
            )
            person = persons.add_person(scope, kind="synthetic", display_ref="Nova")
            declared = persons.record_declaration(
                scope, person, source_digest="d" * 64, adult_licence=True, declared_by=author
            )
            for principal in (manager, uuid7()):
                synthetic_people.record_declaration_look(
                    scope, declared, LookResult(principal, False, (), 12)
                )
            ratings.record_depiction(scope, asset, person, how="face", confirmed_by=by)
            content_reviews.review_bytes(
                scope, studio_library.get_asset(scope, asset).sha256, verdict="approve"
            )
        return asset

    def post(self, channel: str, rating: Rating = Rating.E, **more: Any) -> UUID:
        """Create an approved post with such a picture that is due."""
        return self.desk.delivery("Bonsoir", channel=channel, media=(self.picture(rating),), **more)

    # time

    def beat(self, **for_: float) -> None:
        """Advance the time with the hourly destination checks, and run the due work."""
        left = timedelta(**for_)
        watch = next(tick for tick in TICKS if tick.name == "places")
        while left > timedelta(0):
            step = min(left, timedelta(seconds=DESTINATION_CHECK_SECONDS))
            self.desk.live(seconds=step.total_seconds())
            watch.write_rows(self.desk.services.tenant)
            self.desk.run()
            left -= step

    # results

    def copy(self, delivery_id: UUID) -> live_copies.LiveCopy | None:
        """Return the live copy of a delivery."""
        with self.desk.scope() as scope:
            return next(
                iter(live_copies.list_copies(scope, Subject("delivery", delivery_id))), None
            )

    def judged(self, delivery_id: UUID) -> tuple[str, frozenset[str]]:
        """Return the last verdict about a delivery, and its reasons."""
        with self.desk.scope() as scope:
            row = scope.run(
                "SELECT verdict, reasons FROM decisions WHERE tenant_id = :tenant AND subject_id "
                "= :id"
                " ORDER BY seq DESC LIMIT 1",
                tenant=self.desk.tenant_id,
                id=delivery_id,
            ).one()
        return row.verdict, frozenset(row.reasons)

    def recall(self, delivery_id: UUID) -> str:
        """Return the reason code of the recall of a delivery's copy."""
        with self.desk.scope() as scope:
            found = scope.run(
                "SELECT recall_reason ->> 'code' FROM permits WHERE tenant_id = :tenant AND "
                "subject_id = :id"
                " AND recalled_at IS NOT NULL",
                tenant=self.desk.tenant_id,
                id=delivery_id,
            ).scalar()
        return str(found or "")


def create_connected_creator(outside: FakePlatforms) -> ConnectedCreator:
    """Create a tenant with a creator and two members, without accounts."""
    tenant_id = uuid7()
    with outside.services.tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Agence", language="fr", zone=ZONE)
        creator_id = agencies.add_creator(
            scope,
            slug="mia",
            name="Mia",
            kind="virtual",
            zone=ZONE,
            languages=["fr"],
            approval_tiers=1,
        )
        author, manager = (
            agencies.add_member(
                scope, name=name, email=f"{name}@example.test", role=role, language="fr", zone=ZONE
            )
            for name, role in (
                ("Anne", tenant_roles.Role.MANAGER),
                ("Marc", tenant_roles.Role.OWNER),
            )
        )
        scope.run(
            "UPDATE creators SET rating_ceiling = 'E' WHERE tenant_id = :tenant", tenant=tenant_id
        )
    network: Any = SimpleNamespace(clock=SimpleNamespace(advance=outside.move))
    return ConnectedCreator(
        outside, SandboxAgency(outside.services, network, tenant_id, creator_id, author, manager)
    )
