"""Replicate: a picture is billed once, whatever is lost on the way, and what cannot be known is not
asked again."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from foundation.money import Price
from foundation.ops.clock import wall_now
from foundation.ops.settings import GeneratorsSettings
from generators import registry
from generators.contract.engines import (
    EngineBusy,
    EngineMissing,
    EngineUnreachable,
    HostedImageEngine,
    OriginLabel,
    PictureUndelivered,
    PurchaseRecord,
    ServedEngine,
)
from generators.engines.images import model_inputs, picture_inputs, replicate
from generators.engines.images.replicate import Replicate, ReplicateService
from generators.retouch.masks import MaskRegion, mask_for_picture
from tests.fakes.generators import picture_checks
from tests.fakes.generators.replicate import (
    EDITS,
    LOOKS,
    MODEL,
    SHAPED,
    TOKEN,
    FakeReplicate,
    Fault,
    serving,
)
from tests.generators.builders import a_picture, an_image_job, encoded

ORDERS = f"/v1/models/{MODEL}/predictions"
PRICES = {MODEL: Price(Decimal("0.3"), "USD"), SHAPED: Price(Decimal(4), "USD")} | {
    name: Price(Decimal(2), "USD") for name in (EDITS, LOOKS)
}


@pytest.fixture
def there() -> Iterator[FakeReplicate]:
    with serving() as state:
        yield state


def engine_of(there: FakeReplicate, **changes: Any) -> Replicate:
    given: dict[str, Any] = {"deadline": 0.5, "listed_after": 0.3, "look": 0.02, **changes}
    model, token = given.pop("model", MODEL), given.pop("token", TOKEN)
    return Replicate(
        ReplicateService(there.url, SecretStr(token), there.files_url), model, PRICES, **given
    )


@pytest.fixture
def engine(there: FakeReplicate) -> Replicate:
    return engine_of(there)


def a_slip() -> PurchaseRecord:
    return PurchaseRecord("ours-1")


def test_the_registry_offers_it_where_model_token_and_price_are_set(there: FakeReplicate) -> None:
    def offered(**changes: Any) -> Any:
        given = {
            "replicate_model": MODEL,
            "replicate_token": SecretStr(TOKEN),
            "prices": f"{MODEL} = 0.003 USD",
        }
        return registry.load_image_engine(
            GeneratorsSettings(replicate_url=there.url, **{**given, **changes})
        )

    found = offered()
    assert (found.name, found.model, found.price(an_image_job())) == (
        "replicate",
        MODEL,
        PRICES[MODEL],
    )
    assert isinstance(found, HostedImageEngine)
    for wrong, code in [
        ({"replicate_token": SecretStr("")}, "token_missing"),
        ({"prices": ""}, "price_missing"),
        ({"prices": "some"}, "prices_unread"),
    ]:
        with pytest.raises(EngineMissing, match=code):
            offered(**wrong)
    assert TOKEN not in repr(found.__dict__)


def test_the_doctor_can_ask_whether_the_token_holds(
    there: FakeReplicate, engine: Replicate
) -> None:
    assert isinstance(engine, ServedEngine)
    engine.check()
    with pytest.raises(EngineMissing, match="token_refused"):
        engine_of(there, token="r8_other").check()
    assert there.billed == []


def test_a_picture_is_what_was_asked_and_is_billed_once(
    there: FakeReplicate, engine: Replicate
) -> None:
    heard: list[tuple[int, int]] = []
    slip = a_slip()
    job = an_image_job(prompt="a café", width=128, height=64, steps=90)
    picture = engine.buy(job, slip, lambda *at: heard.append(at))
    assert there.asked == [
        {
            "prompt": "a café",
            "seed": 7,
            "width": 128,
            "height": 64,
            "num_inference_steps": 50,
            "greenroom": "ours-1",
        }
    ]
    assert (picture.width, picture.height, picture.mime, picture.label) == (
        128,
        64,
        "image/png",
        OriginLabel.NONE,
    )
    assert there.billed == [slip.order]
    assert heard[0] == (0, 100)
    assert heard[-1] == (100, 100)
    assert any(0 < done < 100 for done, _ in heard)
    assert there.tokens_at_files == [""], "the token stays with the service"


def test_words_to_avoid_that_the_model_does_not_take_are_refused_before_anything_is_bought(
    there: FakeReplicate, engine: Replicate
) -> None:
    with pytest.raises(EngineMissing, match="cannot_negative"):
        engine.buy(an_image_job(negative="blur"), a_slip())
    assert (there.asked, there.billed) == ([], [])
    told = model_inputs.input_values(
        an_image_job(negative="blur"),
        {"prompt": {}, "negative_prompt": {}},
        engine="replicate",
        model=MODEL,
    )
    assert told == {"prompt": "beach at sunset", "negative_prompt": "blur"}


def test_a_size_it_cannot_make_is_the_nearest_it_can(
    there: FakeReplicate, engine: Replicate
) -> None:
    engine.draw(an_image_job(width=1600, height=1200))
    assert (there.asked[0]["width"], there.asked[0]["height"]) == (1440, 1080)
    engine_of(there, model=SHAPED).draw(an_image_job(width=1600, height=1200))
    assert there.asked[1]["aspect_ratio"] == "1:1"
    engine_of(there, model=SHAPED).draw(an_image_job(width=600, height=1000))
    assert there.asked[2]["aspect_ratio"] == "3:4"


@pytest.mark.parametrize("late", [0, 2], ids=["at once", "listed late"])
@pytest.mark.parametrize(
    "fault", [Fault(reset_after=True), Fault(status=502), Fault(reset=True)], ids=repr
)
def test_a_lost_answer_bills_once(
    there: FakeReplicate, engine: Replicate, fault: Fault, late: int
) -> None:
    there.late, there.page = late, 1
    engine.draw(an_image_job(seed=3))  # another one of the same account stands in the list
    there.fail(ORDERS, fault)
    engine.buy(an_image_job(), a_slip())
    assert len(there.billed) == len(there.asked) == 2


def test_who_dies_after_asking_is_followed_by_one_who_finds_it(
    there: FakeReplicate, engine: Replicate
) -> None:
    slip = a_slip()
    slip.mark_requested()
    engine._send_api_request(
        "POST",
        ORDERS.removeprefix("/v1"),
        {"input": {"prompt": "beach at sunset", "greenroom": "ours-1"}},
    )
    picture = engine_of(there).buy(an_image_job(), slip)  # the first died before it noted the id
    assert picture.data
    assert len(there.billed) == len(there.asked) == 1
    again = PurchaseRecord("ours-1", slip.since, slip.order)
    assert (
        engine_of(there).buy(an_image_job(), again).data == picture.data
    )  # and the second before the picture stood
    assert len(there.billed) == 1


def test_who_died_before_asking_is_followed_by_one_who_asks(
    there: FakeReplicate, engine: Replicate
) -> None:
    slip = PurchaseRecord("ours-1", wall_now())
    engine.buy(an_image_job(), slip)
    assert len(there.billed) == 1


def test_what_was_asked_an_hour_ago_is_not_asked_again(
    there: FakeReplicate, engine: Replicate
) -> None:
    with pytest.raises(PictureUndelivered, match="order_lost"):
        engine.buy(an_image_job(), PurchaseRecord("ours-1", wall_now() - timedelta(hours=1)))
    slip = a_slip()
    engine.buy(an_image_job(), slip)
    there.age(hours=2)
    with pytest.raises(PictureUndelivered, match="output_gone"):
        engine.buy(an_image_job(), slip)
    assert len(there.asked) == 1


def test_too_many_says_when_to_come_back(there: FakeReplicate, engine: Replicate) -> None:
    there.throttled = 1
    slip = a_slip()
    with pytest.raises(EngineBusy) as raised:
        engine.buy(an_image_job(), slip)
    assert (raised.value.after, slip.since) == (7.0, None)
    assert engine.buy(an_image_job(), slip).data


@pytest.mark.parametrize(
    ("ends", "error", "code"),
    [
        ("failed", "CUDA error", "order_failed"),
        ("failed", "NSFW content detected. Try running it again", "content_refused"),
        ("canceled", None, "order_cancelled"),
        ("aborted", None, "order_cancelled"),
    ],
)
def test_what_ended_without_a_picture_is_billed_and_not_repeated(
    there: FakeReplicate, engine: Replicate, ends: str, error: str | None, code: str
) -> None:
    there.ends, there.error = ends, error
    slip = a_slip()
    for _ in range(2):
        with pytest.raises(PictureUndelivered, match=code):
            engine.buy(an_image_job(), slip)
    assert slip.since is not None
    assert len(there.billed) == 1


@pytest.mark.parametrize("begins", [True, False])
def test_what_is_cancelled_before_it_begins_costs_nothing(
    there: FakeReplicate, engine: Replicate, begins: bool
) -> None:
    class Stopped(Exception):
        pass

    def stop(_done: int, _total: int) -> None:
        if there.asked:
            raise Stopped

    there.begins, there.looks = begins, 9
    slip = a_slip()
    with pytest.raises(Stopped):
        engine.buy(an_image_job(), slip, stop)
    assert there.cancelled == [], "whose row was lost leaves it to the next"
    engine.cancel(slip)
    assert len(there.cancelled) == 1
    assert (slip.since is None) == (not begins) == (not there.billed)


@pytest.mark.parametrize(
    "output",
    [
        "https://elsewhere.example/a.png",
        "ftp://127.0.0.1/a.png",
        "http://127.0.0.1:1/a.png",
        7,
        [],
        [{}],
        "http://[x",
    ],
)
def test_a_picture_comes_from_nowhere_else(
    there: FakeReplicate, engine: Replicate, output: Any
) -> None:
    there.output = output
    with pytest.raises(PictureUndelivered, match=r"output_(gone|elsewhere)"):
        engine.buy(an_image_job(), a_slip())
    assert there.tokens_at_files == []


def test_a_subdomain_of_its_files_is_its_own_and_a_likeness_is_not() -> None:
    home = "https://replicate.delivery"
    assert replicate._comes_from("https://pbxt.replicate.delivery/a.png", home)
    for wrong in (
        "https://notreplicate.delivery/a",
        "http://replicate.delivery/a",
        "https://u@replicate.delivery/a",
    ):
        assert not replicate._comes_from(wrong, home)


def test_a_fetch_that_breaks_off_is_fetched_again_and_not_made_again(
    there: FakeReplicate, engine: Replicate
) -> None:
    slip = a_slip()
    there.fail("/p0000/out-0.png", Fault(reset=True), Fault(status=503))
    for _ in range(2):
        with pytest.raises(EngineUnreachable, match="broken_off"):
            engine.buy(an_image_job(), slip)
    assert engine.buy(an_image_job(), slip).data
    assert len(there.billed) == 1


@pytest.mark.parametrize(
    "fault", [Fault(status=503), Fault(hang=True), Fault(reset=True)], ids=repr
)
def test_a_look_that_fails_leaves_it_to_the_next_try(
    there: FakeReplicate, engine: Replicate, fault: Fault
) -> None:
    slip = a_slip()
    there.fail("/v1/predictions/p0000", fault)
    with pytest.raises(EngineUnreachable):
        engine.buy(an_image_job(), slip)
    assert engine.buy(an_image_job(), slip).data
    assert len(there.billed) == 1


def test_what_is_no_picture_is_not_asked_again(there: FakeReplicate, engine: Replicate) -> None:
    slip = a_slip()
    engine.buy(an_image_job(), slip)
    there.files["/p0000/out-0.png"] = b"<html>"
    with pytest.raises(PictureUndelivered, match="answer_invalid"):
        engine.buy(an_image_job(), slip)


def test_pictures_go_in_the_inputs_that_the_schema_says_take_them(
    there: FakeReplicate, engine: Replicate
) -> None:
    init = encoded(a_picture(3000, 2000, seed=5))
    job = an_image_job(
        model=EDITS, init=init, mask=mask_for_picture(MaskRegion(0, 0, 50, 50), init), strength=1.0
    )
    picture = engine.buy(job, a_slip())
    asked = there.asked[0]
    assert {name for name in asked if str(asked[name]).startswith("data:image/")} == {
        "image",
        "mask",
    }
    assert (asked["prompt_strength"], picture.parameters["prompt_strength"]) == (0.95, 0.95), (
        "within its bounds"
    )
    assert "image" not in picture.parameters, "what was sent is no fact of the picture"
    two = tuple(encoded(a_picture(640, 480, seed=seed)) for seed in (1, 2))
    engine.buy(an_image_job(model=LOOKS, references=two), a_slip())
    assert len(there.asked[1]["reference_images"]) == 2
    cases: list[tuple[str, dict[str, Any], str]] = [
        (MODEL, {"init": two[0]}, "model_cannot_init"),
        (EDITS, {"references": two}, "model_cannot_references"),
        (
            LOOKS,
            {"init": two[0], "mask": mask_for_picture(MaskRegion(0, 0, 50, 50), two[0])},
            "model_cannot_init",
        ),
        (EDITS, {"pose": two[0]}, "cannot_pose"),
    ]
    for model, wrong, code in cases:
        with pytest.raises(EngineMissing, match=code):
            engine.buy(an_image_job(model=model, **wrong), a_slip())
    assert len(there.billed) == 2


def test_a_lost_answer_sends_a_picture_once_and_finds_it_in_a_full_list(
    there: FakeReplicate,
) -> None:
    noise = encoded(Image.effect_noise((1400, 1000), 200).convert("RGB"), quality=95)
    there.fail(f"/v1/models/{EDITS}/predictions", Fault(reset_after=True))
    there.late = 1
    engine_of(there, deadline=3.0).buy(an_image_job(model=EDITS, init=noise), a_slip())
    assert (len(there.asked), len(there.billed)) == (1, 1)
    assert len(there.asked[0]["image"]) < 360_000, (
        "small enough for a hundred of them in one page of the list"
    )


@pytest.mark.parametrize(
    ("said", "black"),
    [
        ("Black areas will be preserved while white areas will be inpainted.", False),
        ("Black pixels are inpainted and white pixels are preserved.", True),
        ("White pixels = keep, Black pixels = discard", True),
        ("The mask", False),
    ],
)
def test_a_mask_is_turned_where_a_model_makes_black_anew(said: str, black: bool) -> None:
    uri = {"type": "string", "format": "uri"}
    init = encoded(a_picture(200, 100))
    job = an_image_job(init=init, mask=mask_for_picture(MaskRegion(0, 0, 50, 100), init))
    sent = picture_inputs.picture_inputs(
        job, {"init_image": uri, "mask": {**uri, "description": said}}, engine="replicate"
    )
    mask = picture_checks.open_inline_picture(sent["mask"], most=10_000)
    assert mask is not None
    assert (mask.getpixel((10, 50)), mask.getpixel((190, 50))) == ((0, 255) if black else (255, 0))


@pytest.mark.parametrize(
    "page", ['{"results": ["a"]}', '{"results": [null]}', '{"results": 7}', '{"results": {}}', "{}"]
)
def test_a_list_of_another_shape_is_no_word_that_nothing_was_ordered(
    there: FakeReplicate, engine: Replicate, page: str
) -> None:
    """Whoever reads from it that an order was never taken pays twice."""
    slip = a_slip()
    there.fail(ORDERS, Fault(reset_after=True))
    there.fail("/v1/predictions", *[Fault(status=200, body=page)] * 40)
    with pytest.raises(EngineUnreachable, match="answer_broken_off"):
        engine.buy(an_image_job(), slip)
    there.faults["/v1/predictions"].clear()
    engine.buy(an_image_job(), slip)
    assert len(there.billed) == 1
