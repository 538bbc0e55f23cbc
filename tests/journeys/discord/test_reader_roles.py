"""The role for proven age on Discord: given after a fan chooses /age, removed when the proof is
withdrawn."""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from channels.accounts import lifecycle
from channels.age_verification import age_checks as ages
from channels.roles import reader_roles as channel_roles
from channels.roles.events import ReaderRoleDue
from connectors.contract.reader_roles import READER_NOT_THERE
from foundation.i18n.translation import Message
from foundation.ops.settings import (
    ConnectorsSettings,
    DatabaseSettings,
    GateSettings,
    Settings,
    TenantsSettings,
)
from foundation.outbox.outbox import RetryLater
from gate.viewers import age_assurance
from generators.engines.text.templates import TemplateEngine
from subscribers.erasure import erase_fan, export_fan
from subscribers.fans import directory
from subscribers.safety import age_checks as proofs
from subscribers.safety import role_eligibility
from subscribers.subscriptions.events import RoleCheckDue
from tenants.vault import sealed_intake
from tests.conftest import Cluster, wait_until
from tests.fakes import yoti
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.state import ALL, MANAGE_ROLES
from tests.journeys.discord.test_bot import MASTER, House, fake, house  # noqa: F401  fixtures
from workers.relay.ticks import TICKS
from workers.wiring import Services, build_services


@pytest.fixture(scope="module")
def provider() -> Iterator[yoti.RunningYoti]:
    with yoti.provider() as running:
        yield running


@pytest.fixture(scope="module")
def services(
    cluster: Cluster,
    fake: FakeDiscord,  # noqa: F811  fixture
    provider: yoti.RunningYoti,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Services]:
    key = base64.b64encode(MASTER).decode()
    settings = Settings(
        home=tmp_path_factory.mktemp("home"),
        environment="test",
        database=DatabaseSettings(work_url=cluster.url("greenroom_work", "house")),
        tenants=TenantsSettings(master_key=key),
        gate=GateSettings(signing_key=key),
        connectors=ConnectorsSettings(discord_url=fake.api, yoti_url=provider.url),
    )
    with build_services(settings, pool_size=8, application="tests") as found:
        yield replace(found, chat_engine=TemplateEngine)


@pytest.fixture
def here(house: House) -> House:  # noqa: F811  fixture
    """Return a bot that may assign the role, with Leo on its server."""
    house.guild.roles[house.guild.members[house.bot.id][0]] = ALL | MANAGE_ROLES
    house.fake.world.role(house.guild)
    house.guild.members[house.leo.id] = []
    found = house.enrol(adult_role="18+")
    assert found.reason is None, found.reason
    return house


def role(here: House) -> str:
    return next(one for one, name in here.guild.names.items() if name == "18+")


def bears(here: House, person: str = "") -> bool:
    return role(here) in here.guild.members.get(person or here.leo.id, [])


def changes(here: House) -> list[str]:
    return [what for what, _, _ in here.guild.given]


def asked(here: House) -> int:
    return sum(
        row["kind"] == "roles" and row["account"] == here.guild.id
        for row in here.fake.book.list_requests()
    )


def writes(here: House, text: str = "bonjour") -> None:
    """Send a message from Leo and receive it."""
    known, ear = len(here.heard()), here.ear()
    here.fake.write(here.bot, here.leo, text)
    wait_until(lambda: len(here.heard()) > known)
    here.over(ear)
    here.desk.live(minutes=1)


def proven(here: House, person: str = "", **more: object) -> None:
    """Record a proof of age at the gate and run the work that follows."""
    with here.desk.scope() as scope:
        age_assurance.record_assurance(
            scope,
            platform="discord",
            user_id=person or here.leo.id,
            method="yoti.doc",
            assured_level="L4",
            over_18=True,
            environment="test",
            **more,  # type: ignore[arg-type]  # the lifetime of the proof
        )
    here.desk.live(seconds=1)


def rows(here: House) -> list[tuple[bool, bool | None, str]]:
    with here.desk.scope() as scope:
        found = scope.run(
            "SELECT wanted, stands, coalesce(reason ->> 'code', '') AS why FROM fan_roles WHERE "
            "tenant_id = :tenant"
            " ORDER BY created_at, id",
            tenant=here.desk.tenant_id,
        )
        return [(row.wanted, row.stands, row.why) for row in found]


def hour(here: House) -> None:
    """Run the hourly job of roles."""
    tick = next(one for one in TICKS if one.name == "roles")
    tick.write_rows(here.desk.services.tenant)
    here.desk.live(seconds=1)


def fan(here: House) -> UUID:
    with here.desk.scope() as scope:
        known = directory.find_fan_identity(scope, here.desk.channels["main"], here.leo.id)
    assert known is not None
    return known.fan_id


def test_role_is_given_for_a_proof_and_removed_with_it(
    here: House, provider: yoti.RunningYoti
) -> None:
    sdk_id, key = provider.world.customer()
    letter = sealed_intake.seal_form(
        sealed_intake.derive_public_key(MASTER),
        here.desk.tenant_id,
        {"sdk_id": sdk_id, "api_key": key},
    )
    with here.desk.scope(f"member:{here.desk.manager}") as scope:
        ages.connect_provider(scope, "yoti", letter, known=here.desk.services.age_providers)
    here.desk.live(seconds=5)
    ear = here.ear()
    here.fake.choose(here.bot, here.leo, "age")
    wait_until(lambda: here.heard() == ["/age"])
    here.over(ear)
    here.desk.live(minutes=1)
    token = re.findall(r"/age/([A-Za-z0-9_-]{32})", " ".join(here.answers()))[-1]
    found = ages.find_check(here.desk.services.tenant, token)
    assert found is not None
    with here.desk.scope() as scope:
        ages.begin_check(scope, found[1], page="https://page.example")
    here.desk.live(seconds=5)
    assert not bears(here)
    provider.world.finish(provider.world.session(str(found[1])), "COMPLETE")
    here.desk.live(minutes=5)
    assert bears(here)
    assert rows(here) == [(True, True, "")]
    with here.desk.scope() as scope:
        [talk] = scope.run(
            "SELECT id FROM conversations WHERE tenant_id = :tenant", tenant=here.desk.tenant_id
        )
        shown = channel_roles.role_status_by_channel(scope)[here.desk.channels["main"]]
        assert (shown.borne, shown.away, shown.refused) == (1, 0, None)
    with here.desk.scope(f"member:{here.desk.manager}") as scope:
        proofs.request_assurance_withdrawal(scope, talk.id, key=found[1])
    here.desk.live(seconds=5)
    assert not bears(here)
    assert rows(here) == []
    assert changes(here) == ["+", "-"]


def test_role_given_by_an_administrator_proves_no_age(here: House) -> None:
    """An administrator assigns the role; the gate has no proof."""
    writes(here)
    here.guild.members[here.leo.id] = [role(here)]
    hour(here)
    with here.desk.scope() as scope:
        assert (
            age_assurance.get_assurance(scope, "discord", here.leo.id)
            == age_assurance.UNKNOWN_VIEWER
        )
        assert age_assurance.list_verified_adults(scope, "discord") == []


@pytest.mark.parametrize(
    "fault",
    [
        "reset_before",
        "reset_after",
        "accept_then_hang",
        "status:503",
        "status:503_after",
        "status:429",
    ],
)
def test_role_is_given_and_removed_once_under_faults(here: House, fault: str) -> None:
    writes(here)
    here.fake.book.schedule_fault(
        fault, account=here.guild.id, on="roles", seconds=0.2, retry_after=3
    )
    proven(here)
    here.desk.live(minutes=10)
    assert bears(here)
    here.fake.book.schedule_fault(
        fault, account=here.guild.id, on="roles", seconds=0.2, retry_after=3
    )
    with here.desk.scope() as scope:
        age_assurance.mark_suspected_minor(scope, "discord", here.leo.id)
    here.desk.live(minutes=10)
    assert not bears(here)
    assert changes(here) == ["+", "-"]


@pytest.mark.parametrize("at", range(8))
def test_role_is_given_once_after_a_crash_at_any_statement(here: House, at: int) -> None:
    writes(here)
    with here.desk.scope() as scope:
        age_assurance.record_assurance(
            scope,
            platform="discord",
            user_id=here.leo.id,
            method="yoti.doc",
            assured_level="L4",
            over_18=True,
            environment="test",
        )
    here.desk.crash(at)
    here.desk.release()
    here.desk.live(minutes=5)
    assert bears(here)
    assert changes(here) == ["+"]


def test_lost_response_and_revoked_proof_end_without_the_role(here: House) -> None:
    """The response to the assignment is lost and the account is paused: a role that may have been
    given is removed all the same."""
    writes(here)
    here.fake.book.schedule_fault("reset_after", account=here.guild.id, on="roles", times=3)
    with here.desk.scope() as scope:
        age_assurance.record_assurance(
            scope,
            platform="discord",
            user_id=here.leo.id,
            method="yoti.doc",
            assured_level="L4",
            over_18=True,
            environment="test",
        )
    here.desk.run()
    assert rows(here) == [(True, None, "")]
    with here.desk.scope() as scope:
        age_assurance.block_viewer(scope, "discord", here.leo.id)
        lifecycle.pause_account(
            scope, here.desk.channels["main"], Message("channel.paused_by", {"name": "Anne"})
        )
    here.desk.live(hours=1)
    assert not bears(here)
    assert rows(here) == []


def test_expired_proof_removes_the_role(here: House) -> None:
    writes(here)
    proven(here, lives=timedelta(hours=2))
    assert bears(here)
    here.desk.pass_time(hours=1)
    hour(here)
    assert bears(here)
    here.desk.pass_time(hours=1)
    hour(here)
    assert not bears(here)
    before = asked(here)
    hour(here)
    assert asked(here) == before


def test_absent_fan_gets_the_role_with_the_next_message(here: House) -> None:
    writes(here)
    del here.guild.members[here.leo.id]
    proven(here)
    assert rows(here) == [(True, False, READER_NOT_THERE)]
    before = asked(here)
    hour(here)
    assert asked(here) == before  # no request for a fan who is absent, even after an hour
    here.guild.members[here.leo.id] = []
    writes(here, "me voilà")
    assert bears(here)
    assert here.desk.notices() == {}


def test_fan_who_rejoined_gets_the_role_with_the_age_command(here: House) -> None:
    writes(here)
    proven(here)
    here.guild.members[here.leo.id] = []  # Leo left the server and rejoined without the role
    writes(here)
    assert not bears(here)
    writes(here, "/age")
    assert bears(here)


def test_person_without_messages_gets_no_role(here: House) -> None:
    max_ = here.fake.world.person("max")
    here.guild.members[max_.id] = []
    proven(here, max_.id)
    assert asked(here) == 0
    assert rows(here) == []


# fixture
def test_newly_configured_role_is_given_for_existing_proofs(house: House) -> None:  # noqa: F811  see above
    assert house.enrol().reason is None
    writes(house)
    proven(house)
    house.guild.roles[house.guild.members[house.bot.id][0]] = ALL | MANAGE_ROLES
    first = house.fake.world.role(house.guild)
    house.guild.members[house.leo.id] = []
    assert house.enrol(adult_role="18+").reason is None
    house.desk.live(seconds=5)
    assert house.guild.members[house.leo.id] == [first]
    second = house.fake.world.role(house.guild, "adultes")
    assert house.enrol(adult_role="adultes").reason is None
    house.desk.live(seconds=5)
    assert house.guild.members[house.leo.id] == [second]
    assert house.enrol().reason is None  # without a role
    house.desk.live(seconds=5)
    assert house.guild.members[house.leo.id] == []
    assert rows(house) == []


def test_refused_role_notifies_and_is_retried_with_one_fan(here: House) -> None:
    writes(here)
    own = here.guild.members[here.bot.id][0]
    here.guild.positions[own] = 0
    proven(here)
    mia = here.fake.world.person("mia")
    here.guild.members[mia.id] = []
    leo, here.leo = here.leo, mia
    writes(here)
    proven(here)
    assert rows(here) == [(True, None, "discord.role_above")] * 2
    assert "role.refused" in here.desk.notices().values()
    before = asked(here)
    hour(here)
    assert asked(here) == before + 1
    here.guild.positions[own] = 10
    hour(here)
    assert bears(here, leo.id)
    assert bears(here, mia.id)
    assert "role.refused" not in here.desk.notices().values()
    with here.desk.scope() as scope:
        assert (
            scope.run(
                "SELECT state FROM channels WHERE tenant_id = :t", t=here.desk.tenant_id
            ).scalar()
            == "active"
        )


def test_erased_fan_loses_the_role(here: House) -> None:
    writes(here)
    proven(here)
    with here.desk.scope() as scope:
        told = export_fan(scope, fan(here))
        # `roles` is a list
        assert [one["role"] for one in told["roles"]] == [role(here)]  # type: ignore[attr-defined]  # see above
        erase_fan(scope, fan(here))
    here.desk.live(seconds=5)
    assert not bears(here)
    assert rows(here) == []
    hour(here)
    assert not bears(here)


def test_role_change_during_the_request_is_applied(here: House) -> None:
    """The proof is withdrawn while the request that gives the role is sent."""
    writes(here)
    proven(here)
    with here.desk.scope() as scope:
        [wish] = scope.run(
            "SELECT id FROM fan_roles WHERE tenant_id = :tenant", tenant=here.desk.tenant_id
        )
        scope.run(
            "UPDATE fan_roles SET stands = NULL WHERE tenant_id = :tenant",
            tenant=here.desk.tenant_id,
        )
    send = here.desk.services.transport.send

    class Meanwhile:
        def send(self, *args: object, **more: object) -> object:
            with here.desk.scope() as scope:
                age_assurance.reset_assurance(scope, "discord", here.leo.id)
            changed = RoleCheckDue(here.desk.tenant_id, wish.id, "discord", here.leo.id)
            role_eligibility.update_reader_role(changed, tenant=here.desk.services.tenant)
            return send(*args, **more)  # type: ignore[arg-type]  # arguments unchanged

    with pytest.raises(RetryLater):
        channel_roles.apply_role(
            ReaderRoleDue(here.desk.tenant_id, wish.id),
            tenant=here.desk.services.tenant,
            transport=Meanwhile(),  # type: ignore[arg-type]  # a transport with a side effect
            connectors=here.desk.services.connectors,
        )
    here.desk.live(minutes=1)
    assert not bears(here)
    assert rows(here) == []
