"""Word lists shared by recipes: kept with a run, versioned, protected while in use, private to the
agency."""

from threading import Barrier, Thread
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from foundation.db.database import Scope
from foundation.errors import BadInput, Conflict, GreenroomError, NotFound, Refused
from foundation.i18n.translation import Message
from foundation.ids import uuid7
from studio.recipes import specs, versions, wildcard_renames, wildcards, yaml_files
from studio.recipes.queries import list_recipes
from studio.recipes.wildcards import Wildcard
from studio.runs import lineage, records, runner
from tenants.agencies import agencies
from tests.studio.builders import ZONE, CreatorStudio, Engine, build_spec, create_studio

PROMPT = "a {place} in {@outfits}, {@light}"
OUTFITS = Wildcard(words=["a red dress", "a coat"], weights={"a coat": 3})
LIGHT = Wildcard(words=["soft light"])


def make(
    nova: CreatorStudio, name: str = "outfits", said: Wildcard = OUTFITS, *, own: bool = False
) -> UUID:
    with nova.scope() as scope:
        owner = nova.creator_id if own else None
        return wildcards.create_wildcard(scope, [nova.creator_id], name, said, creator_id=owner)


def shown(scope: Scope, job_id: UUID) -> list[str]:
    """Return the prompts of a run, as all callers compute them."""
    job = records.get_run_row(scope, job_id)
    return [
        shot.job.prompt
        for shot in specs.plan_pictures(
            specs.spec_of_run(scope, job), seed=job.seed, count=job.total
        )
    ]


WORDS = st.lists(st.from_regex(r"[a-z]{1,6}", fullmatch=True), min_size=1, max_size=5, unique=True)


@settings(
    max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(st.tuples(WORDS, st.booleans()), min_size=1, max_size=3), st.integers(0, 2**31 - 1))
def test_run_keeps_its_prompts_after_changes_of_its_lists(
    nova: CreatorStudio, edits: list[tuple[list[str], bool]], seed: int
) -> None:
    """Lists are changed, overridden by the creator's own, and archived: earlier runs stay, later
    runs read the current lists."""
    name = f"l{uuid7().hex[:12]}"
    list_id = make(nova, name)
    wanted = build_spec(name=name, prompt=f"{{@{name}}} {{place}}", variants=5)
    with nova.scope() as scope:
        recipe_id = specs.save_recipe(scope, nova.creator_id, wanted)
        first = runner.start_run(
            scope, creator_id=nova.creator_id, recipe_id=recipe_id, seed=seed, key=name
        )
        before = shown(scope, first)
        assert before == [
            shot.job.prompt
            for shot in specs.plan_pictures(
                specs.resolve_wildcards(scope, nova.creator_id, wanted), seed=seed, count=5
            )
        ]
    for number, (words, own) in enumerate(edits):
        with nova.scope() as scope:
            said = Wildcard(words=words, weights={words[0]: 7})
            if own:
                wildcards.put_creator_wildcard(scope, nova.creator_id, name, said)
            else:
                list_id = wildcards.change_wildcard(scope, [nova.creator_id], list_id, said)
            key = f"{name}:{number}"
            later = runner.start_run(
                scope, creator_id=nova.creator_id, recipe_id=recipe_id, seed=seed, key=key
            )
            assert shown(scope, first) == before
            in_force = wildcards.current_wildcards(scope, nova.creator_id, wanted.prompt)[name][
                "words"
            ]
            assert {one.split(" ")[0] for one in shown(scope, later)} <= set(in_force)
    with nova.scope() as scope:
        versions.archive_recipe(scope, nova.creator_id, recipe_id)
        for one in wildcards.list_wildcards(scope, [nova.creator_id]):
            wildcards.archive_wildcard(scope, [nova.creator_id], one.id)
        assert shown(scope, first) == before


def test_pictures_of_a_run_use_its_own_lists(nova: CreatorStudio) -> None:
    """The list is edited between request and generation: the engine receives the first words."""
    list_id = make(nova)
    job_id = nova.start(prompt="{@outfits}")
    with nova.scope() as scope:
        before = shown(scope, job_id)
        wildcards.change_wildcard(scope, [nova.creator_id], list_id, Wildcard(words=["a hat"]))
    engine = Engine()
    nova.work(job_id, lambda: engine)
    assert [one.prompt for one in engine.drawn] == before
    assert set(before) <= set(OUTFITS.words)
    assert nova.progress(job_id) == ("done", 3, 3)


def test_list_options_are_drawn_by_their_weights(nova: CreatorStudio) -> None:
    make(nova, said=Wildcard(words=["rare", "often"], weights={"often": 99}))
    with nova.scope() as scope:
        wanted = specs.resolve_wildcards(scope, nova.creator_id, build_spec(prompt="{@outfits}"))
    drawn = [
        one.scene for seed in range(20) for one in specs.plan_pictures(wanted, seed=seed, count=20)
    ]
    assert drawn.count("often") > 350
    assert set(drawn) <= {"often", "rare"}


def test_list_of_a_creator_overrides_the_list_of_the_agency(nova: CreatorStudio) -> None:
    make(nova)
    with nova.scope() as scope:
        other = agencies.add_creator(
            scope, slug="lea", name="Lea", kind="virtual", zone=ZONE, languages=["fr"]
        )
    own = make(nova, said=LIGHT, own=True)
    with nova.scope() as scope:
        assert (
            wildcards.current_wildcards(scope, nova.creator_id, PROMPT)["outfits"]["words"]
            == LIGHT.words
        )
        assert (
            wildcards.current_wildcards(scope, other, PROMPT)["outfits"]["words"] == OUTFITS.words
        )
        with pytest.raises(NotFound):
            wildcards.change_wildcard(scope, [other], own, OUTFITS)
        with pytest.raises(Refused, match=r"list\.of_all"):
            wildcards.create_wildcard(scope, [other], "light", LIGHT, creator_id=None)
        wildcards.archive_wildcard(scope, [nova.creator_id], own)
        assert (
            wildcards.current_wildcards(scope, nova.creator_id, PROMPT)["outfits"]["words"]
            == OUTFITS.words
        )


def test_brief_does_not_change_the_list_of_the_agency(nova: CreatorStudio) -> None:
    """Equal content is reused; different content becomes the creator's own list or its next
    version."""
    make(nova)
    for said, stands in (
        (OUTFITS, [(None, 1)]),
        (LIGHT, [(None, 1), (nova.creator_id, 1)]),
        (OUTFITS, [(None, 1), (nova.creator_id, 2)]),
        (OUTFITS, [(None, 1), (nova.creator_id, 2)]),
    ):
        with nova.scope() as scope:
            wildcards.put_creator_wildcard(scope, nova.creator_id, "outfits", said)
            assert [
                (one.creator_id, one.version)
                for one in wildcards.list_wildcards(scope, [nova.creator_id])
            ] == stands
            found = wildcards.current_wildcards(scope, nova.creator_id, PROMPT)["outfits"]
            assert found["words"] == said.words


def test_missing_list_is_reported_before_anything_is_saved(nova: CreatorStudio) -> None:
    with nova.scope() as scope:
        wanted = build_spec(prompt="{@outfits}")
        with pytest.raises(BadInput, match=r"recipe\.list_unknown"):
            specs.plan_pictures(
                specs.resolve_wildcards(scope, nova.creator_id, wanted), seed=1, count=1
            )
        with pytest.raises(BadInput, match=r"recipe\.list_unknown"):
            specs.save_recipe(scope, nova.creator_id, wanted)
    for name in ("words", "parameters"):
        given = {"@outfits": ["x"]} if name == "words" else {"@outfits": {"kind": "text"}}
        with pytest.raises(BadInput):
            build_spec(**{name: given})


def test_list_in_use_cannot_be_archived(nova: CreatorStudio) -> None:
    list_id = make(nova)
    with nova.scope() as scope:
        recipe_id = specs.save_recipe(scope, nova.creator_id, build_spec(prompt="{@outfits}"))
    with pytest.raises(Conflict) as told, nova.scope() as scope:
        wildcards.archive_wildcard(scope, [nova.creator_id], list_id)
    assert told.value.message.params == {"name": "outfits", "recipes": "morning"}
    with nova.scope() as scope:
        specs.save_recipe(
            scope, nova.creator_id, build_spec(prompt="plain")
        )  # # its newest version does not name the list
        assert wildcards.archive_wildcard(scope, [nova.creator_id], list_id) == "outfits"
        assert wildcards.list_wildcards(scope, [nova.creator_id]) == []
    with pytest.raises(BadInput, match=r"recipe\.list_unknown"), nova.scope() as scope:
        runner.start_run(scope, creator_id=nova.creator_id, recipe_id=recipe_id, seed=1, key="k")
    with nova.scope() as scope:
        wildcards.unarchive_wildcard(scope, [nova.creator_id], list_id)
        assert runner.start_run(
            scope, creator_id=nova.creator_id, recipe_id=recipe_id, seed=1, key="k"
        )


def test_versions_stay_and_an_older_one_can_be_restored(nova: CreatorStudio) -> None:
    first = make(nova)
    mine = [nova.creator_id]
    with nova.scope("member:one") as scope:
        same = Wildcard(words=OUTFITS.words, weights={**OUTFITS.weights, "a red dress": 1})
        assert wildcards.change_wildcard(scope, mine, first, same) == first  # # the same content
        second = wildcards.change_wildcard(scope, mine, first, LIGHT)
        third = wildcards.restore_wildcard_version(scope, mine, second, 1)
        found = wildcards.list_wildcard_versions(scope, mine, first)
        assert [
            (one.version, one.said.weighted_words == OUTFITS.weighted_words) for one in found
        ] == [
            (3, True),
            (2, False),
            (1, True),
        ]
        assert (found[0].id, found[0].by) == (third, "member:one")
        with pytest.raises(NotFound):
            wildcards.get_current_wildcard(scope, mine, first)
        with pytest.raises(NotFound):
            wildcards.restore_wildcard_version(scope, mine, third, 9)
        with pytest.raises(Conflict, match=r"list\.taken"):
            wildcards.create_wildcard(scope, mine, "outfits", LIGHT, creator_id=None)


def at_once(nova: CreatorStudio, *acts: Any) -> list[str]:
    """Run each act in a thread with its own transaction; return the outcomes, sorted."""
    gate, told = Barrier(len(acts)), []

    def does(act: Any) -> None:
        try:
            with nova.scope() as scope:
                gate.wait()
                act(scope)
            told.append("done")
        except GreenroomError as refused:
            told.append(refused.message.code)

    threads = [Thread(target=does, args=(act,)) for act in acts]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    return sorted(told)


def test_one_of_two_concurrent_edits_is_refused(nova: CreatorStudio) -> None:
    list_id, mine = make(nova), [nova.creator_id]
    came = at_once(
        nova,
        lambda scope: wildcards.change_wildcard(scope, mine, list_id, Wildcard(words=["one"])),
        lambda scope: wildcards.change_wildcard(scope, mine, list_id, Wildcard(words=["two"])),
    )
    assert came == ["done", "list.changed"]
    assert nova.count("word_lists") == 2


def test_list_is_not_archived_while_a_recipe_starts_using_it(nova: CreatorStudio) -> None:
    list_id = make(nova)
    came = at_once(
        nova,
        lambda scope: wildcards.archive_wildcard(scope, [nova.creator_id], list_id),
        lambda scope: specs.save_recipe(scope, nova.creator_id, build_spec(prompt="{@outfits}")),
    )
    assert came in (["done", "list.named"], ["done", "recipe.list_unknown"])


def test_list_of_another_agency_is_not_found(nova: CreatorStudio) -> None:
    list_id, other = make(nova), create_studio(nova.services)
    with other.scope() as scope:
        mine = [other.creator_id, nova.creator_id]
        assert wildcards.list_wildcards(scope, mine) == []
        assert wildcards.current_wildcards(scope, other.creator_id, PROMPT) == {}
        for act in (
            wildcards.get_current_wildcard,
            wildcards.list_wildcard_versions,
            wildcards.archive_wildcard,
            wildcards.unarchive_wildcard,
        ):
            with pytest.raises(NotFound):
                act(scope, mine, list_id)
        with pytest.raises(NotFound):
            wildcards.change_wildcard(scope, mine, list_id, LIGHT)
    assert other.count("word_lists") == 0


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("Outfits", {"words": ["a"]}),
        ("out fits", {"words": ["a"]}),
        ("_x", {"words": ["a"]}),
        ("x" * 41, {"words": ["a"]}),
        ("x", {"words": []}),
        ("x", {"words": ["a", "a "]}),
        ("x", {"words": ["a\x00"]}),
        ("x", {"words": ["a"], "weights": {"b": 2}}),
        ("x", {"words": ["a"], "weights": {"a": 0}}),
        ("x", {"words": ["a"], "more": 1}),
    ],
)
def test_invalid_list_is_refused(name: str, said: dict[str, Any]) -> None:
    with pytest.raises(BadInput, match=r"list\.invalid"):
        wildcards.parse_wildcard(name, said)


def test_prohibited_list_option_is_refused_before_a_run(nova: CreatorStudio) -> None:
    make(nova, said=Wildcard(words=["MINOR-P-A"]))
    with nova.scope() as scope:
        recipe_id = specs.save_recipe(scope, nova.creator_id, build_spec(prompt="{@outfits}"))
    with pytest.raises(Refused, match=r"recipe\.prohibited"), nova.scope() as scope:
        runner.start_run(scope, creator_id=nova.creator_id, recipe_id=recipe_id, seed=1, key="k")
    assert nova.count("jobs") == 0


def test_yaml_carries_its_lists_and_creates_or_matches_them(nova: CreatorStudio) -> None:
    make(nova)
    make(nova, "light", LIGHT)
    wanted = build_spec(prompt=PROMPT)
    with nova.scope() as scope:
        text = yaml_files.export_recipe(
            wanted, wildcards.current_wildcards(scope, nova.creator_id, PROMPT)
        )
        assert yaml_files.import_recipe(scope, nova.creator_id, text) == wanted
    assert nova.count("word_lists") == 2  # # the same content
    other = create_studio(nova.services)
    with other.scope() as scope:
        yaml_files.import_recipe(scope, other.creator_id, text)
        made = {one.name: one for one in wildcards.list_wildcards(scope, [other.creator_id])}
        assert {name: one.said.weighted_words for name, one in made.items()} == {
            "outfits": OUTFITS.weighted_words,
            "light": LIGHT.weighted_words,
        }
        assert {one.creator_id for one in made.values()} == {other.creator_id}
        wildcards.change_wildcard(scope, [other.creator_id], made["light"].id, OUTFITS)
    with pytest.raises(BadInput) as told, other.scope() as scope:
        yaml_files.import_recipe(scope, other.creator_id, text)
    line = 2 + text.splitlines().index("  light:")  # # the line where its content begins
    assert told.value.message == Message("recipe.list_differs", {"line": line, "list": "light"})


@pytest.mark.parametrize(
    ("lists", "code", "line", "where"),
    [
        ("lists:\n  outfits:\n    wrds: [a]\n", "recipe.line_missing", 5, "lists.outfits.words"),
        (
            "lists:\n  outfits:\n    words: [a]\n    odds: 2\n",
            "recipe.line_unknown",
            6,
            "lists.outfits.odds",
        ),
        (
            "lists:\n  outfits:\n    words:\n    - a\n    - ''\n",
            "recipe.line_wrong",
            7,
            "lists.outfits.words.2",
        ),
        ("lists:\n  light:\n    words: [a]\n", "recipe.line_unknown", 5, "lists.light"),
    ],
)
def test_error_in_a_list_is_named_with_its_line(
    lists: str, code: str, line: int, where: str
) -> None:
    with pytest.raises(BadInput) as told:
        yaml_files.parse_recipe_file(f'name: a\nprompt: "{{@outfits}}"\n{lists}')
    params = told.value.message.params
    assert (told.value.message.code, params["where"]) == (code, where)
    assert params["line"] == line


def test_rename_updates_the_list_and_the_recipes_that_use_it(nova: CreatorStudio) -> None:
    list_id, mine = make(nova), [nova.creator_id]
    with nova.scope() as scope:
        first = specs.save_recipe(
            scope, nova.creator_id, build_spec(name="a", prompt="{@outfits} and {@outfits}")
        )
        away = specs.save_recipe(scope, nova.creator_id, build_spec(name="b", prompt="{@outfits}"))
        specs.save_recipe(scope, nova.creator_id, build_spec(name="c", prompt="plain"))
        versions.archive_recipe(scope, nova.creator_id, away)
        run = runner.start_run(scope, creator_id=nova.creator_id, recipe_id=first, seed=1, key="k")
        before = shown(scope, run)
        made, changed = wildcard_renames.rename_wildcard_and_recipes(
            scope, mine, list_id, "clothes"
        )
        assert changed == ["a", "b"]
        (one,) = wildcards.list_wildcards(scope, mine)
        assert (one.id, one.name, one.version, one.said.weighted_words) == (
            made,
            "clothes",
            2,
            OUTFITS.weighted_words,
        )
        assert [
            each.version for each in wildcards.list_wildcard_versions(scope, mine, list_id)
        ] == [2, 1], "the version history is kept"
        with pytest.raises(Conflict, match=r"list\.changed"):
            wildcards.change_wildcard(scope, mine, list_id, LIGHT)
        cards = {each.name: each for each in list_recipes(scope, nova.creator_id)}
        assert {name: (each.version, each.spec.prompt) for name, each in cards.items()} == {
            "a": (2, "{@clothes} and {@clothes}"),
            "c": (1, "plain"),
        }
        (put_away,) = list_recipes(scope, nova.creator_id, retired=True)
        assert (put_away.name, put_away.spec.prompt) == ("b", "{@clothes}")
        assert shown(scope, run) == before, "a run keeps the lists of its start"
        again = runner.start_run(
            scope, creator_id=nova.creator_id, recipe_id=cards["a"].id, seed=1, key="again"
        )
        assert shown(scope, again) == before, "the same words are drawn under the new name"
        with pytest.raises(BadInput, match=r"recipe\.list_unknown"):
            specs.restore_version(scope, nova.creator_id, first)
        assert wildcard_renames.rename_wildcard_and_recipes(scope, mine, made, "clothes") == (
            made,
            [],
        )


def test_ambiguous_list_name_is_refused(nova: CreatorStudio) -> None:
    """A creator's list overrides the agency's: under one name, recipes would draw from the other
    list."""
    shared, mine = make(nova), [nova.creator_id]
    own = make(nova, "clothes", LIGHT, own=True)
    gone = make(nova, "hats")
    with nova.scope() as scope:
        wildcards.archive_wildcard(scope, mine, gone)
        specs.save_recipe(
            scope, nova.creator_id, build_spec(name="long", prompt="{@outfits}" + "x" * 490)
        )
    for list_id, name, code in (
        (shared, "clothes", "list.taken"),
        (own, "outfits", "list.taken"),
        (shared, "hats", "list.taken"),
        (shared, "outfits-of-everybody", "list.name_too_long"),
        (gone, "caps", "list.unknown"),
    ):
        with pytest.raises(GreenroomError, match=code.replace(".", r"\.")), nova.scope() as scope:
            wildcard_renames.rename_wildcard_and_recipes(scope, mine, list_id, name)
    with nova.scope() as scope:
        other = agencies.add_creator(
            scope, slug="lea", name="Lea", kind="virtual", zone=ZONE, languages=["fr"]
        )
        with pytest.raises(Refused, match=r"list\.of_all"):
            wildcard_renames.rename_wildcard_and_recipes(scope, mine, shared, "dresses")
        specs.save_recipe(scope, other, build_spec(name="hers", prompt="{@outfits}"))
        assert (
            wildcard_renames.rename_wildcard_and_recipes(scope, [*mine, other], own, "coats")[1]
            == []
        )
        assert [one.spec.prompt for one in list_recipes(scope, other)] == ["{@outfits}"]


def test_repeated_run_uses_the_lists_of_the_first_run(nova: CreatorStudio) -> None:
    list_id = make(nova)
    job_id = nova.start(prompt="{@outfits}")
    nova.work(job_id, Engine)
    with nova.scope() as scope:
        before = shown(scope, job_id)
        wildcard_renames.rename_wildcard_and_recipes(scope, [nova.creator_id], list_id, "clothes")
        (asset, *_) = runner.run_assets(scope, job_id)
        again, _ = lineage.repeat_generation(scope, asset, key="again", by="member:x")
        assert shown(scope, again) == before


def test_yaml_with_many_long_lists_is_imported(nova: CreatorStudio) -> None:
    said = Wildcard(words=[f"{number} {'é' * 30}" for number in range(200)])
    names = [f"l{number}" for number in range(12)]
    wanted = build_spec(prompt=" ".join(f"{{@{name}}}" for name in names))
    text = yaml_files.export_recipe(
        wanted, {name: {"words": list(said.words), "weights": {}} for name in names}
    )
    assert len(text.encode()) > 150_000
    with nova.scope() as scope:
        assert yaml_files.import_recipe(scope, nova.creator_id, text) == wanted
        assert len(wildcards.list_wildcards(scope, [nova.creator_id])) == len(names)
