"""Steps of the Bot API: a call of python-telegram-bot's `Bot` becomes the step that the transport
sends.
"""

from collections.abc import Callable, Coroutine, Sequence
from typing import TYPE_CHECKING, Any

from connectors.contract.connector import Send, StepKind, WireStep
from connectors.shared.sdk_codec import Exchange, SdkBreach, replay_coroutine
from gate.contract.units import Medium

if TYPE_CHECKING:
    from connectors.platforms.telegram.bot_request import StepBot

BotCall = Callable[["StepBot"], Coroutine[Any, Any, object]]
"""A call of one method of a bot, which is one request."""


def build_step(
    name: str,
    kind: StepKind,
    call: BotCall,
    *,
    action: str = "",
    media: Sequence[Medium] = (),
    seconds: float = 30.0,
) -> WireStep:
    """Return the request of a bot's method as a step with a timeout in seconds. `media` are the
    files that it may contain. Raises SdkBreach if the method sends no request."""
    # Imported late: only processes that serve a bot load python-telegram-bot.
    from connectors.platforms.telegram.bot_request import (  # noqa: PLC0415  see above
        BASE_URL,
        StepBot,
    )

    plan = WireStep(name, kind, "", "/bot{token}", token="path", action=action, deadline=seconds)
    exchange = Exchange(lambda _request: plan, (), base_url=BASE_URL, media=media)
    turn = replay_coroutine(exchange, lambda: call(StepBot(exchange)))
    if not isinstance(turn, Send):
        raise SdkBreach(f"{name}: no request")
    return turn.step


def chat_id(of: str) -> int | str:
    """Return a chat as requests identify it: a number, or a channel's @name."""
    return int(of) if of.removeprefix("-").isdigit() else of
