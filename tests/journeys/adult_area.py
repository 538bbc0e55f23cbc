"""Léa's page with its adult area, and its visitors: real publishing and real web routes with a fake
age provider."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
from PIL import ExifTags, Image

from channels.accounts.queries import list_creator_channels
from channels.age_verification import age_checks
from channels.connections.events import AdultAreaRequested
from connectors.conformance.fake_servers import serve_app
from foundation.ids import uuid7
from foundation.outbox import outbox
from foundation.storage.object_store import FileStore
from gate.consent.grants import revoke_consent
from gate.contract.units import Rating
from gate.ratings import ratings
from gate.reviews import content_reviews as gate_desk
from studio.ingest import pipeline
from studio.library import assets
from tenants.vault import envelope, sealed_intake
from tests.fakes import yoti
from tests.fakes.sandbox import RunningSandbox
from tests.gate.answers import rate_and_answer
from tests.gate.builders import real_person
from tests.generators.builders import a_picture, encoded
from tests.schedules.builders import SandboxAgency, create_sandbox_agency
from web import app
from web.site import sites
from workers.wiring import Services


def neutral_photo(number: int) -> bytes:
    """Return a neutral JPEG with a capture date six months ago. No two numbers look alike."""
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[0x9003] = "2026:06:01 12:00:00"
    return encoded(a_picture(seed=number), "JPEG", quality=90, exif=exif)


@dataclass
class AdultArea:
    """The page of one tenant as its visitors see it."""

    desk: SandboxAgency
    provider: yoti.RunningYoti
    url: str
    slug: str
    made: int = 0
    browsers: list[httpx.Client] = field(default_factory=list)

    @property
    def door(self) -> str:
        return f"/{self.slug}/18/"

    def visitor(self) -> httpx.Client:
        """Return a new browser with a separate cookie jar."""
        self.browsers.append(httpx.Client(base_url=self.url, timeout=20, verify=False))
        return self.browsers[-1]

    def photo(self, rating: Rating, person: UUID | None = None) -> UUID:
        """Add a reviewed picture of a person and return its asset ID."""
        self.made += 1
        prepared = pipeline.prepare_upload(
            neutral_photo(self.made), name=f"{self.made}.jpg", alt="marker tile"
        )
        d = self.desk
        asset = pipeline.ingest_asset(
            d.services.tenant,
            d.services.store,
            tenant_id=d.tenant_id,
            creator_id=d.creator_id,
            prepared=prepared,
        )
        with d.scope(f"member:{d.manager}") as scope:
            digest = assets.get_asset(scope, asset).sha256
            rate_and_answer(scope, digest, rating, source=f"member:{d.manager}")
            gate_desk.review_bytes(scope, digest, verdict="approve")
        with d.scope() as scope:
            ratings.record_depiction(
                scope, asset, person or self.person(scope), how="face", confirmed_by="member:rob"
            )
        return asset

    def person(self, scope: Any) -> UUID:
        return real_person(scope, surfaces=("own_page",), checked=timedelta(days=400))

    def post(
        self,
        rating: Rating = Rating.N,
        *,
        person: UUID | None = None,
        channel: str = "adults",
        text: str,
    ) -> str:
        """Publish a post and return its content ID."""
        delivery = self.desk.delivery(text, channel=channel, media=(self.photo(rating, person),))
        self.desk.run()
        assert str(self.desk.state(delivery)) == "published", (
            self.desk.state(delivery),
            self.desk.why(delivery),
        )
        with self.desk.scope() as scope:
            found = scope.run(
                "SELECT native_id FROM deliveries WHERE id = :id", id=delivery
            ).scalar()
        return str(found)

    def digest(self, content_id: str) -> str:
        with self.desk.scope() as scope:
            media = scope.run(
                "SELECT media FROM items WHERE content_id = :id", id=content_id
            ).scalar_one()
        return str(media[0]["sha256"])

    def prove(self, visitor: httpx.Client, status: str = "COMPLETE") -> None:
        """Request an age check, complete it at the provider and return to the page."""
        answer = visitor.post(f"{self.door}prove", headers={"sec-fetch-site": "same-origin"})
        assert answer.status_code == 303, answer.text
        self.desk.run()
        there = re.search(r"sessionId=([0-9a-f-]+)", visitor.get(self.door).text)
        assert there is not None
        self.provider.world.finish(self.provider.world.sessions[there[1]], status)
        self.desk.live(seconds=6)

    def proven(self, status: str = "COMPLETE") -> httpx.Client:
        visitor = self.visitor()
        self.prove(visitor, status)
        return visitor

    def revoke(self, person: UUID) -> None:
        with self.desk.scope() as scope:
            revoke_consent(scope, person, what="publish")


@dataclass(frozen=True)
class AdultAreaServices:
    """The services that all adult areas of a test module share."""

    services: Services
    network: RunningSandbox
    provider: yoti.RunningYoti
    store: FileStore


@contextmanager
def place(around: AdultAreaServices) -> Iterator[AdultArea]:
    """Create a page with a public and an adult area, and an age provider."""
    services, provider, settings = around.services, around.provider, around.services.settings
    own = settings.connectors.model_copy(update={"yoti_url": provider.url})
    with serve_app(
        app.create_web_app(
            tenant=services.tenant, store=around.store, public_url="http://127.0.0.1:1"
        )
    ) as url:
        inside = settings.web.model_copy(update={"inside_url": url})
        changed = settings.model_copy(update={"connectors": own, "web": inside})
        made = create_sandbox_agency(replace(services, settings=changed), around.network)
        slug = f"lea-{str(made.tenant_id)[-12:]}"
        with made.scope() as scope:
            scope.run("UPDATE creators SET rating_ceiling = 'E' WHERE id = :id", id=made.creator_id)
            token = sites.open_site(
                scope,
                creator_id=made.creator_id,
                slug=slug,
                title="Léa",
                about="",
                language="fr",
                authority="x",
            )
            outbox.put(scope, AdultAreaRequested(made.tenant_id, made.creator_id))
        assert token is not None
        made.connect_to(
            "page", platform="own_page", surface="public", account=slug, base_url=url, token=token
        )
        made.run()
        with made.scope() as scope:
            adults = next(
                one
                for one in list_creator_channels(scope, made.creator_id)
                if one.account == f"{slug}.18"
            )
        made.channels["adults"], made.accounts["adults"] = adults.id, adults.account
        here = AdultArea(made, provider, url, slug)
        _connect(here)
        yield here
        for browser in here.browsers:
            browser.close()


def _connect(here: AdultArea) -> None:
    """Submit the provider's form and process it in the workers."""
    sdk_id, key = here.provider.world.customer(sdk_id=str(uuid7()))
    services = here.desk.services
    master = envelope.parse_master_key(services.settings.tenants.master_key.get_secret_value())
    letter = sealed_intake.seal_form(
        sealed_intake.derive_public_key(master),
        here.desk.tenant_id,
        {"sdk_id": sdk_id, "api_key": key},
    )
    with here.desk.scope() as scope:
        age_checks.connect_provider(scope, "yoti", letter, known=services.age_providers)
    here.desk.run()
