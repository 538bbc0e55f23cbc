"""Messages of a bot as python-telegram-bot builds them: the same unit is always the same request,
of which a permit covers every byte."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.connector import Response, Send, StepAnswerLost, StepNotSent, StepResult
from connectors.platforms.telegram.messages import build_publish_step
from connectors.platforms.telegram.publisher import Telegram
from foundation.money import STARS, Money
from gate.contract.units import Button, Medium, PlatformOption, Text, Unit
from tests.connectors.platforms.telegram.test_publisher import POST, said

MIMES = {"a": "image/jpeg", "b": "image/png", "c": "video/mp4"}
MEDIA = st.builds(
    lambda digit, width, seconds: Medium(
        digit * 64, MIMES[digit], 5, width=width, height=9, seconds=seconds
    ),
    st.sampled_from("abc"),
    st.sampled_from([0, 7]),
    st.sampled_from([0, 14]),
)
UNITS = st.builds(
    lambda text, media, flags, options, under, price: replace(
        POST,
        texts=(Text("body", text),),
        media=tuple(media),
        flags=tuple(flags),
        options=options,
        reply_to=under,
        price=price if media else None,
        buttons=(Button("Buy", "buy", "7"),) if len(media) < 2 else (),
    ),
    st.text(min_size=1, max_size=8),
    st.lists(MEDIA, max_size=4),
    st.lists(st.sampled_from(["has_spoiler=true", "protect_content=true"]), unique=True),
    st.sampled_from([(), (PlatformOption("silent", ("true",)),)]),
    st.sampled_from(["", "-1001000000000/7"]),
    st.sampled_from([None, Money(50, STARS)]),
)


@given(UNITS)
def test_same_unit_is_the_same_request_with_its_files_in_order(unit: Unit) -> None:
    """The library invents the names of attached files, which would change the digest."""
    step, again = build_publish_step(unit), build_publish_step(unit)
    assert (step, step.wire_digest()) == (again, again.wire_digest())
    assert [(file.sha256, file.mime) for file in step.files.values()] == [
        (medium.sha256, medium.mime) for medium in unit.media
    ]
    assert "placeholder" not in repr(step)
    shown = (step.json or {}).get("media", [])
    assert [item["media"] for item in shown] == [f"attach://{part}" for part in step.files][
        : len(shown)
    ]


ANSWERS = st.one_of(
    st.builds(said, st.sampled_from([400, 401, 403, 404, 429, 500, 503]), st.text(max_size=20)),
    st.builds(Response, st.just("publish"), st.sampled_from([200, 302, 503]), st.just({})),
    st.builds(StepAnswerLost, st.just("publish"), st.sampled_from(["ReadTimeout", "reset"])),
    st.builds(StepNotSent, st.just("publish"), st.just("ConnectError")),
)


@given(UNITS, ANSWERS)
def test_message_is_never_requested_again_after_an_answer(unit: Unit, answer: StepResult) -> None:
    assert not isinstance(Telegram().next_step(unit, (answer,)), Send)
