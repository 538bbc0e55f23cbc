"""Accounts: what one sees of them, letting one rest, connecting one with what was typed sealed on the spot."""

from uuid import UUID

import pytest

from channels import connecting, enrolling
from channels import reads as channel_reads
from channels.events import AdultAreaWanted, OwnPageWanted
from channels.states import ChannelState
from foundation import outbox
from foundation.database import OpenScope
from foundation.sealed import Sealed
from foundation.settings import Settings
from foundation.words import Message
from tenants import letterbox
from tenants import reads as tenant_reads
from tenants.roles import Role
from tests.dashboard.builders import Agency, agency
from tests.dashboard.conftest import MASTER, Door
from tests.dashboard.streams import stream
from workers import own_pages

TOKEN = "123456:canary-token-of-a-bot"


def rows(who: Agency, kind: str) -> list[UUID]:
    with who.scope() as scope:
        found = scope.run(
            "SELECT subject_id FROM outbox WHERE tenant_id = :t AND kind = :k ORDER BY created_at",
            t=scope.tenant_id,
            k=kind,
        )
        return list(found.scalars())


def test_an_empty_house_is_told_what_is_quickest(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/channels")
    for said in ("Aucun compte n’est encore connecté", "Telegram · 2 min", "Ouvrir ma page"):
        assert said in text, said


def test_what_is_typed_is_sealed_for_the_workers(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels")
        page.choose("Où ?", "Telegram · 2 min")
        page.type("Le code que @BotFather", f"  {TOKEN} ")
        text = page.press("Connecter")
        assert "Telegram est interrogé…" in text or "Telegram est interrogé…" in page.open("/channels")
        assert TOKEN not in page.open("/channels")
    [asked] = rows(lumiere, "channel.connect")
    with lumiere.scope() as scope:
        letter = scope.run("SELECT letter FROM enrolments WHERE id = :id", id=asked).scalar_one()
        dumped = scope.run("SELECT args::text FROM outbox WHERE subject_id = :id", id=asked).scalar_one()
    assert TOKEN.encode() not in letter
    assert TOKEN not in dumped
    assert TOKEN not in door.log.read_text("utf-8")
    assert letterbox.read(MASTER, lumiere.tenant_id, letter)["token"] == TOKEN


def test_an_account_rests_and_goes_on(door: Door, lumiere: Agency) -> None:
    lumiere.post("Le soir")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels")
        assert "rien ne part, tout attend" in page.press("Mettre en pause")
        with lumiere.scope() as scope:
            channel = channel_reads.every_channel(scope)[0]
        assert channel.state is ChannelState.PAUSED
        assert channel.reason == Message("channel.paused_by", {"name": "Owner"})
        page.press("Reprendre")
    with lumiere.scope() as scope:
        assert channel_reads.every_channel(scope)[0].state is ChannelState.ACTIVE


def test_a_lost_account_says_what_to_do(door: Door, lumiere: Agency) -> None:
    lumiere.post("Le soir")
    with lumiere.scope() as scope:
        connecting.reauthorize(scope, channel_reads.every_channel(scope)[0].id, Message("channel.token_refused"))
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "c’est le même compte, rien n’est perdu" in page.open("/channels")


@pytest.mark.parametrize("role", [Role.CREATOR, Role.CHATTER, Role.ACCOUNTANT, Role.GUEST])
def test_others_do_not_see_accounts(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert "Telegram · 2 min" not in page.open("/channels")


def test_accounts_of_others_creators_and_agencies_are_not_there(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    lumiere.post("Le soir")
    other = agency(tenant, mark="Ailleurs")
    other.post("Ailleurs")
    with lumiere.scope() as scope:
        scope.run("UPDATE members SET creators = '[\"nobody\"]' WHERE id = :m", m=lumiere.members[Role.MANAGER])
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Sandbox Ailleurs" not in page.open("/channels")
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        assert "Aucun créateur ne vous est confié" in page.open("/channels")


def test_one_press_is_one_account(lumiere: Agency) -> None:
    key = UUID(int=7)
    with lumiere.scope() as scope:
        for _ in range(2):
            made = enrolling.ask(scope, creator_id=lumiere.creator_id, platform="telegram", letter=b"sealed", key=key)
            assert made == key
    assert rows(lumiere, "channel.connect") == [key]


def test_own_page_is_opened_once_and_a_taken_address_is_told(tenant: OpenScope, lumiere: Agency) -> None:
    slug = f"page-{lumiere.tenant_id.hex[-8:]}"

    def wish(who: Agency) -> None:
        event = OwnPageWanted(who.tenant_id, who.creator_id, slug=slug)
        outbox.check_shape(OwnPageWanted)
        own_pages.open_page(event, tenant=tenant, seal=lambda _, secret: Sealed(secret.encode()), settings=Settings())

    for _ in range(2):
        wish(lumiere)
    with lumiere.scope() as scope:
        channels = channel_reads.every_channel(scope)
    assert [(one.account, one.surface) for one in channels] == [(slug, "public")]
    other = agency(tenant)
    wish(other)
    with other.scope() as scope:
        assert channel_reads.every_channel(scope) == []
        assert [notice.message.code for notice in tenant_reads.open_notices(scope)] == ["site.taken"]


def test_a_name_that_no_page_may_bear_opens_none_and_is_told(tenant: OpenScope) -> None:
    who = agency(tenant)
    with tenant(who.tenant_id, "system:test") as scope:
        scope.run("UPDATE creators SET name = 'EXPLICIT-MARKER-A' WHERE tenant_id = :t", t=who.tenant_id)
    event = OwnPageWanted(who.tenant_id, who.creator_id, slug=f"page-{who.tenant_id.hex[-8:]}")
    own_pages.open_page(event, tenant=tenant, seal=lambda _, secret: Sealed(secret.encode()), settings=Settings())
    with who.scope() as scope:
        assert channel_reads.every_channel(scope) == []
        assert [notice.message.code for notice in tenant_reads.open_notices(scope)] == ["gate.profile_words"]


def test_the_part_for_adults_is_opened_where_there_is_a_page(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "partie pour adultes" not in page.open("/channels")
    slug = f"page-{lumiere.tenant_id.hex[-8:]}"
    seal = {"tenant": tenant, "seal": lambda _, secret: Sealed(secret.encode()), "settings": Settings()}
    own_pages.open_page(OwnPageWanted(lumiere.tenant_id, lumiere.creator_id, slug=slug), **seal)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels")
        page.press("Ouvrir la partie pour adultes")
        [creator] = rows(lumiere, "channel.adult_area")
        assert creator == lumiere.creator_id
        for _ in range(2):
            own_pages.open_adult_area(AdultAreaWanted(lumiere.tenant_id, creator), **seal)
        assert "Ouvrir la partie pour adultes" not in page.open("/channels")
    with lumiere.scope() as scope:
        found = {(one.account, one.surface) for one in channel_reads.every_channel(scope)}
    assert found == {(slug, "public"), (f"{slug}.18", "assured")}


def test_a_provider_of_age_checks_is_connected_sealed(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "La nudité et au-delà" in page.open("/channels")
        page.press("Connecter ce fournisseur")
        assert rows(lumiere, "age.provider") == []
        page.type("Identifiant SDK", "0197d6a8-7f3e-7b1e-a13f-7250444ec2c3")
        page.type("Clé d’API", TOKEN)
        assert "Le fournisseur est interrogé" in page.press("Connecter ce fournisseur")
        assert TOKEN not in page.open("/channels")
    [asked] = rows(lumiere, "age.provider")
    with lumiere.scope() as scope:
        letter = scope.run("SELECT letter FROM age_providers WHERE id = :id", id=asked).scalar_one()
    assert TOKEN.encode() not in letter
    assert letterbox.read(MASTER, lumiere.tenant_id, letter)["api_key"] == TOKEN
    assert TOKEN not in door.log.read_text("utf-8")


def test_who_may_not_run_the_house_connects_no_provider(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        assert "La nudité et au-delà" not in page.open("/channels")
