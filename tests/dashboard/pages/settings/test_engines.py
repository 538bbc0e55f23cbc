"""The models in Settings: their status, and a test that the workers run."""

from tenants.agencies.rights import Role
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.streamlit_client import stream


def test_manager_tests_a_model(door: Door, lumiere: Agency) -> None:
    with stream(door.url, door.cookie(lumiere, Role.MANAGER)) as page:
        text = page.open("/settings", section="engines")
        assert "Non configuré : GREENROOM_GENERATORS__COMFYUI_URL est vide." in text
        assert "127.0.0.1" not in text
        assert "Test en cours" in page.press("Tester")
    with lumiere.scope() as scope:
        queued = scope.run(
            "SELECT args ->> 'engine' FROM outbox WHERE tenant_id = :t AND kind = 'engine.check'",
            t=scope.tenant_id,
        ).scalars()
        assert list(queued) == ["ollama"]
