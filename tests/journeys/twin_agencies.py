"""Two agencies with the same names and pictures, and a canary word in every text."""

import base64
from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlmodel import SQLModel

from channels.accounts import lifecycle
from channels.accounts import queries as channel_reads
from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.money import Money
from foundation.ops.settings import (
    DatabaseSettings,
    GateSettings,
    GeneratorsSettings,
    Settings,
    TenantsSettings,
)
from foundation.ops.wall_time import local_day
from gate.people import persons
from insights.rollups import daily_rollups
from studio.library import assets as library
from studio.packs import packs
from subscribers.catalog import offers
from subscribers.catalog.prices import set_price
from subscribers.checkout import order_payments
from subscribers.conversations import conversation_rows
from subscribers.conversations import queries as subscriber_reads
from subscribers.inbox import saved_replies
from subscribers.ledger import entries
from subscribers.ledger.entries import SplitShares
from subscribers.replies import persona
from subscribers.replies.persona import PersonaVersion
from tenants import audit
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.auth import sessions
from tenants.notices import notices
from tenants.vault import envelope
from tests.conftest import Cluster
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import SandboxAgency
from web.site import sites
from workers.listeners.factory import _build_checkout_responder, _receive_update
from workers.listeners.polling import AccountListener
from workers.wiring import Services, build_services

WORDS = ("canaryalpha", "canarybravo")
NOWHERE = "http://127.0.0.1:9"
FAN = "leo"
ZONE = "Europe/Paris"


@contextmanager
def process(cluster: Cluster, home: Path) -> Any:
    """Provide the services of the processes, with template sentences instead of models."""
    key = base64.b64encode(bytes(range(32))).decode()
    settings = Settings(
        home=home,
        environment="test",
        database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
        tenants=TenantsSettings(master_key=key),
        gate=GateSettings(signing_key=key),
        generators=GeneratorsSettings(ollama_url=NOWHERE, llm_url=NOWHERE),
    )
    with build_services(settings, pool_size=8, application="tests") as services:
        yield services


@dataclass
class TwinAgency:
    """One of the two agencies."""

    word: str
    desk: SandboxAgency
    slug: str
    token: str
    pack_id: UUID

    @property
    def tenant_id(self) -> UUID:
        return self.desk.tenant_id

    def scope(self, actor: str = "system:test", **role: Any) -> Any:
        return self.desk.services.tenant(self.tenant_id, actor, **role)

    def rows(self) -> Mapping[str, list[str]]:
        """Return every row that this tenant sees, as text, by table."""
        with self.scope() as scope:
            return {name: all_tenant_rows(scope, name) for name in table_names()}

    def ids(self) -> Mapping[str, list[UUID]]:
        """Return the IDs of its rows by table, except tables that no agency may read."""
        may = "SELECT has_column_privilege(to_regclass(:name), 'id', 'SELECT')"
        with self.scope() as scope:
            return {
                name: list(
                    scope.run(
                        f"SELECT id FROM {name} WHERE tenant_id = :t", t=self.tenant_id
                    ).scalars()
                )
                for name in table_names()
                if scope.run(may, name=name).scalar_one()
            }

    def one(self, table: str) -> UUID:
        """Return the ID of one of its rows."""
        return self.ids()[table][0]

    def items(self) -> list[str]:
        """Return the content IDs of the items on its page."""
        with self.scope() as scope:
            return list(
                scope.run("SELECT content_id FROM items WHERE removed_at IS NULL").scalars()
            )

    def pictures(self) -> list[str]:
        """Return the digests of the pictures on its page."""
        with self.scope() as scope:
            return list(scope.run("SELECT DISTINCT sha256 FROM item_media").scalars())

    # a day

    def live(self) -> None:
        """Publish posts, sell a pack to a fan and aggregate the day."""
        photo = self.desk.photo(1)
        for channel in ("main", "page"):
            self.desk.delivery(f"Bonjour {self.word}", channel=channel, media=(photo,))
        self.desk.delivery(
            f"Seulement {self.word}", channel="page", media=(self.desk.photo(_own(self.word)),)
        )
        self.desk.run()
        self._chat()
        with self.scope() as scope:
            daily_rollups.rebuild_day(scope, self.desk.creator_id, local_day(scope.now, ZONE))

    def _chat(self) -> None:
        network, account = self.desk.network, self.desk.accounts["chat"]
        network.fan(account, FAN, "message", text=f"Bonjour, ici {self.word}")
        self.hear()
        with self.scope("system:chat") as scope:
            talk_id = subscriber_reads.find_conversation(scope, self.desk.channels["chat"], FAN)
            assert talk_id is not None
            talk = conversation_rows.lock_conversation(scope, talk_id)
            pack, price = packs.get_pack(scope, self.pack_id), Money(500, "XTS")
            shown = offers.OfferCandidate(
                pack.id, pack.version, pack.title, pack.description, pack.rating, price
            )
            offer = offers.create_offer(scope, talk, shown, "sandbox")
            assert (
                order_payments.accept_offer(scope, talk, offer, self.desk.services.rails["sandbox"])
                is not None
            )
            saved_replies.create_saved_reply(
                scope, talk, name=self.word, words=self.word, language="", place="both", key=uuid7()
            )
        self.desk.run()
        network.fan(account, FAN, "pay")
        self.hear()
        self.hear()

    def hear(self) -> None:
        """Poll the chat account once and run the work of the next minute."""
        services = self.desk.services
        with self.scope() as scope:
            channel = channel_reads.get_channel(scope, self.desk.channels["chat"])
        AccountListener(
            channel,
            tenant=services.tenant,
            transport=services.transport,
            connectors=services.chat_connectors,
            hear=partial(_receive_update, services),
            at_once=_build_checkout_responder(services).answer_checkout,
        ).poll_once()
        self.desk.live(seconds=60)


def _own(word: str) -> int:
    return 10 + WORDS.index(word)


def table_names() -> list[str]:
    """Return every table of the product, sorted."""
    return sorted(SQLModel.metadata.tables)


_READABLE = """
SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a
WHERE a.attrelid = to_regclass(:table) AND a.attnum > 0 AND NOT a.attisdropped
  AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')
"""


def readable_rows(scope: Scope, table: str) -> list[str]:
    """Return every row of a table that this scope sees, as text, with the columns it may read."""
    columns = scope.run(_READABLE, table=table).scalar_one()
    return list(scope.run(f"SELECT ROW({columns})::text FROM {table}").scalars()) if columns else []


def all_tenant_rows(scope: Scope, table: str) -> list[str]:
    """Return the tenant's rows of a table in a stable order, without those of the installation."""
    return sorted(
        row for row in readable_rows(scope, table) if not row.startswith(f"({INSTALLATION_ID},")
    )


def create_twin_agency(
    services: Services, network: RunningSandbox, word: str, *, page_url: str
) -> TwinAgency:
    """Create an agency with members, pictures, accounts on the sandbox, a page, a pack and a
    persona."""
    tenant_id, slug = uuid7(), f"lea-{word}"
    with services.tenant(tenant_id, "system:test") as scope:
        agencies.create_agency(scope, name=f"Agence {word}", language="fr", zone=ZONE)
        creator = agencies.add_creator(
            scope, slug="lea", name=f"Léa {word}", kind="virtual", zone=ZONE, languages=["fr"]
        )
        author, manager = (
            agencies.add_member(
                scope,
                name=f"{name} {word}",
                email=f"{name}@{word}.test",
                role=role,
                language="fr",
                zone="UTC",
            )
            for name, role in (("Anne", Role.MANAGER), ("Marc", Role.OWNER))
        )
        sessions.create_sign_in_link(scope, manager)
        audit.record(scope, "journey.founded", f"creator:{creator}", word=word)
        notices.put(
            scope,
            Message("gate.CONSENT_MISSING"),
            cause=f"test:{word}",
            urgent=True,
            creator_id=creator,
        )
        persons.add_person(scope, kind="real", display_ref=f"P {word}")
        token = sites.open_site(
            scope,
            creator_id=creator,
            slug=slug,
            title=f"Léa {word}",
            about=f"à propos {word}",
            language="fr",
        )
        envelope.get_data_key(
            scope,
            envelope.parse_master_key(services.settings.tenants.master_key.get_secret_value()),
        )
    assert token is not None
    desk = SandboxAgency(services, network, tenant_id, creator, author, manager)
    desk.connect("main")
    desk.connect_to(
        "page",
        account=slug,
        token=token,
        platform="own_page",
        surface="own_page.public",
        base_url=page_url,
    )
    _open_chat(desk, word)
    return TwinAgency(word, desk, slug, token, _shop(desk, word))


def _open_chat(desk: SandboxAgency, word: str) -> None:
    account = desk.network.account(f"chat-{word}")
    sealed = desk.services.seal(desk.tenant_id, desk.network.tokens[account])
    speaks = PersonaVersion(
        name="Léa",
        virtual=True,
        card=f"Léa {word}",
        voice="brève",
        languages=("fr",),
        level="autopilot",
    )
    with desk.scope() as scope:
        desk.channels["chat"] = lifecycle.connect_account(
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
        persona.activate_persona(
            scope, persona.create_persona_version(scope, desk.creator_id, speaks)
        )
        shares = SplitShares(agency=4000, creator=6000, chatter=1000)
        entries.set_revenue_split(scope, desk.creator_id, shares, effective_from=scope.now)
    desk.accounts["chat"] = account


def _shop(desk: SandboxAgency, word: str) -> UUID:
    assets = [desk.photo(1), desk.photo(2)]
    with desk.scope() as scope:
        library.set_alt_text(scope, assets[0], f"une vue {word}")
        pack_id = packs.create_pack(
            scope,
            creator_id=desk.creator_id,
            slug="matin",
            title=f"Matin {word}",
            description=f"Le port {word}",
            assets=assets,
        )
        set_price(scope, desk.creator_id, pack_id, "sandbox", Money(500, "XTS"))
    return pack_id
