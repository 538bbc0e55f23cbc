"""The last five lines of a start: where everything is, and how to stop it."""

import sys
import webbrowser
from collections.abc import Callable

from foundation.errors import GreenroomError
from foundation.i18n.translation import Message
from foundation.ops.settings import Settings, is_fixed_by_environment
from workers.installation.folder import InstallationFolder
from workers.runtime.forked_process import ForkServer
from workers.runtime.subprocess_task import SubprocessTask
from workers.terminal.output import print_message, print_note

WELCOME_TASK = "demo.agency.lifecycle:welcome_addresses"


def default_addresses(settings: Settings) -> dict[str, str]:
    """Where a person finds the doors."""
    return {
        "dashboard": settings.dashboard.public_url,
        "web": settings.web.public_url,
        "sandbox": f"http://127.0.0.1:{settings.sandbox.port}",
    }


def start_welcome_task(
    home: InstallationFolder, settings: Settings, forks: ForkServer | None = None
) -> SubprocessTask | None:
    """Have the demo's addresses looked up, the one-time link among them, while the processes start.

    None where there is no demo.
    """
    return (
        None
        if settings.environment == "production"
        else SubprocessTask(home, "welcome", WELCOME_TASK, forks)
    )


def print_start_summary(
    settings: Settings,
    asked: SubprocessTask | None,
    *,
    waiting: Callable[[], None],
    browser: bool = False,
    detached: bool = False,
) -> None:
    """Print five lines: dashboard with the link, a creator's page, the chat, the day, how to stop.

    With `browser` the dashboard is opened too, where there is a display and a person. What is
    `detached` goes on without this terminal, and its Ctrl-C ends nothing.
    """
    where = default_addresses(settings)
    shown = {"dashboard": where["dashboard"], "page": where["web"], "chat": where["sandbox"]}
    if asked is not None:
        try:
            answer = asked.wait_for_result(waiting=waiting)
            shown |= answer if isinstance(answer, dict) else {}
        except GreenroomError as error:
            print_note(error.message)  # the house runs; only the link is missing
    print()
    print_message(Message("stack.greet_dashboard", {"address": shown["dashboard"]}))
    print_message(Message("stack.greet_page", {"address": shown["page"]}))
    print_message(Message("stack.greet_chat", {"address": shown["chat"]}))
    print_message(Message("stack.greet_day", {"command": "greenroom run-day"}))
    stop = {"command": "greenroom down"}
    print_message(
        Message("stack.greet_stop_detached", stop)
        if detached
        else Message("stack.greet_stop", stop)
    )
    if (
        browser
        and sys.stdout.isatty()
        and (is_fixed_by_environment("DISPLAY") or is_fixed_by_environment("WAYLAND_DISPLAY"))
    ):
        webbrowser.open(shown["dashboard"])
