"""Steps of the Bot API that python-telegram-bot builds: one request of a call, without the token,
texts in logs or a hidden retry."""

import logging

import pytest
from telegram.error import NetworkError, TelegramError

from connectors.contract.connector import StepKind
from connectors.platforms.telegram.bot_request import StepBot
from connectors.platforms.telegram.bot_steps import build_step
from connectors.shared.sdk_codec import TOKEN, SdkBreach
from tests.connectors.platforms.telegram.test_publisher import PHOTO


def test_call_becomes_one_request_of_the_transport() -> None:
    step = build_step(
        "look", StepKind.CONTROL, lambda bot: bot.get_chat("@lea"), action="look", seconds=5.0
    )
    assert (step.name, step.kind, step.method) == ("look", StepKind.CONTROL, "POST")
    assert (step.path, step.json) == ("/bot{token}/getChat", {"chat_id": "@lea"})
    assert (step.token, step.action, step.deadline) == ("path", "look", 5.0)


@pytest.mark.parametrize("handled", [TelegramError, Exception, BaseException])
def test_hidden_retry_of_a_call_is_a_breach(handled: type[BaseException]) -> None:
    asked = []

    async def send_again(bot: StepBot) -> None:
        for _ in range(3):
            try:
                asked.append(await bot.send_message(5001, "bonjour"))
            except handled:
                continue

    if handled is BaseException:
        with pytest.raises(SdkBreach):
            build_step("publish", StepKind.PUBLISH, send_again)
    else:  # nothing that the library handles ends the run
        assert build_step("publish", StepKind.PUBLISH, send_again).name == "publish"
    assert asked == []


@pytest.mark.parametrize("error", [NetworkError("reset"), ValueError("wrong")])
def test_error_before_the_request_is_raised(error: Exception) -> None:
    async def fail(bot: StepBot) -> None:
        raise error

    with pytest.raises(type(error)):
        build_step("publish", StepKind.PUBLISH, fail)


def test_call_without_a_request_is_a_breach() -> None:
    async def send_nothing(bot: StepBot) -> None:
        """Send nothing."""

    with pytest.raises(SdkBreach):
        build_step("publish", StepKind.PUBLISH, send_nothing)


def test_file_that_the_unit_lacks_is_a_breach() -> None:
    with pytest.raises(SdkBreach):
        build_step(
            "publish",
            StepKind.PUBLISH,
            lambda bot: bot.send_photo(5001, bot.input_file(PHOTO, 0)),
        )


def test_no_text_token_or_placeholder_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    """The library logs the fields of each request at the level DEBUG."""
    caplog.set_level(logging.DEBUG)
    build_step("publish", StepKind.PUBLISH, lambda bot: bot.send_message(5001, "a secret"))
    assert "a secret" not in caplog.text
    assert TOKEN not in caplog.text
