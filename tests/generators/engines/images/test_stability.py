"""Stability: a picture is ordered once; an order without a response is billed and lost."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import pytest
from PIL import ExifTags, Image
from pydantic import SecretStr

from foundation.money import Price
from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import (
    EngineMissing,
    EngineUnreachable,
    HostedImageEngine,
    OriginLabel,
    PictureUndelivered,
    PurchaseRecord,
    ServedEngine,
)
from generators.engines.images.stability import Stability
from generators.retouch.masks import MaskRegion, mask_for_picture
from tests.fakes.generators.replicate import Fault
from tests.fakes.generators.stability import TOKEN, FakeStability, serving
from tests.generators.builders import a_picture, an_image_job, encoded

PRICES = {"core": Price(Decimal(3), "USD")}


@pytest.fixture
def there() -> Iterator[FakeStability]:
    with serving() as state:
        yield state


@pytest.fixture
def engine(there: FakeStability) -> Stability:
    return Stability(there.url, SecretStr(TOKEN), "core", PRICES, deadline=0.5)


def test_registry_offers_stability_if_model_key_and_price_are_set(there: FakeStability) -> None:
    given = {
        "stability_model": "core",
        "stability_token": SecretStr(TOKEN),
        "prices": "core = 0.03 USD",
    }
    found = registry.load_image_engine(GeneratorsSettings(stability_url=there.url, **given))
    assert isinstance(found, HostedImageEngine)
    assert isinstance(found, ServedEngine)
    assert (found.name, found.price(an_image_job())) == ("stability", PRICES["core"])
    found.check()
    for wrong, code in [
        ({"stability_token": SecretStr("")}, "token_missing"),
        ({"prices": ""}, "price_missing"),
        ({"stability_model": "../v1"}, "model_missing"),
    ]:
        with pytest.raises(EngineMissing, match=code):
            registry.load_image_engine(
                GeneratorsSettings(stability_url=there.url, **{**given, **wrong})
            )
    with pytest.raises(EngineMissing, match="token_refused"):
        Stability(there.url, SecretStr("sk-other"), "core", PRICES).check()


def test_picture_matches_the_request_and_is_billed_once(
    there: FakeStability, engine: Stability
) -> None:
    heard: list[tuple[int, int]] = []
    job = an_image_job(prompt="a café", negative="blur", width=1536, height=864, seed=2**40)
    picture = engine.buy(job, PurchaseRecord("x"), lambda *at: heard.append(at))
    form = there.asked[0]
    assert form.pop("seed") == str(2**40 % (4_294_967_294 + 1))
    assert form == {
        "prompt": "a café",
        "negative_prompt": "blur",
        "aspect_ratio": "16:9",
        "output_format": "png",
    }
    assert (picture.width, picture.height, picture.mime, picture.label) == (
        128,
        72,
        "image/png",
        OriginLabel.NONE,
    )
    assert (there.billed, heard) == (1, [(0, 1), (1, 1)])


@pytest.mark.parametrize(
    "fault",
    [Fault(reset_after=True), Fault(hang=True), Fault(status=502), Fault(status=504)],
    ids=repr,
)
def test_lost_response_is_never_requested_again(
    there: FakeStability, engine: Stability, fault: Fault
) -> None:
    there.faults.append(fault)
    slip = PurchaseRecord("x")
    for _ in range(2):
        with pytest.raises(PictureUndelivered, match="order_lost"):
            engine.buy(an_image_job(), slip)
    engine.cancel(slip)
    assert slip.since is not None
    assert there.billed == (1 if fault.reset_after else 0)


def test_refusals_of_the_service_map_to_errors(there: FakeStability) -> None:
    engine = Stability(
        there.url, SecretStr(TOKEN), "core", PRICES
    )  # no delay in this test: the default timeout applies
    slip = PurchaseRecord("x")
    with pytest.raises(PictureUndelivered, match="content_refused"):
        engine.buy(an_image_job(prompt="forbidden"), slip)
    assert slip.since is None, "nothing was generated"
    there.ends = "CONTENT_FILTERED"
    slip = PurchaseRecord("y")
    with pytest.raises(PictureUndelivered, match="content_refused"):
        engine.buy(an_image_job(), slip)
    assert slip.since is not None, "it was generated before it was checked"
    there.credits = 0
    with pytest.raises(EngineMissing, match="no_credit"):
        engine.buy(an_image_job(), PurchaseRecord("z"))


def test_unreachable_server_received_no_order() -> None:
    slip = PurchaseRecord("x")
    with pytest.raises(EngineUnreachable):
        Stability("http://127.0.0.1:9", SecretStr(TOKEN), "core", PRICES).buy(an_image_job(), slip)
    assert slip.since is None


def _photo(**changes: int) -> bytes:
    """Return a photograph whose EXIF names the camera and rotates the picture."""
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Camera"
    exif[ExifTags.Base.Orientation] = 6
    return encoded(a_picture(**{"width": 640, "height": 480, **changes}), exif=exif)


def _priced(there: FakeStability, model: str = "core") -> Stability:
    known = {
        name: Price(Decimal(cost), "USD")
        for name, cost in (("core", 3), ("sd3", 6), ("inpaint", 5), ("style", 4))
    }
    return Stability(there.url, SecretStr(TOKEN), model, known, deadline=2)


def test_init_picture_uses_the_image_to_image_service(there: FakeStability) -> None:
    engine = _priced(there)
    job = an_image_job(init=_photo(), strength=0.35)
    picture = engine.buy(job, PurchaseRecord("x"))
    form = there.asked[0]
    assert (there.services, form["mode"], form["strength"]) == (
        ["generate/sd3"],
        "image-to-image",
        "0.35",
    )
    assert there.shown[0]["image"].size == (480, 640), "upright and without metadata"
    assert (picture.model, engine.price(job).minor, picture.parameters["strength"]) == (
        "sd3",
        6,
        0.35,
    )


def test_mask_uses_inpainting_with_strength_as_grey_level(there: FakeStability) -> None:
    engine = _priced(there)
    init = encoded(a_picture(3000, 2000))
    job = an_image_job(
        init=init, mask=mask_for_picture(MaskRegion(0, 0, 50, 100), init), strength=0.5
    )
    assert (engine.buy(job, PurchaseRecord("x")).model, engine.price(job).minor) == ("inpaint", 5)
    shown = there.shown[0]
    assert shown["image"].size == shown["mask"].size == (1536, 1024), "not larger than needed"
    assert (shown["mask"].getpixel((10, 10)), shown["mask"].getpixel((1500, 10))) == (128, 0)
    assert "strength" not in there.asked[0]


def test_one_reference_uses_the_style_service_and_others_are_refused(there: FakeStability) -> None:
    engine = _priced(there)
    job = an_image_job(references=(_photo(),), reference_weight=0.8)
    assert (engine.buy(job, PurchaseRecord("x")).model, there.asked[0]["fidelity"]) == (
        "style",
        "0.8",
    )
    cases: list[tuple[dict[str, Any], str]] = [
        ({"references": (_photo(), _photo(seed=2))}, "few_references"),
        ({"references": (_photo(),), "init": _photo()}, "cannot_together"),
        ({"references": (encoded(a_picture(640, 100)),)}, "picture_unfit"),
        ({"init": encoded(a_picture(640, 40))}, "picture_unfit"),
        ({"pose": _photo()}, "cannot_pose"),
    ]
    for wrong, code in cases:
        slip = PurchaseRecord("y")
        with pytest.raises(EngineMissing, match=code):
            engine.buy(an_image_job(**wrong), slip)
        assert slip.since is None
    with pytest.raises(EngineMissing, match="price_missing"):
        _priced(there, "ultra").buy(an_image_job(init=_photo()), PurchaseRecord("z"))
    assert there.billed == 1


def test_picture_with_a_lost_response_is_sent_once(there: FakeStability) -> None:
    there.faults.append(Fault(reset_after=True))
    slip = PurchaseRecord("x")
    for _ in range(2):
        with pytest.raises(PictureUndelivered, match="order_lost"):
            _priced(there).buy(an_image_job(init=_photo()), slip)
    assert (there.billed, len(there.shown)) == (1, 1)
