"""The world of one seed: two agencies, four creators, their accounts, their intended posts and
their fans."""

import random
import sqlite3
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Literal
from urllib.parse import quote
from uuid import UUID

from channels.accounts import lifecycle
from channels.listening import listener
from channels.sending import step_runner
from connectors.registry import loader
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import WallTime
from gate.contract.units import Rating, Subject
from gate.ratings import ratings
from sandbox import store as sandbox_store
from schedules.approvals.release import release_post
from schedules.drafts import duplicates
from schedules.posts import deliveries
from schedules.posts.thread_parts import ThreadPart
from studio.ingest import pipeline
from studio.library import assets
from studio.packs import packs
from studio.recipes import specs
from studio.runs import runner
from subscribers.catalog.prices import set_price
from subscribers.ledger import entries
from subscribers.ledger.entries import SplitShares
from subscribers.replies import persona
from subscribers.replies.persona import PersonaVersion
from tenants.agencies import agencies, rights
from tests.chaos.installation import ACTOR, Installation
from tests.gate.answers import rate_and_answer
from tests.schedules.builders import jpeg
from web.site import sites

AGENCIES, CREATORS = 2, 2
POSTS = 24
DUE_WITHIN = 6.0
"""Seconds within which all posts are due."""

LEAD = timedelta(seconds=1.5)
"""Time from the end of scheduling to the first due time."""

PRICE = Money(500, "XTS")
NOVA = PersonaVersion(
    name="Nova",
    virtual=True,
    card="Nova is a virtual photographer of quiet places. She is warm, curious and brief.",
    voice="Warm, short sentences, one emoji at most.",
    languages=("fr", "en"),
    level="autopilot",
)

RECIPE = specs.RecipeSpec(
    name="port",
    prompt="le port {heure}",
    words={"heure": ["à l'aube", "la nuit"]},
    variants=3,
    width=192,
    height=128,
)

Kind = Literal["page", "key", "plain", "nolook"]
Role = Literal["buyer", "twice", "refund", "reader"]
Step = Mapping[str, object]
CHATS: tuple[Kind, ...] = ("key", "plain", "nolook", "key")
ROLES: tuple[Role, ...] = ("buyer", "twice", "refund", "reader")
"""The chat accounts of the creators in order, and the roles of the fans, which rotate with the
seed."""

_TALK: tuple[Step, ...] = (
    {"type": "message", "text": "bonjour"},
    {"type": "message", "text": "tu as des photos à vendre ?", "when": "reply"},
    {"type": "button", "ref": "buy", "when": "button:buy", "after": 0.3},
    {"type": "pay", "when": "invoice", "after": 0.3},
)
SCRIPTS: Mapping[Role, tuple[Step, ...]] = {
    "buyer": _TALK,
    "refund": _TALK,
    "twice": (*_TALK, {"type": "pay", "after": 0.4}, {"type": "pay", "after": 1.5}),
    "reader": (*_TALK, {"type": "button", "ref": "purchases", "when": "button:purchases"}),
}


@dataclass(frozen=True)
class Place:
    """A destination. `kind` says which lookups are possible after a lost response."""

    tenant_id: UUID
    creator_id: UUID
    channel_id: UUID
    kind: Kind
    account: str
    token: str = field(repr=False)


@dataclass(frozen=True)
class Intent:
    """One post on one destination. `always`: it must be published however late."""

    place: Place
    delivery_id: UUID
    text: str
    due: datetime
    always: bool
    media: int
    parts: tuple[str, ...] = ()
    """The texts of its thread."""

    @property
    def key(self) -> str:
        """The key by which the platform identifies it."""
        return self.keys[0]

    @property
    def keys(self) -> list[str]:
        """The keys of the post and of all parts."""
        subject = Subject("delivery", self.delivery_id)
        return [step_runner.native_key_of(subject, part) for part in range(1 + len(self.parts))]


@dataclass(frozen=True)
class Fan:
    """A fan who plays a script."""

    name: str
    role: Role
    place: Place


@dataclass
class World:
    """All data of one seed."""

    house: Installation
    seed: int
    tenants: list[UUID] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    intents: list[Intent] = field(default_factory=list)
    fans: list[Fan] = field(default_factory=list)
    pictures: dict[UUID, list[UUID]] = field(default_factory=dict)
    jobs: dict[UUID, UUID] = field(default_factory=dict)
    """Runs of a recipe, by agency."""

    touched: set[UUID] = field(default_factory=set)
    """Deliveries that members changed."""

    def of_kind(self, *kinds: Kind) -> list[Place]:
        """Return the destinations of some kinds."""
        return [place for place in self.places if place.kind in kinds]

    def scripts_left(self) -> int:
        """Return the number of fans with an unfinished script."""
        rows = self.kept("SELECT account FROM scripts WHERE position < json_array_length(steps)")
        ours = {fan.place.account for fan in self.fans}
        return sum(row["account"] in ours for row in rows)

    def unheard(self) -> list[str]:
        """Return the accounts with fan actions that are not received yet."""
        rows = self.kept("SELECT account, max(id) AS last FROM updates GROUP BY account")
        last = {row["account"]: str(row["last"]) for row in rows}
        return [
            fan.place.account
            for fan in self.fans
            if fan.place.account in last and self._heard(fan.place) != last[fan.place.account]
        ]

    def _heard(self, place: Place) -> str:
        return self.house.read(
            place.tenant_id, lambda scope: listener.stored_cursor(scope, place.channel_id)
        )

    def kept(self, query: str, *params: object) -> list[sqlite3.Row]:
        """Return rows of the sandbox's file, which needs no running process."""
        with closing(
            sandbox_store.SandboxStore(self.house.home.folder / "sandbox.sqlite")
        ) as store:
            return store.fetch_all(query, *params)

    def retire(self) -> None:
        """End all work of this world: disconnect its accounts, delete its rows and stop its fans."""
        for tenant_id in self.tenants:
            mine = [place.channel_id for place in self.places if place.tenant_id == tenant_id]

            def rest(scope: Scope, mine: Sequence[UUID] = mine) -> None:
                for channel_id in mine:
                    lifecycle.mark_gone(scope, channel_id, Message("channel.token_refused"))
                scope.run("DELETE FROM outbox WHERE tenant_id = :tenant", tenant=scope.tenant_id)

            self.house.read(tenant_id, rest)
        with closing(
            sandbox_store.SandboxStore(self.house.home.folder / "sandbox.sqlite")
        ) as store:
            store.execute("DELETE FROM scripts")


def build_world(house: Installation, seed: int, drawn: random.Random) -> World:
    """Create everything of a seed before the faults start; no post is due yet."""
    world = create_world(house, seed)
    _fans(world)
    _posts(world, drawn)
    for place in world.of_kind("page"):
        if place.tenant_id not in world.jobs:
            world.jobs[place.tenant_id] = house.read(
                place.tenant_id, partial(_job, place.creator_id, seed)
            )
    return world


def create_world(house: Installation, seed: int) -> World:
    """Create agencies, creators and accounts, without messages and posts."""
    world = World(house, seed)
    run = uuid7().hex[-6:]  # a seed that is repeated in the same installation gets new accounts
    for number in range(AGENCIES):
        tenant_id = uuid7()
        world.tenants.append(tenant_id)
        with house.scope(tenant_id) as scope:
            agencies.create_agency(scope, name=f"Agence {number}", language="fr", zone="UTC")
            email = f"marc-{run}@{number}.test"
            agencies.add_member(
                scope, name="Marc", email=email, role=rights.Role.MANAGER, language="fr", zone="UTC"
            )
        for each in range(CREATORS):
            _creator(world, tenant_id, f"c{seed}-{number}{each}-{run}", number * CREATORS + each)
    return world


def _job(creator_id: UUID, seed: int, scope: Scope) -> UUID:
    """Start a run of a recipe during the storm."""
    recipe_id = specs.save_recipe(scope, creator_id, RECIPE)
    return runner.start_run(
        scope, creator_id=creator_id, recipe_id=recipe_id, seed=seed, key="matin"
    )


def _creator(world: World, tenant_id: UUID, slug: str, number: int) -> None:
    house = world.house
    with house.scope(tenant_id) as scope:
        creator_id = agencies.add_creator(
            scope,
            slug=slug,
            name="Nova",
            kind="virtual",
            zone="UTC",
            languages=["fr"],
            approval_tiers=0,
        )
        persona.activate_persona(scope, persona.create_persona_version(scope, creator_id, NOVA))
        shares = SplitShares(agency=4000, creator=6000, chatter=1000)
        entries.set_revenue_split(scope, creator_id, shares, effective_from=scope.now)
    world.pictures[creator_id] = [
        _picture(house, tenant_id, creator_id, number * 10 + each) for each in range(2)
    ]
    with house.scope(tenant_id) as scope:
        pack = packs.create_pack(
            scope,
            creator_id=creator_id,
            slug="matin",
            title="Matin calme",
            description="Le port au lever du jour",
            assets=world.pictures[creator_id],
        )
        set_price(scope, creator_id, pack, "sandbox", PRICE)
        credential = sites.open_site(
            scope, creator_id=creator_id, slug=slug, title="Nova", about="Le port", language="fr"
        )
    assert credential is not None
    chat = CHATS[number % len(CHATS)]
    _connect(world, (tenant_id, creator_id), "page", slug, credential)
    endings: Mapping[Kind, str] = {"key": "k+key", "plain": "p", "nolook": "n-nolook"}
    for kind, ending in endings.items():
        account = f"{slug}-{ending}"
        _connect(
            world,
            (tenant_id, creator_id),
            kind,
            account,
            house.open_account(account),
            chats=kind == chat,
        )


def _connect(
    world: World,
    owner: tuple[UUID, UUID],
    kind: Kind,
    account: str,
    token: str,
    *,
    chats: bool = False,
) -> None:
    (tenant_id, creator_id), house, page = owner, world.house, kind == "page"
    sealed = house.services.seal(tenant_id, token)
    with house.scope(tenant_id) as scope:
        channel_id = lifecycle.connect_account(
            scope,
            creator_id=creator_id,
            platform="own_page" if page else "sandbox",
            surface="public" if page else "sandbox.post",
            chat_surface="sandbox.chat" if chats else "",
            account=account,
            name=kind,
            base_url=f"http://127.0.0.1:{house.settings.web.port}" if page else house.sandbox,
            token=sealed,
            zone="UTC",
        )
    world.places.append(Place(tenant_id, creator_id, channel_id, kind, account, token))
    if chats:
        role = ROLES[(world.seed + len(world.fans)) % len(ROLES)]
        world.fans.append(Fan(f"fan{len(world.fans)}", role, world.places[-1]))


def _picture(house: Installation, tenant_id: UUID, creator_id: UUID, number: int) -> UUID:
    prepared = pipeline.prepare_upload(jpeg(number), name=f"{number}.jpg", alt=f"image {number}")
    services = house.services
    asset = pipeline.ingest_asset(
        services.tenant,
        services.store,
        tenant_id=tenant_id,
        creator_id=creator_id,
        prepared=prepared,
    )
    with house.scope(tenant_id) as scope:
        digest = assets.get_asset(scope, asset).sha256
        if ratings.effective_rating(scope, digest) is None:
            rate_and_answer(scope, digest, Rating.G, source=f"member:{uuid7()}")
    return asset


def _fans(world: World) -> None:
    for fan in world.fans:
        steps = list(SCRIPTS[fan.role])
        world.house.ask(
            "POST",
            f"/control/scripts/{quote(fan.place.account, safe='')}/{fan.name}",
            {"steps": steps},
        )


def _posts(world: World, drawn: random.Random) -> None:
    """Schedule posts for one to three destinations of their creator; some share a text, some have
    pictures."""
    start = world.house.now() + LEAD + timedelta(seconds=1.5)
    creators = sorted({(place.tenant_id, place.creator_id) for place in world.places})
    for number in range(POSTS):
        tenant_id, creator_id = creators[number % len(creators)]
        own = [place for place in world.places if place.creator_id == creator_id]
        media = drawn.sample(world.pictures[creator_id], drawn.choice((0, 0, 0, 1, 2)))
        text = (
            "Bonjour à toutes et à tous"
            if drawn.random() < 0.2
            else f"Histoire {world.seed}.{number}"
        )
        chosen = drawn.sample(own, drawn.choice((1, 2, 2, 3)))
        due = start + timedelta(seconds=round(drawn.uniform(0, DUE_WITHIN), 2))
        always = drawn.random() < 0.5
        with world.house.scope(tenant_id) as scope:
            world.intents += plan_post(
                scope, chosen, number, text=text, media=media, due=due, always=always
            )
    for intent in world.intents:  # after all are scheduled, so that each sees its duplicates
        with world.house.scope(intent.place.tenant_id) as scope:
            duplicates.allow_duplicate(
                scope, intent.delivery_id, connectors=loader.load_connectors()
            )


def plan_post(
    scope: Scope,
    chosen: Sequence[Place],
    number: int,
    *,
    text: str,
    due: datetime,
    media: Sequence[UUID] = (),
    always: bool = True,
    parts: tuple[str, ...] = (),
    wall: WallTime | None = None,
) -> list[Intent]:
    """Schedule a post on some destinations of one creator. `always`: without a lateness limit,
    otherwise half an hour.

    `wall` is the wall time of a zone. If approval is required, the post is pending.
    """
    post_id = deliveries.create_post(
        scope,
        creator_id=chosen[0].creator_id,
        title="",
        body=text,
        media=media,
        parts=[ThreadPart(part) for part in parts],
        origin="chaos",
        origin_key=str(number),
        author=ACTOR,
        late_ok=None if always else timedelta(minutes=30),
    )
    wall = wall or WallTime(due.astimezone(UTC).date(), due.astimezone(UTC).time(), "UTC")
    planned = [
        (place, deliveries.create_delivery(scope, post_id, place.channel_id, at=wall))
        for place in chosen
    ]
    release_post(scope, post_id)
    return [
        Intent(place, delivery_id, text, due, always, len(media), parts)
        for place, delivery_id in planned
    ]
