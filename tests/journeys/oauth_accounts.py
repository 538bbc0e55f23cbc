"""An account connected by OAuth on the platform's page, on real PostgreSQL and through the real
routes."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from channels.accounts import queries as channel_reads
from channels.connections import account_setup, oauth_flow
from channels.connections.oauth_flow import OAUTH_RETURN_PATH
from channels.connections.states import AccountSetupState
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ops.settings import (
    ConnectorsSettings,
    DatabaseSettings,
    GateSettings,
    Settings,
    TenantsSettings,
)
from gate.contract.units import Rating
from gate.people import persons
from gate.ratings import ratings
from studio.ingest import pipeline
from studio.library import assets
from tenants.agencies import queries as tenant_reads
from tenants.vault import sealed_intake
from tests.conftest import Cluster
from tests.gate.answers import rate_and_answer
from tests.generators import video_builders
from tests.schedules.builders import SandboxAgency
from workers.relay.ticks import TICKS
from workers.wiring import Services, build_services

MASTER = bytes(range(32))
HTTP = HttpClient()


@dataclass
class OAuthAccount:
    """Léa's agency, and her account on a platform that is authorized on the platform's page."""

    desk: SandboxAgency
    server: Any
    """The fake platform, with its clock and its fault book."""
    member: Any
    """Her account: its username and the posts that it accepted (`taken`)."""
    platform: str
    form: dict[str, str]
    """The default values of her form."""

    def ask(self, **typed: str) -> account_setup.AccountSetup:
        """Submit the form and run the workers."""
        form = {**self.form, **typed}
        letter = sealed_intake.seal_form(
            sealed_intake.derive_public_key(MASTER), self.desk.tenant_id, form
        )
        with self.desk.scope(self.author) as scope:
            wish = account_setup.request_setup(
                scope, creator_id=self.desk.creator_id, platform=self.platform, letter=letter
            )
        return self.stands(wish)

    @property
    def author(self) -> str:
        """The author's principal."""
        return f"member:{self.desk.author}"

    def stands(self, wish: UUID) -> account_setup.AccountSetup:
        """Return an account setup after the workers have run."""
        self.desk.run()
        with self.desk.scope() as scope:
            found = account_setup.get_setup(scope, wish)
        if found.channel_id is not None:
            self.desk.channels[self.platform] = found.channel_id
        return found

    def approve(self, url: str, *, no: bool = False) -> dict[str, str]:
        """Open the authorization URL and approve or decline; return the parameters of the redirect."""
        answer = HTTP.send(
            HttpRequest("GET", f"{url}&approve={'' if no else self.member.username}")
        )
        assert isinstance(answer, HttpResponse)
        assert answer.status == 302, answer.body
        back = urlsplit(answer.headers["location"])
        assert (
            f"{back.scheme}://{back.netloc}{back.path}"
            == f"{self.desk.services.settings.dashboard.public_url}{OAUTH_RETURN_PATH}"
        )
        return dict(parse_qsl(back.query))

    def bring(self, said: dict[str, str], *, by: str = "") -> None:
        """Return to the dashboard in a member's session."""
        with self.desk.scope(by or self.author) as scope:
            if "code" in said:
                letter = sealed_intake.seal_form(
                    sealed_intake.derive_public_key(MASTER),
                    self.desk.tenant_id,
                    {"code": said["code"]},
                )
                oauth_flow.accept_return(scope, said["state"], letter)
            else:
                oauth_flow.record_refusal(scope, said["state"])

    def enrol(self, **typed: str) -> account_setup.AccountSetup:
        """Complete the account setup."""
        wish = self.ask(**typed)
        assert wish.state == AccountSetupState.VISITING, wish.reason
        self.bring(self.approve(wish.visit))
        return self.stands(wish.id)

    def rows(self, wish: UUID) -> str:
        """Return everything that the database stores of a setup and of its queued work."""
        with self.desk.scope() as scope:
            held = scope.run(
                "SELECT to_jsonb(e)::text FROM enrolments e WHERE id = :id", id=wish
            ).scalar_one()
            waits = scope.run(
                "SELECT coalesce(string_agg(to_jsonb(o)::text, ''), '') FROM outbox o"
            ).scalar_one()
        return str(held) + str(waits)

    def channel(self) -> channel_reads.Channel:
        """Return her account."""
        with self.desk.scope() as scope:
            return channel_reads.get_channel(scope, self.desk.channels[self.platform])

    def live(self, **for_: float) -> None:
        """Advance both clocks, run the periodic jobs every minute (every five if hours pass) and
        the due work."""
        left, apart = timedelta(**for_), self.server.clock() - self.desk.now()
        while left > timedelta(0):
            step = timedelta(minutes=5 if left > timedelta(hours=1) else 1)
            for tick in TICKS:
                if tick.seconds <= 60:  # slower jobs write no rows that this account needs
                    tick.write_rows(self.desk.services.tenant)
            self.desk.live(seconds=min(left, step).total_seconds())
            self.server.clock.advance(
                (self.desk.now() + apart - self.server.clock()).total_seconds()
            )
            left -= step

    def texts(self) -> list[str]:
        """Return every text that the server ever accepted."""
        return [text for _, text in self.member.taken]


@contextmanager
def services_at(cluster: Cluster, home: Path, **addresses: str) -> Iterator[Services]:
    """Provide the services of a process that reaches platforms at these addresses."""
    key = base64.b64encode(MASTER).decode()
    settings = Settings(
        home=home,
        environment="test",
        database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
        tenants=TenantsSettings(master_key=key),
        gate=GateSettings(signing_key=key),
        connectors=ConnectorsSettings(**addresses),
    )
    with build_services(settings, pool_size=8, application="tests") as found:
        yield found


def add_suggestive_picture(desk: SandboxAgency, number: int) -> UUID:
    """Add a suggestive picture of a synthetic person to the library."""
    asset, by = desk.photo(number, rating=Rating.S), f"member:{desk.manager}"
    with desk.scope(by) as scope:
        person = persons.add_person(scope, kind="synthetic", display_ref="Nova")
        principal = tenant_reads.get_member(scope, desk.author).principal_id
        persons.record_declaration(
            scope, person, source_digest="d" * 64, adult_licence=True, declared_by=principal
        )
        ratings.record_depiction(scope, asset, person, how="face", confirmed_by=by)
    return asset


def add_video(desk: SandboxAgency, tile: str = "G", *, seconds: float = 1.0) -> UUID:
    """Add a General video to the library."""
    prepared = pipeline.prepare_upload(
        video_builders.encode_video(video_builders.build_frames((tile, seconds))),
        name="a.mp4",
        alt="waves on a beach",
    )
    services = desk.services
    asset = pipeline.ingest_asset(
        services.tenant,
        services.store,
        tenant_id=desk.tenant_id,
        creator_id=desk.creator_id,
        prepared=prepared,
    )
    with desk.scope(f"member:{desk.manager}") as scope:
        rate_and_answer(
            scope, assets.get_asset(scope, asset).sha256, Rating.G, source=f"member:{desk.manager}"
        )
    return asset
