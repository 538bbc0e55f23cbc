"""The shop: packs, orders and refunds, exact amounts, statements and monthly closing."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from streamlit.proto.WidgetStates_pb2 import WidgetState

from dashboard.pages.shop.queries import month_csv, sample_statement
from dashboard.pages.shop.statement_pdf import MonthlyStatement, render_statement_pdf
from dashboard.shell.localization import MemberLocalizer
from foundation.db.database import Database, OpenScope
from foundation.i18n.translation import LANGUAGES
from foundation.ids import uuid7
from foundation.money import Money
from foundation.ops.wall_time import load_zone
from gate.copies import live_copies
from gate.permits import issuance
from gate.ratings import ratings
from studio.costs.cost_report import SpendingTotal
from studio.library import assets
from studio.packs import packs
from subscribers.checkout import order_payments
from subscribers.ledger import entries, month_close
from subscribers.orders import rail_movements
from subscribers.statements import file_reader
from tenants.agencies import agencies
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.dashboard.builders import ZONE, Agency, create_agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import Stream, stream
from tests.fakes.sandbox import RunningSandbox, network
from tests.gate.builders import KEY, Step, unit
from tests.subscribers.builders import Studio, create_nova
from tests.subscribers.earnings_builders import EarningsAccount

SEES = {Role.OWNER, Role.MANAGER, Role.CREATOR, Role.ACCOUNTANT}
ANSWERS = {Role.OWNER, Role.MANAGER}
NAMED = {Role.OWNER, Role.MANAGER, Role.CREATOR}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningSandbox]:
    folder: Path = tmp_path_factory.mktemp("sandbox")
    with network(folder / "sandbox.sqlite") as started:
        yield started


@dataclass
class House:
    """Nova's agency with its members, her sandbox account and the dashboard."""

    studio: Studio
    agency: Agency
    door: Door

    @contextmanager
    def look(self, role: Role = Role.OWNER, **query: object) -> Iterator[Stream]:
        with stream(self.door.url, self.door.cookie(self.agency, role)) as page:
            page.open("/shop", **query)
            yield page

    def bought(self, fan: str = "leo") -> UUID:
        """Create an order that was paid and delivered at the sandbox."""
        order = self.studio.invoiced(fan)
        self.studio.fan(fan, "pay")
        self.studio.go()
        return order


@pytest.fixture
def house(
    database: Database, tenant: OpenScope, running: RunningSandbox, door: Door
) -> Iterator[House]:
    studio = create_nova(database, running)
    with studio.scope() as scope:
        members = {
            role: agencies.add_member(
                scope,
                name=f"{role.title()} N.",
                email=f"{role}-{uuid7()}@example.test",
                role=role,
                language="fr",
                zone=ZONE,
            )
            for role in Role
        }
    yield House(
        studio, Agency(tenant, studio.world.tenant_id, studio.world.creator_id, members), door
    )
    running.clear()


def test_first_pack_needs_three_fields(house: House) -> None:
    with house.studio.scope() as scope:
        scope.run("DELETE FROM prices WHERE tenant_id = :t", t=scope.tenant_id)
        scope.run("DELETE FROM pack_items WHERE tenant_id = :t", t=scope.tenant_id)
        scope.run("DELETE FROM packs WHERE tenant_id = :t", t=scope.tenant_id)
    with house.look() as page:
        assert "n’a pas encore de pack" in page.again()
        page.type("Titre du pack", "Le port")
        page.type("Prix sur Réseau de test", "350")
        page.choose("Images du pack", "picture 0", "picture 1")
        text = page.press("Mettre en vente")
    assert "« Le port » est en vente." in text
    assert "350\xa0(test)" in text or "350 (test)" in text
    (row,) = house.studio.rows(
        "SELECT p.title, p.state, r.amount_minor FROM packs p JOIN prices r ON r.tenant_id = "
        "p.tenant_id"
        " AND r.pack_id = p.id WHERE p.tenant_id = :tenant"
    )
    assert tuple(row) == ("Le port", "active", 350)


def test_pack_with_a_frozen_picture_is_marked_and_changes_its_cover(house: House) -> None:
    with house.look() as page:
        before = re.findall(r"/files/([\w-]+)/thumb", page.again())
    with house.studio.scope() as scope:
        (pack,) = packs.list_packs(scope, [house.agency.creator_id])
        assert (str(pack.cover), pack.withheld) == (before[0], 0)
        ratings.freeze_bytes(scope, assets.get_asset(scope, UUID(before[0])).sha256)
        (pack,) = packs.list_packs(scope, [house.agency.creator_id])
    assert pack.withheld == 1
    assert str(pack.cover) != before[0]
    with house.look() as page:
        text = page.again()
    assert "bloquées ou retirées" in text
    assert before[0] not in text


def test_pack_names_its_pictures_that_were_posted_for_free(house: House) -> None:
    with house.look() as page:
        assert "Déjà publié gratuitement" not in page.again()
    with house.studio.scope() as scope:
        (pack,) = packs.list_packs(scope, [house.agency.creator_id])
        first = packs.get_pack(scope, pack.id).media[0]
        post = unit(house.studio.world, media=[first])  # type: ignore[arg-type]  # same fields
        post = replace(post, flags=issuance.required_flags_of_unit(scope, post))
        issuance.lock_unit(scope, post)
        permit = issuance.mint_permit(
            scope, post, Step(), key=KEY, author=house.agency.act_as(Role.MANAGER)
        )
    with house.studio.scope() as scope:
        live_copies.record_copy(scope, permit.jti, "n1", scope.now)
        assert packs.list_posted_free(scope, uuid7(), [pack.id]) == {}
    with house.look() as page:
        text = page.again()
        assert "Déjà publié gratuitement (1) : picture 0" in text
        page.press("Nouveau pack")
        options = page.find("Images du pack").options
        assert [one.endswith("déjà publiée gratuitement") for one in sorted(options)] == [
            True,
            False,
        ]


def test_price_is_changed_and_sale_is_paused(house: House) -> None:
    with house.look() as page:
        page.press("Modifier le prix")
        page.type("Prix sur Réseau de test", "rien")
        assert "n’est pas un prix valide. Utilisez un format comme 12" in page.press(
            "Enregistrer le prix"
        )
        page.type("Prix sur Réseau de test", "650")
        assert "modifié" in page.press("Enregistrer le prix")
        assert "En pause" in page.press("Mettre en pause")
        assert "En vente" in page.press("Remettre en vente")
    assert (
        house.studio.rows("SELECT amount_minor FROM prices WHERE tenant_id = :tenant")[
            0
        ].amount_minor
        == 650
    )


def test_order_shows_its_history_and_is_refunded(house: House) -> None:
    order = house.bought()
    with house.look(order=order) as page:
        text = page.again()
        for said in (
            "Proposé",
            "Accepté par le fan",
            "Facture envoyée",
            "Payé",
            "Pack livré",
            "Écritures comptables",
        ):
            assert said in text, said
        told = text[text.index("gr-told") :]
        assert told.index("Proposé") < told.index("Payé") < told.index("Pack livré")
        assert "Saisissez REMBOURSER" in page.press("Rembourser maintenant")
        page.type("Saisissez REMBOURSER", "rembourser")
        page.choose("Motif", "Geste commercial")
        assert "Remboursement lancé" in page.press("Rembourser maintenant")
        house.studio.go()
        text = page.tick()
    assert "Remboursé à titre commercial." in text
    assert "Owner N." in text
    assert "Rembourser maintenant" not in page.labels()
    truth = house.studio.world.network.json(
        "GET", f"/control/truth/{house.studio.world.account}".replace("+", "%2B")
    )
    assert truth[0] == 200
    (row,) = house.studio.rows("SELECT state FROM orders WHERE tenant_id = :tenant")
    assert row.state == "refunded"
    with house.studio.scope() as scope:
        rail = entries.rail_ledger_account("sandbox", house.studio.world.account)
        assert entries.account_balance(scope, rail) == {"XTS": 0}


def press(page: Stream, sent: str) -> str:
    """Press a heading or a row of the table."""
    drawn = (told.delta.new_element for told in page.told())
    (table,) = {
        one.bidi_component.id
        for one in drawn
        if one.WhichOneof("type") == "bidi_component"
        and one.bidi_component.component_name.endswith("table")
    }
    said = json.dumps({"event": "pressed", "value": sent})
    name = f"$$STREAMLIT_INTERNAL_KEY_{table}__events"
    return page.send(WidgetState(id=name, json_trigger_value=said))


def test_sales_are_sorted_filtered_and_opened(house: House) -> None:
    house.bought("leo")
    order = house.bought("zoe")
    with house.studio.scope() as scope:
        scope.run("UPDATE orders SET title = 'Nuit' WHERE id = :id", id=order)
    with house.look(view="orders") as page:
        text = page.again()
        for said in ("Ventes brutes", "1\u202f000", "1–2 sur 2", "Exporter en CSV"):
            assert said in text + " ".join(page.labels("download_button")), said
        assert text.index("Nuit</button>") < text.index("Matin calme</button>"), "newest first"
        text = press(page, "sort:pack")
        assert 'aria-sort="ascending"' in text
        assert text.index("Matin calme</button>") < text.index("Nuit</button>")
        assert "Pack livré" in press(page, f"open:{order}")
        assert "Pack livré" not in page.press("Fermer la commande")
        assert "Nuit</button>" not in page.type("Rechercher un fan ou un pack", "matin")
        page.type("Rechercher un fan ou un pack", "")
        assert "Aucune vente ne correspond" in page.choose("Statut", "Contestée")
        page.choose("Statut", "Tous")
        page.choose("Période", "Dates au choix")
        with house.studio.scope() as scope:
            today = scope.now.date()
        text = page.pick("Du", today - timedelta(days=400))
        assert "au plus 366 jours" in text
        assert "Matin calme</button>" in page.pick("Du", today - timedelta(days=2))


def test_orders_without_a_payment_are_shown(house: House) -> None:
    house.studio.invoiced("leo")
    with house.studio.scope() as scope:  # newer ones that expired do not hide it
        scope.run(
            "INSERT INTO orders SELECT (jsonb_populate_record(o, jsonb_build_object('id',"
            " gen_random_uuid(), 'state', 'expired', 'created_at', o.created_at + interval '1 s' *"
            " n))).* FROM orders o, generate_series(1, 110) n WHERE o.tenant_id = :tenant",
            tenant=scope.tenant_id,
        )
    with house.look(view="orders") as page:
        text = page.again()
        assert "Matin calme" in text
        assert "1–1 sur 1" in text


@pytest.mark.parametrize("sent", ["sort:nothing", "open:x", "open:", "", "x" * 5000, 7, None, {}])
def test_forged_press_changes_nothing(house: House, sent: object) -> None:
    house.bought()
    with house.look(view="orders") as page:
        page.again()
        text = press(page, sent)  # type: ignore[arg-type]  # as a browser may send it
        assert "Matin calme" in text or "Commande introuvable" in text


def test_unmatched_payment_is_matched_and_delivered(house: House) -> None:
    order = house.studio.invoiced("leo")
    fact = replace(house.studio.charge("leo", order, "lost-1"), order_id=None)
    with house.studio.scope() as scope:
        order_payments.record_payment(scope, fact)
    with house.look(view="money") as page:
        assert "Paiements non rapprochés" in page.again()
        assert "Paiement rapproché" in page.press("Rapprocher et livrer le pack")
        house.studio.go()
        text = page.again()
        assert "Paiements non rapprochés" not in text
        assert text.count("Conforme") == 1
    assert any(message.get("media") for message in house.studio.seen("leo"))
    (row,) = house.studio.rows("SELECT state FROM orders WHERE tenant_id = :tenant")
    assert row.state == "fulfilled"
    (total,) = totals(house)
    assert (total.gross_minor, total.creator_minor) == (500, 300)
    assert not house.studio.rows(
        "SELECT 1 FROM notices WHERE tenant_id = :tenant AND settled_at IS NULL"
    )


def totals(house: House) -> list[entries.SalesTotals]:
    with house.studio.scope() as scope:
        span = timedelta(days=400)
        return entries.creator_totals(
            scope, house.studio.world.creator_id, scope.now - span, scope.now + span
        )


def test_unmatched_payment_is_refunded(house: House) -> None:
    order = house.studio.invoiced("leo")
    with house.studio.scope() as scope:
        order_payments.record_payment(
            scope, replace(house.studio.charge("leo", order, "lost-2"), money=Money(7, "XTS"))
        )
    with house.look(view="money") as page:
        assert "Remboursement lancé" in page.press("Rembourser le paiement")
        assert "Remboursement lancé" in page.again()
    assert house.studio.rows(
        "SELECT 1 FROM outbox WHERE tenant_id = :tenant AND kind = 'order.refund'"
    )


def test_matched_payment_is_reversed_completely(house: House) -> None:
    """The entries of suspense and sale are reversed to zero in every account."""
    order = house.studio.invoiced("leo")
    with house.studio.scope() as scope:
        payment = order_payments.record_payment(
            scope, replace(house.studio.charge("leo", order, "lost-3"), order_id=None)
        )
        assert payment is not None
        for _ in range(2):
            order_payments.assign_payment_to_order(scope, payment, order)
        assert entries.reverse_payment(scope, payment, at=scope.now)
        names = ("suspense", "allocated", "agency_due", "creator_due", "chatter_due")
        assert {
            name: sum(entries.account_balance(scope, name).values()) for name in names
        } == dict.fromkeys(names, 0)


def test_statement_is_previewed_then_booked_exactly(house: House) -> None:
    with house.studio.scope() as scope:
        creator = tenant_reads.get_creator(scope, house.studio.world.creator_id)
        text = sample_statement(creator, scope.now.date())
    sheet = file_reader.read_statement(text.encode(), "Autre plateforme")
    with house.look(Role.ACCOUNTANT, view="books") as page:
        told = page.attach("Relevé CSV", {"releve.csv": text.encode()})
        assert "Aperçu : rien n’est encore comptabilisé" in told
        assert "à comptabiliser" in told
        assert not house.studio.rows("SELECT 1 FROM statement_lines WHERE tenant_id = :tenant")
        told = page.press(f"Importer les lignes ({len(sheet.movements)})")
        assert "Lignes importées depuis" in told
        assert "déjà comptabilisé" in told
        assert page.find("Importer les lignes (0)", "button").drawn.disabled
    with house.studio.scope() as scope:
        booked = entries.account_balance(
            scope, entries.rail_ledger_account(file_reader.STATEMENT_RAIL, "Autre plateforme")
        )
    assert booked == {code: money.minor for code, money in sheet.net_by_currency().items()}
    with house.look(Role.ACCOUNTANT, view="money") as page:
        told = page.again()
    assert "Relevé · Autre plateforme" in told
    assert "écart" not in told


def test_automatic_import_is_shown_and_a_file_does_not_repeat_it(house: House) -> None:
    account = EarningsAccount(house.studio)
    account.earn(1000, 800)
    account.till.odd = [{"gross": 5}]
    account.later(hours=1)
    account.catch_up()
    name, day = f"{account.source}.com", f"{account.now():%Y-%m-%d}"
    text = f"date,type,reference,gross,fee,currency\n{day},sale,a,10.00,2.00,USD\n"
    with house.look(Role.ACCOUNTANT, view="books") as page:
        told = page.again()
        assert f"{account.source}, " in told
        assert "importés automatiquement. Dernier import" in told
        assert "Mouvements illisibles" in told
        page.type("Nom de la plateforme", name)
        told = page.attach("Relevé CSV", {"releve.csv": text.encode()})
        assert "ignoré" in told
        assert page.find("Importer les lignes (0)", "button").drawn.disabled


def test_reported_balance_is_compared_with_the_ledger(house: House) -> None:
    of = rail_movements.RailAccount(house.studio.world.channel(), "sandbox")
    for differs, unread in ((0, 0), (-30, 2)):
        with house.studio.scope() as scope:
            rail_movements.begin_reading(scope, of)
            rail_movements.finish_reading(
                scope, of, lies_minor=470, differs_minor=differs, unread=unread, deep=True
            )
        with house.look(Role.ACCOUNTANT, view="money") as page:
            told = page.again()
        assert f"{of.name} : solde de 470" in told
        assert ("Écart de -30" in told) == bool(differs)
        assert ("Mouvements illisibles : 2" in told) == bool(unread)


def test_broken_statement_names_its_line(house: House) -> None:
    broken = (
        b"date,type,reference,gross,fee,currency\n2026-01-01,sale,a,5.00,1.00,EUR\nhier,sale,b,1,"
        b"0,EUR\n"
    )
    with house.look(view="books") as page:
        told = page.attach("Relevé CSV", {"releve.csv": broken})
        assert "Ligne 3." in told
        assert page.find("Importer les lignes (1)", "button").drawn.disabled
        told = page.attach("Relevé CSV", {"autre.csv": b"hello,world\n1,2\n"})
        assert "Colonnes manquantes" in told


def test_unknown_columns_are_mapped_once_and_remembered(house: House) -> None:
    theirs = (
        b"Day,What,Amount\n09/30/2026,Subscription from u1,9.99\n09/30/2026,Refund of u1,-9.99\n"
    )
    with house.look(Role.ACCOUNTANT, view="books") as page:
        page.attach("Relevé CSV", {"releve.csv": theirs})
        told = page.press("Enregistrer l’association")
        assert "Associez la colonne de la date" in told
        page.choose("Date (obligatoire)", "Day (ex. 09/30/2026)")
        page.choose(
            "Type (sinon, le signe du montant est utilisé)",
            "What (ex. Subscription from u1)",
        )
        page.choose("Format des dates", "mois/jour/année")
        page.choose("Devise par défaut", "USD")
        told = page.press("Enregistrer l’association")
        assert "Association enregistrée" in told
        told = page.press("Importer les lignes (2)")
        assert "Lignes importées depuis" in told
    with house.look(Role.ACCOUNTANT, view="books") as page:
        told = page.attach("Relevé CSV", {"autre.csv": theirs + b"09/29/2026,Tip,5.00\n"})
        assert page.find("Importer les lignes (1)", "button")
        assert "Enregistrer l’association" not in page.labels()


def test_month_is_closed_with_its_fingerprint(house: House) -> None:
    with house.studio.scope() as scope:
        last = scope.now.date().replace(day=1) - timedelta(days=1)
        entries.post_transaction(
            scope,
            "sale",
            "payment",
            "old",
            entries.sale_entries(Money(1234, "EUR"), "rail:=cmd"),
            occurred_at=scope.now.replace(day=1) - timedelta(days=2),
            creator_id=house.studio.world.creator_id,
        )
    with house.look(Role.ACCOUNTANT, view="books") as page:
        assert "12,34\xa0€" not in page.again(), "the current month is shown first"
        assert "12,34\xa0€" in page.choose("Mois", page.find("Mois", "selectbox").options[1])
        assert "Mois clôturé." in page.press("Clôturer le mois")
        assert "Accountant N." in page.again()
        assert "Clôturer le mois" not in page.labels()
        assert {"Exporter en CSV", "Relevé imprimable", "Télécharger le relevé en PDF"} <= set(
            page.labels("download_button")
        )
    with house.studio.scope() as scope:
        found = month_close.load_ledger_month(scope, house.studio.world.creator_id, last)
    assert found.close is not None
    assert found.close.unchanged
    assert "1234,EUR" in month_csv(found)
    made = render_statement_pdf(
        MonthlyStatement(
            "Relevé de Łucja",
            "Agence",
            "Łucja",
            "Clos",
            found,
            SpendingTotal(),
            MemberLocalizer("fr", load_zone(ZONE)),
        )
    )
    assert made[:5] == b"%PDF-"
    assert made == render_statement_pdf(
        MonthlyStatement(
            "Relevé de Łucja",
            "Agence",
            "Łucja",
            "Clos",
            found,
            SpendingTotal(),
            MemberLocalizer("fr", load_zone(ZONE)),
        )
    )


@pytest.mark.parametrize("role", Role)
def test_role_sees_only_permitted_data(house: House, role: Role) -> None:
    house.bought("canary-fan")
    with house.look(role, view="orders") as page:
        text = page.again()
        found = page.type("Rechercher un fan ou un pack", "canary") if role in SEES else ""
    row = next((line for line in text.split("<tr") if "Matin calme</button>" in line), "")
    assert bool(row) == (role in SEES), text
    assert ("canary" in row) == (role in NAMED)
    assert ("Matin calme</button>" in found) == (role in NAMED), "a search reveals no names"
    with house.look(role, view="money") as page:
        assert ("Rapprochement" in page.again()) == (role in SEES)
    with house.look(role, view="books") as page:
        page.again()
        closes = "Clôturer le mois" in page.labels()
    assert closes == (role in {Role.OWNER, Role.MANAGER, Role.ACCOUNTANT})
    with house.look(role) as page:
        page.again()
        assert ("Mettre en pause" in page.labels()) == (role in {Role.OWNER, Role.MANAGER})


def test_foreign_and_unknown_orders_look_alike(house: House, tenant: OpenScope) -> None:
    order = house.bought()
    other = create_agency(tenant, mark="canary-other")
    answers = []
    for asked in (order, uuid7(), "nonsense"):
        with stream(house.door.url, house.door.cookie(other)) as page:
            told = page.open("/shop", order=asked)
        assert "Matin calme" not in told
        answers.append("Commande introuvable." in told)
    assert set(answers) == {True} or set(answers) == {False}


def test_member_of_another_creator_finds_no_orders(house: House) -> None:
    order = house.bought()
    with house.studio.scope() as scope:
        agencies.add_creator(
            scope, slug="mia", name="Mia", kind="human", zone=ZONE, languages=["fr"]
        )
        owner = house.agency.members[Role.MANAGER]
        scope.run("""UPDATE members SET creators = '["mia"]' WHERE id = :m""", m=owner)
    with house.look(Role.MANAGER, order=order) as page:
        text = page.again()
    assert "Matin calme" not in text
    with house.look(Role.MANAGER, view="money") as page:
        assert "Aucun paiement pour le moment" in page.again()


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("view", ["packs", "subscriptions", "orders", "money", "split", "books"])
def test_page_uses_the_members_language_full_and_empty(
    house: House, tenant: OpenScope, language: str, view: str
) -> None:
    house.bought()
    with house.studio.scope() as scope:
        scope.run(
            "UPDATE members SET language = :l WHERE tenant_id = :t", l=language, t=scope.tenant_id
        )
    with house.look(view=view) as page:
        full = page.again()
    other = create_agency(tenant, language=language)
    with stream(house.door.url, house.door.cookie(other)) as page:
        empty = page.open("/shop", view=view)
    for text in (full, empty):
        assert ("Commandes" in text) == (language == "fr")
        assert ("Orders" in text) == (language == "en")
        assert not re.search(r"\b(shop|split|payout)\.[a-z]", text)


def test_sample_is_equal_within_a_month(house: House) -> None:
    with house.studio.scope() as scope:
        creator = tenant_reads.get_creator(scope, house.studio.world.creator_id)
    one, two = (
        sample_statement(creator, date(2026, 3, 9)),
        sample_statement(creator, date(2026, 3, 31)),
    )
    assert one == two
    assert not file_reader.read_statement(one.encode(), "x").unread
    assert "2026-02-28,payout" in one


def test_answer_of_the_team_is_changed_and_restored(house: House) -> None:
    def written() -> list[str]:
        rows = house.studio.rows("SELECT body FROM team_answers WHERE tenant_id = :tenant")
        return [row.body for row in rows]

    with house.look(view="answers") as page:
        text = page.again()
        assert "Livraison (français)" in text
        page.type("Livraison (français)", "Livré tout de suite ici.")
        page.press("Enregistrer")
        assert written() == ["Livré tout de suite ici."]
        page.type("Livraison (français)", "je suis vraiment une vraie femme")
        page.press("Enregistrer")
        assert written() == ["Livré tout de suite ici."], "a refused text changes nothing"
        page.type("Livraison (français)", "")
        page.press("Enregistrer")
    assert written() == []


@pytest.mark.parametrize("role", sorted(set(Role) - ANSWERS - {Role.GUEST, Role.CUSTODIAN}))
def test_other_roles_do_not_see_the_answers(house: House, role: Role) -> None:
    with house.look(role, view="answers") as page:
        assert "Remises" not in page.again()
