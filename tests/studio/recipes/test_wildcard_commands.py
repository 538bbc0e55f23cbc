"""`greenroom generation`: save, rename and archive word lists on the command line."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from studio.recipes import specs, wildcards
from studio.recipes.queries import list_recipes
from tests.conftest import Cluster
from tests.studio.builders import CreatorStudio, build_spec
from workers.cli.studio.commands import generation_app


@pytest.fixture
def terminal(nova: CreatorStudio, cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    """A command line with the settings of the test's installation."""
    known = nova.services.settings
    said = {
        "HOME": str(known.home),
        "ENVIRONMENT": "test",
        "LANGUAGE": "en",
        "DATABASE__OWNER_URL": cluster.url("greenroom_owner", "house"),
        "DATABASE__WORK_URL": cluster.url("greenroom_work", "house"),
        "DATABASE__PAGES_URL": cluster.url("greenroom_pages", "house"),
        "TENANTS__MASTER_KEY": known.tenants.master_key.get_secret_value(),
        "GATE__SIGNING_KEY": known.gate.signing_key.get_secret_value(),
    }
    for name, value in said.items():
        monkeypatch.setenv(f"GREENROOM_{name}", value)
    return CliRunner()


def test_list_is_saved_renamed_and_archived(
    nova: CreatorStudio, terminal: CliRunner, tmp_path: Path
) -> None:
    slug = f"n{nova.creator_id.hex[-12:]}"  # # other agencies in these tests also have a Nova
    with nova.scope() as scope:
        scope.run("UPDATE creators SET slug = :slug WHERE id = :id", slug=slug, id=nova.creator_id)
    file, whose = tmp_path / "words.txt", ["--creator", slug]

    def typed(*words: str, fails: bool = False) -> str:
        ran = terminal.invoke(generation_app, [*words, *whose])
        assert (ran.exit_code != 0) == fails, ran.output
        return ran.output if not fails else str(ran.exception)

    file.write_text("a red dress: 3\n\na coat\n", encoding="utf-8-sig")
    for _ in range(2):  # # the same words are no second version
        assert "outfits" in typed("save-wildcard", "outfits", "--words", str(file))
    file.write_text("a hat\n")
    typed("save-wildcard", "outfits", "--words", str(file))
    typed("save-wildcard", "light", "--words", str(file), "--agency-wide")
    with nova.scope() as scope:
        specs.save_recipe(scope, nova.creator_id, build_spec(prompt="{@outfits}"))
    assert "list.named" in typed("archive-wildcard", "outfits", fails=True)
    assert "morning" in typed("rename-wildcard", "outfits", "clothes")
    with nova.scope() as scope:
        known = wildcards.list_wildcards(scope, [nova.creator_id])
        first = wildcards.list_wildcard_versions(scope, [nova.creator_id], known[0].id)[-1]
        (card,) = list_recipes(scope, nova.creator_id)
    assert [(one.name, one.creator_id, one.version) for one in known] == [
        ("clothes", nova.creator_id, 3),
        ("light", None, 1),
    ]
    assert first.said.weighted_words == [("a red dress", 3), ("a coat", 1)]
    assert card.spec.prompt == "{@clothes}"
    assert ["clothes", "3", "Creator", "a", "hat"] in [
        line.split() for line in typed("wildcards").splitlines()
    ]
    (listed,) = [
        one for one in json.loads(typed("wildcards", "--json")) if one["owner"] == "creator"
    ]
    assert (listed["name"], listed["version"], listed["values"]) == ("clothes", 3, ["a hat"])
    assert "light" in typed("archive-wildcard", "light", "--agency-wide")
    assert "list.unknown" in typed("rename-wildcard", "light", "dusk", "--agency-wide", fails=True)
    assert "list.invalid" in typed(
        "save-wildcard", "light", "--words", str(tmp_path / "none.txt"), fails=True
    )
