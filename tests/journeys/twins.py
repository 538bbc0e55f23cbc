"""Two agencies with twin data: the same names of things, the same pictures, and a canary word in every text."""

import base64
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from channels import connecting
from channels import reads as channel_reads
from foundation.database import Scope
from foundation.ids import HOUSE, uuid7
from foundation.money import Money
from foundation.settings import DatabaseSettings, GateSettings, GeneratorsSettings, Settings, TenantsSettings
from foundation.words import Message
from gate import people
from insights import rollups
from schedules.calendar import local_day
from studio import library, packs
from subscribers import ledger, offers, orders, persona, saved, talks
from subscribers import reads as subscriber_reads
from subscribers.ledger import SplitShares
from subscribers.persona import Persona
from tenants import agencies, audit, login, notices, vault
from tenants.roles import Role
from tests.conftest import Cluster
from tests.fakes.network import Network
from tests.schedules.builders import Desk
from web import sites
from workers import handlers
from workers.listeners import Ear
from workers.wiring import Services, wire

WORDS = ("canaryalpha", "canarybravo")
NOWHERE = "http://127.0.0.1:9"
FAN = "leo"
ZONE = "Europe/Paris"


@contextmanager
def process(cluster: Cluster, home: Path) -> Any:
    """The services of the processes on this run's database; no model but sentences, whatever runs on this machine."""
    key = base64.b64encode(bytes(range(32))).decode()
    settings = Settings(
        home=home,
        environment="test",
        database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
        tenants=TenantsSettings(master_key=key),
        gate=GateSettings(signing_key=key),
        generators=GeneratorsSettings(ollama_url=NOWHERE, llm_url=NOWHERE),
    )
    with wire(settings, pool_size=8, application="tests") as services:
        yield services


@dataclass
class Twin:
    """One of the two."""

    word: str
    desk: Desk
    slug: str
    token: str
    pack_id: UUID

    @property
    def tenant_id(self) -> UUID:
        return self.desk.tenant_id

    def scope(self, actor: str = "system:test", **role: Any) -> Any:
        return self.desk.services.tenant(self.tenant_id, actor, **role)

    def rows(self) -> Mapping[str, list[str]]:
        """Every row of every table this tenant sees, as text."""
        with self.scope() as scope:
            return {name: everything(scope, name) for name in tables()}

    def ids(self) -> Mapping[str, list[UUID]]:
        """Ids of its own rows by table; none of what no agency may read at all."""
        may = "SELECT has_column_privilege(to_regclass(:name), 'id', 'SELECT')"
        with self.scope() as scope:
            return {
                name: list(scope.run(f"SELECT id FROM {name} WHERE tenant_id = :t", t=self.tenant_id).scalars())
                for name in tables()
                if scope.run(may, name=name).scalar_one()
            }

    def one(self, table: str) -> UUID:
        """The id of one of its rows."""
        return self.ids()[table][0]

    def items(self) -> list[str]:
        """Content ids of what stands on its page."""
        with self.scope() as scope:
            return list(scope.run("SELECT content_id FROM items WHERE removed_at IS NULL").scalars())

    def pictures(self) -> list[str]:
        """Digests of what its page shows."""
        with self.scope() as scope:
            return list(scope.run("SELECT DISTINCT sha256 FROM item_media").scalars())

    # a day

    def live(self) -> None:
        """Posts leave, a fan writes and buys, the day is counted."""
        photo = self.desk.photo(1)
        for channel in ("main", "page"):
            self.desk.delivery(f"Bonjour {self.word}", channel=channel, media=(photo,))
        self.desk.delivery(f"Seulement {self.word}", channel="page", media=(self.desk.photo(_own(self.word)),))
        self.desk.run()
        self._chat()
        with self.scope() as scope:
            rollups.refresh(scope, self.desk.creator_id, local_day(scope.now, ZONE))

    def _chat(self) -> None:
        network, account = self.desk.network, self.desk.accounts["chat"]
        network.fan(account, FAN, "message", text=f"Bonjour, ici {self.word}")
        self.hear()
        with self.scope("system:chat") as scope:
            talk_id = subscriber_reads.conversation_of(scope, self.desk.channels["chat"], FAN)
            assert talk_id is not None
            talk = talks.locked(scope, talk_id)
            pack, price = packs.pack(scope, self.pack_id), Money(500, "XTS")
            shown = offers.Candidate(pack.id, pack.version, pack.title, pack.description, pack.rating, price)
            offer = offers.show(scope, talk, shown, "sandbox")
            assert orders.accept(scope, talk, offer, self.desk.services.rails["sandbox"]) is not None
            saved.keep(scope, talk, name=self.word, words=self.word, language="", place="both", key=uuid7())
        self.desk.run()
        network.fan(account, FAN, "pay")
        self.hear()
        self.hear()

    def hear(self) -> None:
        """One poll of the chat account, and all that follows within the minute."""
        services = self.desk.services
        with self.scope() as scope:
            channel = channel_reads.channel(scope, self.desk.channels["chat"])
        Ear(
            channel,
            tenant=services.tenant,
            transport=services.transport,
            connectors=services.chat_connectors,
            hear=partial(handlers._hear, services),
            at_once=handlers._till(services).answer,
        ).once()
        self.desk.live(seconds=60)


def _own(word: str) -> int:
    return 10 + WORDS.index(word)


def tables() -> list[str]:
    """Every table of the house."""
    return sorted(SQLModel.metadata.tables)


_READABLE = """
SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped
  AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
"""


def readable(scope: Scope, table: str) -> list[str]:
    """Every row of a table that this scope is shown, as text, in what it may read of it."""
    columns = scope.run(_READABLE, table=table).scalar_one()
    return list(scope.run(f"SELECT ROW({columns})::text FROM {table}").scalars()) if columns else []


def everything(scope: Scope, table: str) -> list[str]:
    """The same without the house's own, in an order that no vacuum changes."""
    return sorted(row for row in readable(scope, table) if not row.startswith(f"({HOUSE},"))


def twin(services: Services, network: Network, word: str, *, page_url: str) -> Twin:
    """Found one agency: people, pictures, accounts on the network, a page of its own, a pack, a persona."""
    tenant_id, slug = uuid7(), f"lea-{word}"
    with services.tenant(tenant_id, "system:test") as scope:
        agencies.found(scope, name=f"Agence {word}", language="fr", zone=ZONE)
        creator = agencies.add_creator(
            scope, slug="lea", name=f"Léa {word}", kind="virtual", zone=ZONE, languages=["fr"]
        )
        author, manager = (
            agencies.add_member(
                scope, name=f"{name} {word}", email=f"{name}@{word}.test", role=role, language="fr", zone="UTC"
            )
            for name, role in (("Anne", Role.MANAGER), ("Marc", Role.OWNER))
        )
        login.invite(scope, manager)
        audit.note(scope, "journey.founded", f"creator:{creator}", word=word)
        notices.put(scope, Message("gate.CONSENT_MISSING"), cause=f"test:{word}", urgent=True, creator_id=creator)
        people.add_person(scope, kind="real", display_ref=f"P {word}")
        token = sites.open_site(
            scope, creator_id=creator, slug=slug, title=f"Léa {word}", about=f"à propos {word}", language="fr"
        )
        vault.data_key(scope, vault.master(services.settings.tenants.master_key.get_secret_value()))
    assert token is not None
    desk = Desk(services, network, tenant_id, creator, author, manager)
    desk.connect("main")
    desk.connect_to(
        "page", account=slug, token=token, platform="own_page", surface="own_page.public", base_url=page_url
    )
    _open_chat(desk, word)
    return Twin(word, desk, slug, token, _shop(desk, word))


def _open_chat(desk: Desk, word: str) -> None:
    account = desk.network.account(f"chat-{word}")
    sealed = desk.services.seal(desk.tenant_id, desk.network.tokens[account])
    speaks = Persona(name="Léa", virtual=True, card=f"Léa {word}", voice="brève", languages=("fr",), level="autopilot")
    with desk.scope() as scope:
        desk.channels["chat"] = connecting.connect(
            scope,
            creator_id=desk.creator_id,
            platform="sandbox",
            surface="sandbox.post",
            chat_surface="sandbox.chat",
            account=account,
            name=f"Chat {word}",
            base_url=desk.network.url,
            token=sealed,
            zone=ZONE,
        )
        persona.activate(scope, persona.write(scope, desk.creator_id, speaks))
        shares = SplitShares(agency=4000, creator=6000, chatter=1000)
        ledger.set_split(scope, desk.creator_id, shares, effective_from=scope.now)
    desk.accounts["chat"] = account


def _shop(desk: Desk, word: str) -> UUID:
    assets = [desk.photo(1), desk.photo(2)]
    with desk.scope() as scope:
        library.describe(scope, assets[0], f"une vue {word}")
        pack_id = packs.make(
            scope,
            creator_id=desk.creator_id,
            slug="matin",
            title=f"Matin {word}",
            description=f"Le port {word}",
            assets=assets,
        )
        offers.set_price(scope, desk.creator_id, pack_id, "sandbox", Money(500, "XTS"))
    return pack_id
