"""Routines on the command line: set from a file with names, shown, paused and resumed."""

import json
import shutil
from pathlib import Path

import pytest

from channels.accounts import lifecycle
from foundation.errors import BadInput, NotFound
from schedules.routines import routines
from schedules.routines.plans import SlotMedia
from studio.recipes import specs
from tests.architecture.tree import ROOT
from tests.studio.builders import CreatorStudio
from tests.studio.conftest import nova, services
from workers.cli import routine_requests

__all__ = ["nova", "services"]


@pytest.fixture
def agency(nova: CreatorStudio) -> str:
    """Connect the channel and save the prompt template of the example; return the agency's name."""
    with nova.scope() as scope:
        lifecycle.connect_account(
            scope,
            creator_id=nova.creator_id,
            platform="sandbox",
            surface="sandbox.post",
            account=f"nova-{str(nova.tenant_id)[-8:]}",
            name="Sandbox",
            base_url="http://127.0.0.1:9",
            token=None,
            zone="Europe/Paris",
        )
        specs.save_recipe(
            scope, nova.creator_id, specs.RecipeSpec(name="carnet", prompt="une plage en été")
        )
        scope.run(
            "UPDATE agencies SET name = :name WHERE tenant_id = :t",
            name=f"Agency {nova.tenant_id}",
            t=nova.tenant_id,
        )
    return f"Agency {nova.tenant_id}"


def test_example_is_saved_shown_paused_and_resumed(nova: CreatorStudio, agency: str) -> None:
    about = (nova.services, "nova")
    with pytest.raises(NotFound):
        routine_requests.render_routine(*about, agency=agency, as_json=False)
    path = ROOT / "examples" / "routine.yaml"
    routine_requests.save_routine_file(*about, path, agency=agency)
    with nova.scope() as scope:
        found = routines.find_routine(scope, nova.creator_id)
    assert found is not None
    assert found.plan.slots[0].media is SlotMedia.LIBRARY
    assert found.plan.slots[3].days == (5, 6)
    assert "10:00" in routine_requests.render_routine(*about, agency=agency, as_json=False)
    for active in (False, True):
        routine_requests.change_routine_state(*about, agency=agency, active=active)
        shown = json.loads(routine_requests.render_routine(*about, agency=agency, as_json=True))
        assert shown["active"] is active
        assert {step["kind"] for step in shown["steps"]} >= {"generate", "report"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (("clips: 0", "clips: many"), "brief.not_number"),
        (("templates:", "template:"), "brief.key_unknown"),
        (('at: "15:00"', 'at: "15:75"'), "brief.not_time"),
        (("channels: [Sandbox]}", "channels: [Mastodon]}"), "cli.routine.channel_unknown"),
        (("approvers: []", "approvers: [a@example.org]"), "routine.approver_unfit"),
        (("template: carnet,", "template: nuit,"), "routine.template_unknown"),
    ],
)
def test_mistake_in_the_file_changes_nothing(
    nova: CreatorStudio, agency: str, tmp_path: Path, change: tuple[str, str], code: str
) -> None:
    path = tmp_path / "routine.yaml"
    shutil.copy(ROOT / "examples" / "routine.yaml", path)
    text = path.read_text("utf-8")
    assert change[0] in text
    path.write_text(text.replace(*change, 1), "utf-8")
    with pytest.raises((BadInput, NotFound)) as refused:
        routine_requests.save_routine_file(nova.services, "nova", path, agency=agency)
    assert refused.value.message.code == code
    with nova.scope() as scope:
        assert routines.find_routine(scope, nova.creator_id) is None
