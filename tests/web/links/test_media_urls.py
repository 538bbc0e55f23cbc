"""Temporary URLs of files for platforms: the rated bytes, only while their step needs them, with
every fetch logged."""

from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import text

from channels.accounts import lifecycle
from channels.links import media_urls
from connectors.contract.connector import FileRef
from foundation.db.database import OpenScope, Scope
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from foundation.sealed import Sealed
from gate.assets import asset_records
from gate.contract.permit import Permit
from gate.contract.units import Medium, Rating
from gate.copies import live_copies
from gate.permits import issuance
from tests.conftest import Cluster
from tests.gate.answers import rate_and_answer
from tests.gate.builders import KEY, MIME, Step, unit, world
from tests.gate.builders import World as House
from tests.gate.policy_releases import past_the_gate
from tests.web.builders import WebServer

BASE = "https://pages.example.test"


class Shop:
    """An agency with a permitted picture and its temporary URL."""

    def __init__(self, room: WebServer) -> None:
        self.room, self.data = room, b"\xff\xd8 picture " + uuid7().bytes
        self.house: House = world(room.tenant, uuid7())
        self.medium = self._known()
        with self.scope() as scope:
            self.channel = lifecycle.connect_account(
                scope,
                creator_id=self.house.creator_id,
                platform="sandbox",
                surface="sandbox.post",
                account=f"mia-{self.house.tenant_id}",
                name="Mia",
                base_url="http://127.0.0.1:9",
                token=Sealed(b"x"),
                zone="UTC",
            )
        self.permit = self.allow()
        self.address = self.lend()

    def scope(self, actor: str = "system:test") -> Any:
        return self.house.scope(actor)

    def _known(self) -> Medium:
        sha256 = self.room.library.put(self.house.tenant_id, self.data)
        made = {
            "origin": "upload",
            "ai": "none",
            "engine": "",
            "source": "capture",
            "people_seen": 0,
        }
        with self.scope() as scope:
            asset = asset_records.record_asset(
                scope, creator_id=self.house.creator_id, made_at=scope.now, **made
            )
            shape = {"width": 10, "height": 10, "profile": "post"}
            asset_records.record_rendition(
                scope, asset, sha256=sha256, mime=MIME, size=len(self.data), **shape
            )
            rate_and_answer(scope, sha256, Rating.G, source="classifier@1")
        return Medium(sha256, MIME, len(self.data))

    def allow(self) -> Permit:
        whole = unit(self.house, media=[self.medium], channel_id=self.channel)
        with self.scope() as scope:
            return issuance.mint_permit(
                scope, whole, Step(), key=KEY, author=f"member:{self.house.ann}"
            )

    def lend(self) -> str:
        file = FileRef(self.medium.sha256, self.medium.mime)
        return media_urls.create_media_url(
            self.permit, file, tenant=self.room.tenant, base=f"{BASE}/"
        )

    def get(self, address: str = "", method: str = "GET", **headers: str) -> Any:
        path = urlsplit(address or self.address).path
        return self.room.client.request(method, path, headers=headers)

    def log(self) -> list[media_urls.MediaUrlFetch]:
        with self.scope() as scope:
            return media_urls.fetches_of(scope, self.lent_id(scope))

    def lent_id(self, scope: Scope) -> UUID:
        found: UUID = scope.run(
            "SELECT id FROM lent_files WHERE tenant_id = :t ORDER BY created_at LIMIT 1",
            t=scope.tenant_id,
        ).scalar_one()
        return found


@pytest.fixture
def shop(room: WebServer) -> Shop:
    return Shop(room)


def test_url_names_the_digest_and_an_unguessable_token(shop: Shop) -> None:
    again = shop.lend()
    for address in (shop.address, again):
        assert address.startswith(f"{BASE}/lent/")
        assert address.endswith(f"/{shop.medium.sha256}.jpg")
    assert shop.address != again
    with shop.scope() as scope:
        row = (
            scope.run("SELECT * FROM lent_files WHERE tenant_id = :t LIMIT 1", t=scope.tenant_id)
            .mappings()
            .one()
        )
    assert urlsplit(shop.address).path.split("/")[2] not in str(dict(row)), (
        "only the digest is stored"
    )


def test_file_is_served_whole_and_in_ranges(shop: Shop) -> None:
    whole = shop.get()
    assert (whole.status_code, whole.content, whole.headers["content-type"]) == (
        200,
        shop.data,
        "image/jpeg",
    )
    assert whole.headers["cache-control"] == "private, no-store"
    part = shop.get(Range="bytes=2-5")
    assert (part.status_code, part.content) == (206, shop.data[2:6])
    beyond = shop.get(Range="bytes=900-")
    assert (beyond.status_code, beyond.content) == (416, b"")
    head = shop.get(method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert [(each.status, each.size) for each in shop.log()] == [
        (200, len(shop.data)),
        (206, 4),
        (416, 0),
        (200, 0),
    ]
    assert shop.get(method="POST").status_code == 405


@pytest.mark.parametrize(
    "path", ["/lent/x/y.jpg", f"/lent/{'a' * 43}/{'0' * 64}.jpg", "/lent/../files/a.jpg", "/lent/"]
)
def test_unknown_url_is_not_found(shop: Shop, path: str) -> None:
    assert shop.room.client.get(path).status_code == 404


def test_url_serves_exactly_one_file(shop: Shop) -> None:
    assert shop.get(shop.address.replace(shop.medium.sha256, "0" * 64)).status_code == 404
    assert shop.get(shop.address.removesuffix("jpg") + "png").status_code == 404
    assert [each.status for each in shop.log()] == [404, 404]


def ended(shop: Shop, outcome: str) -> None:
    with shop.scope() as scope:
        scope.run(
            "INSERT INTO attempts (tenant_id, id, channel_id, subject_kind, subject_id, part, n, "
            "kind, native_key,"
            " armed_at, deadline_at, unit, unit_digest, steps, result, resolution, outcome, "
            "closed_at) VALUES (:t, :id,"
            " :channel, :kind, :subject, 0, 1, 'stage', 'k', house_now(), house_now(), '{}', '', "
            "'[]', '{}', '{}',"
            " :outcome, house_now())",
            t=scope.tenant_id,
            id=uuid7(),
            channel=shop.channel,
            kind=shop.permit.subject.kind,
            subject=shop.permit.subject.id,
            outcome=outcome,
        )


@pytest.mark.parametrize("outcome", ["staged", "published", "rejected", "superseded", "uncertain"])
def test_url_ends_with_its_step(shop: Shop, outcome: str) -> None:
    assert shop.get().status_code == 200
    ended(shop, outcome)
    gone = shop.get()
    assert (gone.status_code, gone.text) == (410, "PERMIT_EXPIRED")
    assert (shop.log()[-1].status, shop.log()[-1].reason) == (410, "PERMIT_EXPIRED")


def test_url_works_while_the_step_is_retried(shop: Shop) -> None:
    """The platform may still fetch the file after it responded "later"."""
    ended(shop, "retry")
    assert shop.get().status_code == 200


def test_new_attempt_ends_the_previous_url(shop: Shop) -> None:
    newer = shop.lend()
    assert (shop.get().status_code, shop.get(newer).status_code) == (410, 200)


def test_url_expires_within_fifteen_minutes(shop: Shop, cluster: Cluster) -> None:
    with shop.scope() as scope:
        row = scope.run(
            "SELECT expires_at - created_at AS lives FROM lent_files WHERE tenant_id = :t",
            t=scope.tenant_id,
        )
        assert row.scalar_one() <= timedelta(minutes=15)
    with past_the_gate(cluster) as connection:
        earlier = text("UPDATE lent_files SET expires_at = house_now() WHERE tenant_id = :t")
        connection.execute(earlier, {"t": shop.house.tenant_id})
    assert (shop.get().status_code, shop.log()[-1].reason) == (410, "PERMIT_EXPIRED")


def frozen(shop: Shop) -> None:
    with shop.scope() as scope, scope.acting_as("gate"):
        scope.run(
            "UPDATE renditions SET state = 'frozen' WHERE sha256 = :sha", sha=shop.medium.sha256
        )


def called_back(shop: Shop) -> None:
    with shop.scope() as scope:
        live_copies.mark_for_recall(scope, shop.permit.jti, Message("takedown.reason"))


def stopped(shop: Shop) -> None:
    with shop.scope() as scope, scope.acting_as("gate"):
        scope.run(
            "INSERT INTO switches (tenant_id, id, scope, target, feature, open, by, reason) "
            "VALUES (:t, :id, 'tenant',"
            " '', 'sending', false, 'system:test', 'test')",
            t=scope.tenant_id,
            id=uuid7(),
        )


@pytest.mark.parametrize(
    ("harm", "reason"),
    [(frozen, "COMPLAINT_FREEZE"), (called_back, "RECALL_IN_PROGRESS"), (stopped, "KILL_SWITCH")],
)
def test_blocked_content_is_not_served(shop: Shop, harm: Any, reason: str) -> None:
    assert shop.get().status_code == 200
    harm(shop)
    assert (shop.get().status_code, shop.log()[-1].reason) == (410, reason)


def test_altered_file_is_never_served(shop: Shop) -> None:
    path = shop.room.library._object_path(shop.house.tenant_id, shop.medium.sha256)
    path.write_bytes(b"TILE-E")
    answer = shop.get()
    assert answer.status_code >= 500
    assert b"TILE-E" not in answer.content


def test_no_url_is_created_without_a_public_address(shop: Shop) -> None:
    file = FileRef(shop.medium.sha256, shop.medium.mime)
    assert media_urls.create_media_url(shop.permit, file, tenant=shop.room.tenant, base="") == ""
    unknown = replace(shop.permit, jti=uuid7())
    assert media_urls.create_media_url(unknown, file, tenant=shop.room.tenant, base=BASE) == "", (
        "a permit that was not consumed gets no URL"
    )


def test_urls_of_another_agency_are_invisible(shop: Shop, tenant: OpenScope) -> None:
    with tenant(uuid7(), "system:test") as scope:
        assert scope.run("SELECT count(*) FROM lent_files").scalar() == 0
