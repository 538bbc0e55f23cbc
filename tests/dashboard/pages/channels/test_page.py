"""Channels: the list of accounts, pausing, and connecting with sealed input."""

from uuid import UUID

import pytest

from channels.accounts import lifecycle
from channels.accounts import queries as channel_reads
from channels.accounts.states import ChannelState
from channels.connections import account_setup, disconnection
from channels.connections.events import AdultAreaRequested, OwnPageRequested
from channels.connections.states import AccountSetupState
from foundation.db.database import OpenScope
from foundation.errors import NotFound
from foundation.i18n.translation import Message
from foundation.ops.settings import Settings
from foundation.outbox import outbox
from foundation.sealed import Sealed
from tenants import audit
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tenants.vault import sealed_intake
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import MASTER, Door
from tests.dashboard.streamlit_client import stream
from workers.event_handlers import own_pages

TOKEN = "123456:canary-token-of-a-bot"


def rows(who: Agency, kind: str) -> list[UUID]:
    with who.scope() as scope:
        found = scope.run(
            "SELECT subject_id FROM outbox WHERE tenant_id = :t AND kind = :k ORDER BY created_at",
            t=scope.tenant_id,
            k=kind,
        )
        return list(found.scalars())


def test_empty_page_suggests_the_quickest_platform(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/channels")
    for said in ("Aucun compte connecté", "Telegram · 2 min", "Créer la page"):
        assert said in text, said


def test_typed_token_is_sealed_for_the_workers(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels")
        page.choose("Plateforme", "Telegram · 2 min")
        page.type("Jeton du bot", f"  {TOKEN} ")
        text = page.press("Connecter")
        assert "Connexion à Telegram…" in text or "Connexion à Telegram…" in page.open("/channels")
        assert TOKEN not in page.open("/channels")
    [asked] = rows(lumiere, "channel.connect")
    with lumiere.scope() as scope:
        letter = scope.run("SELECT letter FROM enrolments WHERE id = :id", id=asked).scalar_one()
        dumped = scope.run(
            "SELECT args::text FROM outbox WHERE subject_id = :id", id=asked
        ).scalar_one()
    assert TOKEN.encode() not in letter
    assert TOKEN not in dumped
    assert TOKEN not in door.log.read_text("utf-8")
    assert sealed_intake.unseal_form(MASTER, lumiere.tenant_id, letter)["token"] == TOKEN


def test_pasted_token_needs_no_application(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels")
        assert "/auth/account" in page.choose("Plateforme", "Instagram · 5 min"), (
            "the redirect address for the application"
        )
        assert "Renseignez « Identifiant client de l’application" in page.press("Connecter")
        assert rows(lumiere, "channel.connect") == []
        page.type("Jeton d’accès longue durée", f" {TOKEN}")
        page.press("Connecter")
    [asked] = rows(lumiere, "channel.connect")
    with lumiere.scope() as scope:
        letter = scope.run("SELECT letter FROM enrolments WHERE id = :id", id=asked).scalar_one()
    typed = sealed_intake.unseal_form(MASTER, lumiere.tenant_id, letter)
    assert (typed["access_token"], typed["client_id"]) == (TOKEN, "")


def test_account_is_paused_and_resumed(door: Door, lumiere: Agency) -> None:
    lumiere.post("Le soir")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels")
        assert "Les publications programmées attendent" in page.press("Mettre en pause")
        with lumiere.scope() as scope:
            channel = channel_reads.list_channels(scope)[0]
        assert channel.state is ChannelState.PAUSED
        assert channel.reason == Message("channel.paused_by", {"name": "Owner"})
        page.press("Reprendre")
    with lumiere.scope() as scope:
        assert channel_reads.list_channels(scope)[0].state is ChannelState.ACTIVE


@pytest.mark.parametrize(
    ("language", "sure", "told"),
    [
        ("fr", "Oui, déconnecter", "Publications programmées désormais en attente : 1"),
        ("en", "Yes, disconnect", "Scheduled posts now waiting: 1"),
    ],
)
def test_account_is_disconnected_once_confirmed(
    door: Door, lumiere: Agency, tenant: OpenScope, *, language: str, sure: str, told: str
) -> None:
    """The page counts the waiting posts, the audit log names the member, and accounts of other
    agencies are unchanged."""
    lumiere.post("Le soir")
    other = create_agency(tenant, mark="Ailleurs")
    other.post("Ailleurs")
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET language = :l WHERE tenant_id = :t", l=language, t=lumiere.tenant_id
        )
        key = channel_reads.list_channels(scope)[0].id
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels")
        assert told in page.press(sure)
    with lumiere.scope() as scope:
        assert channel_reads.get_channel(scope, key).state is ChannelState.LEAVING
        done = audit.find_last_act(scope, "channel.disconnected", f"channel:{key}")
        assert done is not None
        assert done.actor == f"member:{lumiere.members[Role.OWNER]}"
    assert rows(lumiere, "channel.disconnect") == [key]
    with other.scope() as scope:
        assert channel_reads.list_channels(scope)[0].state is ChannelState.ACTIVE
        with pytest.raises(NotFound):
            disconnection.request_disconnection(scope, key, "Ailleurs")


def test_lost_account_explains_what_to_do(door: Door, lumiere: Agency) -> None:
    lumiere.post("Le soir")
    with lumiere.scope() as scope:
        lifecycle.require_reauthorization(
            scope, channel_reads.list_channels(scope)[0].id, Message("channel.token_refused")
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Aucune donnée n’est perdue" in page.open("/channels")


@pytest.mark.parametrize("role", [Role.CREATOR, Role.CHATTER, Role.ACCOUNTANT, Role.GUEST])
def test_other_roles_do_not_see_accounts(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert "Telegram · 2 min" not in page.open("/channels")


def test_accounts_of_other_creators_and_agencies_are_hidden(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    lumiere.post("Le soir")
    other = create_agency(tenant, mark="Ailleurs")
    other.post("Ailleurs")
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE members SET creators = '[\"nobody\"]' WHERE id = :m",
            m=lumiere.members[Role.MANAGER],
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Sandbox Ailleurs" not in page.open("/channels")
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        assert "Aucun créateur ne vous est attribué" in page.open("/channels")


def test_repeated_request_creates_one_setup(lumiere: Agency) -> None:
    key = UUID(int=7)
    with lumiere.scope() as scope:
        for _ in range(2):
            made = account_setup.request_setup(
                scope, creator_id=lumiere.creator_id, platform="telegram", letter=b"sealed", key=key
            )
            assert made == key
    assert rows(lumiere, "channel.connect") == [key]


def test_own_page_opens_once_and_taken_address_is_reported(
    tenant: OpenScope, lumiere: Agency
) -> None:
    slug = f"page-{lumiere.tenant_id.hex[-8:]}"

    def wish(who: Agency) -> None:
        event = OwnPageRequested(who.tenant_id, who.creator_id, slug=slug)
        outbox.check_event_type(OwnPageRequested)
        own_pages.open_own_page(
            event,
            tenant=tenant,
            seal=lambda _, secret: Sealed(secret.encode()),
            settings=Settings(),
        )

    for _ in range(2):
        wish(lumiere)
    with lumiere.scope() as scope:
        channels = channel_reads.list_channels(scope)
    assert [(one.account, one.surface) for one in channels] == [(slug, "public")]
    other = create_agency(tenant)
    wish(other)
    with other.scope() as scope:
        assert channel_reads.list_channels(scope) == []
        assert [notice.message.code for notice in list_open_notices(scope)] == ["site.taken"]


def test_forbidden_page_name_is_reported(tenant: OpenScope) -> None:
    who = create_agency(tenant)
    with tenant(who.tenant_id, "system:test") as scope:
        scope.run(
            "UPDATE creators SET name = 'EXPLICIT-MARKER-A' WHERE tenant_id = :t", t=who.tenant_id
        )
    event = OwnPageRequested(who.tenant_id, who.creator_id, slug=f"page-{who.tenant_id.hex[-8:]}")
    own_pages.open_own_page(
        event, tenant=tenant, seal=lambda _, secret: Sealed(secret.encode()), settings=Settings()
    )
    with who.scope() as scope:
        assert channel_reads.list_channels(scope) == []
        assert [notice.message.code for notice in list_open_notices(scope)] == [
            "gate.RATING_EXCEEDS_SURFACE"
        ]


def test_adult_area_is_opened_only_with_a_page(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "espace adultes" not in page.open("/channels")
    slug = f"page-{lumiere.tenant_id.hex[-8:]}"
    seal = {
        "tenant": tenant,
        "seal": lambda _, secret: Sealed(secret.encode()),
        "settings": Settings(),
    }
    own_pages.open_own_page(
        OwnPageRequested(lumiere.tenant_id, lumiere.creator_id, slug=slug), **seal
    )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/channels")
        page.press("Créer l’espace adultes")
        [creator] = rows(lumiere, "channel.adult_area")
        assert creator == lumiere.creator_id
        for _ in range(2):
            own_pages.open_adult_area(AdultAreaRequested(lumiere.tenant_id, creator), **seal)
        assert "Créer l’espace adultes" not in page.open("/channels")
    with lumiere.scope() as scope:
        found = {(one.account, one.surface) for one in channel_reads.list_channels(scope)}
    assert found == {(slug, "public"), (f"{slug}.18", "assured")}


def test_age_provider_is_connected_with_sealed_input(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "La nudité et les contenus explicites" in page.open("/channels", view="age")
        page.press("Connecter le prestataire")
        assert rows(lumiere, "age.provider") == []
        page.type("Identifiant SDK", "0197d6a8-7f3e-7b1e-a13f-7250444ec2c3")
        page.type("Clé API", TOKEN)
        assert "Vérification auprès du prestataire" in page.press("Connecter le prestataire")
        assert TOKEN not in page.open("/channels", view="age")
    [asked] = rows(lumiere, "age.provider")
    with lumiere.scope() as scope:
        letter = scope.run("SELECT letter FROM age_providers WHERE id = :id", id=asked).scalar_one()
    assert TOKEN.encode() not in letter
    assert sealed_intake.unseal_form(MASTER, lumiere.tenant_id, letter)["api_key"] == TOKEN
    assert TOKEN not in door.log.read_text("utf-8")


def test_creator_cannot_connect_an_age_provider(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere, Role.CREATOR)) as page:
        assert "La nudité et les contenus explicites" not in page.open("/channels", view="age")


# Continuing at the platform and coming back.


def visiting_from(who: Agency, role: Role = Role.OWNER, *, state: str = "s" * 43) -> UUID:
    """Create an account setup that is waiting for the member at the platform."""
    actor = f"member:{who.members[role]}"
    with who.scope(actor) as scope:
        asked = account_setup.request_setup(
            scope, creator_id=who.creator_id, platform="mastodon", letter=b"sealed"
        )
        scope.run(
            "UPDATE enrolments SET state = 'visiting', visit = jsonb_build_object('url', "
            "CAST(:url AS text),"
            " 'state', CAST(:state AS text), 'keep', '{}'::jsonb, 'at', people_now()) WHERE id = "
            ":id",
            url=f"https://social.example/oauth/authorize?state={state}",
            state=state,
            id=asked,
        )
        scope.run("DELETE FROM outbox WHERE subject_id = :id", id=asked)
    return asked


def stands(who: Agency, asked: UUID) -> account_setup.AccountSetup:
    with who.scope() as scope:
        return account_setup.get_setup(scope, asked)


def came(door: Door, who: Agency, role: Role = Role.OWNER, **said: str) -> int:
    """Return from the platform with these parameters."""
    with door.client() as visitor:
        return visitor.get(
            "/auth/account", params=said, headers={"cookie": door.cookie(who, role)}
        ).status_code


def test_setup_continues_with_a_button(door: Door, lumiere: Agency) -> None:
    visiting_from(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Autorisez Greenroom chez Mastodon" in page.open("/channels")
        assert page.find("Continuer vers Mastodon").drawn.url.startswith(
            "https://social.example/oauth/authorize?"
        )


def test_authorization_code_is_sealed_on_arrival(door: Door, lumiere: Agency) -> None:
    asked = visiting_from(lumiere)
    assert came(door, lumiere, code="canary-code-of-a-visit", state="s" * 43) == 303
    assert stands(lumiere, asked).state is AccountSetupState.WAITING
    assert rows(lumiere, "channel.connect") == [asked]
    with lumiere.scope() as scope:
        answer = bytes(
            scope.run("SELECT answer FROM enrolments WHERE id = :id", id=asked).scalar_one()
        )
    assert sealed_intake.unseal_form(MASTER, lumiere.tenant_id, answer) == {
        "code": "canary-code-of-a-visit"
    }
    assert "canary-code-of-a-visit" not in door.log.read_text("utf-8")
    assert came(door, lumiere, code="another", state="s" * 43) == 404, "the state was used already"


@pytest.mark.parametrize(
    "said", [{"error": "access_denied"}, {}, {"code": "x" * 5000}, {"code": "x", "error": "no"}]
)
def test_declined_authorization_is_reported(
    door: Door, lumiere: Agency, said: dict[str, str]
) -> None:
    asked = visiting_from(lumiere)
    assert came(door, lumiere, state="s" * 43, **said) == 303
    assert stands(lumiere, asked).reason == Message("enrolment.declined")
    assert rows(lumiere, "channel.connect") == []


def test_setup_of_another_member_cannot_be_continued(
    door: Door, tenant: OpenScope, lumiere: Agency
) -> None:
    asked, other = visiting_from(lumiere), create_agency(tenant)
    for who, role in ((lumiere, Role.MANAGER), (other, Role.OWNER)):
        assert came(door, who, role, code="theirs", state="s" * 43) == 404
    for state in ("", "t" * 43, "s" * 42, "s" * 9000, "' OR 1=1 --"):
        assert came(door, lumiere, code="c", state=state) == 404
    with door.client() as stranger:
        assert (
            stranger.get("/auth/account", params={"code": "c", "state": "s" * 43}).status_code
            == 401
        )
    assert stands(lumiere, asked).state is AccountSetupState.VISITING
