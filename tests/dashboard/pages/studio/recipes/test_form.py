"""Recipes in their form: questions, import and export as text, versions."""

import json
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from dashboard.pages.studio.recipes import syntax
from dashboard.pages.studio.recipes.queries import engine_capabilities, unsupported_fields
from foundation.errors import NotFound
from foundation.ids import uuid7
from foundation.ops.settings import GeneratorsSettings
from generators.remote_protocol import RemoteWorkerCapabilities
from studio.recipes import specs, versions, yaml_files
from studio.recipes.queries import RecipeSummary, list_recipes
from studio.runs.queries import list_runs
from tenants.agencies import agencies
from tenants.agencies.rights import Role
from tenants.api_keys import remote_workers
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.studio.test_page import word
from tests.dashboard.streamlit_client import stream
from tests.fakes.generators.comfyui import workflow
from tests.studio.builders import build_spec


def keep(who: Agency, **changes: Any) -> UUID:
    with who.scope() as scope:
        return specs.save_recipe(scope, who.creator_id, build_spec(**changes))


def newest(who: Agency) -> RecipeSummary:
    with who.scope() as scope:
        (card,) = list_recipes(scope, who.creator_id)
    return card


def test_recipe_is_saved_with_lists_questions_and_sizes(door: Door, lumiere: Agency) -> None:
    keep(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.type(word("studio.prompt"), "a {place}, {mood}, {people}, {hat}, {what}")
        page.type(word("studio.words"), "place: a lake:3, a hill, 16:9:1\nhour: noon")
        page.type(
            word("studio.questions"), "mood: calm / lively\npeople: 1-4\nhat: with a hat ?\nwhat: …"
        )
        page.choose(word("studio.sizes"), word("studio.format.feed"), word("studio.format.story"))
        page.type(word("studio.variants"), "2")
        page.type(word("studio.own_seed"), "11")
        assert word("studio.recipe_kept", name="morning") in page.press(word("studio.keep_recipe"))
        page.type(word("studio.questions"), "mood: calm")
        assert word("studio.bad_question", line="mood: calm") in page.press(
            word("studio.keep_recipe")
        )
    card = newest(lumiere)
    assert card.spec.words["place"] == ["a lake", "a hill", "16:9"]
    assert (card.spec.weights, card.spec.sizes) == ({"place": {"a lake": 3}}, ["feed", "story"])
    assert [one.kind for _, one in card.spec.questions] == ["choice", "number", "yes_no", "text"]
    assert (card.version, card.spec.seed, card.spec.picture_count) == (2, 11, 4)


def test_loras_are_offered_where_an_engine_supports_them(door: Door, lumiere: Agency) -> None:
    """The demo model and remote workers count, not only the engine of the installation."""
    demo = GeneratorsSettings(diffusion_folder="demo", diffusion_loras="/loras")
    keep(lumiere)
    with lumiere.scope() as scope:
        assert "loras" in engine_capabilities(scope, demo)
        assert "loras" not in engine_capabilities(scope, GeneratorsSettings())
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("studio.loras") not in page.open("/studio")
    machine_id = uuid7()
    with lumiere.scope(lumiere.act_as(Role.OWNER)) as scope:
        remote_workers.create_remote_worker(scope, name="cellar", machine_id=machine_id)
        remote_workers.record_worker_seen(
            scope,
            machine_id,
            RemoteWorkerCapabilities(engine="diffusion", model="m", does=["loras"]).model_dump(
                mode="json"
            ),
        )
        assert "loras" in engine_capabilities(scope, GeneratorsSettings())
    with stream(door.url, door.cookie(lumiere)) as page:
        assert word("studio.loras") in page.open("/studio")


def test_fields_unsupported_by_a_workflow_are_named(tmp_path: Path) -> None:
    file = tmp_path / "w.json"
    file.write_text(json.dumps(workflow()))
    asked = GeneratorsSettings(comfyui_url="http://127.0.0.1:1", comfyui_workflow=str(file))
    assert unsupported_fields(asked, build_spec(negative="blur")) == ("steps", "guidance")
    assert (
        unsupported_fields(asked.model_copy(update={"comfyui_workflow": "/nowhere"}), build_spec())
        == ()
    )
    assert unsupported_fields(GeneratorsSettings(), build_spec()) == ()


def test_loras_are_saved_with_their_weights(door: Door, lumiere: Agency) -> None:
    keep(lumiere, loras={"mia-v3": 80})
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.type(word("studio.loras"), "film, mia-v3: 70")
        assert word("studio.recipe_kept", name="morning") in page.press(word("studio.keep_recipe"))
        page.type(word("studio.loras"), "../etc")
        assert word("studio.recipe_kept", name="morning") not in page.press(
            word("studio.keep_recipe")
        )
    assert newest(lumiere).spec.loras == {"film": 100, "mia-v3": 70}


@pytest.mark.parametrize("written", ["", "film", "film, mia-v3: 70", "a: 1, b.2: 200"])
def test_loras_are_parsed_as_formatted(written: str) -> None:
    found = syntax.parse_loras(written)
    assert syntax.format_loras(build_spec(loras=found)) == written


def test_run_uses_the_previewed_prompts(door: Door, lumiere: Agency) -> None:
    asked = {
        "mood": {"kind": "choice", "options": ["calm", "lively"]},
        "what": {"kind": "text", "label": "Quoi ?"},
    }
    changes: dict[str, Any] = {
        "prompt": "{place} {mood} {what}",
        "parameters": asked,
        "sizes": ["feed", "story"],
    }
    keep(lumiere, variants=2, **changes)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.type(word("studio.seed"), "7")
        page.choose("mood", "lively")
        text = page.type("Quoi ?", "<b>{hour}</b>")
        answers = {"mood": "lively", "what": "<b>{hour}</b>"}
        shots = specs.plan_pictures(newest(lumiere).spec, seed=7, count=4, given=answers)
        assert f"{shots[0].scene.split('<')[0]}&lt;b&gt;{{hour}}&lt;/b&gt;" in text
        assert "1088 × 1360" in text
        assert "1080 × 1920" in text
        assert word("studio.started", count=4) in page.press(word("studio.generate"))
    with lumiere.scope() as scope:
        run = list_runs(scope, lumiere.creator_id)[0]
        given = scope.run("SELECT given FROM jobs WHERE id = :id", id=run.id).scalar_one()
    assert (run.seed, run.total, given) == (7, 4, answers)


def test_prohibited_terms_are_reported_before_the_run(door: Door, lumiere: Agency) -> None:
    keep(lumiere, prompt="{what}", parameters={"what": {"kind": "text"}}, words={})
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        text = page.type("what", "NUDITY-MARKER-A")
        assert word("studio.at_least", level=word("studio.level.N")) in text.replace("&#39;", "'")
        text = page.type("what", "MINOR-P-A")
        assert word("recipe.prohibited") in text
        assert page.find(word("studio.generate")).drawn.disabled
    with lumiere.scope() as scope:
        assert list_runs(scope, lumiere.creator_id) == []


def test_recipe_text_is_imported_and_an_older_version_restored(door: Door, lumiere: Agency) -> None:
    keep(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.type(word("studio.bring_text"), "name: morning\nprompt: b\npromt: c\n")
        said = word("recipe.line_unknown", line=3, where="promt")
        assert said in page.press(word("studio.keep_text"))
        page.type(word("studio.bring_text"), yaml_files.export_recipe(build_spec(variants=5)))
        assert word("studio.recipe_kept", name="morning") in page.press(word("studio.keep_text"))
        text = page.again()
        changed = word("studio.field.variants")
        assert word("studio.version", version=2, changed=changed) in text
        assert word("studio.recipe_kept", name="morning") in page.press(word("studio.go_back"))
    card = newest(lumiere)
    assert (card.version, card.spec.variants) == (3, 3)


def test_version_of_another_creator_is_not_restored(lumiere: Agency) -> None:
    made = {"kind": "human", "zone": "Europe/Paris", "languages": ["fr"]}
    with lumiere.scope() as scope:
        zoe = agencies.add_creator(scope, slug="zoe", name="Zoé", **made)
        theirs = specs.save_recipe(scope, zoe, build_spec(name="hers"))
    for recipe_id in (theirs, uuid7()):
        with lumiere.scope() as scope, pytest.raises(NotFound, match=r"recipe\.unknown"):
            specs.restore_version(scope, lumiere.creator_id, recipe_id)


def test_recipe_is_created_copied_archived_and_restored(door: Door, lumiere: Agency) -> None:
    first = keep(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.type(word("studio.model"), " other ")
        page.press(word("studio.keep_recipe"))
        assert newest(lumiere).spec.model == "other"
        assert "morning (2)" in page.press(word("studio.copy_recipe"))
        assert word("studio.new_recipe") in page.press(word("studio.new_recipe"))
        page.choose(
            word("studio.recipe"), word("studio.recipe_named", name="morning (2)", version=1)
        )
        assert "morning (2)" in page.press(word("studio.retire_recipe"))
    with lumiere.scope() as scope:
        assert [one.name for one in list_recipes(scope, lumiere.creator_id, retired=True)] == [
            "morning (2)"
        ]
        names = [one.name for one in list_recipes(scope, lumiere.creator_id)]
        assert sorted(names) == sorted([word("studio.new_recipe"), "morning"])
        card = next(one for one in list_recipes(scope, lumiere.creator_id, retired=True))
        with pytest.raises(NotFound, match=r"recipe\.unknown"):
            versions.get_current_recipe(scope, [lumiere.creator_id], card.id)
        with pytest.raises(
            NotFound, match=r"recipe\.unknown"
        ):  # an older version cannot be run by its id
            versions.get_current_recipe(scope, [lumiere.creator_id], first)
        with pytest.raises(NotFound, match=r"recipe\.unknown"):
            versions.archive_recipe(scope, uuid7(), first)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        assert "morning (2)" in page.press(word("studio.bring_back"))
    with lumiere.scope() as scope:
        assert not list_recipes(scope, lumiere.creator_id, retired=True)
        versions.archive_recipe(scope, lumiere.creator_id, card.id)
        assert (
            specs.save_recipe(scope, lumiere.creator_id, card.spec) == card.id
        )  # saving it again restores it
        assert not list_recipes(scope, lumiere.creator_id, retired=True)


def test_sampler_reaches_the_engine() -> None:
    assert (
        specs.plan_pictures(build_spec(sampler="dpm++"), seed=1, count=1)[0].job.scheduler
        == "dpm++"
    )
