"""Ingest of bytes into the library: real photographs, hostile files, marks of origin."""

import io
import json
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import ExifTags, Image
from PIL.PngImagePlugin import PngInfo

from foundation.errors import BadInput, NotFound, Unavailable
from foundation.storage.object_store import FileStore
from gate.assets import asset_records
from generators.contract.engines import ImageJob, OriginLabel
from generators.engines.images.placeholder import PlaceholderEngine
from generators.media import pictures
from generators.provenance import content_credentials, embedded_claims, generator_metadata
from generators.provenance.content_credentials import MarkStatus, ProvenanceClaim
from studio.ingest import pipeline
from studio.ingest.pipeline import AssetSource
from studio.library import assets
from tenants.agencies import agencies
from tests.generators.builders import a_picture, encoded
from tests.studio.builders import CREDENTIAL, ZONE, CreatorStudio


def taken(at: datetime, *, offset: str = "+00:00") -> bytes:
    """Encode a camera picture with a capture time."""
    exif = Image.Exif()
    details = exif.get_ifd(ExifTags.IFD.Exif)
    details[ExifTags.Base.DateTimeOriginal] = f"{at:%Y:%m:%d %H:%M:%S}"
    details[ExifTags.Base.OffsetTimeOriginal] = offset
    return encoded(a_picture(seed=at.minute), "JPEG", exif=exif)


def with_preview(shown: int) -> bytes:
    """Encode picture number 1 with an embedded thumbnail of picture number `shown`."""
    small = encoded(a_picture(64, 43, seed=shown), "JPEG")
    tiff = b"II*\x00\x08\x00\x00\x00" + struct.pack("<HI", 0, 14)
    entries = ((0x0103, 3, 6), (0x0201, 4, 14 + 2 + 36 + 4), (0x0202, 4, len(small)))
    directory = struct.pack("<H", 3) + b"".join(
        struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in entries
    )
    return encoded(
        a_picture(), "JPEG", exif=b"Exif\x00\x00" + tiff + directory + b"\x00" * 4 + small
    )


def stored(nova: CreatorStudio, asset: UUID) -> bytes:
    with nova.scope() as scope:
        medium = assets.get_rendition(scope, asset, "sandbox")
    data = nova.services.store.get(nova.tenant_id, medium.sha256)
    assert len(data) == medium.size
    return data


def test_real_photographs_are_ingested_without_their_metadata(
    nova: CreatorStudio, shared: Path
) -> None:
    files = sorted(
        path for path in (shared / "data" / "photos").iterdir() if path.suffix in (".jpg", ".png")
    )
    assert files
    for path in files:
        asset = nova.upload(path.read_bytes(), path.name)
        picture = Image.open(io.BytesIO(stored(nova, asset)))
        assert picture.format == "JPEG"
        assert max(picture.size) <= 2048
        assert not picture.getexif()
    items = nova.library()
    assert len(items) == len(files)
    assert {item.engine for item in items} == {"camera"}
    assert {item.rating for item in items} == {None}  # # no ratings yet


HOSTILE = {
    "empty": b"",
    "text": b"hello",
    "gif": encoded(a_picture().convert("P"), "GIF")[:-9],
    "cut": encoded(a_picture(), "JPEG")[:-200],
    "polyglot": encoded(a_picture(), "JPEG") + b"PK\x03\x04 an archive",
    "animated": encoded(
        a_picture(), "WEBP", save_all=True, append_images=[a_picture(seed=2)], duration=100
    )
    + b"PK\x03\x04",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_file_is_not_recorded(nova: CreatorStudio, kind: str) -> None:
    with pytest.raises(BadInput) as told:
        nova.upload(HOSTILE[kind], "evil.jpg")
    assert told.value.message.params["file"] == "evil.jpg"
    assert [nova.count(table) for table in ("assets", "renditions", "creations")] == [0, 0, 0]
    assert not (nova.services.settings.objects_folder / str(nova.tenant_id)).exists()


def test_same_file_twice_is_one_asset(nova: CreatorStudio) -> None:
    data = encoded(a_picture(), "JPEG")
    assert nova.upload(data, "one.jpg") == nova.upload(data, "two.jpg")
    assert [nova.count(table) for table in ("assets", "renditions", "creations")] == [1, 1, 1]


def test_concurrent_uploads_of_one_file_are_one_asset(nova: CreatorStudio) -> None:
    prepared = pipeline.prepare_upload(encoded(a_picture(), "JPEG"), name="x.jpg")
    found: list[object] = []
    threads = [Thread(target=lambda: found.append(nova.bring(prepared))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(found) == 4
    assert len(set(found)) == 1
    assert nova.count("assets") == 1


def test_same_file_of_two_creators_shares_ratings_but_not_ownership(
    nova: CreatorStudio,
) -> None:
    prepared = pipeline.prepare_upload(encoded(a_picture(), "JPEG"), name="x.jpg")
    with nova.scope() as scope:
        other = agencies.add_creator(
            scope, slug="zoe", name="Zoé", kind="human", zone=ZONE, languages=["fr"]
        )
    first, second = nova.bring(prepared), nova.bring(prepared, creator=other)
    assert first != second
    with nova.scope() as scope:
        assert (
            assets.get_rendition(scope, first, "x").sha256
            == assets.get_rendition(scope, second, "x").sha256
        )
        assets.check_assets_owned(scope, other, [second])
        with pytest.raises(NotFound):
            assets.check_assets_owned(scope, other, [first])


def test_camera_date_is_stored_unless_it_is_in_the_future(nova: CreatorStudio) -> None:
    past = nova.upload(taken(datetime(2025, 7, 14, 12, 1, tzinfo=UTC)))
    with nova.scope() as scope:
        tomorrow = scope.now + timedelta(days=1)
    future = nova.upload(taken(tomorrow.replace(minute=2)))
    with nova.scope() as scope:
        assert assets.get_asset(scope, past).taken_at == datetime(2025, 7, 14, 12, 1, tzinfo=UTC)
        assert assets.get_asset(scope, future).taken_at is None
        sources = dict(
            scope.run("SELECT id, source FROM assets WHERE tenant_id = :t", t=nova.tenant_id).all()
        )
    # # only the first proves a date
    assert (sources[past], sources[future]) == ("capture", "ingest")


def test_full_disk_prevents_any_record(nova: CreatorStudio, tmp_path: Path) -> None:
    blocked = tmp_path / "a file where a folder should be"
    blocked.write_text("x")
    with pytest.raises(Unavailable):
        pipeline.ingest_asset(
            nova.services.tenant,
            FileStore(blocked),
            tenant_id=nova.tenant_id,
            creator_id=nova.creator_id,
            prepared=pipeline.prepare_upload(encoded(a_picture(), "JPEG"), name="x.jpg"),
        )
    assert nova.count("assets") == 0


def test_generated_picture_has_its_mark_and_its_lineage(nova: CreatorStudio) -> None:
    job = ImageJob(prompt="beach at sunset", seed=11, width=96, height=64, steps=1)
    prepared = pipeline.prepare_generated_picture(
        PlaceholderEngine().draw(job), key="test:1", alt="a beach", credential=CREDENTIAL
    )
    asset = nova.bring(prepared)
    mark = content_credentials.verify_media(
        stored(nova, asset), "image/jpeg", anchor=CREDENTIAL.anchor
    )
    assert (mark.standing, mark.engine) == (MarkStatus.TRUSTED, "placeholder")
    with nova.scope() as scope:
        item = assets.get_asset(scope, asset)
        assert assets.get_rendition(scope, asset, "x").ai == "generated"
    assert (item.engine, item.seed, item.prompt, item.label) == (
        "placeholder",
        11,
        "beach at sunset",
        "placeholder",
    )


def test_label_is_evidence_for_the_gate_and_returns_with_the_file(nova: CreatorStudio) -> None:
    job = ImageJob(prompt="beach at sunset", seed=11, width=96, height=64, steps=1)
    asset = nova.bring(
        pipeline.prepare_generated_picture(
            PlaceholderEngine().draw(job), key="test:1", alt="", credential=CREDENTIAL
        )
    )
    again = nova.upload(stored(nova, asset))  # # downloaded from here and uploaded again
    plain = nova.upload(encoded(a_picture(), "JPEG"))
    child = nova.bring(
        replace(
            pipeline.prepare_upload(encoded(a_picture(seed=5), "JPEG"), name="a"),
            source=AssetSource(
                key="still:1", origin="upload", ai="none", engine="still", parent=asset
            ),
        )
    )
    with nova.scope() as scope:
        for one in (asset, again, child):
            assert (asset_records.asset_label(scope, one), assets.get_asset(scope, one).label) == (
                "placeholder",
                "placeholder",
            )
        assert (asset_records.asset_label(scope, plain), assets.get_asset(scope, plain).label) == (
            "",
            "",
        )
    strange = content_credentials.sign_media(
        pictures.render_photo(
            pictures.decode_photo(encoded(a_picture()), name="x"), pictures.POST_PROFILE
        ).data,
        "image/jpeg",
        CREDENTIAL,
        ProvenanceClaim("somebody's model", "1", label="<b>own word</b>"),
    )
    with nova.scope() as scope:
        assert asset_records.asset_label(scope, nova.upload(strange)) == "", (
            "an unknown label is ignored"
        )


def test_labelled_pictures_are_not_offered_beside_unlabelled_generated_ones(
    nova: CreatorStudio,
) -> None:
    job = ImageJob(prompt="beach at sunset", seed=11, width=96, height=64, steps=1)
    drawn = PlaceholderEngine().draw(job)
    demo = nova.bring(
        pipeline.prepare_generated_picture(drawn, key="test:1", alt="", credential=CREDENTIAL)
    )
    photo = nova.upload(encoded(a_picture(seed=5), "JPEG"))
    with nova.scope() as scope:
        assert {one.asset_id for one in assets.list_asset_tiles(scope, nova.creator_id)} == {
            demo,
            photo,
        }
        assert not assets.needs_label_separation(scope, nova.creator_id)
    real = replace(
        drawn, data=encoded(a_picture(seed=6), "PNG"), engine="diffusion", label=OriginLabel.NONE
    )
    own = nova.bring(
        pipeline.prepare_generated_picture(real, key="test:2", alt="", credential=CREDENTIAL)
    )
    with nova.scope() as scope:
        assert {one.asset_id for one in assets.list_asset_tiles(scope, nova.creator_id)} == {
            own,
            photo,
        }


def signed_by_a_model() -> bytes:
    plain = pictures.render_photo(
        pictures.decode_photo(encoded(a_picture()), name="x"), pictures.POST_PROFILE
    ).data
    return content_credentials.sign_media(
        plain, "image/jpeg", CREDENTIAL, ProvenanceClaim("somebody's model", "1")
    )


def with_prompt() -> bytes:
    from PIL.PngImagePlugin import PngInfo

    notes = PngInfo()
    notes.add_text("parameters", "a beach, steps: 20")
    return encoded(a_picture(), "PNG", pnginfo=notes)


@pytest.mark.parametrize(
    ("data", "engine"),
    [(signed_by_a_model(), "somebody's model"), (with_prompt(), "unnamed")],
    ids=["mark", "prompt"],
)
def test_uploaded_generated_picture_is_not_a_photograph(
    nova: CreatorStudio, data: bytes, engine: str
) -> None:
    asset = nova.upload(data)
    with nova.scope() as scope:
        assert assets.get_rendition(scope, asset, "x").ai == "generated"
        assert assets.get_asset(scope, asset).engine == engine


def test_another_agency_cannot_find_the_picture(nova: CreatorStudio, services: object) -> None:
    from tests.studio.builders import create_studio

    other = create_studio(nova.services)
    asset = nova.upload(encoded(a_picture(), "JPEG"))
    with other.scope() as scope, pytest.raises(NotFound):
        assets.get_asset(scope, asset)
    with other.scope() as scope, pytest.raises(NotFound):
        assets.get_rendition(scope, asset, "x")


A1111 = (
    "a quiet beach, dawn\nNegative prompt: blur\nSteps: 20, Sampler: Euler a, CFG scale: 7, Seed: "
    "42, Model: some-xl"
)
GRAPH = json.dumps(
    {
        "1": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "some-xl"}},
        "2": {"class_type": "CLIPTextEncode", "inputs": {"text": "a quiet beach, dawn"}},
        "3": {
            "class_type": "KSampler",
            "inputs": {"seed": 42, "positive": ["2", 0], "model": ["1", 0]},
        },
    }
)


def noted(**texts: str) -> bytes:
    notes = PngInfo()
    for key, said in texts.items():
        notes.add_itxt(key, said, zip=key == "packed")
    return encoded(a_picture(), "PNG", pnginfo=notes)


def commented(text: str) -> bytes:
    exif = Image.Exif()
    exif.get_ifd(ExifTags.IFD.Exif)[ExifTags.Base.UserComment] = b"UNICODE\0" + text.encode(
        "utf-16-be"
    )
    return encoded(a_picture(), "JPEG", exif=exif)


@pytest.mark.parametrize(
    "data", [noted(parameters=A1111), noted(prompt=GRAPH, workflow="{}"), commented(A1111)]
)
def test_generator_metadata_marks_an_upload_as_generated_with_its_lineage(data: bytes) -> None:
    source = pipeline.prepare_upload(data, name="brought").source
    assert (source.ai, source.engine) == ("generated", "unnamed")
    assert (source.prompt, source.seed, source.model) == ("a quiet beach, dawn", 42, "some-xl")


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize(
    ("said", "ai"),
    [
        ("trainedAlgorithmicMedia", "generated"),
        ("compositeWithTrainedAlgorithmicMedia", "generated"),
        ("algorithmicMedia", "none"),
        ("digitalCapture", "none"),
    ],
)
def test_iptc_source_type_decides_the_origin(kind: str, said: str, ai: str) -> None:
    packet = content_credentials.xmp_packet("digitalCreation").replace(
        b"digitalCreation", said.encode()
    )
    if kind == "PNG":
        notes = PngInfo()
        notes.add_itxt("XML:com.adobe.xmp", packet.decode(), zip=True)
        data = encoded(a_picture(), kind, pnginfo=notes)
    else:
        data = encoded(a_picture(), kind, xmp=packet)
    assert pipeline.prepare_upload(data, name="brought").source.ai == ai


WRITTEN = [
    noted(
        parameters="<script>alert(1)</script>\x01\nSteps: 1, Seed: 99999999999999999999, Model: "
        + "x" * 900
    ),
    noted(prompt="[" * 19_000),
    noted(
        prompt='{"1": {"inputs": {"seed": 1'
        + "0" * 9_000
        + ', "positive": ["1", 0], "text": ["1", 0]}}}'
    ),
    noted(
        prompt='{"1": {"inputs": {"seed": 1, "positive": ["1", 0], "text": ["1", 0]}}, "2": [], '
        '"3": {"inputs": 3}}'
    ),
    noted(parameters="a" * 900_000, packed="DigitalSourceType" * 20_000),
    noted(prompt='{"1": {"inputs": {"seed": "randomize", "positive": ["1", 0], "text": "sea"}}}'),
    noted(prompt='{"1": {"inputs": {"seed": "' + "9" * 9_000 + '", "positive": "sea"}}}'),
    commented("\x00\ud7ff" * 2000 + "\nSteps: 1, Seed: 1"),
]


@pytest.mark.parametrize("data", WRITTEN, ids=range(len(WRITTEN)))
def test_hostile_metadata_is_cleaned_and_harmless(nova: CreatorStudio, data: bytes) -> None:
    prepared = pipeline.prepare_upload(data, name="brought")
    assert len(prepared.source.prompt) <= 2000
    assert len(prepared.source.model) <= 200
    assert prepared.source.ai == "generated"
    assert b"script" not in prepared.data
    nova.bring(prepared)  # # unstorable characters were removed before


@given(st.text(max_size=300), st.binary(max_size=300))
def test_any_metadata_is_read_without_an_error(text: str, data: bytes) -> None:
    node = {text: text, "seed": text, "positive": text, "ckpt_name": text}
    for lineage in (
        {"parameters": text},
        {"prompt": text},
        {"prompt": json.dumps({text: {"inputs": node}})},
    ):
        found = embedded_claims.left_metadata(lineage)
        assert "\x00" not in found.prompt + found.model
    assert embedded_claims.declared_source_type(data, text.encode(errors="replace")) == ""
    for said in generator_metadata.decode_exif_text(data):
        assert isinstance(list(generator_metadata.recognize_text(said)), list)


@pytest.mark.parametrize(
    ("said", "kept_as"),
    [
        ("Firefly 4", "Firefly 4"),
        ("", "unnamed"),
        ("camera", "unnamed"),
        (" camera\0", "unnamed"),
        ("placeholder", "unnamed"),
        ("a\0b\nc", "ab c"),
        ("x" * 5_000, "x" * embedded_claims.MAX_MODEL_LENGTH),
    ],
)
def test_mark_of_a_model_means_generated_under_any_name(
    nova: CreatorStudio, said: str, kept_as: str
) -> None:
    plain = pictures.render_photo(
        pictures.decode_photo(encoded(a_picture(seed=9)), name="x"), pictures.POST_PROFILE
    ).data
    data = content_credentials.sign_media(
        plain, "image/jpeg", CREDENTIAL, ProvenanceClaim(said, "m")
    )
    asset = nova.upload(data)
    with nova.scope() as scope:
        row = scope.run("SELECT ai, engine FROM assets WHERE id = :asset", asset=asset).one()
    assert (row.ai, row.engine) == ("generated", kept_as)
