"""Replicate: a picture is billed once despite lost responses, and an uncertain order is never
repeated."""

from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from PIL import Image
from pydantic import SecretStr

from foundation.http.http_client import HttpResponse
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
from generators.engines.images.replicate import (
    Replicate,
    ReplicateService,
    retry_after_seconds,
)
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


def test_registry_offers_replicate_if_model_token_and_price_are_set(there: FakeReplicate) -> None:
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


def test_check_refuses_an_invalid_token(there: FakeReplicate, engine: Replicate) -> None:
    assert isinstance(engine, ServedEngine)
    engine.check()
    with pytest.raises(EngineMissing, match="token_refused"):
        engine_of(there, token="r8_other").check()
    assert there.billed == []


def test_picture_matches_the_request_and_is_billed_once(
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
    assert there.tokens_at_files == [""], "the token is sent only to the API"


def test_unsupported_negative_prompt_is_refused_before_any_order(
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


def test_impossible_size_becomes_the_nearest_possible(
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
def test_lost_response_is_billed_once(
    there: FakeReplicate, engine: Replicate, fault: Fault, late: int
) -> None:
    there.late, there.page = late, 1
    engine.draw(an_image_job(seed=3))  # another order of the same account in the list
    there.fail(ORDERS, fault)
    engine.buy(an_image_job(), a_slip())
    assert len(there.billed) == len(there.asked) == 2


def test_successor_of_a_dead_worker_finds_the_order(
    there: FakeReplicate, engine: Replicate
) -> None:
    slip = a_slip()
    slip.mark_requested()
    engine._send_api_request(
        "POST",
        ORDERS.removeprefix("/v1"),
        {"input": {"prompt": "beach at sunset", "greenroom": "ours-1"}},
    )
    # the first worker died before it stored the order ID
    picture = engine_of(there).buy(an_image_job(), slip)
    assert picture.data
    assert len(there.billed) == len(there.asked) == 1
    again = PurchaseRecord("ours-1", slip.since, slip.order)
    assert (
        engine_of(there).buy(an_image_job(), again).data == picture.data
    )  # the second died before the picture was stored
    assert len(there.billed) == 1


def test_worker_that_died_before_the_request_is_succeeded_by_one_order(
    there: FakeReplicate, engine: Replicate
) -> None:
    slip = PurchaseRecord("ours-1", wall_now())
    engine.buy(an_image_job(), slip)
    assert len(there.billed) == 1


def test_order_of_unknown_outcome_is_not_repeated_after_an_hour(
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


def test_rate_limit_returns_the_retry_delay(there: FakeReplicate, engine: Replicate) -> None:
    there.throttled = 1
    slip = a_slip()
    with pytest.raises(EngineBusy) as raised:
        engine.buy(an_image_job(), slip)
    assert (raised.value.after, slip.since) == (7.0, None)
    assert engine.buy(an_image_job(), slip).data


@pytest.mark.parametrize(
    ("headers", "body", "seconds"),
    [
        ({"retry-after": "12"}, b"", 12.0),
        ({"retry-after": "12.25"}, b"resets in ~7s", 12.25),
        (
            {
                "retry-after": "Mon, 01 Jun 2026 12:01:30 GMT",
                "date": "Mon, 01 Jun 2026 12:00:00 GMT",
            },
            b"",
            90.0,
        ),
        ({"retry-after": "86400"}, b"", 3600.0),
        ({"retry-after": "soon"}, b"", 30.0),
        ({}, b"", 30.0),
    ],
)
def test_retry_delay_is_read_in_any_format(
    headers: dict[str, str], body: bytes, seconds: float
) -> None:
    assert retry_after_seconds(HttpResponse(429, headers, body)) == seconds


@pytest.mark.parametrize(
    ("ends", "error", "code"),
    [
        ("failed", "CUDA error", "order_failed"),
        ("failed", "NSFW content detected. Try running it again", "content_refused"),
        ("canceled", None, "order_cancelled"),
        ("aborted", None, "order_cancelled"),
    ],
)
def test_order_without_a_picture_is_billed_and_not_repeated(
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
def test_order_cancelled_before_start_costs_nothing(
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
    assert there.cancelled == [], "a worker that lost its row leaves the order to its successor"
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
def test_output_from_another_host_is_refused(
    there: FakeReplicate, engine: Replicate, output: Any
) -> None:
    there.output = output
    with pytest.raises(PictureUndelivered, match=r"output_(gone|elsewhere)"):
        engine.buy(an_image_job(), a_slip())
    assert there.tokens_at_files == []


def test_output_host_allows_subdomains_only() -> None:
    home = "https://replicate.delivery"
    assert replicate._comes_from("https://pbxt.replicate.delivery/a.png", home)
    for wrong in (
        "https://notreplicate.delivery/a",
        "http://replicate.delivery/a",
        "https://u@replicate.delivery/a",
    ):
        assert not replicate._comes_from(wrong, home)


def test_interrupted_download_is_repeated_without_a_new_order(
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
def test_failed_status_request_is_retried_without_a_new_order(
    there: FakeReplicate, engine: Replicate, fault: Fault
) -> None:
    slip = a_slip()
    there.fail("/v1/predictions/p0000", fault)
    with pytest.raises(EngineUnreachable):
        engine.buy(an_image_job(), slip)
    assert engine.buy(an_image_job(), slip).data
    assert len(there.billed) == 1


def test_invalid_picture_file_is_not_ordered_again(there: FakeReplicate, engine: Replicate) -> None:
    slip = a_slip()
    engine.buy(an_image_job(), slip)
    there.files["/p0000/out-0.png"] = b"<html>"
    with pytest.raises(PictureUndelivered, match="answer_invalid"):
        engine.buy(an_image_job(), slip)


def test_pictures_fill_the_inputs_of_the_models_schema(
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
        "limited to the schema's bounds"
    )
    assert "image" not in picture.parameters, "input pictures are no parameters of the result"
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


def test_order_with_a_large_picture_is_found_after_a_lost_response(
    there: FakeReplicate,
) -> None:
    noise = encoded(Image.effect_noise((1400, 1000), 200).convert("RGB"), quality=95)
    there.fail(f"/v1/models/{EDITS}/predictions", Fault(reset_after=True))
    there.late = 1
    engine_of(there, deadline=3.0).buy(an_image_job(model=EDITS, init=noise), a_slip())
    assert (len(there.asked), len(there.billed)) == (1, 1)
    assert len(there.asked[0]["image"]) < 360_000, (
        "small enough for a hundred orders on one page of the list"
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
def test_mask_is_inverted_for_models_that_repaint_black(said: str, black: bool) -> None:
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
def test_malformed_order_list_is_not_read_as_no_order(
    there: FakeReplicate, engine: Replicate, page: str
) -> None:
    """Reading it as a missing order would pay twice."""
    slip = a_slip()
    there.fail(ORDERS, Fault(reset_after=True))
    there.fail("/v1/predictions", *[Fault(status=200, body=page)] * 40)
    with pytest.raises(EngineUnreachable, match="answer_broken_off"):
        engine.buy(an_image_job(), slip)
    there.faults["/v1/predictions"].clear()
    engine.buy(an_image_job(), slip)
    assert len(there.billed) == 1
