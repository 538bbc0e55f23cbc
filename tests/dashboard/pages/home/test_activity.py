"""Live activity on Home: messages and sales of fans for permitted members, and the reason why a
post is held."""

import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from PIL import Image

from channels.accounts import lifecycle
from dashboard.pages.home.activity_queries import load_live_activity
from dashboard.pages.home.queries import HomeView, load_home
from dashboard.pages.posts.queries import load_post
from dashboard.shell.localization import MemberLocalizer
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import LANGUAGES, Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import load_zone, to_wall_time
from foundation.storage.object_store import FileStore
from gate.consent.grants import grant_consent, revoke_consent
from gate.contract.units import Rating
from gate.people import persons
from gate.ratings import ratings
from schedules.calendar.board import RecentMove
from schedules.posts import deliveries
from schedules.posts.queries import post_id_of_delivery
from schedules.posts.states import DeliveryState
from schedules.posts.transitions import get_delivery, transition_delivery
from studio.ingest import pipeline
from studio.library import assets
from studio.packs import packs
from subscribers.history import history_import
from subscribers.history.history_import import PastFan, PastLine, PastSale
from subscribers.ledger import entries
from subscribers.ledger.entries import SplitShares
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.gate.answers import rate_and_answer

SHARES = SplitShares(agency=4000, creator=6000, chatter=1000)


@dataclass
class Day:
    """An agency with a picture, a pack with that picture, and an account."""

    agency: Agency
    asset: UUID
    pack: UUID
    conversation: UUID | None = None

    def seen_by(self, role: Role) -> HomeView:
        with self.agency.scope() as scope:
            return load_home(scope, tenant_reads.get_member(scope, self.agency.members[role]))

    def talk(self, *lines: tuple[str, str]) -> PastFan:
        """Import a conversation of the last minute and return its fan."""
        assert self.agency.channel_id is not None
        with self.agency.scope() as scope:
            said = [
                PastLine(author, body, scope.now - timedelta(seconds=50 - n))
                for n, (author, body) in enumerate(lines)
            ]
            fan = PastFan(
                uuid7(),
                self.agency.creator_id,
                self.agency.channel_id,
                "f1",
                "Léo",
                "fr",
                said[0].at,
                tuple(said),
            )
            history_import.import_past_fans(scope, [fan])
        return fan

    def buy(self, fan: PastFan) -> None:
        with self.agency.scope() as scope:
            entries.set_revenue_split(
                scope, fan.creator_id, SHARES, effective_from=scope.now - timedelta(days=2)
            )
            sale = PastSale(
                id=uuid7(),
                fan=fan,
                rail="sandbox",
                account="mia+key",
                pack_id=self.pack,
                pack_version=1,
                title="Nuit",
                money=Money(500, "XTS"),
                charge_id="ch_1",
                at=scope.now,
            )
            history_import.import_past_sales(scope, [sale])


@pytest.fixture
def day(tenant: OpenScope, tmp_path: Path) -> Day:
    made = create_agency(tenant)
    made.post("une")
    out = io.BytesIO()
    Image.effect_noise((64, 48), 40).convert("RGB").save(out, "JPEG")
    photo = pipeline.prepare_upload(out.getvalue(), name="a.jpg", alt="une photo")
    store = FileStore(tmp_path)
    asset = pipeline.ingest_asset(
        tenant, store, tenant_id=made.tenant_id, creator_id=made.creator_id, prepared=photo
    )
    with made.scope() as scope:
        rate_and_answer(
            scope, assets.get_asset(scope, asset).sha256, Rating.G, source=made.act_as(Role.MANAGER)
        )
        pack = packs.create_pack(
            scope,
            creator_id=made.creator_id,
            slug="nuit",
            title="Nuit",
            description="",
            assets=[asset],
        )
    return Day(made, asset, pack)


def told(found: HomeView, kind: str) -> list[Any]:
    return [one for what, one in found.live if what == kind]


def test_removed_post_shows_no_picture(day: Day) -> None:
    """The file is no longer served, so the page would have a gap."""
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def went(post: int, after: DeliveryState) -> RecentMove:
        ids = (uuid7(), UUID(int=post), day.agency.creator_id)
        return RecentMove(
            *ids,
            "Sandbox",
            "une",
            DeliveryState.PUBLISHING,
            after,
            at,
            0.0,
            "system",
            None,
            None,
            day.asset,
        )

    moved = [
        went(1, DeliveryState.REMOVED),
        went(1, DeliveryState.PUBLISHED),
        went(2, DeliveryState.PUBLISHED),
    ]
    with day.agency.scope() as scope:
        lines = load_live_activity(scope, [], moved, since=at, talk=False, money=False)
    pictures = [one.picture for _, one in lines if isinstance(one, RecentMove)]
    assert pictures == [None, None, day.asset]


def test_messages_and_sales_are_listed_newest_first(day: Day) -> None:
    fan = day.talk(("fan", "Tu es réelle ?"), ("bot", "Non, je suis une IA."))
    day.buy(fan)
    found = day.seen_by(Role.OWNER)
    assert [(one.author, one.fan) for one in told(found, "said")] == [
        ("bot", "Léo"),
        ("fan", "Léo"),
    ]
    sold = told(found, "sold")
    assert [(one.title, one.money.minor, one.delivered) for one in sold] == [("Nuit", 500, True)]
    assert [part.minor for part in sold[0].shares] == [300, 180, 20]
    assert [one.at for _, one in found.live] == sorted(
        (one.at for _, one in found.live), reverse=True
    )


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        (Role.OWNER, {"said", "sold"}),
        (Role.MANAGER, {"said", "sold"}),
        (Role.CHATTER, {"said"}),
        (Role.CREATOR, {"sold"}),
        (Role.ACCOUNTANT, set()),
        (Role.GUEST, set()),
    ],
)
def test_each_role_sees_permitted_activity(day: Day, role: Role, kinds: set[str]) -> None:
    day.buy(day.talk(("fan", "Bonjour")))
    assert {what for what, _ in day.seen_by(role).live} - {"moved"} == kinds


def test_member_of_another_creator_sees_no_activity(day: Day) -> None:
    day.buy(day.talk(("fan", "canary")))
    with day.agency.scope() as scope:
        scope.run(
            """UPDATE members SET creators = '["nobody"]' WHERE id = :m""",
            m=day.agency.members[Role.OWNER],
        )
    assert day.seen_by(Role.OWNER).live == []


@pytest.mark.parametrize("how", ["unnamed", "revoked", "agreed", "alone"])
def test_held_post_names_the_person_concerned(day: Day, how: str) -> None:
    with day.agency.scope() as scope:
        shown = persons.add_person(scope, kind="real", display_ref="Alex")
        ratings.record_depiction(
            scope, day.asset, shown, how="face", confirmed_by="" if how == "unnamed" else "member:x"
        )
        if how != "alone":
            other = persons.add_person(scope, kind="synthetic", display_ref="Nova")
            ratings.record_depiction(scope, day.asset, other, how="face", confirmed_by="member:x")
        if how in ("revoked", "agreed"):
            agree(scope, shown)
        if how == "revoked":
            revoke_consent(scope, shown)
    delivery_id = held(day)
    said = day.seen_by(Role.OWNER).kept_back.get(delivery_id)
    codes = {
        "unnamed": "home.hold.second",
        "revoked": "home.hold.revoked",
        "alone": "home.hold.consent_missing",
    }
    assert (said.code if said is not None else None) == codes.get(how)
    with day.agency.scope() as scope:
        post_id = post_id_of_delivery(scope, delivery_id)
        opened = load_post(scope, tenant_reads.list_creators(scope), post_id)
    assert opened.hold_reasons.get(delivery_id) == said
    if said is not None:
        for language in LANGUAGES:
            sentence = MemberLocalizer(language, load_zone(ZONE)).message_text(said)
            assert "Alex" in sentence
            assert sentence.startswith(("En attente", "On hold"))


def agree(scope: Scope, person: UUID) -> None:
    grant_consent(
        scope,
        person,
        what="publish",
        surfaces=["sandbox"],
        max_rating=Rating.G,
        valid_from=scope.now - timedelta(days=9),
        valid_until=scope.now + timedelta(days=9),
        evidence_digest="0" * 64,
        signed_by=person,
    )


def held(day: Day) -> UUID:
    """Create a post with the picture that the safety check has just held."""
    who = day.agency
    assert who.channel_id is not None
    with who.scope() as scope:
        post_id = deliveries.create_post(
            scope,
            creator_id=who.creator_id,
            title="",
            body="à deux",
            media=[day.asset],
            origin="test",
            origin_key=str(uuid7()),
            author="system:test",
        )
        found = deliveries.create_delivery(
            scope, post_id, who.channel_id, at=to_wall_time(scope.now, ZONE)
        )
        transition_delivery(
            scope,
            get_delivery(scope, found),
            DeliveryState.HELD,
            reason=Message("gate.PERSON_UNRESOLVED"),
        )
    return found


def test_many_posts_do_not_hide_a_held_one(day: Day) -> None:
    """Thirty posts are published on five accounts right after another post was held."""
    lumiere, burst = day.agency, []
    kept = lumiere.post("à deux", minutes=-1, state="publishing")
    with lumiere.scope() as scope:
        transition_delivery(
            scope,
            get_delivery(scope, kept),
            DeliveryState.HELD,
            reason=Message("gate.CONSENT_MISSING"),
        )
    for number in range(30):
        if number % 6 == 0:
            lumiere.channel_id = _another_account(lumiere, number)
        burst.append(lumiere.post(f"n° {number}", minutes=-1, state="publishing"))
    with lumiere.scope() as scope:
        for one in burst:
            transition_delivery(
                scope, get_delivery(scope, one), DeliveryState.PUBLISHED, native_id=str(one)
            )
    told = [line.after for kind, line in day.seen_by(Role.OWNER).live if kind == "moved"]
    assert told == [DeliveryState.PUBLISHED] * 3 + [DeliveryState.HELD]


def test_post_on_several_accounts_does_not_hide_the_previous_one(day: Day) -> None:
    """A post is published on two accounts, and a second later another one on three: both are
    listed."""
    at = datetime(2026, 3, 1, 9, tzinfo=UTC)

    def left(post: int, account: int) -> RecentMove:
        ids = (uuid7(), UUID(int=post), day.agency.creator_id)
        went, when = (
            (DeliveryState.PUBLISHING, DeliveryState.PUBLISHED),
            at + timedelta(seconds=post, milliseconds=account),
        )
        return RecentMove(
            *ids, f"n° {account}", "une", *went, when, 0.0, "system", None, None, None
        )

    moved = [left(2, 3), left(2, 2), left(2, 1), left(1, 2), left(1, 1)]
    with day.agency.scope() as scope:
        lines = load_live_activity(scope, [], moved, since=at, talk=False, money=False)
    told = [(one.post_id.int, one.account) for _, one in lines if isinstance(one, RecentMove)]
    assert told == [(2, "n° 3"), (2, "n° 2"), (1, "n° 2")]


def _another_account(who: Agency, number: int) -> UUID:
    with who.scope() as scope:
        return lifecycle.connect_account(
            scope,
            creator_id=who.creator_id,
            platform="sandbox",
            surface="sandbox.post",
            account=f"mia-{number}-{str(who.tenant_id)[-6:]}",
            name=f"Sandbox {number}",
            base_url="http://127.0.0.1:9",
            token=None,
            zone=ZONE,
        )
