"""Checks of engines: run by the workers, with a result that contains no address."""

import pytest

from foundation.db.database import OpenScope
from foundation.errors import BadInput
from foundation.i18n.translation import LANGUAGES, render_message
from foundation.ids import uuid7
from foundation.ops.settings import GeneratorsSettings
from foundation.outbox import outbox
from generators import registry
from studio.engine_checks import checks
from studio.engine_checks.checks import EngineCheck
from studio.engine_checks.events import EngineCheckDue
from tests.fakes.generators import ollama as fake
from tests.tenants.builders import Agency, create_small_agency

UNREACHABLE = "http://127.0.0.1:9"


@pytest.fixture
def lumiere(tenant: OpenScope) -> Agency:
    return create_small_agency(tenant)


def checked(who: Agency, tenant: OpenScope, engine: str, known: GeneratorsSettings) -> EngineCheck:
    """Request a check and run it as a worker does."""
    with who.scope() as scope:
        checks.request_engine_check(scope, uuid7(), engine)
        assert checks.list_engine_checks(scope)[engine].state == "waiting"
        row = scope.run(
            "SELECT subject_id, args FROM outbox WHERE tenant_id = :t AND kind = 'engine.check' "
            "ORDER BY id DESC",
            t=scope.tenant_id,
        ).first()
    due = outbox.rebuild_event(EngineCheckDue, who.tenant_id, row.subject_id, row.args)
    checks.run_engine_check(due, tenant=tenant, settings=known, check=registry.check_engine)
    with who.scope() as scope:
        return checks.list_engine_checks(scope)[engine]


def test_engine_is_checked_and_another_agency_sees_nothing(
    lumiere: Agency, tenant: OpenScope
) -> None:
    other = create_small_agency(tenant)
    with fake.serving() as server:
        known = GeneratorsSettings(ollama_url=server.url, ollama_model="llama3.2")
        found = checked(lumiere, tenant, "ollama", known)
    assert found.state == "passed"
    assert found.result is not None
    assert "llama3.2" in render_message(found.result, "en")
    with other.scope() as scope:
        assert checks.list_engine_checks(scope) == {}


@pytest.mark.parametrize(
    ("engine", "known"),
    [
        ("ollama", GeneratorsSettings(ollama_url=UNREACHABLE)),
        (
            "comfyui",
            GeneratorsSettings(comfyui_url=UNREACHABLE, comfyui_workflow="/nowhere/x.json"),
        ),
        ("replicate", GeneratorsSettings(replicate_url=UNREACHABLE, replicate_model="a/b")),
        ("diffusion", GeneratorsSettings(diffusion_folder="/nowhere/secret-folder")),
        ("piper", GeneratorsSettings(piper_voices="/nowhere/secret-folder")),
        ("espeak-ng", GeneratorsSettings(espeak_program="/nowhere/espeak")),
    ],
)
def test_failure_names_the_setting_and_no_address(
    lumiere: Agency, tenant: OpenScope, engine: str, known: GeneratorsSettings
) -> None:
    found = checked(lumiere, tenant, engine, known)
    assert found.state == "failed"
    assert found.result is not None
    for language in LANGUAGES:
        text = render_message(found.result, language)
        assert registry.ENGINES[engine].variable in text
        assert not any(hidden in text for hidden in ("127.0.0.1", "http", "/nowhere", "Error"))


def test_unknown_engine_is_refused(lumiere: Agency) -> None:
    with lumiere.scope() as scope, pytest.raises(BadInput, match=r"engine\.unknown"):
        checks.request_engine_check(scope, uuid7(), "sendmail")
