"""Remote workers on the System page: added, key shown once, activity, removal."""

import re

import pytest

from foundation.ids import uuid7
from generators.remote_protocol import PROTOCOL_VERSION, RemoteWorkerCapabilities, WorkRequest
from studio.recipes import specs
from studio.remote_workers import leases
from studio.remote_workers.leases import AgencyBounds
from studio.runs import runner as runs
from tenants.agencies.rights import Role
from tenants.api_keys import remote_workers
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream
from tests.studio.builders import build_spec


def test_remote_worker_is_added_followed_and_removed(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        assert "avec carte graphique" in page.open("/system")
        page.type("Nom de la machine", "Cave <b>")
        text = page.press("Ajouter la machine")
        (secret,) = set(re.findall(r"grm_[\w-]{43}", text))
        assert "greenroom worker --join http" in text
        assert "Cave &lt;b&gt;" in text
        assert "jamais connectée" in text
        joined = remote_workers.authenticate_remote_worker(door.tenant, secret, address="test")
        assert joined is not None
        assert (joined.tenant_id, joined.name) == (lumiere.tenant_id, "Cave <b>")
        assert "grm_" not in page.press("Je l’ai copiée")
        _asks(lumiere, joined.key_id)
        with lumiere.scope() as scope:
            recipe_id = specs.save_recipe(scope, lumiere.creator_id, build_spec(model="absent <i>"))
            runs.start_run(
                scope, creator_id=lumiere.creator_id, recipe_id=recipe_id, seed=1, key="x"
            )
        text = page.open("/system")
        assert "vue pour la dernière fois" in text
        assert "placeholder · scenes-1, sdxl" in text
        assert "aucune machine distante" in text
        assert "absent &lt;i&gt;" in text or "absent <i>" not in text
        text = page.press("Retirer la machine")
        assert "transférées à cette installation : 1" in text
    assert remote_workers.authenticate_remote_worker(door.tenant, secret, address="test") is None


def _asks(lumiere: Agency, machine_id: object) -> None:
    able = RemoteWorkerCapabilities(engine="placeholder", model="scenes-1", models=["sdxl"])
    wanted = WorkRequest(version=PROTOCOL_VERSION, instance=uuid7(), able=able)
    with lumiere.scope("system:machine") as scope:
        # an id of the test
        assert leases.lease_pictures(scope, machine_id, wanted, AgencyBounds()) is None  # type: ignore[arg-type]  # see above


def test_double_click_adds_one_worker(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/system")
        page.type("Nom de la machine", "Cave")
        page.press_twice("Ajouter la machine")
    with lumiere.scope() as scope:
        assert len(remote_workers.list_remote_workers(scope)) == 1


@pytest.mark.parametrize("role", [Role.CHATTER, Role.ACCOUNTANT])
def test_other_roles_see_no_remote_workers(door: Door, lumiere: Agency, role: Role) -> None:
    with stream(door.url, door.cookie(lumiere, role)) as page:
        assert "avec carte graphique" not in page.open("/system")
