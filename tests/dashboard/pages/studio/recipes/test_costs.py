"""Paid pictures as members see them: the estimate, the month, the cap, and a refused run."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from dashboard.pages.shop.statement_pdf import MonthlyStatement, render_statement_pdf
from dashboard.pages.studio.recipes.queries import engine_name
from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.widgets import escape_markdown
from foundation.db.database import OpenScope
from foundation.ids import uuid7
from foundation.money import Money, Price, parse_token_prices
from foundation.ops.settings import GeneratorsSettings
from foundation.ops.wall_time import load_zone, local_day
from studio.costs import cost_report, spending_caps
from studio.costs.spending_caps import PurchaseRequest
from studio.costs.text_requests import TextBilling, TextPurpose, TextSession
from studio.recipes import export_grants, specs, style_references
from studio.runs.estimates import price_per_picture
from subscribers.ledger import month_close
from tenants.agencies import queries as tenant_reads
from tenants.agencies.rights import Role
from tests.conftest import Cluster
from tests.dashboard.builders import ZONE, Agency
from tests.dashboard.conftest import Door, serving
from tests.dashboard.pages.studio.library.test_style_references import theirs
from tests.dashboard.pages.studio.test_page import pick, word
from tests.dashboard.streamlit_client import Stream, stream
from tests.studio.builders import build_spec

pytestmark = pytest.mark.heavy

MODEL = "acme/portrait"


@pytest.fixture(scope="module")
def priced(
    cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    folders = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GREENROOM_GENERATORS__REPLICATE_MODEL", MODEL)
        patch.setenv("GREENROOM_GENERATORS__REPLICATE_TOKEN", "r8_of-the-test")
        patch.setenv("GREENROOM_GENERATORS__DIFFUSION_FOLDER", "/nowhere/model")
        patch.setenv("GREENROOM_GENERATORS__PRICES", f"{MODEL} = 0.50 USD")
        patch.setenv("GREENROOM_GENERATORS__TEXT_PRICES", "big = 1/2 EUR")
        patch.setenv("GREENROOM_GENERATORS__SPENDING_CAPS", "20 USD")
        with serving(cluster.url("greenroom_pages", "house"), *folders) as (url, log):
            yield Door(url, log, tenant)


def test_price_depends_on_model_and_engine() -> None:
    known = GeneratorsSettings(replicate_model=MODEL, prices=f"{MODEL} = 0.003 USD, other = 1 EUR")
    assert engine_name(known) == "replicate"
    assert price_per_picture(known, build_spec()) == Price(Decimal("0.3"), "USD")
    assert price_per_picture(known, build_spec(model="other")) == Price(Decimal(100), "EUR")
    assert price_per_picture(known, build_spec(model="unknown")) is None
    assert price_per_picture(GeneratorsSettings(), build_spec()) is None
    both = known.model_copy(update={"image_engine": "diffusion", "diffusion_folder": "/models/one"})
    assert (engine_name(both), price_per_picture(both, build_spec())) == ("diffusion", None)
    assert price_per_picture(both, build_spec(engine="replicate")) == Price(Decimal("0.3"), "USD")
    stable = GeneratorsSettings(
        stability_model="core", prices="core = 0.03 USD, style = 0.04 USD, inpaint = 0.05 USD"
    )
    assert price_per_picture(stable, build_spec()) == Price(Decimal(3), "USD")
    assert price_per_picture(stable, build_spec(look=60)) == Price(Decimal(4), "USD"), (
        "style references use a separate service"
    )
    assert price_per_picture(stable, build_spec(), {"init", "mask"}) == Price(Decimal(5), "USD")
    assert price_per_picture(stable, build_spec(), {"init"}) is None, "that price is not configured"


def test_recipe_has_a_separate_budget(priced: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        specs.save_recipe(scope, lumiere.creator_id, build_spec())
    with stream(priced.url, priced.cookie(lumiere, Role.OWNER)) as page:
        page.open("/studio")
        page.type(word("studio.budget"), "a lot")
        assert word("recipe.invalid", where="budget") in page.press(word("studio.keep_recipe"))
        page.type(word("studio.budget"), "1.20 USD")
        page.press(word("studio.keep_recipe"))
        refused = page.press(word("studio.generate"))
    assert escape_markdown(word("spending.run_near", cost="1.50 USD", most="1.20 USD")) in refused
    with lumiere.scope() as scope:
        assert scope.run("SELECT count(*) FROM jobs").scalar_one() == 0
        assert (
            scope.run(
                "SELECT spec ->> 'budget' FROM recipes ORDER BY version DESC LIMIT 1"
            ).scalar()
            == "1.20 USD"
        )


def test_spending_cap_is_saved_and_refuses_a_run_beyond_it(priced: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        specs.save_recipe(scope, lumiere.creator_id, build_spec())
    with stream(priced.url, priced.cookie(lumiere, Role.OWNER)) as page:
        shown = page.open("/studio")
        assert "1,50" in shown, "the estimate is three pictures at 0.50 USD"
        assert "20,00" in shown, "the cap of the installation"
        labels = {one.label for one in page.widgets}
        assert word("studio.cap", currency="EUR") in labels, "texts are billed in another currency"
        page.type(word("studio.cap", currency="USD"), "dear")
        assert word("spending.cap_wrong", currency="USD") in page.press(word("studio.cap_keep"))
        page.type(word("studio.cap", currency="USD"), "1,20")
        page.press(word("studio.cap_keep"))
        refused = page.press(word("studio.generate"))
    told = word("spending.cap_near", cost="1.50 USD", left="1.20 USD", cap="1.20 USD")
    assert escape_markdown(told) in refused, "localized and with Markdown escaped"
    with lumiere.scope() as scope:
        assert spending_caps.monthly_budget(scope, "USD", {}).own == Money(120, "USD")
        assert scope.run("SELECT count(*) FROM jobs").scalar_one() == 0
        spending_caps.set_spending_cap(scope, "USD", Money(150, "USD"))
    with stream(priced.url, priced.cookie(lumiere, Role.OWNER)) as page:
        page.open("/studio")
        page.press(word("studio.generate"))
    with lumiere.scope() as scope:
        job_id = scope.run("SELECT id FROM jobs").scalar_one()
        price = Price(Decimal(50), "USD")
        spending_caps.reserve_price(
            scope, PurchaseRequest(lumiere.creator_id, job_id, 0, "replicate", MODEL, price), {}
        )
    with stream(priced.url, priced.cookie(lumiere, Role.OWNER)) as page:
        shown = page.open("/studio")
        assert word("studio.run_cost") in shown, "the run shows its cost"


def test_monthly_spending_is_listed_apart_from_the_accounting(
    priced: Door, lumiere: Agency
) -> None:
    prices = parse_token_prices("big = 7/1 EUR, dear = 9/1 USD")
    sitting = TextSession(
        priced.tenant,
        lumiere.tenant_id,
        lumiere.creator_id,
        TextPurpose.KIT,
        uuid7(),
        TextBilling(prices),
    )
    for model in ("big", "dear"):
        sitting.request_ledger().record_request("ollama", model, 10_000, 0)
    with lumiere.scope() as scope:
        last = (local_day(scope.now, ZONE).replace(day=1) - timedelta(days=1)).replace(day=1)
        scope.run(
            "UPDATE text_requests SET month = :month WHERE tenant_id = :t",
            month=f"{last:%Y-%m}",
            t=scope.tenant_id,
        )
    with stream(priced.url, priced.cookie(lumiere, Role.ACCOUNTANT)) as page:
        page.open("/shop", view="books")
        shown = page.choose("Mois", page.find("Mois", "selectbox").options[1])
    assert all(part in shown for part in (word("shop.spent_beside"), "0,07", "0,09")), (
        "each currency is listed separately"
    )
    with lumiere.scope() as scope:
        month, spent = (
            month_close.load_ledger_month(scope, lumiere.creator_id, last),
            cost_report.total_spending(cost_report.spent_on_subjects(scope, [sitting.subject_id])),
        )
    assert not month.totals
    sheet = MonthlyStatement(
        "Mia", "Lumière", "Mia", "", month, spent, MemberLocalizer("fr", load_zone(ZONE))
    )
    assert (
        render_statement_pdf(sheet)
        == render_statement_pdf(sheet)
        != render_statement_pdf(replace(sheet, spent=cost_report.SpendingTotal()))
    )


def test_recipe_names_its_engine_and_missing_ones_are_reported(
    priced: Door, lumiere: Agency
) -> None:
    with lumiere.scope() as scope:
        specs.save_recipe(scope, lumiere.creator_id, build_spec())
    with stream(priced.url, priced.cookie(lumiere, Role.OWNER)) as page:
        assert word("studio.engine.replicate") in page.open("/studio")
        page.choose(word("studio.engine_of"), word("studio.engine_named.diffusion"))
        shown = page.press(word("studio.keep_recipe"))
        assert word("studio.engine.diffusion") in shown
        assert "1,50" not in shown, "local generation is free"
    with lumiere.scope() as scope:
        assert (
            scope.run(
                "SELECT spec ->> 'engine' FROM recipes ORDER BY version DESC LIMIT 1"
            ).scalar()
            == "diffusion"
        )
        specs.save_recipe(scope, lumiere.creator_id, build_spec(engine="comfyui"))
    with stream(priced.url, priced.cookie(lumiere, Role.OWNER)) as page:
        assert word("engine.not_here", engine="comfyui") in page.open("/studio")
        assert page.find(word("studio.generate"), "button").drawn.disabled


def test_export_to_a_paid_service_needs_a_grant(priced: Door, lumiere: Agency) -> None:
    (asset,) = theirs(priced, lumiere, 1)
    with lumiere.scope() as scope:
        style_references.add_style_reference(scope, lumiere.creator_id, asset)
        specs.save_recipe(scope, lumiere.creator_id, build_spec(look=60))
        name = tenant_reads.get_creator(scope, lumiere.creator_id).name
    unasked = escape_markdown(word("outgoing.no_yes", engine="Replicate", name=name))
    with stream(priced.url, priced.cookie(lumiere, Role.MANAGER)) as page:
        assert unasked in page.open("/studio")
        assert disabled(page)
        assert unasked in pick(page), "variations are refused too"
        assert [one.drawn.disabled for one in page.widgets if one.label == word("vary.ask")] == [
            True
        ]
        page.open("/studio")
        allow = word("outgoing.allow", engine="Replicate")
        assert word("outgoing.unread") in page.press(allow)
        page.check(word("outgoing.read", name=name))
        assert word("outgoing.allowed", engine="Replicate") in page.press(allow)
        text = page.open("/studio")
        assert word("outgoing.goes", engine="Replicate") in text
        assert unasked not in text
        assert not disabled(page)
        with lumiere.scope() as scope:
            (grant,) = export_grants.list_export_grants(scope, lumiere.creator_id)
        assert grant.by.startswith("member:")
        assert word("outgoing.kept.replicate") in grant.words
        page.press(word("outgoing.withdraw"))
        assert unasked in page.open("/studio")
        assert disabled(page)


def disabled(page: Stream) -> bool:
    """Return True if the button that generates pictures is disabled."""
    return [one.drawn.disabled for one in page.widgets if one.label == word("studio.generate")] == [
        True
    ]
