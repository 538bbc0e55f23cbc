"""The HTTP classifier: the views it receives, validation of its answers, and behaviour when it
fails."""

import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from foundation.ops.settings import GeneratorsSettings
from gate.contract.units import Rating
from generators import registry
from generators.analysis.picture_views import MAX_TILES, TILE, picture_views
from generators.contract.engines import (
    EngineError,
    EngineMissing,
    EngineUnreachable,
    UnusableAnswer,
)
from generators.engines.vision.http_classifier import HttpClassifier as Client
from generators.media import pictures
from generators.media.pictures import DecodedPhoto
from tests.fakes.generators.classifier import (
    FakeClassifier,
    draw_tile,
    draw_two_faced_tile,
    serving,
)
from tests.generators.builders import a_picture, encoded


@pytest.fixture
def eyes() -> Iterator[FakeClassifier]:
    with serving() as state:
        yield state


def client(eyes: FakeClassifier, **changes: Any) -> Client:
    return Client(eyes.url, frozenset({eyes.who}), **changes)


def shown(image: Image.Image) -> DecodedPhoto:
    return pictures.decode_photo(encoded(image, "PNG"), name="x")


@pytest.mark.parametrize(
    ("kind", "rating", "prohibited"),
    [
        ("G", "G", ""),
        ("S", "S", ""),
        ("N", "N", ""),
        ("E", "E", ""),
        ("MINOR", "X", "minor"),
        ("X", "X", "category"),
    ],
)
def test_rating_of_each_tile_is_returned(
    eyes: FakeClassifier, kind: str, rating: str, prohibited: str
) -> None:
    seen = client(eyes).classify_views(
        picture_views(shown(draw_tile(kind, faces=2, text="HELLO-A")))
    )
    assert (seen.source, seen.rating, seen.prohibited) == (
        "classifier:tiles@1",
        Rating(rating),
        prohibited,
    )
    assert (seen.people, seen.words) == (2, ("HELLO-A",))


def test_ordinary_pictures_are_rated_general_without_people(eyes: FakeClassifier) -> None:
    seen = client(eyes).classify_views(picture_views(shown(a_picture(400, 300))))
    assert (seen.rating, seen.people, seen.words) == (Rating.G, 0, ())


def test_content_visible_only_on_black_is_rated(eyes: FakeClassifier) -> None:
    hiding = shown(draw_two_faced_tile("G", "E"))
    assert client(eyes).classify_views(picture_views(hiding)).rating is Rating.E
    assert {name.split(".")[1] for name in eyes.views} == {"white", "black"}
    assert (
        client(eyes).classify_views(picture_views(shown(draw_two_faced_tile("G", "S")))).rating
        is Rating.S
    )
    assert (
        client(eyes).classify_views(picture_views(shown(draw_two_faced_tile("G", "G")))).rating
        is Rating.G
    )


def test_small_detail_of_a_large_picture_is_rated_at_full_size(eyes: FakeClassifier) -> None:
    large = draw_tile("G", edge=64).convert("RGB").resize((2 * TILE - 128, TILE))
    large.paste(draw_tile("E", edge=64).resize((TILE, TILE)), (TILE - 128, 0))
    assert (
        client(eyes).classify_views(picture_views(DecodedPhoto(large, "image/jpeg", ""))).rating
        is Rating.E
    )


def test_tiles_cover_every_pixel_within_the_limit() -> None:
    from generators.analysis.picture_views import _cut_tiles

    for size in ((TILE + 1, 40), (2048, 1365), (5200, 3600), (8000, 1200)):
        tiles = _cut_tiles(Image.new("RGB", size))
        assert 1 < len(tiles) <= MAX_TILES
        assert all(max(one.size) <= TILE for one in tiles)
    marked = np.zeros((1365, 2048, 3), dtype=np.uint8)
    marked[::97, ::89] = 255
    whole = int((marked > 0).sum())
    assert (
        sum(int((np.asarray(one) > 0).sum()) for one in _cut_tiles(Image.fromarray(marked)))
        >= whole
    )


def test_failed_or_silent_classifier_raises(eyes: FakeClassifier) -> None:
    picture = picture_views(shown(draw_tile("G")))
    eyes.status = 503
    with pytest.raises(EngineUnreachable):
        client(eyes).classify_views(picture)
    eyes.status, eyes.hang = 200, True
    with pytest.raises(EngineUnreachable):
        client(eyes, seconds=0.2).classify_views(picture)
    with pytest.raises(EngineUnreachable):
        Client("http://127.0.0.1:9", frozenset()).classify_views(picture)


def test_unknown_version_is_refused(eyes: FakeClassifier) -> None:
    known = client(eyes)
    eyes.version = "2"
    with pytest.raises(EngineMissing) as told:
        known.classify_views(picture_views(shown(draw_tile("G"))))
    assert told.value.message.params["version"] == "tiles@2"
    assert known.describe_source() == "classifier:tiles@2"
    assert not known.is_known_source(known.describe_source())


def answer(*views: dict[str, Any], **changes: Any) -> bytes:
    return json.dumps({"name": "tiles", "version": "1", "views": list(views), **changes}).encode()


GENERAL = {"rating": "G", "people": 0, "words": []}
HOSTILE = {
    "nothing": b"",
    "no json": b"<html>ok</html>",
    "no views": answer(),
    "too many": answer(GENERAL, GENERAL, GENERAL),
    "no rating": answer({"people": 0}, GENERAL),
    "another ladder": answer({"rating": "safe"}, GENERAL),
    "a number as text": answer({"rating": "G", "people": "0"}, GENERAL),
    "a negative count": answer({"rating": "G", "people": -1}, GENERAL),
    "a crowd": answer({"rating": "G", "people": 10**9}, GENERAL),
    "half a letter": answer(GENERAL, GENERAL).replace(b"[]", b'["\\ud800"]'),
    "a name for a log": answer(GENERAL, GENERAL, name="member:7"),
    "a version for a log": answer(GENERAL, GENERAL, version="1\nrule:x"),
    "megabytes": answer({"rating": "G", "words": ["x" * 300_000]}, GENERAL),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_answers_are_refused(eyes: FakeClassifier, kind: str) -> None:
    eyes.garbage = HOSTILE[kind]
    picture = picture_views(shown(draw_tile("G")))
    assert len(picture) == 2
    with pytest.raises(EngineError) as told:
        client(eyes).classify_views(picture)
    assert isinstance(told.value, UnusableAnswer)


def face(numbers: int = 128, **changes: Any) -> dict[str, Any]:
    return {"vector": [0.5] * numbers, "size": 0.4, "sure": 0.9, **changes}


def seeing(*faces: Any, model: str = "arc@3") -> bytes:
    return answer({**GENERAL, "faces": list(faces)}, GENERAL, face_model=model)


def test_faces_are_returned_by_view_with_unit_vectors(eyes: FakeClassifier) -> None:
    eyes.garbage = seeing(face(), face(vector=[3.0, *([0.0] * 127)]))
    seen = client(eyes).classify_views(picture_views(shown(draw_tile("G"))))
    assert seen.faces is not None
    assert (seen.faces.model, [one.view for one in seen.faces.found]) == (
        "arc@3",
        ["whole.white"] * 2,
    )
    for one in seen.faces.found:
        numbers = np.frombuffer(one.vector, dtype="<f4")
        assert (len(numbers), one.size, one.sure) == (128, 40, 90)
        assert float(np.linalg.norm(numbers)) == pytest.approx(1, abs=1e-5)
    assert "vector" not in repr(seen)


def test_no_faces_differs_from_no_face_detection(eyes: FakeClassifier) -> None:
    eyes.garbage = seeing()
    none = client(eyes).classify_views(picture_views(shown(draw_tile("G")))).faces
    assert none is not None
    assert none.found == ()
    eyes.garbage = answer(GENERAL, GENERAL)
    assert client(eyes).classify_views(picture_views(shown(draw_tile("G")))).faces is None


NO_FACES: dict[str, bytes] = {
    "without a model": answer({**GENERAL, "faces": [face()]}, GENERAL),
    "a model without a version": seeing(face(), model="arc"),
    "a model for a log": seeing(face(), model="arc@3\nx"),
    "none": seeing(face(0)),
    "short": seeing(face(63)),
    "long": seeing(face(1025)),
    "two lengths": seeing(face(), face(64)),
    "zero": seeing(face(vector=[0.0] * 128)),
    "nearly zero": seeing(face(vector=[1e-30] * 128)),
    "no number": seeing(face(vector=[float("nan")] * 128)),
    "without end": seeing(face(vector=[float("-inf")] * 128)),
    "huge": seeing(face(vector=[1e300] * 128)),
    "words": seeing(face(vector=["0.5"] * 128)),
    "a crowd": seeing(*[face(64)] * 33),
    "larger than the view": seeing(face(size=1.5)),
    "surer than sure": seeing(face(sure=-0.1)),
    "without a size": seeing({"vector": [0.5] * 128, "sure": 0.5}),
    "megabytes": seeing(*[face(1024, vector=[0.123456789012345678] * 1024)] * 32, model="arc@3")
    + b" " * 2_000_000,
}


@pytest.mark.parametrize("kind", NO_FACES)
def test_malformed_faces_are_refused(eyes: FakeClassifier, kind: str) -> None:
    eyes.garbage = NO_FACES[kind]
    with pytest.raises(UnusableAnswer):
        client(eyes).classify_views(picture_views(shown(draw_tile("G"))))


def test_recognised_text_is_limited_and_printable(eyes: FakeClassifier) -> None:
    eyes.garbage = answer(
        {"rating": "G", "words": ["a\x00b", "a b", "y" * 3_000, "z" * 3_000]}, GENERAL
    )
    seen = client(eyes).classify_views(picture_views(shown(draw_tile("G"))))
    assert seen.words[0] == "a b"
    assert sum(map(len, seen.words)) == 4_000


def test_classifier_is_loaded_only_if_configured(eyes: FakeClassifier) -> None:
    assert registry.load_classifier(GeneratorsSettings()) is None
    found = registry.load_classifier(
        GeneratorsSettings(classifier_url=eyes.url, classifier_versions=" other@1, tiles@1")
    )
    assert found is not None
    assert found.classify_views(picture_views(shown(draw_tile("S")))).rating is Rating.S


def test_views_contain_no_file_metadata(eyes: FakeClassifier) -> None:
    exif = Image.Exif()
    exif[0x010E] = "secret place"
    photo = pictures.decode_photo(encoded(a_picture(), "JPEG", exif=exif), name="x")
    for view in picture_views(photo):
        assert b"secret place" not in view.data
        assert not Image.open(io.BytesIO(view.data)).getexif()
