"""An agency with data: members of every role, posts of today, sales of the last days."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

from channels.accounts import lifecycle
from foundation.db.database import OpenScope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import local_day, to_wall_time
from insights.metrics.models import FollowerDay
from insights.rollups.history_import import PastDay, import_past_days
from insights.rollups.queries import DaySales, DayWork
from schedules.approvals import decisions
from schedules.posts import deliveries
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.notices import notices

ZONE = "Europe/Paris"


@dataclass
class Agency:
    """One tenant; `members` by role."""

    open: OpenScope
    tenant_id: UUID
    creator_id: UUID
    members: Mapping[Role, UUID]
    channel_id: UUID | None = None
    mark: str = ""
    posts: list[UUID] = field(default_factory=list)

    def scope(self, actor: str = "system:test", **role: Any) -> Any:
        return self.open(self.tenant_id, actor, **role)

    def act_as(self, role: Role) -> str:
        return f"member:{self.members[role]}"

    def post(
        self, body: str, *, minutes: float = 5, state: str = "scheduled", url: str = ""
    ) -> UUID:
        """Create an approved post due in `minutes`, set its delivery to `state`, and return the
        delivery ID."""
        author, manager = self.act_as(Role.MANAGER), self.members[Role.OWNER]
        if self.channel_id is None:
            with self.scope() as scope:
                self.channel_id = lifecycle.connect_account(
                    scope,
                    creator_id=self.creator_id,
                    platform="sandbox",
                    surface="sandbox.post",
                    account=f"mia-{str(self.tenant_id)[-6:]}",
                    name=f"Sandbox {self.mark}".strip(),
                    base_url="http://127.0.0.1:9",
                    token=None,
                    zone=ZONE,
                    app_key=f"app-{self.tenant_id}",
                )
        with self.scope(author) as scope:
            post_id = deliveries.create_post(
                scope,
                creator_id=self.creator_id,
                title="",
                body=body,
                media=(),
                origin="test",
                origin_key=str(uuid7()),
                author=author,
            )
            at = to_wall_time(scope.now + timedelta(minutes=minutes), ZONE)
            delivery_id = deliveries.create_delivery(scope, post_id, self.channel_id, at=at)
        with self.scope(f"member:{manager}") as scope:
            decisions.approve_post(scope, post_id, member_id=manager)
            deliveries.schedule_post(scope, post_id)
            scope.run(
                "UPDATE deliveries SET state = :state, url = :url WHERE tenant_id = :t AND id = "
                ":id",
                state=state,
                url=url or None,
                t=self.tenant_id,
                id=delivery_id,
            )
        self.posts.append(post_id)
        return delivery_id

    def notice(
        self,
        code: str,
        *,
        cause: str = "",
        urgent: bool = False,
        mine: bool = True,
        **params: str | int,
    ) -> None:
        """Create a notice that needs an action of a member."""
        with self.scope() as scope:
            notices.put(
                scope,
                Message(code, params),
                cause=cause or f"test:{uuid7()}",
                urgent=urgent,
                creator_id=self.creator_id if mine else None,
            )

    def followed(self, back: int, number: int) -> None:
        """Record the followers of the account this many days ago."""
        with self.scope() as scope:
            scope.add(
                FollowerDay(
                    tenant_id=self.tenant_id,
                    id=uuid7(),
                    creator_id=self.creator_id,
                    channel_id=self.channel_id,
                    day=local_day(scope.now, ZONE) - timedelta(days=back),
                    followers=number,
                    observed_at=scope.now,
                )
            )

    def sold(self, back: int, minor: int, *, orders: int = 1, currency: str = "EUR") -> None:
        """Record the sales of the day this many days ago."""
        none = Money(0, currency)
        sales = DaySales(orders, Money(minor, currency), none, none, none, none)
        with self.scope() as scope:
            day = local_day(scope.now, ZONE) - timedelta(days=back)
            import_past_days(scope, [PastDay(self.creator_id, day, DayWork(), (sales,))])


def create_agency(
    tenant: OpenScope, *, mark: str = "", language: str = "fr", demo: bool = False
) -> Agency:
    """Create an agency in a new tenant; every name contains `mark`. The language of the chatter is
    English."""
    tenant_id = uuid7()
    with tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(
            scope, name=f"Lumière {mark}".strip(), language=language, zone=ZONE, demo=demo
        )
        made = {"kind": "human", "zone": ZONE, "languages": ["fr"]}
        creator = agencies.add_creator(scope, slug="mia", name=f"Mia {mark}".strip(), **made)
        members = {
            role: agencies.add_member(
                scope,
                name=f"{role.title()} {mark}".strip(),
                email=f"{role}@example.test",
                role=role,
                language="en" if role is Role.CHATTER else language,
                zone=ZONE,
            )
            for role in Role
        }
    return Agency(tenant, tenant_id, creator, members, mark=mark)
