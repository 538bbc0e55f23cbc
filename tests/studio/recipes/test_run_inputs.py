"""Pictures set in a recipe: saved with it, used by its runs, and overridden by a run's own."""

import io
from collections.abc import Callable
from pathlib import Path
from uuid import UUID, uuid4

import numpy as np
import pytest
from PIL import Image

from foundation.errors import BadInput, NotFound, Refused
from foundation.ops.settings import GeneratorsSettings
from gate.ratings import ratings
from generators.contract.engines import GeneratedPicture, ImageJob, Progress, ignore_progress
from generators.engines.images.placeholder import PlaceholderEngine
from generators.retouch import masks, region_shapes
from generators.retouch.masks import MaskRegion
from studio.recipes import (
    input_pictures,
    run_inputs,
    specs,
    versions,
    wildcard_renames,
    wildcards,
    yaml_files,
)
from studio.recipes.input_pictures import InitPicture
from studio.recipes.queries import list_recipes
from studio.recipes.run_inputs import PoseReference
from studio.recipes.wildcards import Wildcard
from studio.runs import estimates, lineage, records, runner
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CreatorStudio, build_spec
from tests.studio.recipes.test_wildcards import at_once
from workers.cli.studio import recipe_runs

ELLIPSE = {"kind": "ellipse", "left": 10.0, "top": 10.0, "right": 60.5, "bottom": 60.0}
STROKE = {"kind": "stroke", "points": [[70.0, 80.0], [95.0, 90.0]], "width": 6.0}


class Hearing:
    """Draws the job and records it."""

    name, model, does = "placeholder", "drawing", frozenset({"init", "mask", "pose"})

    def __init__(self) -> None:
        self.jobs: list[ImageJob] = []

    def draw(self, job: ImageJob, progress: Progress = ignore_progress) -> GeneratedPicture:
        self.jobs.append(job)
        return PlaceholderEngine().draw(
            ImageJob(job.prompt, job.seed, width=job.width, height=job.height), progress
        )


def started(nova: CreatorStudio, asset: UUID, **more: object) -> UUID:
    with nova.scope() as scope:
        written = build_spec(
            begin={"asset": str(asset), "anew": 40, "part": [ELLIPSE, STROKE]}, variants=1
        )
        recipe = specs.save_recipe(scope, nova.creator_id, written)
        found: Callable[..., UUID] = runner.start_run
        return found(
            scope, creator_id=nova.creator_id, recipe_id=recipe, seed=1, key=str(uuid4()), **more
        )


def test_run_changes_only_the_region_of_its_recipe(
    nova: CreatorStudio,
) -> None:
    asset, engine = nova.upload(encoded(a_picture(96, 64))), Hearing()
    job = started(nova, asset)
    nova.work(job, lambda: engine)
    (asked,) = engine.jobs
    assert (asked.strength, asked.needed_inputs) == (0.4, {"init", "mask"})
    white = np.asarray(Image.open(io.BytesIO(asked.mask))) == 255
    wanted = (
        np.asarray(
            region_shapes.draw_shapes(
                region_shapes.parse_shapes([ELLIPSE, STROKE]), white.shape[1], white.shape[0]
            )
        )
        == 255
    )
    assert np.array_equal(white, wanted)
    with nova.scope() as scope:
        (child,) = runner.run_assets(scope, job)
        story = lineage.get_lineage(scope, child)
        again, _ = lineage.repeat_generation(scope, child, key="again", by="member:x")
        assert run_inputs.init_picture_of(
            records.get_run_row(scope, again)
        ) == run_inputs.init_picture_of(records.get_run_row(scope, job))
    assert [card.asset_id for card in story.sources] == [asset]


def test_picture_of_the_run_overrides_the_picture_of_the_recipe(nova: CreatorStudio) -> None:
    asset, other = (nova.upload(encoded(a_picture(96, 64, seed=seed))) for seed in (1, 2))
    own = started(nova, asset, begin=InitPicture(other, 50, MaskRegion(0, 0, 50, 50)))
    posed = started(nova, asset, pose=PoseReference(other, 80))
    with nova.scope() as scope:
        assert run_inputs.init_picture_of(records.get_run_row(scope, own)) == InitPicture(
            other, 50, MaskRegion(0, 0, 50, 50)
        )
        assert run_inputs.init_picture_of(records.get_run_row(scope, posed)) is None
        assert run_inputs.pose_reference_of(records.get_run_row(scope, posed)) == PoseReference(
            other, 80
        )


def test_unknown_picture_starts_no_run(nova: CreatorStudio) -> None:
    with pytest.raises(NotFound):
        started(nova, uuid4())
    assert nova.count("jobs") == 0


def test_pictures_of_a_recipe_survive_a_yaml_round_trip() -> None:
    asset = str(uuid4())
    for changes in (
        {"begin": {"asset": asset, "part": [ELLIPSE, STROKE]}},
        {"posture": {"asset": asset, "weight": 70}},
    ):
        written = build_spec(**changes)
        assert yaml_files.parse_recipe_file(yaml_files.export_recipe(written)).spec == written
    assert build_spec(begin={"asset": asset, "part": [ELLIPSE]}).needed_inputs == {"init", "mask"}
    assert build_spec(posture={"asset": asset}).needed_inputs == {"pose"}


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
def test_invalid_source_settings_are_refused(changes: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        build_spec(**changes)


def test_run_from_a_picture_has_the_price_of_its_operation() -> None:
    known = GeneratorsSettings(stability_model="core", prices="core = 0.03 USD, inpaint = 0.05 USD")
    asset = str(uuid4())
    plain, part = build_spec(), build_spec(begin={"asset": asset, "part": [ELLIPSE]})
    assert [str(estimates.price_per_picture(known, one)) for one in (plain, part)] == [
        "0.03 USD",
        "0.05 USD",
    ]


def test_command_line_accepts_source_region_and_pose(tmp_path: Path) -> None:
    asset, file = uuid4(), tmp_path / "mask.png"
    file.write_bytes(encoded(Image.new("L", (64, 64), 255), "PNG"))
    found = recipe_runs.parse_source_image(
        asset, anew=30, part=["ellipse 10 10 60.5 60"], mask=file
    )
    assert found is not None
    assert isinstance(found.region, tuple)
    assert [one.kind for one in found.region] == ["ellipse", "drawn"]
    masks.check_part(found.region)
    assert recipe_runs.parse_source_image(asset, anew=30, part=[], mask=None) == InitPicture(
        asset, 30
    )
    assert recipe_runs.parse_source_image(None, anew=30, part=[], mask=None) is None
    assert recipe_runs.parse_posture(asset, weight=70) == PoseReference(asset, 70)
    assert recipe_runs.parse_posture(None, weight=70) is None
    with pytest.raises(BadInput, match="part_of_none"):
        recipe_runs.parse_source_image(None, anew=30, part=["ellipse 1 1 9 9"], mask=None)
    with pytest.raises(BadInput, match="mask_unread"):
        recipe_runs.parse_source_image(asset, anew=30, part=[], mask=tmp_path / "none.png")


def test_recipe_takes_a_source_picture_and_refuses_invalid_ones(
    nova: CreatorStudio,
) -> None:
    asset = nova.upload(encoded(a_picture(96, 64)))
    begin = input_pictures.init_picture_spec(InitPicture(asset, 40, MaskRegion(0, 0, 50, 50)))
    with nova.scope() as scope:
        first = specs.save_recipe(scope, nova.creator_id, build_spec())
        second = versions.change_recipe(scope, [nova.creator_id], first, {"begin": begin})
        card = versions.get_current_recipe(scope, [nova.creator_id], second)[1]
        assert (
            versions.change_recipe(scope, [nova.creator_id], first, {"begin": begin}) == second
        ), "unchanged"
        run = runner.start_run(scope, creator_id=nova.creator_id, recipe_id=second, seed=1, key="k")
        asked = run_inputs.init_picture_of(records.get_run_row(scope, run))
    assert card.version == 2
    assert asked is not None
    assert (asked.asset_id, asked.anew, asked.region) == (
        asset,
        40,
        masks.part_as_shapes(MaskRegion(0, 0, 50, 50)),
    )
    posture = input_pictures.pose_reference_spec(asset, 70)
    for wrong, refusal in (
        ({"begin": input_pictures.init_picture_spec(InitPicture(uuid4(), 40))}, NotFound),
        ({"begin": {**begin, "anew": 5}}, BadInput),
        ({"posture": posture}, BadInput),  # # together with a source picture
    ):
        with pytest.raises(refusal), nova.scope() as scope:
            versions.change_recipe(scope, [nova.creator_id], second, wrong)
    with nova.scope() as scope:
        third = versions.change_recipe(
            scope, [nova.creator_id], second, {"begin": None, "posture": posture}
        )
        assert specs.get_spec(scope, third).needed_inputs == {"pose"}
        ratings.freeze_bytes(
            scope, run_inputs.source_picture_of_creator(scope, nova.creator_id, asset)
        )
    with nova.scope() as scope:
        changed = versions.change_recipe(scope, [nova.creator_id], third, {"steps": 30})
        assert specs.get_spec(scope, changed).steps == 30, (
            "a withheld picture blocks no other change"
        )
        with pytest.raises(Refused):
            run_inputs.recipe_picture_digests(
                scope, nova.creator_id, specs.get_spec(scope, changed)
            )
        with pytest.raises(NotFound):
            versions.change_recipe(scope, [uuid4()], changed, {"steps": 20})


def test_shapes_survive_a_text_round_trip() -> None:
    lines = (
        "rectangle 0 0 33.3333333 50\nellipse 10 10 60.5 60\npolygon 10,10 40,10 30,50\nstroke 4 "
        "10,10 60,40"
    )
    lines += "\neraser 2.5 20,20"
    assert region_shapes.format_shape_lines(region_shapes.parse_shape_lines(lines)) == lines
    drawn = region_shapes.mask_from_picture(
        encoded(Image.new("L", (64, 64), 255), "PNG"), name="mask.png"
    )
    assert region_shapes.format_shape_lines((*region_shapes.parse_shape_lines(lines), drawn)) == ""


def test_concurrent_changes_of_a_recipe_are_all_kept(nova: CreatorStudio) -> None:
    mine = [nova.creator_id]
    with nova.scope() as scope:
        list_id = wildcards.create_wildcard(
            scope, mine, "outfits", Wildcard(words=["a coat"]), creator_id=None
        )
        first = specs.save_recipe(scope, nova.creator_id, build_spec(prompt="{@outfits}"))
    came = at_once(
        nova,
        lambda scope: versions.change_recipe(scope, mine, first, {"steps": 30}),
        lambda scope: versions.change_recipe(scope, mine, first, {"guidance": 9}),
        lambda scope: wildcard_renames.rename_wildcard_and_recipes(scope, mine, list_id, "clothes"),
    )
    assert came == ["done"] * 3
    with nova.scope() as scope:
        (card,) = list_recipes(scope, nova.creator_id)
    assert (card.version, card.spec.steps, card.spec.guidance, card.spec.prompt) == (
        4,
        30,
        9,
        "{@clothes}",
    )


def test_list_rename_is_safe_while_a_recipe_starts_using_it(nova: CreatorStudio) -> None:
    mine = [nova.creator_id]
    with nova.scope() as scope:
        list_id = wildcards.create_wildcard(
            scope, mine, "outfits", Wildcard(words=["a coat"]), creator_id=None
        )
    came = at_once(
        nova,
        lambda scope: wildcard_renames.rename_wildcard_and_recipes(scope, mine, list_id, "clothes"),
        lambda scope: specs.save_recipe(scope, nova.creator_id, build_spec(prompt="{@outfits}")),
    )
    with nova.scope() as scope:
        prompts = [one.spec.prompt for one in list_recipes(scope, nova.creator_id)]
    assert (came, prompts) in (
        (["done", "done"], ["{@clothes}"]),
        (["done", "recipe.list_unknown"], []),
    )
