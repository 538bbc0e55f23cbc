"""An account that comes in by a yes on the platform's own page, on real PostgreSQL, through the house's own routes."""

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from uuid import UUID

from channels import enrolling, visiting
from channels import reads as channel_reads
from channels.states import EnrolmentState
from channels.visiting import PATH
from foundation.http import HttpClient, Reply, Request
from foundation.settings import ConnectorsSettings, DatabaseSettings, GateSettings, Settings, TenantsSettings
from gate import people, ratings
from gate.units import Rating
from studio import ingesting, library
from tenants import letterbox
from tenants import reads as tenant_reads
from tests.conftest import Cluster
from tests.generators import clips
from tests.schedules.builders import Desk
from workers.ticks import TICKS
from workers.wiring import Services, wire

MASTER = bytes(range(32))
HTTP = HttpClient()


@dataclass
class Visited:
    """Léa's desk, and her account on a platform where she says yes on a page of theirs."""

    desk: Desk
    server: Any
    """The fake: its clock, its book."""
    member: Any
    """Her account there: its username and what it `taken` in."""
    platform: str
    form: dict[str, str]
    """What she types unless a test says otherwise."""

    def ask(self, **typed: str) -> enrolling.Enrolment:
        """A person fills in the form; the workers do the rest."""
        form = {**self.form, **typed}
        letter = letterbox.seal(letterbox.public_key(MASTER), self.desk.tenant_id, form)
        with self.desk.scope(self.author) as scope:
            wish = enrolling.ask(scope, creator_id=self.desk.creator_id, platform=self.platform, letter=letter)
        return self.stands(wish)

    @property
    def author(self) -> str:
        """How she signs."""
        return f"member:{self.desk.author}"

    def stands(self, wish: UUID) -> enrolling.Enrolment:
        """What became of a wish once the workers are done."""
        self.desk.run()
        with self.desk.scope() as scope:
            found = enrolling.enrolment(scope, wish)
        if found.channel_id is not None:
            self.desk.channels[self.platform] = found.channel_id
        return found

    def approve(self, url: str, *, no: bool = False) -> dict[str, str]:
        """Somebody opens the address and says yes, or no; what their browser brings back."""
        answer = HTTP.exchange(Request("GET", f"{url}&approve={'' if no else self.member.username}"))
        assert isinstance(answer, Reply)
        assert answer.status == 302, answer.body
        back = urlsplit(answer.headers["location"])
        assert (
            f"{back.scheme}://{back.netloc}{back.path}" == f"{self.desk.services.settings.dashboard.public_url}{PATH}"
        )
        return dict(parse_qsl(back.query))

    def bring(self, said: dict[str, str], *, by: str = "") -> None:
        """The browser comes back, in somebody's session."""
        with self.desk.scope(by or self.author) as scope:
            if "code" in said:
                letter = letterbox.seal(letterbox.public_key(MASTER), self.desk.tenant_id, {"code": said["code"]})
                visiting.came_back(scope, said["state"], letter)
            else:
                visiting.declined(scope, said["state"])

    def enrol(self, **typed: str) -> enrolling.Enrolment:
        """The whole way."""
        wish = self.ask(**typed)
        assert wish.state == EnrolmentState.VISITING, wish.reason
        self.bring(self.approve(wish.visit))
        return self.stands(wish.id)

    def rows(self, wish: UUID) -> str:
        """All that the database holds of a wish and of what waits for it."""
        with self.desk.scope() as scope:
            held = scope.run("SELECT to_jsonb(e)::text FROM enrolments e WHERE id = :id", id=wish).scalar_one()
            waits = scope.run("SELECT coalesce(string_agg(to_jsonb(o)::text, ''), '') FROM outbox o").scalar_one()
        return str(held) + str(waits)

    def channel(self) -> channel_reads.Channel:
        """Her account as it stands."""
        with self.desk.scope() as scope:
            return channel_reads.channel(scope, self.desk.channels[self.platform])

    def live(self, **for_: float) -> None:
        """Time passes on both sides, with the beat every minute (of hours, every five), and what is due is done."""
        left, apart = timedelta(**for_), self.server.clock() - self.desk.now()
        while left > timedelta(0):
            step = timedelta(minutes=5 if left > timedelta(hours=1) else 1)
            for tick in TICKS:
                if tick.seconds <= 60:  # the slower ones write nothing that this account needs
                    tick.put(self.desk.services.tenant)
            self.desk.live(seconds=min(left, step).total_seconds())
            self.server.clock.move((self.desk.now() + apart - self.server.clock()).total_seconds())
            left -= step

    def texts(self) -> list[str]:
        """What the server ever took in."""
        return [text for _, text in self.member.taken]


@contextmanager
def services_at(cluster: Cluster, home: Path, **addresses: str) -> Iterator[Services]:
    """The services of a process that reaches platforms at these addresses."""
    key = base64.b64encode(MASTER).decode()
    settings = Settings(
        home=home,
        environment="test",
        database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
        tenants=TenantsSettings(master_key=key),
        gate=GateSettings(signing_key=key),
        connectors=ConnectorsSettings(**addresses),
    )
    with wire(settings, pool_size=8, application="tests") as found:
        yield found


def dusk(desk: Desk, number: int) -> UUID:
    """A suggestive picture of an invented person, in a library."""
    asset, by = desk.photo(number, rating=Rating.S), f"member:{desk.manager}"
    with desk.scope(by) as scope:
        person = people.add_person(scope, kind="synthetic", display_ref="Nova")
        principal = tenant_reads.member(scope, desk.author).principal_id
        people.declare(scope, person, source_digest="d" * 64, adult_licence=True, declared_by=principal)
        ratings.depict(scope, asset, person, how="face", confirmed_by=by)
    return asset


def film(desk: Desk, tile: str = "G", *, seconds: float = 1.0) -> UUID:
    """A film for everybody, in a library."""
    prepared = ingesting.from_camera(clips.film(clips.shown((tile, seconds))), name="a.mp4", alt="waves on a beach")
    services = desk.services
    asset = ingesting.bring(
        services.tenant, services.store, tenant_id=desk.tenant_id, creator_id=desk.creator_id, prepared=prepared
    )
    with desk.scope(f"member:{desk.manager}") as scope:
        ratings.rate(scope, library.item(scope, asset).sha256, Rating.G, source=f"member:{desk.manager}")
    return asset
