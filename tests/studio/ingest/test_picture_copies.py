"""Copies of a picture: new assets derived from an unchanged original, with a reason for every
failure."""

import hashlib
import io
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from uuid import UUID

import pytest
from PIL import Image

from foundation.db.database import Scope
from foundation.errors import BadInput, NotFound
from foundation.ops.settings import GeneratorsSettings
from gate.assets import asset_records
from gate.contract.units import Rating
from gate.log.queries import list_depicted_people
from gate.people import persons
from gate.ratings import ratings
from generators import registry
from generators.contract.engines import ImageJob
from generators.drawing.scene import draw_scene
from generators.engines.images.placeholder import PlaceholderEngine
from generators.provenance import content_credentials
from generators.retouch.finish import CopyFinish
from generators.retouch.upscaler import Upscaler
from generators.retouch.watermarks import Watermark
from studio.ingest import picture_copies, pipeline
from studio.ingest.events import PictureCopyDue
from studio.ingest.picture_copies import PictureCopyView
from studio.ingest.states import UploadState
from studio.library import assets, creator_watermarks, erasure
from studio.library import queries as studio_reads
from studio.library.events import ErasureDue
from studio.library.states import ShelfState
from studio.runs import lineage
from tests.gate.answers import rate_and_answer
from tests.generators import upscaler_models
from tests.generators.builders import encoded
from tests.generators.mask_models import write_mask_model
from tests.studio.builders import CREDENTIAL, CreatorStudio, create_studio

SQUARE, STORY = CopyFinish(form="square"), CopyFinish(form="story")


def photograph(nova: CreatorStudio, *, seed: int = 1, size: tuple[int, int] = (480, 360)) -> UUID:
    image, _ = draw_scene("beach at sunset, summer", seed, *size)
    return nova.upload(encoded(image, "JPEG"))


def asked(nova: CreatorStudio, asset_id: UUID, finish: CopyFinish) -> UUID:
    with nova.scope("member:x") as scope:
        return picture_copies.request_copy(
            scope, asset_id, finish, by="member:x", store=nova.services.store
        )


def work(
    nova: CreatorStudio,
    copy_id: UUID,
    *,
    settings: GeneratorsSettings | None = None,
    upscaler: Callable[[], Upscaler] | None = None,
) -> PictureCopyView:
    picture_copies.make_copy(
        PictureCopyDue(nova.tenant_id, copy_id),
        tenant=nova.services.tenant,
        store=nova.services.store,
        credential=lambda: CREDENTIAL,
        cutter=lambda: registry.load_background_remover(settings or GeneratorsSettings()),
        upscaler=upscaler or (lambda: registry.load_upscaler(settings or GeneratorsSettings())),
    )
    with nova.scope() as scope:
        (found,) = picture_copies.get_copies(scope, [copy_id])
    return found


def copied(nova: CreatorStudio, asset_id: UUID, finish: CopyFinish) -> UUID:
    found = work(nova, asked(nova, asset_id, finish))
    assert found.made_id is not None, found.reason
    return found.made_id


def data_of(nova: CreatorStudio, asset_id: UUID) -> bytes:
    with nova.scope() as scope:
        return nova.services.store.get(
            nova.tenant_id, assets.get_rendition(scope, asset_id, "x").sha256
        )


def opened(nova: CreatorStudio, asset_id: UUID) -> Image.Image:
    return Image.open(io.BytesIO(data_of(nova, asset_id)))


def digest(scope: Scope, asset_id: UUID) -> str:
    return studio_reads.get_asset_bytes(scope, asset_id).sha256


def test_copy_is_a_child_in_the_library_and_the_original_is_unchanged(nova: CreatorStudio) -> None:
    first = photograph(nova)
    before = data_of(nova, first)
    square, story = copied(nova, first, SQUARE), copied(nova, first, STORY)
    assert opened(nova, square).size == (360, 360)
    assert Fraction(*opened(nova, story).size) == Fraction(9, 16)
    assert data_of(nova, first) == before
    assert {one.asset_id for one in nova.library()} == {first, square, story}
    with nova.scope() as scope:
        told = lineage.get_lineage(scope, first)
        assert {card.asset_id for card in told.children} == {square, story}
        own = lineage.get_lineage(scope, square)
    assert ([card.asset_id for card in own.sources], own.parameters) == (
        [first],
        {"form": "square"},
    )
    assert not opened(nova, square).getexif()


def test_copy_requested_and_made_twice_is_one_asset(nova: CreatorStudio) -> None:
    first = photograph(nova)
    copy_id = asked(nova, first, SQUARE)
    assert asked(nova, first, SQUARE) == copy_id
    assert nova.count("outbox") == 1
    assert work(nova, copy_id) == work(nova, copy_id)
    assert asked(nova, first, SQUARE) == copy_id
    assert len(nova.library()) == 2


def test_crash_after_storing_a_copy_repeats_the_same_asset(nova: CreatorStudio) -> None:
    copy_id = asked(nova, photograph(nova), SQUARE)
    done = work(nova, copy_id)
    with nova.scope() as scope:
        scope.run(
            "UPDATE picture_copies SET state = 'waiting', made_id = NULL WHERE id = :id", id=copy_id
        )
    assert work(nova, copy_id).made_id == done.made_id
    assert len(nova.library()) == 2


def test_ratings_and_prohibitions_reach_the_copy(nova: CreatorStudio) -> None:
    first = photograph(nova)
    square = copied(nova, first, SQUARE)
    with nova.scope() as scope:
        rate_and_answer(scope, digest(scope, square), Rating.G, source="rule:test")
        rate_and_answer(scope, digest(scope, first), Rating.N, source="rule:test")
        assert ratings.explain_rating(scope, digest(scope, square)).rating is Rating.S
        rate_and_answer(scope, digest(scope, first), Rating.X, source="rule:test")
        assert ratings.explain_rating(scope, digest(scope, square)).rating is Rating.X
    with pytest.raises(NotFound):
        asked(nova, first, STORY)


def test_picture_prohibited_after_the_request_is_not_copied(nova: CreatorStudio) -> None:
    first = photograph(nova)
    copy_id = asked(nova, first, SQUARE)
    with nova.scope() as scope:
        rate_and_answer(scope, digest(scope, first), Rating.X, source="rule:test")
    found = work(nova, copy_id)
    assert (found.state, found.made_id) == (UploadState.REFUSED, None)
    assert found.reason is not None
    assert found.reason.code == "copy.lost"


def test_copy_of_a_generated_picture_keeps_its_label_and_is_signed_again(
    nova: CreatorStudio,
) -> None:
    drawn = PlaceholderEngine().draw(
        ImageJob(prompt="beach", seed=3, width=320, height=240, steps=1)
    )
    first = nova.bring(
        pipeline.prepare_generated_picture(drawn, key="k", alt="la mer", credential=CREDENTIAL)
    )
    square = copied(nova, first, SQUARE)
    data = data_of(nova, square)
    mark = content_credentials.verify_media(data, "image/jpeg", anchor=CREDENTIAL.anchor)
    assert (str(mark.standing), mark.engine, mark.label) == (
        "trusted",
        drawn.engine,
        str(drawn.label),
    )
    with nova.scope() as scope:
        assert (
            asset_records.asset_label(scope, square)
            == asset_records.asset_label(scope, first)
            == str(drawn.label)
        )
        (card,) = studio_reads.get_asset_cards(scope, [square])
    assert (card.origin, card.seed, card.prompt, card.alt) == ("generated", 3, "beach", "la mer")


def test_people_in_the_original_are_people_in_the_copy(nova: CreatorStudio) -> None:
    first = photograph(nova)
    with nova.scope() as scope:
        person = persons.add_person(scope, kind="real", display_ref="Ada")
        ratings.record_depiction(scope, first, person, how="face", confirmed_by="member:x")
    square = copied(nova, first, SQUARE)
    with nova.scope() as scope:
        assert [one.name for one in list_depicted_people(scope, [digest(scope, square)])] == ["Ada"]


def test_copy_without_changes_is_refused(nova: CreatorStudio) -> None:
    with pytest.raises(BadInput, match="nothing"):
        asked(nova, photograph(nova), CopyFinish())
    assert nova.count("picture_copies") == 0


def test_unknown_form_is_refused() -> None:
    with pytest.raises(BadInput, match="unknown_form"):
        CopyFinish(form="panorama")
    with pytest.raises(BadInput, match="unknown_form"):
        replace(SQUARE, form="../")


def test_failed_copies_have_a_reason_and_can_be_requested_again(
    nova: CreatorStudio,
) -> None:
    tiny = photograph(nova, seed=5, size=(32, 24))
    found = work(nova, asked(nova, tiny, CopyFinish(form="cinema")))
    assert found.reason is not None
    assert found.reason.code == "crop.too_small"
    first = photograph(nova)
    copy_id = asked(nova, first, SQUARE)
    picture_copies.fail_copy(PictureCopyDue(nova.tenant_id, copy_id), tenant=nova.services.tenant)
    assert work(nova, copy_id).state is UploadState.REFUSED, "a late row changes nothing"
    assert asked(nova, first, SQUARE) == copy_id
    with nova.scope() as scope:
        assert {
            one.id
            for one in picture_copies.list_recent_copies(scope, nova.creator_id, since=scope.now)
        } >= {copy_id}
        lost = studio_reads.get_asset_bytes(scope, first).sha256
    assert work(nova, copy_id).state is UploadState.READY
    other = asked(nova, first, STORY)
    nova.services.store.delete(nova.tenant_id, lost)
    gone = work(nova, other)
    assert gone.reason is not None
    assert gone.reason.code == "copy.lost"


def test_another_agency_cannot_find_the_picture_or_its_copy(nova: CreatorStudio) -> None:
    first = photograph(nova)
    stranger = create_studio(nova.services)
    with pytest.raises(NotFound):
        asked(stranger, first, SQUARE)
    copy_id = asked(nova, first, SQUARE)
    with stranger.scope() as scope, pytest.raises(NotFound):
        picture_copies.get_copies(scope, [copy_id])


def test_preview_shows_the_same_crop_as_the_copy(nova: CreatorStudio) -> None:
    first = photograph(nova)
    with nova.scope() as scope:
        sha256 = studio_reads.get_asset_bytes(scope, first).sha256
    shown = picture_copies.preview_crops(nova.tenant_id, sha256, nova.services.store)
    part = shown.by_form["story"]
    whole = opened(nova, first).convert("RGB")
    assert shown.size == whole.size
    made = opened(nova, copied(nova, first, STORY)).convert("RGB")
    here = whole.crop((part.left, part.top, part.right, part.bottom))
    assert made.size == here.size
    mean = sum(abs(a - b) for a, b in zip(made.tobytes(), here.tobytes(), strict=True)) / len(
        here.tobytes()
    )
    assert mean < 4, "equal except for JPEG losses"


def test_lineage_of_a_copy_records_its_changes_and_the_original_is_unchanged(
    nova: CreatorStudio,
) -> None:
    first = photograph(nova)
    before = data_of(nova, first)
    with nova.scope() as scope:
        assert creator_watermarks.get_watermark(scope, nova.creator_id) is None
        creator_watermarks.set_watermark(scope, nova.creator_id, Watermark("@old"))
        creator_watermarks.set_watermark(
            scope, nova.creator_id, Watermark("@nova", "top_left", 8, 90)
        )
        mark = creator_watermarks.get_watermark(scope, nova.creator_id)
    assert mark == Watermark("@nova", "top_left", 8, 90)
    plain = opened(nova, copied(nova, first, replace(SQUARE, twice=True)))
    made = copied(nova, first, replace(SQUARE, twice=True, strength=50, watermark=mark))
    assert plain.size == opened(nova, made).size == (720, 720)
    corner = (0, 0, 300, 100)
    assert (
        opened(nova, made).convert("L").crop(corner).getextrema()[1]
        > plain.convert("L").crop(corner).getextrema()[1]
    )
    with nova.scope() as scope:
        said = lineage.get_lineage(scope, made).parameters
    assert said == {"form": "square", "twice": True, "strength": 50, "watermark": "@nova"}
    assert data_of(nova, first) == before


def test_erased_copy_is_made_again_on_request(nova: CreatorStudio) -> None:
    first = photograph(nova)
    made = copied(nova, first, SQUARE)
    with nova.scope() as scope:
        assets.set_shelf_state(scope, made, ShelfState.RETIRED)
    erasure.erase_picture(
        ErasureDue(nova.tenant_id, made, erasure.ERASURE_ACTOR),
        tenant=nova.services.tenant,
        store=nova.services.store,
        posted=lambda scope, creator: (),
    )
    assert [one.asset_id for one in nova.library()] == [first]
    assert copied(nova, first, SQUARE) == made
    assert opened(nova, made).size == (360, 360)


def test_too_large_copy_is_refused_with_a_reason(nova: CreatorStudio) -> None:
    found = work(nova, asked(nova, photograph(nova, size=(1200, 900)), CopyFinish(twice=True)))
    assert found.reason is not None
    assert found.reason.code == "enhance.too_large"


def test_requested_finish_survives_a_json_round_trip() -> None:
    for asked_for in (
        CopyFinish(),
        SQUARE,
        CopyFinish(strength=30),
        CopyFinish(form="pin", watermark=Watermark("@nova", size=7)),
    ):
        assert CopyFinish.from_json(asked_for.to_json()) == asked_for


def test_background_change_is_a_copy_and_a_missing_model_is_reported(
    nova: CreatorStudio, tmp_path: Path
) -> None:
    first = photograph(nova)
    asked_for = asked(nova, first, CopyFinish(background="#142878"))
    refused = work(nova, asked_for)
    assert refused.state is UploadState.REFUSED
    assert refused.reason is not None
    assert refused.reason.code == "cutout.no_model"
    settings = GeneratorsSettings(
        cutout_model=str(write_mask_model(tmp_path / "m.onnx", above=0.6))
    )
    assert asked(nova, first, CopyFinish(background="#142878")) == asked_for
    made = work(nova, asked_for, settings=settings)
    assert made.made_id is not None, made.reason
    corners = opened(nova, made.made_id).convert("RGB")
    assert any(
        abs(blue - 120) < 12 for _, _, blue in (corners.getpixel((x, 350)) for x in (2, 240, 470))
    )


def test_upscaled_copy_names_its_model_and_the_original_is_unchanged(
    nova: CreatorStudio, tmp_path: Path
) -> None:
    first = photograph(nova)
    file = upscaler_models.write_onnx_model(tmp_path / "4x-fine.onnx", factor=4)
    known = GeneratorsSettings(upscale_model=str(file))
    found = work(nova, asked(nova, first, CopyFinish(finer=True)), settings=known)
    assert found.made_id is not None, found.reason
    assert opened(nova, found.made_id).size == (1920, 1440)
    assert opened(nova, first).size == (480, 360)
    with nova.scope() as scope:
        told = lineage.get_lineage(scope, found.made_id).parameters
    digest_of_file = hashlib.sha256(file.read_bytes()).hexdigest()
    assert (told["larger_by"], told["larger_by_sha256"], told["finer"]) == (
        "4x-fine",
        digest_of_file,
        True,
    )
    refused = work(nova, asked(nova, photograph(nova, seed=8), CopyFinish(finer=True)))
    assert refused.reason is not None
    assert refused.reason.code == "upscale.no_model"


def test_stopped_copy_ends_after_its_tile_and_can_be_requested_again(
    nova: CreatorStudio, tmp_path: Path
) -> None:
    known = registry.load_upscaler(
        GeneratorsSettings(upscale_model=str(upscaler_models.write_onnx_model(tmp_path / "m.onnx")))
    )
    assert known is not None
    steps: list[tuple[int, int]] = []

    class Slow:
        name, digest, fixed_tile_side, scale_factor = "m", "-", 0, known.scale_factor
        stops = True

        def enlarge(self, tile: Image.Image) -> Image.Image:
            with nova.scope() as scope:
                (now,) = picture_copies.get_copies(scope, [copy_id])
                steps.append((now.step, now.steps))
            if self.stops and len(steps) == 2:
                with nova.scope("member:x") as scope:
                    picture_copies.stop_copy(scope, copy_id)
            return known.enlarge(tile)

    slow = Slow()
    first = photograph(nova, size=(600, 480))
    copy_id = asked(nova, first, CopyFinish(finer=True))
    stopped = work(nova, copy_id, upscaler=lambda: slow)
    assert steps == [(0, 4), (1, 4)], "progress for each tile, and none after the stop"
    assert stopped.reason is not None
    assert (stopped.state, stopped.reason.code, stopped.made_id) == (
        UploadState.REFUSED,
        "copy.stopped",
        None,
    )
    with nova.scope() as scope:
        due = scope.run(
            "SELECT count(*) FROM outbox WHERE subject_id = :id", id=copy_id
        ).scalar_one()
    assert due == 0
    slow.stops = False
    assert asked(nova, first, CopyFinish(finer=True)) == copy_id
    assert work(nova, copy_id, upscaler=lambda: slow).state is UploadState.READY
    with nova.scope("member:x") as scope:
        picture_copies.stop_copy(scope, copy_id)
        (done,) = picture_copies.get_copies(scope, [copy_id])
    assert done.state is UploadState.READY, "the finished part stays"
