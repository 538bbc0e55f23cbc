"""Wildcard lists in Studio: created, used, changed and restored; lists of the agency only for
members with all creators."""

from uuid import UUID

from studio.recipes import specs, wildcards, yaml_files
from studio.recipes.queries import list_recipes
from studio.recipes.wildcards import Wildcard
from studio.runs.queries import list_runs
from tenants.agencies import agencies
from tests.dashboard.builders import Agency
from tests.dashboard.conftest import Door
from tests.dashboard.pages.studio.recipes.test_form import keep
from tests.dashboard.pages.studio.test_page import word
from tests.dashboard.streamlit_client import stream
from tests.studio.builders import build_spec

DRESS, COAT = "a red dress", "a coat"


def listed(who: Agency) -> list[wildcards.WildcardVersion]:
    with who.scope() as scope:
        return wildcards.list_wildcards(scope, [who.creator_id])


def make(who: Agency, words: list[str], *, own: bool = False) -> UUID:
    with who.scope() as scope:
        owner = who.creator_id if own else None
        return wildcards.create_wildcard(
            scope, [who.creator_id], "tenues", Wildcard(words=words), creator_id=owner
        )


def test_list_is_created_used_changed_and_restored(door: Door, lumiere: Agency) -> None:
    keep(lumiere)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.type(word("studio.list_name"), "tenues")
        page.type(word("studio.list_words"), f"{DRESS}: 3\n{COAT}")
        assert word("studio.list_kept", name="tenues") in page.press(word("studio.list_make"))
        page.type(word("studio.prompt"), "{place}, {@tenues}")
        assert word("studio.recipe_kept", name="morning") in page.press(word("studio.keep_recipe"))
        text = page.again()
        assert DRESS in text, "the preview shows the words"
        assert word("studio.started", count=3) in page.press(word("studio.generate"))
        assert word("studio.run_lists", lists="tenues 1") in page.again()
        page.type(word("studio.list_words"), "a hat")
        assert word("studio.list_kept", name="tenues") in page.press(word("studio.list_keep"))
        assert word("studio.versions") in page.again()
        assert f"{DRESS}:3, {COAT}" in page.again(), "version 1 is still shown"
        assert word("studio.list_kept", name="tenues") in page.press(word("studio.list_go_back"))
        said = word("list.named", name="tenues", recipes="morning")
        assert said in page.press(word("studio.list_retire"))
    (one,) = listed(lumiere)
    assert (one.version, one.said.weighted_words, one.creator_id) == (
        3,
        [(DRESS, 3), (COAT, 1)],
        None,
    )
    with lumiere.scope() as scope:
        assert scope.run(
            "SELECT lists FROM jobs WHERE tenant_id = :t", t=lumiere.tenant_id
        ).scalar_one() == {"tenues": {"version": 1, "words": [DRESS, COAT], "weights": {DRESS: 3}}}


def test_list_is_renamed_in_its_recipes(door: Door, lumiere: Agency) -> None:
    make(lumiere, [DRESS])
    keep(lumiere, prompt="{@tenues}")
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.choose(word("studio.list"), "tenues")
        page.type(word("studio.list_name"), "habits")
        page.type(word("studio.list_words"), COAT)
        assert word("studio.list_renamed", name="habits", recipes="morning") in page.press(
            word("studio.list_keep")
        )
        assert word("studio.list_by", recipes="morning") in page.again(), (
            "the list is still selected"
        )
    (one,) = listed(lumiere)
    assert (one.name, one.said.words) == ("habits", [COAT])
    with lumiere.scope() as scope:
        assert [each.spec.prompt for each in list_recipes(scope, lumiere.creator_id)] == [
            "{@habits}"
        ]


def test_missing_list_is_reported_before_the_run_and_restored(door: Door, lumiere: Agency) -> None:
    list_id = make(lumiere, [DRESS], own=True)
    with lumiere.scope() as scope:
        specs.save_recipe(scope, lumiere.creator_id, build_spec(prompt="{@tenues}"))
        scope.run(
            "UPDATE word_lists SET retired = true WHERE id = :id", id=list_id
        )  # as if an older recipe had been restored
    said = word("recipe.list_unknown", recipe="morning", list="tenues")
    with stream(door.url, door.cookie(lumiere)) as page:
        assert said in page.open("/studio")
        assert page.find(word("studio.generate")).drawn.disabled
        assert said in page.press(word("studio.keep_recipe"))
        assert word("studio.list_back", name="tenues") in page.press(word("studio.list_bring_back"))
        assert said not in page.again()
        assert not page.find(word("studio.generate")).drawn.disabled


def test_recipe_text_imports_its_lists_or_reports_differences(door: Door, lumiere: Agency) -> None:
    keep(lumiere)
    said = {"tenues": {"words": [COAT], "weights": {}}}
    text = yaml_files.export_recipe(build_spec(prompt="{@tenues}"), said)
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.type(word("studio.bring_text"), text)
        assert word("studio.recipe_kept", name="morning") in page.press(word("studio.keep_text"))
        (one,) = listed(lumiere)
        assert (one.said.words, one.creator_id) == ([COAT], lumiere.creator_id)
        page.type(word("studio.bring_text"), text.replace(COAT, DRESS))
        line = 2 + text.splitlines().index("  tenues:")
        assert word("recipe.list_differs", line=line, list="tenues") in page.press(
            word("studio.keep_text")
        )
    assert listed(lumiere) == [one]


def test_member_of_some_creators_cannot_change_agency_lists(door: Door, lumiere: Agency) -> None:
    made = {"kind": "human", "zone": "Europe/Paris", "languages": ["fr"]}
    keep(lumiere)
    make(lumiere, [DRESS])
    with lumiere.scope() as scope:
        agencies.add_creator(scope, slug="zoe", name="Zoé", **made)
        only = f'["{scope.run("SELECT slug FROM creators WHERE id = :id", id=lumiere.creator_id).scalar_one()}"]'
        scope.run(
            "UPDATE members SET creators = CAST(:only AS jsonb) WHERE tenant_id = :t",
            only=only,
            t=lumiere.tenant_id,
        )
    with stream(door.url, door.cookie(lumiere)) as page:
        page.open("/studio")
        page.choose(word("studio.list"), word("studio.list_agency", name="tenues"))
        page.type(word("studio.list_words"), COAT)
        assert word("list.of_all") in page.press(word("studio.list_keep"))
    assert [one.said.words for one in listed(lumiere)] == [[DRESS]]
    with lumiere.scope() as scope:
        assert list_runs(scope, lumiere.creator_id) == []
