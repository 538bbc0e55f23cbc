"""What a recipe works from by itself: kept in its text, taken by its runs, and left aside where a run names its own."""

import io
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image

from foundation.errors import BadInput, NotFound, Refused
from foundation.settings import GeneratorsSettings
from gate import ratings
from generators import masks, shapes
from generators.contract import ImageJob, Picture, Progress, unheard
from generators.engines.placeholder import Placeholder
from generators.masks import Region
from studio import (
    estimating,
    jobs,
    lineage,
    list_names,
    materials,
    reads,
    recipe_shelf,
    recipe_texts,
    recipes,
    runs,
    word_lists,
    workings,
)
from studio.beginnings import Beginning
from studio.materials import Posture
from studio.word_lists import WordList
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import Atelier, spec
from tests.studio.test_word_lists import at_once
from workers import making_asking

ELLIPSE = {"kind": "ellipse", "left": 10.0, "top": 10.0, "right": 60.5, "bottom": 60.0}
STROKE = {"kind": "stroke", "points": [[70.0, 80.0], [95.0, 90.0]], "width": 6.0}


class Hearing:
    """Draws what it is asked, and keeps what that was."""

    name, model, does = "placeholder", "drawing", frozenset({"init", "mask", "pose"})

    def __init__(self) -> None:
        self.jobs: list[ImageJob] = []

    def draw(self, job: ImageJob, progress: Progress = unheard) -> Picture:
        self.jobs.append(job)
        return Placeholder().draw(ImageJob(job.prompt, job.seed, width=job.width, height=job.height), progress)


def started(nova: Atelier, asset: UUID, **more: object) -> UUID:
    with nova.scope() as scope:
        written = spec(begin={"asset": str(asset), "anew": 40, "part": [ELLIPSE, STROKE]}, variants=1)
        recipe = recipes.save(scope, nova.creator_id, written)
        found: Callable[..., UUID] = jobs.start
        return found(scope, creator_id=nova.creator_id, recipe_id=recipe, seed=1, key=str(uuid4()), **more)


def test_runs_begin_from_the_picture_of_their_recipe_only_where_its_shapes_are(nova: Atelier) -> None:
    asset, engine = nova.upload(encoded(a_picture(96, 64))), Hearing()
    job = started(nova, asset)
    nova.work(job, lambda: engine)
    (asked,) = engine.jobs
    assert (asked.strength, asked.asks) == (0.4, {"init", "mask"})
    white = np.asarray(Image.open(io.BytesIO(asked.mask))) == 255
    wanted = np.asarray(shapes.drawn(shapes.read([ELLIPSE, STROKE]), white.shape[1], white.shape[0])) == 255
    assert np.array_equal(white, wanted)
    with nova.scope() as scope:
        (child,) = jobs.assets(scope, job)
        story = lineage.story(scope, child)
        again, _ = lineage.make_again(scope, child, key="again", by="member:x")
        assert materials.begin_of(runs.find(scope, again)) == materials.begin_of(runs.find(scope, job))
    assert [card.asset_id for card in story.sources] == [asset]


def test_a_run_that_names_its_own_leaves_the_recipes_aside(nova: Atelier) -> None:
    asset, other = (nova.upload(encoded(a_picture(96, 64, seed=seed))) for seed in (1, 2))
    own = started(nova, asset, begin=Beginning(other, 50, Region(0, 0, 50, 50)))
    posed = started(nova, asset, pose=Posture(other, 80))
    with nova.scope() as scope:
        assert materials.begin_of(runs.find(scope, own)) == Beginning(other, 50, Region(0, 0, 50, 50))
        assert materials.begin_of(runs.find(scope, posed)) is None
        assert materials.pose_of(runs.find(scope, posed)) == Posture(other, 80)


def test_a_picture_that_is_nobodys_starts_nothing(nova: Atelier) -> None:
    with pytest.raises(NotFound):
        started(nova, uuid4())
    assert nova.count("jobs") == 0


def test_the_text_of_a_recipe_says_it_and_is_read_again() -> None:
    asset = str(uuid4())
    for changes in (
        {"begin": {"asset": asset, "part": [ELLIPSE, STROKE]}},
        {"posture": {"asset": asset, "weight": 70}},
    ):
        written = spec(**changes)
        assert recipe_texts.read(recipe_texts.write(written)).spec == written
    assert spec(begin={"asset": asset, "part": [ELLIPSE]}).asks == {"init", "mask"}
    assert spec(posture={"asset": asset}).asks == {"pose"}


@pytest.mark.parametrize(
    "changes",
    [
        {"begin": {"asset": str(uuid4())}, "posture": {"asset": str(uuid4())}},
        {"begin": {"asset": "../x"}},
        {"begin": {"asset": str(uuid4()), "anew": 5}},
        {"begin": {"asset": str(uuid4()), "part": [{**ELLIPSE, "right": 10.5, "bottom": 10.5}]}},
        {"posture": {"asset": str(uuid4()), "weight": 151}},
    ],
)
def test_what_cannot_be_meant_is_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        spec(**changes)


def test_a_run_from_a_picture_is_priced_as_what_it_asks() -> None:
    known = GeneratorsSettings(stability_model="core", prices="core = 0.03 USD, inpaint = 0.05 USD")
    asset = str(uuid4())
    plain, part = spec(), spec(begin={"asset": asset, "part": [ELLIPSE]})
    assert [str(estimating.price_of(known, one)) for one in (plain, part)] == ["0.03 USD", "0.05 USD"]


def test_the_terminal_says_a_beginning_a_part_and_a_posture(tmp_path: Path) -> None:
    asset, file = uuid4(), tmp_path / "mask.png"
    file.write_bytes(encoded(Image.new("L", (64, 64), 255), "PNG"))
    found = making_asking.begun(asset, anew=30, part=["ellipse 10 10 60.5 60"], mask=file)
    assert found is not None
    assert isinstance(found.region, tuple)
    assert [one.kind for one in found.region] == ["ellipse", "drawn"]
    masks.check(found.region)
    assert making_asking.begun(asset, anew=30, part=[], mask=None) == Beginning(asset, 30)
    assert making_asking.begun(None, anew=30, part=[], mask=None) is None
    assert making_asking.posed(asset, weight=70) == Posture(asset, 70)
    assert making_asking.posed(None, weight=70) is None
    with pytest.raises(BadInput, match="part_of_none"):
        making_asking.begun(None, anew=30, part=["ellipse 1 1 9 9"], mask=None)
    with pytest.raises(BadInput, match="mask_unread"):
        making_asking.begun(asset, anew=30, part=[], mask=tmp_path / "none.png")


def test_a_recipe_is_told_what_its_runs_begin_from_and_whether_that_can_be(nova: Atelier) -> None:
    asset = nova.upload(encoded(a_picture(96, 64)))
    begin = workings.from_picture(Beginning(asset, 40, Region(0, 0, 50, 50)))
    with nova.scope() as scope:
        first = recipes.save(scope, nova.creator_id, spec())
        second = recipe_shelf.change(scope, [nova.creator_id], first, {"begin": begin})
        card = recipe_shelf.current(scope, [nova.creator_id], second)[1]
        assert recipe_shelf.change(scope, [nova.creator_id], first, {"begin": begin}) == second, "as it stands"
        run = jobs.start(scope, creator_id=nova.creator_id, recipe_id=second, seed=1, key="k")
        asked = materials.begin_of(runs.find(scope, run))
    assert card.version == 2
    assert asked is not None
    assert (asked.asset_id, asked.anew, asked.region) == (asset, 40, masks.as_shapes(Region(0, 0, 50, 50)))
    posture = workings.of_picture(asset, 70)
    for wrong, refusal in (
        ({"begin": workings.from_picture(Beginning(uuid4(), 40))}, NotFound),
        ({"begin": {**begin, "anew": 5}}, BadInput),
        ({"posture": posture}, BadInput),  # beside what it begins from
    ):
        with pytest.raises(refusal), nova.scope() as scope:
            recipe_shelf.change(scope, [nova.creator_id], second, wrong)
    with nova.scope() as scope:
        third = recipe_shelf.change(scope, [nova.creator_id], second, {"begin": None, "posture": posture})
        assert recipes.spec_of(scope, third).asks == {"pose"}
        ratings.freeze(scope, materials.picture(scope, nova.creator_id, asset))
    with nova.scope() as scope:
        changed = recipe_shelf.change(scope, [nova.creator_id], third, {"steps": 30})
        assert recipes.spec_of(scope, changed).steps == 30, "a picture that is withheld keeps nobody from the rest"
        with pytest.raises(Refused):
            materials.usable(scope, nova.creator_id, recipes.spec_of(scope, changed))
        with pytest.raises(NotFound):
            recipe_shelf.change(scope, [uuid4()], changed, {"steps": 20})


def test_shapes_are_typed_as_they_are_read() -> None:
    lines = "rectangle 0 0 33.3333333 50\nellipse 10 10 60.5 60\npolygon 10,10 40,10 30,50\nstroke 4 10,10 60,40"
    lines += "\neraser 2.5 20,20"
    assert shapes.typed(shapes.parse(lines)) == lines
    drawn = shapes.of_picture(encoded(Image.new("L", (64, 64), 255), "PNG"), name="mask.png")
    assert shapes.typed((*shapes.parse(lines), drawn)) == ""


def test_of_two_changes_of_a_recipe_at_once_none_is_lost(nova: Atelier) -> None:
    mine = [nova.creator_id]
    with nova.scope() as scope:
        list_id = word_lists.make(scope, mine, "outfits", WordList(words=["a coat"]), creator_id=None)
        first = recipes.save(scope, nova.creator_id, spec(prompt="{@outfits}"))
    came = at_once(
        nova,
        lambda scope: recipe_shelf.change(scope, mine, first, {"steps": 30}),
        lambda scope: recipe_shelf.change(scope, mine, first, {"guidance": 9}),
        lambda scope: list_names.rename(scope, mine, list_id, "clothes"),
    )
    assert came == ["done"] * 3
    with nova.scope() as scope:
        (card,) = reads.recipes_of(scope, nova.creator_id)
    assert (card.version, card.spec.steps, card.spec.guidance, card.spec.prompt) == (4, 30, 9, "{@clothes}")


def test_a_list_is_renamed_while_another_recipe_begins_to_name_it(nova: Atelier) -> None:
    mine = [nova.creator_id]
    with nova.scope() as scope:
        list_id = word_lists.make(scope, mine, "outfits", WordList(words=["a coat"]), creator_id=None)
    came = at_once(
        nova,
        lambda scope: list_names.rename(scope, mine, list_id, "clothes"),
        lambda scope: recipes.save(scope, nova.creator_id, spec(prompt="{@outfits}")),
    )
    with nova.scope() as scope:
        prompts = [one.spec.prompt for one in reads.recipes_of(scope, nova.creator_id)]
    assert (came, prompts) in ((["done", "done"], ["{@clothes}"]), (["done", "recipe.list_unknown"], []))
