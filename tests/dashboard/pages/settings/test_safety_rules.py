"""Rules of the safety check on the Settings page: verified, made stricter, accepted and revoked."""

import shutil
from datetime import timedelta

from sqlmodel import SQLModel

from dashboard.pages.settings.safety_rules import RETAINED
from foundation.db.database import OpenScope
from foundation.ids import INSTALLATION_ID
from foundation.outbox import outbox
from gate.contract.units import Rating
from gate.policy import admission
from gate.policy.admission import AdmissionRequested
from gate.ratings import inspections
from gate.reviews import place_limits
from gate.reviews.events import PlaceLimitRequested, PlatformRulesRead
from gate.reviews.handlers import handle_place_limit, handle_rules_read
from studio.library import assets
from tenants.agencies.rights import Role
from tests.connectors.registry.test_shipped_policies import installed
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.media.test_library_files import picture
from tests.dashboard.streamlit_client import stream
from tests.gate.third_party_packages import build_rule_file, build_rule_row

HOURS = timedelta(hours=2, minutes=5)


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
        page.open("/settings", section="policy")
        page.choose("À partir du classement", "Suggestif")
        page.type("Motif", "semaine calme")
        assert "en une seconde" in page.press("Ajouter la règle")
        done()
        text = page.open("/settings", section="policy")
        assert "Suggestif ou plus : vérification requise" in text
        assert "semaine calme" in text
    for role in (Role.OWNER, Role.MANAGER):
        with stream(door.url, door.cookie(lumiere, role)) as page:
            text = page.open("/settings", section="policy")
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
        text = page.open("/settings", section="policy")
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
            text = page.open("/settings", section="policy")
            assert "acme : paquet acme 1.2" in text
            assert (
                "acme.post · Tout public : autorisé · Suggestif : autorisé · Nudité : interdit"
                in text
            )
            assert "Les règles du paquet greedy 1.2 ne sont pas signées" in text
        with stream(door.url, door.cookie(lumiere)) as page:
            assert "le propriétaire doit les accepter" in page.open("/settings", section="policy")
            assert "en une seconde" in page.press("Accepter les règles")
            done()
            assert "Acceptées par" in page.open("/settings", section="policy")
            page.press("Révoquer")
            done()
            assert "le propriétaire doit les accepter" in page.open("/settings", section="policy")
    finally:
        shutil.rmtree(packages)


def test_owner_confirms_the_rules_of_a_platform(
    door: Door, lumiere: Agency, tenant: OpenScope
) -> None:
    lumiere.post("bonjour")
    with lumiere.scope() as scope:
        scope.run(
            "UPDATE channels SET platform = 'x', surface = 'x.text' WHERE tenant_id = :t",
            t=scope.tenant_id,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Règles des plateformes" not in page.open("/settings", section="policy")
    with tenant(
        INSTALLATION_ID, "system:test", role="relay"
    ) as scope:  # must be the last test of this module, because its clock is reset afterwards
        scope.run("SELECT house_shift(:by)", by=timedelta(days=100))
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        text = page.open("/settings", section="policy")
        assert "en retard depuis le 4 mars 2027" in text
        assert "Nudité et Explicite continuent jusqu’au" in text
        page.type("Ce qui est autorisé maintenant, et sur quelle page", "nudité en bannière")
        assert "Rien ne change" in page.press("Plus est autorisé")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/settings", section="policy")
        assert "cochez d’abord toutes les pages" in page.press("Inchangées, continuer")
        for label in page.labels("checkbox"):
            if label.startswith("J’ai ouvert et lu cette page"):
                page.check(label)
        assert "partent dans la minute" in page.press("Inchangées, continuer")
    with lumiere.scope() as scope:
        rows = scope.run(
            "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = 'rule.read' "
            "ORDER BY id",
            t=scope.tenant_id,
        ).all()
    for row in rows:
        asked = outbox.rebuild_event(PlatformRulesRead, lumiere.tenant_id, row.subject_id, row.args)
        handle_rules_read(asked, tenant=tenant)
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "Règles des plateformes" not in page.open("/settings", section="policy")


def test_classifier_status_is_shown(door: Door, lumiere: Agency) -> None:
    first, second = (picture(door, lumiere, seed=seed, rating=Rating.G) for seed in (1, 2))
    with lumiere.scope() as scope:
        inspections.record_classifier_missing(scope, assets.get_asset(scope, first).sha256)
    with stream(door.url, door.cookie(lumiere)) as page:
        text = page.open("/settings", section="policy")
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
        assert "Classifieur tiles@1, dernière utilisation" in page.open(
            "/settings", section="policy"
        )


def test_stated_retention_is_that_of_the_tables() -> None:
    tables = {
        "messages": "conversations",
        "readers": "age_assurances",
        "audit": "audit_entries",
        "complaints": "complaints",
        "devices": "sightings",
        "addresses": "lent_files",
        "decisions": "decisions",
        "ledger": "ledger_entries",
    }
    kept = {
        name: str(SQLModel.metadata.tables[table].info["keep"]) for name, table in tables.items()
    }
    assert RETAINED.keys() == kept.keys()
    assert [name for name, period in RETAINED.items() if period not in kept[name]] == []
