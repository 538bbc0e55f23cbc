"""Meta webhooks: authorization, accounts, and no other effect than a read."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import OperationalError

from channels.accounts import lifecycle
from channels.listening import webhook_subscriptions
from channels.listening.events import WebhookSubscriptionDue
from connectors.conformance.fake_servers import serve_app
from connectors.platforms.meta import webhooks
from foundation.db.database import Database, DatabaseRole, Scope
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.ops.settings import ConnectorsSettings
from tests.channels.builders import World, world
from tests.fakes.meta.webhooks import WebhookSender
from tests.fakes.sandbox import RunningSandbox, network
from workers.listeners.webhooks import server
from workers.listeners.webhooks.meta import MetaWebhooks, meta_secrets

SECRET, OTHER, WRONG, WORD = "5" * 32, "7" * 32, "6" * 32, "a word of the owner's"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    with network(tmp_path_factory.mktemp("sandbox") / "sandbox.sqlite") as started:
        yield started


@dataclass
class House:
    """An installation that receives Meta webhooks, and its agencies."""

    database: Database
    running: RunningSandbox
    door: httpx.Client
    woken: list[UUID]
    away: dict[UUID, int]
    """Agencies whose writes are rolled back, and the number of reads before that."""
    meta: WebhookSender = field(default_factory=WebhookSender)

    def agency(self, platform: str, account: str) -> tuple[World, UUID]:
        made = world(self.database, self.running, f"a{uuid7().hex[-8:]}")
        with made.scope() as scope:
            channel_id = lifecycle.connect_account(
                scope,
                creator_id=made.creator_id,
                platform=platform,
                surface=f"{platform}.post",
                account=account,
                name=account,
                base_url=f"https://{platform}.test",
                token=None,
                zone="UTC",
            )
        return made, channel_id

    def now(self) -> int:
        """Return the installation's time, which differs from this process's."""
        with self.database.scope(INSTALLATION_ID, "system:test") as scope:
            return int(scope.now.timestamp())

    def entry(
        self, account: str, text: str = "bonjour", *, late: timedelta = timedelta(0)
    ) -> dict[str, Any]:
        return entry(account, text, self.now() - int(late.total_seconds()))

    def call(self, said: object, secret: str = SECRET) -> int:
        body = said if isinstance(said, bytes) else json.dumps(said).encode()
        return self.door.post(
            "/hooks/meta", content=body, headers=self.meta.signed(body, secret)
        ).status_code


def asked(made: World) -> int:
    """Return the number of comment reads scheduled for an agency."""
    statement = (
        "SELECT count(DISTINCT subject_id) FROM outbox WHERE tenant_id = :t AND kind = "
        "'remarks.due'"
    )
    with made.scope() as scope:
        return int(scope.run(statement, t=made.tenant_id).scalar_one())


def number() -> str:
    return str(uuid7().int % 10**17)


def entry(account: str, text: str = "bonjour", at: int = 1) -> dict[str, Any]:
    value = {
        "from": {"id": "9", "username": "ann"},
        "id": number(),
        "text": text,
        "media": {"id": "1"},
    }
    return {"id": account, "time": at, "changes": [{"field": "comments", "value": value}]}


def instagram(*entries: dict[str, Any]) -> dict[str, Any]:
    return {"object": "instagram", "entry": list(entries)}


@pytest.fixture(scope="module")
def house(database: Database, running: RunningSandbox) -> Iterator[House]:
    woken, away = list[UUID](), dict[UUID, int]()

    @contextmanager
    def opening(tenant_id: UUID, actor: str, *, role: DatabaseRole = "app") -> Iterator[Scope]:
        with database.scope(tenant_id, actor, role=role) as scope:
            yield scope
            if tenant_id in away:
                away[tenant_id] -= 1
                if away[tenant_id] < 0:
                    raise OperationalError("COMMIT", {}, ConnectionError())

    calls = MetaWebhooks(
        tenant=opening, secrets=(OTHER, SECRET), word=WORD, wake=woken.append, known_seconds=0.0
    )
    with serve_app(
        server.create_webhook_app(lambda channel: None, lambda *call: False, house=calls)
    ) as url:
        made = House(database, running, httpx.Client(base_url=url), woken, away)
        yield made
        made.door.close()


def test_webhook_setup_requires_the_verify_token(house: House) -> None:
    address = f"{house.door.base_url}/hooks/meta"
    assert house.meta.set_up(address, WORD)
    assert not house.meta.set_up(address, "another word")
    assert not house.meta.set_up(address, "é" * 9)
    for said in ("<script>alert(1)</script>", "", "7" * 201):
        query = {"hub.mode": "subscribe", "hub.verify_token": WORD, "hub.challenge": said}
        assert house.door.get("/hooks/meta", params=query).status_code == 403
    assert house.door.get("/hooks/meta").status_code == 403


def test_installation_without_secrets_refuses_webhooks(house: House) -> None:
    calls = MetaWebhooks(tenant=house.database.scope, secrets=(), word="", wake=house.woken.append)
    for taken in (calls, None):
        with serve_app(
            server.create_webhook_app(lambda channel: None, lambda *call: False, house=taken)
        ) as url:
            query = {"hub.mode": "subscribe", "hub.verify_token": "", "hub.challenge": "1"}
            assert httpx.get(f"{url}/hooks/meta", params=query).status_code == 403
            assert (
                httpx.post(
                    f"{url}/hooks/meta",
                    content=b"{}",
                    headers=WebhookSender(secret="x").signed(b"{}"),
                ).status_code
                == 401
            )
    set_up = {"meta_secrets": f" {SECRET} ,{OTHER},", "meta_verify_token": WORD}
    assert meta_secrets(ConnectorsSettings.model_validate(set_up)) == (SECRET, OTHER)
    for half, value in set_up.items():
        assert meta_secrets(ConnectorsSettings.model_validate({half: value})) == ()


def test_webhook_for_two_agencies_schedules_reads_for_each(house: House) -> None:
    mine, second, hers = number(), number(), number()
    (lea, _), (mia, _) = house.agency("instagram", mine), house.agency("instagram", hers)
    with lea.scope() as scope:
        lifecycle.connect_account(
            scope,
            creator_id=lea.creator_id,
            platform="instagram",
            surface="instagram.post",
            account=second,
            name="too",
            base_url="https://instagram.test",
            token=None,
            zone="UTC",
        )
    assert (
        house.call(
            instagram(
                house.entry(mine),
                house.entry(second),
                house.entry(hers),
                house.entry(number()),
                house.entry(mine),
            )
        )
        == 200
    )
    assert (asked(lea), asked(mia)) == (2, 1)
    with lea.scope() as scope:
        kept = scope.run(
            "SELECT body, source FROM inbox WHERE tenant_id = :t", t=lea.tenant_id
        ).all()
    assert [row.body for row in kept] == [{"wakes": ["remarks"]}] * 2, (
        "nothing of the content is stored"
    )
    assert (house.woken, "bonjour" in str(kept)) == ([], False)


def test_repeated_or_reordered_webhooks_schedule_one_read(house: House) -> None:
    account = number()
    lea, _ = house.agency("instagram", account)
    one, two = house.entry(account), house.entry(account, "encore")
    assert house.call(instagram(one, two), OTHER) == 200, (
        "the secret of another application of the installation"
    )
    with lea.scope() as scope:
        scope.run("DELETE FROM outbox WHERE tenant_id = :t", t=lea.tenant_id)
    assert [house.call(instagram(two, one)) for _ in range(3)] == [200] * 3
    assert asked(lea) == 0
    assert house.call(instagram(house.entry(account, late=timedelta(hours=40)))) == 200, (
        "no platform repeats a webhook for so long"
    )
    assert asked(lea) == 0
    assert [
        house.call(instagram(house.entry(account, f"{n}", late=timedelta(hours=35))))
        for n in range(20)
    ] == [200] * 20
    with lea.scope() as scope:
        rows = scope.run(
            "SELECT 1 FROM outbox WHERE tenant_id = :t AND kind = 'remarks.due'", t=lea.tenant_id
        ).all()
    assert 1 <= len(rows) <= 4, (
        "at most two minutes and two quarters of an hour, if one ends in between"
    )


def test_unsigned_webhook_is_refused_without_effect(house: House) -> None:
    account = number()
    lea, _ = house.agency("instagram", account)
    said = instagram(house.entry(account))
    assert house.call(said, WRONG) == 401
    body = json.dumps(said).encode()
    right = house.meta.signed(body)["x-hub-signature-256"]
    for shown in (
        "",
        right.removeprefix("sha256="),
        right.upper(),
        f"{right}0",
        "sha1=" + "0" * 40,
    ):
        assert (
            house.door.post(
                "/hooks/meta", content=body, headers={"x-hub-signature-256": shown}
            ).status_code
            == 401
        )
    assert house.door.post("/hooks/meta", content=body).status_code == 401
    assert (
        house.door.post(
            "/hooks/meta", content=body + b" ", headers=house.meta.signed(body)
        ).status_code
        == 401
    )
    assert house.call(b" " * (server.MAX_BODY_BYTES + 1)) == 413
    assert asked(lea) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"\xff",
        b"null",
        b"[" * 100_000,
        b'{"object": ["instagram"], "entry": {}}',
        b'{"object": "instagram", "entry": [1, null, {"id": 7}, {"id": "7", "changes": {"field": '
        b"1}}]}",
        b'{"object": "instagram", "entry": [{"id": "7", "time": 1e999, "changes": [{"field": [], '
        b'"value": 0}]}]}',
        b'{"topic": [], "values": [[]]}',
    ],
)
def test_unreadable_signed_webhook_is_acknowledged(house: House, body: bytes) -> None:
    assert (house.call(body), house.call(body, WRONG)) == (200, 401)


def test_paused_or_gone_account_is_not_read(house: House) -> None:
    account, other = number(), number()
    (lea, paused), (mia, gone) = (
        house.agency("instagram", account),
        house.agency("instagram", other),
    )
    with lea.scope() as scope:
        lifecycle.pause_account(scope, paused, Message("channel.paused_by", {"name": "Mia"}))
    with mia.scope() as scope:
        lifecycle.mark_gone(scope, gone, Message("connectors.account_gone", {"word": "190"}))
    assert house.call(instagram(house.entry(account), house.entry(other))) == 200
    assert (asked(lea), asked(mia)) == (0, 0)


def test_failure_of_one_agency_does_not_affect_another(house: House) -> None:
    (lea, _), (mia, _) = house.agency("instagram", "71"), house.agency("instagram", "72")
    said = instagram(house.entry("71"), house.entry("72"))
    house.away[lea.tenant_id] = 1
    assert house.call(said) == 503, "Meta will repeat it"
    assert (asked(lea), asked(mia)) == (0, 1)
    house.away.clear()
    assert house.call(said) == 200
    assert (asked(lea), asked(mia)) == (1, 1)


def test_webhooks_of_each_meta_platform_are_handled(house: House) -> None:
    page, person = number(), number()
    lea, channel_id = house.agency("facebook", page)
    mia, _ = house.agency("threads", person)

    def feed(**value: Any) -> int:
        told = {
            "from": {"id": "9"},
            "item": "comment",
            "verb": "add",
            "comment_id": number(),
        } | value
        entries = [{"id": page, "time": house.now(), "changes": [{"field": "feed", "value": told}]}]
        assert house.call({"object": "page", "entry": entries}) == 200
        return asked(lea)

    quiet = ({"item": "like"}, {"verb": "remove"}, {"from": {"id": page}})
    assert [feed(**value) for value in quiet] == [0] * 3
    assert feed() == 1
    message = {"sender": {"id": "9"}, "message": {"text": "bonjour"}}
    assert (
        house.call({"object": "page", "entry": [{"id": page, "time": 1, "messaging": [message]}]})
        == 200
    )
    assert house.woken == [], "too old"
    at = house.now() * 1000
    echo = {"sender": {"id": page}, "message": {"is_echo": True}}
    for told in (echo, message):
        assert (
            house.call({"object": "page", "entry": [{"id": page, "time": at, "messaging": [told]}]})
            == 200
        )
    assert house.woken == [channel_id], "the listener of the account's messages is woken"
    house.woken.clear()
    reply = {
        "id": number(),
        "username": "ann",
        "root_post": {"owner_id": person, "username": "mia"},
    }
    values = {"value": reply, "field": "replies"}
    threads = {"app_id": "1", "topic": "moderate", "time": house.now(), "values": values}
    reply["username"] = "mia"
    assert (house.call(threads), asked(mia)) == (200, 0), "her own message"
    reply["username"] = "ann"
    assert (house.call(threads), asked(mia)) == (200, 1)


def test_unchecked_subscription_is_checked_by_the_beat(house: House) -> None:
    lea, channel_id = house.agency("instagram", number())
    with lea.scope() as scope:
        for _ in range(2):
            webhook_subscriptions.plan_checks(scope)
        rows = scope.run(
            "SELECT subject_id FROM outbox WHERE tenant_id = :t AND kind = :k",
            t=lea.tenant_id,
            k=WebhookSubscriptionDue.kind,
        )
        assert list(rows.scalars()).count(channel_id) == 1


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "object",
                    "entry",
                    "id",
                    "time",
                    "changes",
                    "field",
                    "value",
                    "from",
                    "topic",
                    "values",
                ]
            )
            | st.text(max_size=5),
            inner | st.sampled_from(["instagram", "page", "comments", "feed", "7"]),
            max_size=5,
        )
    ),
    max_leaves=8,
)


@settings(max_examples=50)
@given(_json)
def test_any_json_body_is_parsed_safely(said: object) -> None:
    for one in webhooks.parse_app_webhooks(json.dumps(said).encode()):
        assert one.account.isdigit()


@given(st.permutations([entry("71", "a"), entry("71", "b"), entry("72", "c"), entry("73", "d")]))
def test_entry_order_does_not_matter(entries: list[dict[str, Any]]) -> None:
    told = webhooks.parse_app_webhooks(json.dumps(instagram(*entries)).encode())
    assert {one.account for one in told} == {"71", "72", "73"}
    first = webhooks.parse_app_webhooks(json.dumps(instagram(*sorted(entries, key=str))).encode())
    assert {(one.account, one.key) for one in told} == {(one.account, one.key) for one in first}
