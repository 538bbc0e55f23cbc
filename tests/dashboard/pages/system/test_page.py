"""The System page: only failed jobs of the agency, retry and discard, emergency stops set and
lifted."""

import ast
import shutil
from datetime import timedelta

import pytest

from channels.accounts import queries as channel_reads
from dashboard.pages.system import audit_log
from foundation.db.database import OpenScope
from foundation.i18n.translation import load_catalogue
from foundation.ids import INSTALLATION_ID, uuid7
from foundation.outbox import outbox
from gate.contract.units import Rating
from gate.policy import admission, emergency_stops
from gate.policy.admission import AdmissionRequested
from gate.policy.events import EmergencyStopRequested
from gate.policy.handlers import handle_stop_request
from gate.ratings import inspections
from gate.reviews import place_limits
from gate.reviews.events import PlaceLimitRequested, RuleVerified
from gate.reviews.handlers import handle_place_limit, handle_rule_verified
from studio.library import assets
from tenants import audit
from tenants.agencies.rights import Role
from tenants.notices.queries import list_open_notices
from tests.architecture.tree import product
from tests.connectors.registry.test_shipped_policies import installed
from tests.dashboard.builders import Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.streamlit_client import stream
from tests.gate.third_party_packages import build_rule_file, build_rule_row
from workers.cli.gate import emergency_stop

HOURS = timedelta(hours=2, minutes=5)


def given_up(who: Agency) -> str:
    """Create a failed job of this agency and return its short ID."""
    with who.scope() as scope:
        subject = uuid7()
        outbox.put(
            scope,
            EmergencyStopRequested(
                scope.tenant_id, subject, "tenant", "", "sending", open=False, by="x", reason="x"
            ),
        )
        row = scope.run(
            "UPDATE outbox SET state = 'dead', tries = 5, last_error = 'Canary' WHERE subject_id "
            "= :s RETURNING id",
            s=subject,
        ).scalar_one()
    return str(row.hex[-8:])


def test_repeated_acts_are_one_line(door: Door, lumiere: Agency) -> None:
    for role, times in ((Role.MANAGER, 1), (Role.OWNER, 120), (Role.MANAGER, 2)):
        with lumiere.scope(lumiere.act_as(role)) as scope:
            for _ in range(times):
                audit.record(scope, "asset.cleared", "asset:1")
    with lumiere.scope() as scope:
        recent = audit.list_audit_records(scope, audit.AuditFilter(), limit=200)
    found = [(one.record.actor, one.times) for one in audit_log.group_repeated_acts(recent)][:3]
    hands = [lumiere.act_as(role) for role in (Role.MANAGER, Role.OWNER, Role.MANAGER)]
    assert found == list(zip(hands, (2, 120, 1), strict=True))
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "120 fois" in page.open("/system")


def test_requested_lift_is_confirmed(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Levée de l’arrêt demandée" in page.open("/system", asked="1")
        assert "Levée de l’arrêt demandée" not in page.open("/system")


def test_failed_job_is_retried_or_discarded(door: Door, lumiere: Agency, tenant: OpenScope) -> None:
    other = create_agency(tenant)
    mine, theirs = given_up(lumiere), given_up(other)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/system")
        assert mine in text
        assert theirs not in text
        assert "Tâche relancée" in page.press("Réessayer")
    with lumiere.scope() as scope:
        assert outbox.list_dead(scope) == []
    given_up(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/system")
        assert "Tâche abandonnée" in page.press("Abandonner")
    with lumiere.scope() as scope, other.scope() as elsewhere:
        assert (outbox.list_dead(scope), len(outbox.list_dead(elsewhere))) == ([], 1)


def wanted(who: Agency) -> list[EmergencyStopRequested]:
    with who.scope() as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = 'switch.set'",
            t=scope.tenant_id,
        ).all()
        return [
            outbox.rebuild_event(EmergencyStopRequested, scope.tenant_id, row.subject_id, row.args)
            for row in rows
        ]


def test_one_member_sets_a_stop_and_its_reason_is_shown(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/system")
        page.type("Motif", "compte volé")
        assert "deux secondes" in page.press("Arrêter : Toute l’agence")
        [asked] = wanted(lumiere)
        handle_stop_request(asked, tenant=tenant)
        text = page.open("/system")
        assert "À l’arrêt depuis" in text
        assert "compte volé" in text
        for path in ("/", "/calendar"):
            assert "sont suspendus jusqu’à sa levée" in page.open(path)
    with lumiere.scope() as scope:
        assert emergency_stops.is_stopped(scope, "sending")


def test_one_account_or_a_whole_platform_is_stopped(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    lumiere.post("demain")
    with lumiere.scope() as scope:
        own = channel_reads.list_channels(scope)[0]
    spoken = load_catalogue("fr")[f"platform.{own.platform}"]
    for choice, where, target in (
        ("Mia", "creator", str(lumiere.creator_id)),
        (f"Mia : {own.name} sur {spoken}", "channel", str(own.id)),
        (f"Tout {spoken}", "platform", own.platform),
    ):
        with stream(door.url, door.cookie(lumiere)) as page:
            page.open("/system")
            page.choose("Arrêter", choice)
            assert "deux secondes" in page.press(f"Arrêter : {choice}")
            asked = wanted(lumiere)[-1]
            assert (asked.scope, asked.target, asked.open) == (where, target, False)
            handle_stop_request(asked, tenant=tenant)
            assert choice in page.open("/system")
            told = page.open(
                "/calendar"
            )  # every page shows what is stopped, and that the rest continues
            assert ("Mia" if where == "creator" else spoken) in told
            assert "packs concernés sont suspendus" in told
            assert "Publications, messages et packs sont suspendus" not in told


def test_stop_of_the_installation_cannot_be_lifted_by_an_agency(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    emergency_stop.close_sending_switch(tenant, "clé volée")
    try:
        with stream(door.url, door.cookie(lumiere)) as page:
            text = page.open("/system")
            assert "Toute l’installation" in text
            assert "clé volée" in text
            assert "Lever l’arrêt" not in page.labels()
            assert "sont suspendus jusqu’à sa levée" in page.open("/calendar")
        with lumiere.scope() as scope:
            assert emergency_stops.is_stopped(scope, "sending")
    finally:
        emergency_stop.reopen_sending_switch(tenant, "changée")
    with lumiere.scope() as scope:
        assert not emergency_stops.is_stopped(scope, "sending")


def test_refused_lift_is_reported_on_home(lumiere: Agency, tenant: OpenScope) -> None:
    owner = lumiere.act_as(Role.OWNER)
    for opened in (False, True):
        ask = EmergencyStopRequested(
            lumiere.tenant_id,
            uuid7(),
            "tenant",
            "",
            "sending",
            open=opened,
            by=owner,
            reason="fini",
        )
        handle_stop_request(ask, tenant=tenant)
    with lumiere.scope() as scope:
        assert emergency_stops.is_stopped(scope, "sending")
        assert [one.message.code for one in list_open_notices(scope)] == ["switch.alone_too_early"]


def test_two_members_lift_a_stop_of_the_agency(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    def ask(role: Role, *, opened: bool) -> bool:
        by = lumiere.act_as(role)
        wish = EmergencyStopRequested(
            lumiere.tenant_id, uuid7(), "tenant", "", "sending", open=opened, by=by, reason="fini"
        )
        handle_stop_request(wish, tenant=tenant)
        with lumiere.scope() as scope:
            return not emergency_stops.is_stopped(scope, "sending")

    assert not ask(Role.OWNER, opened=False)
    assert not ask(Role.OWNER, opened=True)
    assert not ask(Role.OWNER, opened=True)  # the same member twice counts once
    assert ask(Role.MANAGER, opened=True)
    with lumiere.scope() as scope:
        assert list_open_notices(scope) == []
    assert not ask(Role.OWNER, opened=False)
    assert not ask(Role.MANAGER, opened=True)  # requests from before this stop do not count
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "a demandé la levée d’un arrêt d’urgence" in page.open("/system")
        assert "Indiquez pourquoi" in page.press("Lever l’arrêt")


def test_late_jobs_are_reported(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        wish = EmergencyStopRequested(
            scope.tenant_id, uuid7(), "tenant", "", "sending", open=False, by="x", reason="x"
        )
        outbox.put(scope, wish)
        scope.run(
            "UPDATE outbox SET available_at = :at WHERE tenant_id = :t",
            at=scope.now - HOURS,
            t=scope.tenant_id,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Des tâches attendent depuis 2\xa0heures" in page.open("/system")


@pytest.mark.parametrize("role", [Role.CREATOR, Role.CHATTER, Role.ACCOUNTANT, Role.GUEST])
def test_other_roles_do_not_see_the_page(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert "Files d’attente" not in page.open("/system")


def test_every_recorded_act_has_a_sentence() -> None:
    acts = {
        call.args[1].value
        for source in product()
        for call, name in source.calls()
        if name.endswith("audit.record") and isinstance(call.args[1], ast.Constant)
    }
    assert acts
    assert {f"audit.{act}" for act in acts} <= set(load_catalogue("fr"))


@pytest.mark.parametrize("language", ["fr", "en"])
def test_sentence_of_an_act_has_no_parameters(language: str) -> None:
    """Repeated acts of a member share one line whatever they concern, so the page has no values to
    fill in. Regression: the page failed after an account was disconnected, because its sentence
    named the account."""
    said = {
        code: sentence
        for code, sentence in load_catalogue(language).items()
        if code.startswith("audit.")
    }
    assert said
    assert [code for code, sentence in said.items() if "{" in sentence] == []


def test_stricter_rule_is_added_by_one_and_removed_by_two(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    lumiere.post("bonjour")

    def done() -> None:
        with lumiere.scope() as scope:
            row = scope.run(
                "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = "
                "'place.limit' ORDER BY id DESC",
                t=scope.tenant_id,
            ).first()
        handle_place_limit(
            outbox.rebuild_event(PlaceLimitRequested, lumiere.tenant_id, row.subject_id, row.args),
            tenant=tenant,
        )

    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/system")
        page.choose("À partir du classement", "Suggestif")
        page.type("Motif", "semaine calme", nth=1)
        assert "en une seconde" in page.press("Ajouter la règle")
        done()
        text = page.open("/system")
        assert "Suggestif ou plus : vérification requise" in text
        assert "semaine calme" in text
    for role in (Role.OWNER, Role.MANAGER):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            text = page.open("/system")
            assert ("un second membre doit confirmer" in text) == (role is Role.MANAGER)
            page.press("Retirer")
            done()
    with lumiere.scope() as scope:
        assert place_limits.list_place_limits(scope) == []


def test_destinations_are_named_as_in_the_composer(door: Door, lumiere: Agency) -> None:
    lumiere.post("bonjour")
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE channels SET platform = 'byhand', surface = 'instagram' WHERE tenant_id = :t",
            t=scope.tenant_id,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/system")
        assert "publications sur Instagram (Publication manuelle)" in text
        assert "byhand" not in text


def test_policy_of_a_third_party_package_needs_the_owner(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    packages = door.log.parent / "packages"
    installed(packages, "acme", document := build_rule_file())
    installed(packages, "greedy", build_rule_file(build_rule_row("AAFF")))

    def done() -> None:
        with lumiere.scope() as scope:
            asked = scope.run(
                "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = 'rows.admit' "
                "ORDER BY id DESC",
                t=scope.tenant_id,
            ).first()
        wanted = outbox.rebuild_event(
            AdmissionRequested, lumiere.tenant_id, asked.subject_id, asked.args
        )
        admission.handle_admission_request(wanted, tenant=tenant, documents=lambda: [document])

    try:
        with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
            text = page.open("/system")
            assert "acme : paquet acme 1.2" in text
            assert (
                "acme.post · Tout public : autorisé · Suggestif : autorisé · Nudité : interdit"
                in text
            )
            assert "Les règles du paquet greedy 1.2 ne sont pas signées" in text
        with stream(door.url, door.cookie(lumiere)) as page:
            assert "le propriétaire doit les accepter" in page.open("/system")
            assert "en une seconde" in page.press("Accepter les règles")
            done()
            assert "Acceptées par" in page.open("/system")
            page.press("Révoquer")
            done()
            assert "le propriétaire doit les accepter" in page.open("/system")
    finally:
        shutil.rmtree(packages)


def test_outdated_policy_is_verified_by_two_members(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    lumiere.post("bonjour")
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE channels SET platform = 'x', surface = 'x.text' WHERE tenant_id = :t",
            t=scope.tenant_id,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Règles à vérifier" not in page.open("/system")
    with tenant(
        INSTALLATION_ID, "system:test", role="relay"
    ) as scope:  # must be the last test of this module, because its clock is reset afterwards
        scope.run("SELECT house_shift(:by)", by=timedelta(days=100))
    for role, button in (
        (Role.OWNER, "Confirmer : inchangées"),
        (Role.MANAGER, "Confirmer en second : inchangées"),
    ):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            text = page.open("/system")
            assert "en retard depuis le 18 févr. 2027" in text
            assert ("Un second membre doit aussi confirmer" in text) == (role is Role.MANAGER)
            assert "deux membres ont confirmé" in page.press(button)
        with lumiere.scope() as scope:
            rows = scope.run(
                "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = 'rule.read' "
                "ORDER BY id",
                t=scope.tenant_id,
            ).all()
        asked = outbox.rebuild_event(
            RuleVerified, lumiere.tenant_id, rows[-1].subject_id, rows[-1].args
        )
        handle_rule_verified(asked, tenant=tenant)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Règles à vérifier" not in page.open("/system")


def test_classifier_status_is_shown(door: Door, lumiere: Agency) -> None:
    first, second = (picture(door, lumiere, seed=seed, rating=Rating.G) for seed in (1, 2))
    with lumiere.scope() as scope:
        inspections.record_classifier_missing(scope, assets.get_asset(scope, first).sha256)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/system")
        assert "Aucun classifieur n’est connecté" in text
        assert "non traitées par le classifieur : 1." in text
    with lumiere.scope() as scope:
        inspections.record_classifier_finding(
            scope,
            assets.get_asset(scope, second).sha256,
            source="classifier:tiles@1",
            rating=Rating.G,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Classifieur tiles@1, dernière utilisation" in page.open("/system")
