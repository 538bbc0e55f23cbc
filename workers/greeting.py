"""The last five lines of a start: where everything is, and how to stop it."""

import sys
import webbrowser
from collections.abc import Callable

from foundation import settings as house
from foundation.errors import GreenroomError
from foundation.settings import Settings
from foundation.words import Message
from workers.forks import ForkServer
from workers.home import Home
from workers.once import Once
from workers.terminal import note, tell

WELCOME = "workers.welcome:addresses"


def addresses(settings: Settings) -> dict[str, str]:
    """Where a person finds the doors."""
    return {
        "dashboard": settings.dashboard.public_url,
        "web": settings.web.public_url,
        "sandbox": f"http://127.0.0.1:{settings.sandbox.port}",
    }


def ask_welcome(home: Home, settings: Settings, forks: ForkServer | None = None) -> Once | None:
    """Have the demo's addresses looked up, the one-time link among them, while the processes start.

    None where there is no demo.
    """
    return None if settings.environment == "production" else Once(home, "welcome", WELCOME, forks)


def greet(
    settings: Settings,
    asked: Once | None,
    *,
    waiting: Callable[[], None],
    browser: bool = False,
    detached: bool = False,
) -> None:
    """Print five lines: dashboard with the link, a creator's page, the chat, the day, how to stop.

    With `browser` the dashboard is opened too, where there is a display and a person. What is `detached` goes on
    without this terminal, and its Ctrl-C ends nothing.
    """
    where = addresses(settings)
    shown = {"dashboard": where["dashboard"], "page": where["web"], "chat": where["sandbox"]}
    if asked is not None:
        try:
            answer = asked.answer(waiting=waiting)
            shown |= answer if isinstance(answer, dict) else {}
        except GreenroomError as error:
            note(error.message)  # the house runs; only the link is missing
    print()
    tell(Message("stack.greet_dashboard", {"address": shown["dashboard"]}))
    tell(Message("stack.greet_page", {"address": shown["page"]}))
    tell(Message("stack.greet_chat", {"address": shown["chat"]}))
    tell(Message("stack.greet_day", {"command": "greenroom day"}))
    stop = {"command": "greenroom down"}
    tell(Message("stack.greet_stop_detached", stop) if detached else Message("stack.greet_stop", stop))
    if browser and sys.stdout.isatty() and (house.fixed("DISPLAY") or house.fixed("WAYLAND_DISPLAY")):
        webbrowser.open(shown["dashboard"])
