"""Platforms of installed packages on Channels, and accounts whose package is missing."""

from collections.abc import Iterator

import pytest

from channels.accounts import lifecycle
from foundation.db.database import OpenScope
from foundation.sealed import Sealed
from tenants.vault import sealed_intake
from tests.conftest import Cluster
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import MASTER, Door, serving
from tests.dashboard.streamlit_client import stream
from tests.fakes.installed_packages import install_example, install_package

pytestmark = pytest.mark.heavy


@pytest.fixture(scope="module")
def beside(
    cluster: Cluster, tenant: OpenScope, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Door]:
    """Run a dashboard with two packages: the example, and one that raises on import."""
    home, elsewhere = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("elsewhere")
    (home / "packages").mkdir()
    install_example(home / "packages")
    install_package(
        home / "packages",
        "hostile",
        {"greenroom.connectors": {"hostile": "hostile:One"}},
        "raise SystemExit(3)",
    )
    with serving(cluster.url("greenroom_pages", "house"), home, elsewhere) as (url, log):
        yield Door(url, log, tenant)


def test_account_of_a_package_is_connected_in_its_terms(beside: Door, lumiere: Agency) -> None:
    with stream(beside.url, beside.cookie(lumiere)) as page:
        page.open("/channels")
        page.choose("Plateforme", "Acme · 2 min")
        page.type("Jeton de l’application", "acme_secret")
        text = page.press("Connecter")
        assert "Connexion à Acme…" in text or "Connexion à Acme…" in page.open("/channels")
    with lumiere.scope() as scope:
        [row] = scope.run(
            "SELECT platform, letter FROM enrolments WHERE tenant_id = :t", t=scope.tenant_id
        ).all()
    assert row.platform == "acme"
    assert (
        sealed_intake.unseal_form(MASTER, lumiere.tenant_id, row.letter)["token"] == "acme_secret"
    )
    assert beside.log.read_text("utf-8").count("connector.left_out") == 1


def test_accounts_are_shown_without_their_package(door: Door, lumiere: Agency) -> None:
    with lumiere.scope() as scope:
        lifecycle.connect_account(
            scope,
            creator_id=lumiere.creator_id,
            platform="gone",
            surface="gone.post",
            account=f"mia-{lumiere.tenant_id}",
            name="Mia there",
            base_url="https://api.gone.example",
            token=Sealed(b"-"),
            zone="UTC",
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        for path in ("/compose", "/calendar"):
            page.open(path)
        assert "Mia there" in page.open("/channels")
