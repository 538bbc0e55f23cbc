"""A creator with a history of posts and sales on any day, and reads of its daily figures."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from channels.accounts import lifecycle
from channels.accounts.queries import get_channel
from connectors.contract.comments import Comment
from foundation.db.database import Scope
from foundation.ids import uuid7
from foundation.money import Money
from insights.metrics.events import RollupDue
from insights.rollups import daily_rollups, queries
from schedules.imports.history_import import PastPost, import_past_posts
from studio.ingest import pipeline
from studio.packs import packs
from subscribers.comments import incoming_comments
from subscribers.conversations import message_sentiments
from subscribers.conversations.message_sentiments import SentimentDraft
from subscribers.conversations.states import Sentiment
from subscribers.history.history_import import (
    PastFan,
    PastLine,
    PastSale,
    import_past_fans,
    import_past_sales,
)
from subscribers.ledger import entries
from subscribers.ledger.entries import SplitShares
from tenants.agencies import agencies
from tests.schedules.builders import jpeg
from workers.wiring import Services

ZONE = "Europe/Paris"


@dataclass
class CreatorHistory:
    """A creator with one account, one pack and one fan."""

    services: Services
    tenant_id: UUID
    creator_id: UUID
    channel_id: UUID
    pack_id: UUID
    fan: PastFan
    zone: str
    serial: list[int] = field(default_factory=list)

    def scope(self) -> AbstractContextManager[Scope]:
        return self.services.tenant(self.tenant_id, "system:test")

    def sale(
        self,
        at: datetime,
        minor: int = 500,
        *,
        currency: str = "XTS",
        refunded_at: datetime | None = None,
        title: str = "Dawn",
    ) -> UUID:
        """Import a paid and delivered sale of a pack, optionally refunded, and return the order ID."""
        self.serial.append(1)
        sale = PastSale(
            id=uuid7(),
            fan=self.fan,
            rail="sandbox",
            account="till",
            pack_id=self.pack_id,
            pack_version=1,
            title=title,
            money=Money(minor, currency),
            charge_id=f"{self.tenant_id}-{len(self.serial)}",
            at=at,
            refunded_at=refunded_at,
        )
        with self.scope() as scope:
            import_past_sales(scope, [sale])
        return sale.id

    def post(self, due: datetime, *, late: timedelta = timedelta(), **more: Any) -> UUID:
        """Import a post published `late` after `due`, and return the delivery ID."""
        values: dict[str, Any] = {"title": "", "body": "hello", "media": (), **more}
        post = PastPost(
            id=uuid7(),
            creator_id=self.creator_id,
            channel_id=self.channel_id,
            author="system:test",
            text_ai="none",
            wall_time=f"{due:%Y-%m-%dT%H:%M}",
            zone="UTC",
            due_at=due,
            published_at=due + late,
            native_id=str(uuid7()),
            **values,
        )
        with self.scope() as scope:
            import_past_posts(scope, [post])
        return post.delivery_id

    def roll_up(self, day: date) -> None:
        """Build the rows of the day as the scheduled task does."""
        daily_rollups.roll_up_day(
            RollupDue(self.tenant_id, self.creator_id, day), tenant=self.services.tenant
        )

    def sales_of(self, day: date) -> list[queries.DaySales]:
        with self.scope() as scope:
            return queries.daily_sales(scope, self.creator_id, day, day).get(day, [])

    def work_of(self, day: date) -> queries.DayWork | None:
        with self.scope() as scope:
            return queries.daily_work(scope, self.creator_id, day, day).get(day)


def receive_comments(
    scope: Scope, channel_id: UUID, texts: Sequence[str], *, under: str = "", key: str = ""
) -> None:
    """Receive a comment of another fan for each text, written now."""
    channel = get_channel(scope, channel_id)
    for number, text in enumerate(texts):
        name = f"{key}{number}"
        comment = Comment(f"comment-{name}", f"author-{name}", f"@{name}", text, under)
        incoming_comments.receive_comment(scope, channel, comment)


def store_comments(
    scope: Scope,
    channel_id: UUID,
    comments: Sequence[tuple[datetime, Sentiment]],
    *,
    delivery_id: UUID | None = None,
    toxicity: Sequence[float] = (),
) -> None:
    """Receive comments and store their sentiments as if they had been written at these times."""
    channel = get_channel(scope, channel_id)
    key = f"{uuid7()}-"
    receive_comments(scope, channel_id, [f"{one} {at}" for at, one in comments], key=key)
    found = message_sentiments.list_unclassified_messages(
        scope, [channel.creator_id], most=len(comments)
    )
    toxic = toxicity or [0.1] * len(comments)
    message_sentiments.store_sentiments(
        scope,
        [
            SentimentDraft(replace(message, at=at), sentiment, 0.9, each, delivery_id, 1)
            for message, (at, sentiment), each in zip(
                sorted(found, key=lambda one: one.id), comments, toxic, strict=True
            )
        ],
    )


def create_creator_history(
    services: Services, *, zone: str = ZONE, name: str = "Léa", since: datetime | None = None
) -> CreatorHistory:
    """Create a tenant whose creator has sold since the year 2000."""
    tenant_id, old = uuid7(), since or datetime.fromisoformat("2000-01-01T00:00+00:00")
    with services.tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Agence", language="fr", zone=zone)
        creator_id = agencies.add_creator(
            scope, slug="lea", name=name, kind="virtual", zone=zone, languages=["fr"]
        )
        channel_id = lifecycle.connect_account(
            scope,
            creator_id=creator_id,
            platform="sandbox",
            surface="sandbox.post",
            account=f"lea-{tenant_id}",
            name="Essai",
            base_url="http://127.0.0.1:1",
            token=None,
            zone=zone,
        )
    prepared = pipeline.prepare_upload(jpeg(), name="x.jpg")
    asset = pipeline.ingest_asset(
        services.tenant,
        services.store,
        tenant_id=tenant_id,
        creator_id=creator_id,
        prepared=prepared,
    )
    lines = (PastLine("fan", "bonjour", old), PastLine("bot", "salut", old + timedelta(minutes=1)))
    fan = PastFan(uuid7(), creator_id, channel_id, "fan-1", "Paul", "fr", old, lines)
    with services.tenant(tenant_id, "system:test") as scope:
        pack_id = packs.create_pack(
            scope,
            creator_id=creator_id,
            slug="dawn",
            title="Dawn",
            description="The harbour",
            assets=[asset],
        )
        entries.set_revenue_split(
            scope,
            creator_id,
            SplitShares(agency=4000, creator=6000, chatter=1000),
            effective_from=old,
        )
        import_past_fans(scope, [fan])
    return CreatorHistory(services, tenant_id, creator_id, channel_id, pack_id, fan, zone)
