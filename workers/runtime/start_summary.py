"""The last lines of a start: the addresses, and how to stop."""

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
RUN_DAY_COMMAND = "greenroom run-day --creator mia --brief examples/mia.yaml --fast"
"""Command that runs a day of the demo agency with the brief included in the source code."""


def default_addresses(settings: Settings) -> dict[str, str]:
    """Return the addresses of the web processes."""
    return {
        "dashboard": settings.dashboard.public_url,
        "web": settings.web.public_url,
        "sandbox": f"http://127.0.0.1:{settings.sandbox.port}",
    }


def start_welcome_task(
    home: InstallationFolder, settings: Settings, forks: ForkServer | None = None
) -> SubprocessTask | None:
    """Look up the demo's addresses, with a sign-in link, while the processes start.

    Returns None in a production installation.
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
    """Print the dashboard's address with a sign-in link, the demo's pages, and how to stop.

    With `browser` the dashboard is opened too, if there is a display and a terminal. A `detached`
    installation continues without this terminal, so Ctrl-C does not stop it.
    """
    dashboard = default_addresses(settings)["dashboard"]
    demo: dict[str, str] = {}
    if asked is not None:
        try:
            answer = asked.wait_for_result(waiting=waiting)
            demo = answer if isinstance(answer, dict) else {}
        except GreenroomError as error:
            # Greenroom runs; only the sign-in link is missing.
            print_note(error.message)
    dashboard = demo.get("dashboard", dashboard)
    print(flush=True)
    print_message(Message("stack.greet_dashboard", {"address": dashboard}))
    if demo:
        print_message(Message("stack.greet_page", {"address": demo["page"]}))
        print_message(Message("stack.greet_chat", {"address": demo["chat"]}))
        print_message(Message("stack.greet_day", {"command": RUN_DAY_COMMAND}))
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
        webbrowser.open(dashboard)
