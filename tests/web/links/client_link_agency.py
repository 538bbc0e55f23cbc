"""An agency whose posts need a client's approval, and the client's browser."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from uuid import UUID

import httpx

from channels.accounts import lifecycle
from foundation.ids import uuid7
from foundation.ops.wall_time import to_wall_time
from gate.contract.units import Rating
from gate.reviews import link_targets, own_terms
from insights.reports import deliveries as report_links
from insights.reports import runs, schedules
from insights.reports.events import ReportDue
from insights.reports.periods import ReportKind
from insights.reports.schedules import ReportForm
from schedules.approvals import client_links, decisions
from schedules.drafts import drafts
from schedules.drafts.drafts import Draft
from schedules.posts import deliveries
from schedules.posts.channel_overrides import ChannelOverride
from schedules.posts.link_tracking import DEFAULT_LINK_CHOICES, LinkChoices
from schedules.posts.thread_parts import ThreadPart
from studio.ingest import pipeline
from studio.library import assets
from tenants.agencies import agencies, queries
from tenants.agencies.rights import Role
from tests.gate.answers import rate_and_answer
from tests.schedules.builders import ZONE, jpeg
from tests.web.builders import WebServer

OWN = {"sec-fetch-site": "same-origin", "accept-language": "en"}


@dataclass
class House:
    """An agency whose posts need two approvals, with a post that lacks the second."""

    room: WebServer
    tenant_id: UUID
    creator_id: UUID
    owner: UUID
    author: UUID
    channel_id: UUID
    post_id: UUID

    def scope(self, actor: str = "system:test") -> Any:
        return self.room.tenant(self.tenant_id, actor)

    def photo(self, number: int, rating: Rating | None) -> UUID:
        prepared = pipeline.prepare_upload(
            jpeg(number), name=f"{number}.jpg", alt=f"picture {number}"
        )
        bring = pipeline.ingest_asset
        asset = bring(
            self.room.tenant,
            self.room.library,
            tenant_id=self.tenant_id,
            creator_id=self.creator_id,
            prepared=prepared,
        )
        if rating is not None:
            self.rate(asset, rating)
        return asset

    def rate(self, asset: UUID, rating: Rating) -> None:
        with self.scope(f"member:{self.owner}") as scope:
            rate_and_answer(
                scope, assets.get_asset(scope, asset).sha256, rating, source=f"member:{self.owner}"
            )

    def register(self, url: str) -> None:
        """Add an address to the creator's approved links."""
        with self.scope() as scope:
            link_targets.register_link_target(
                scope, self.creator_id, url, rating=Rating.G, adult=False
            )

    def write(
        self,
        body: str,
        *,
        title: str = "A title",
        media: tuple[UUID, ...] = (),
        parts: tuple[ThreadPart, ...] = (),
        links: LinkChoices = DEFAULT_LINK_CHOICES,
        others: tuple[ChannelOverride, ...] = (),
    ) -> None:
        actor = f"member:{self.author}"
        with self.scope(actor) as scope:
            draft = Draft(
                self.creator_id,
                title,
                body,
                media,
                (self.channel_id,),
                parts=parts,
                others=others,
                links=links,
            )
            at = to_wall_time(scope.now + timedelta(hours=5), ZONE)
            self.post_id = drafts.plan_draft(scope, draft, key=uuid7(), at=at, author=actor).post_id
        with self.scope(f"member:{self.owner}") as scope:
            decisions.approve_post(scope, self.post_id, member_id=self.owner)

    def write_anew(self, body: str) -> None:
        """Change the text of the post as its author."""
        actor = f"member:{self.author}"
        with self.scope(actor) as scope:
            draft = Draft(self.creator_id, "A title", body, (), (self.channel_id,))
            drafts.rewrite_post(scope, self.post_id, draft, author=actor)

    def link(self) -> str:
        with self.scope(f"member:{self.owner}") as scope:
            return f"{client_links.CLIENT_LINK_PATH}{client_links.create_client_link(scope, self.post_id, name='Anna')}"

    def publish(self, day: date) -> str:
        """Turn the post into one that was published at noon of a day, and return its address."""
        url = f"https://sandbox.test/{self.post_id}"
        with self.scope() as scope:
            scope.run(
                "UPDATE deliveries SET state = 'published', due_at = :at, settled_at = :at,"
                " native_id = CAST(post_id AS text), url = :url WHERE post_id = :post",
                at=datetime.combine(day, time(12), UTC),
                url=url,
                post=self.post_id,
            )
        return url

    def report(self, day: date) -> tuple[UUID, str]:
        """Create the report of a day for a client; return its ID and the path of a link to it."""
        with self.scope() as scope:
            owner = queries.get_member(scope, self.owner)
            form = ReportForm(
                *("Day", ReportKind.DAILY, "client", (self.creator_id,), 8, ZONE, "fr")
            )
            made = schedules.create_schedule(scope, uuid7(), form, owner)
        runs.create_report(ReportDue(self.tenant_id, made, day, day), tenant=self.room.tenant)
        with self.scope() as scope:
            (run,) = runs.list_runs(scope, made)
            token = report_links.create_link(scope, run.id, owner, language="fr")
        return run.id, f"{report_links.LINK_PATH}{token}"

    def ban(self, term: str, kind: str = "explicit") -> None:
        """Add a term to the agency's own terms."""
        with self.scope(f"member:{self.owner}") as scope:
            own_terms.add_own_terms(scope, kind, (term,))

    def state(self) -> str:
        with self.scope() as scope:
            return str(deliveries.deliveries_of_post(scope, self.post_id)[0].state)


def create_house(room: WebServer, *, platform: str = "sandbox") -> House:
    """Create the agency, with one account on a platform."""
    tenant_id = uuid7()
    with room.tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name="Agence <b>", language="fr", zone=ZONE)
        creator = agencies.add_creator(
            scope,
            slug="lea",
            name="Léa",
            kind="virtual",
            zone=ZONE,
            languages=["fr"],
            approval_tiers=2,
        )
        owner, author = (
            agencies.add_member(
                scope, name=name, email=f"{name}@x.test", role=role, language="fr", zone=ZONE
            )
            for name, role in (("Olga", Role.OWNER), ("Anne", Role.MANAGER))
        )
        channel = lifecycle.connect_account(
            scope,
            creator_id=creator,
            platform=platform,
            surface=f"{platform}.post",
            account=f"lea-{str(tenant_id)[-8:]}",
            name="Sandbox of Léa",
            base_url="http://127.0.0.1:9",
            token=None,
            zone=ZONE,
        )
    return House(room, tenant_id, creator, owner, author, channel, uuid7())


class Browser:
    """A browser with one cookie, managed here because HTTP clients do not return secure cookies
    over plain HTTP."""

    def __init__(self, house: House, cookie: str = "") -> None:
        self.client, self.cookie = house.room.client, cookie

    def see(self, path: str, **headers: str) -> httpx.Response:
        return self.client.get(path, headers=OWN | {"cookie": self.cookie} | headers)

    def press(self, path: str, what: str, **typed: str) -> httpx.Response:
        """Press a button and return the page that follows."""
        answer = self.client.post(
            path,
            data={"what": what, **typed},
            headers=OWN | {"cookie": self.cookie},
            follow_redirects=False,
        )
        kept = answer.headers.get("set-cookie", "")
        if kept:
            assert kept.startswith("__Host-approver=")
            assert {"HttpOnly", "Secure", "Path=/", "SameSite=lax"} <= set(kept.split("; "))
            self.cookie = kept.partition(";")[0]
        return self.see(path) if answer.status_code == 303 else answer
