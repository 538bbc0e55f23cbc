"""The last lines of a start: the addresses, and how to stop."""

import sys
import webbrowser
from collections.abc import Callable
from urllib.parse import urlsplit

from foundation.command_lines import command_line
from foundation.errors import GreenroomError
from foundation.i18n.translation import Message
from foundation.ops.settings import Settings, is_fixed_by_environment
from workers.installation.folder import InstallationFolder
from workers.runtime.forked_process import ForkServer
from workers.runtime.subprocess_task import SubprocessTask, is_installed
from workers.terminal.output import print_message, print_note

WELCOME_TASK = "demo.agency.lifecycle:welcome_addresses"
SETUP_TASK = "workers.installation.first_owner:setup_address"
LOOPBACK_HOSTS = ("127.0.0.1", "::1", "localhost")
RUN_DAY_COMMAND = "run-day --creator mia --brief examples/mia.yaml --fast"
"""Command that runs a day of the demo agency with the brief included in the source code."""


def default_addresses(settings: Settings) -> dict[str, str]:
    """Return the addresses of the web processes."""
    found = {"dashboard": settings.dashboard.public_url, "web": settings.web.public_url}
    if settings.has_sandbox:
        found["sandbox"] = f"http://127.0.0.1:{settings.sandbox.port}"
    return found


def find_unencrypted_addresses(settings: Settings) -> list[str]:
    """Return the public addresses of a production installation under which passwords and sessions
    would cross a network unencrypted."""
    if settings.environment != "production":
        return []
    return [
        group.public_url
        for group in (settings.dashboard, settings.web)
        if group.public_url.startswith("http://")
        and not {group.host, urlsplit(group.public_url).hostname} <= set(LOOPBACK_HOSTS)
    ]


def start_welcome_task(
    home: InstallationFolder, settings: Settings, forks: ForkServer | None = None
) -> SubprocessTask | None:
    """Look up the demo's addresses with a sign-in link, or create a setup link if no agency has an
    owner, while the processes start. Returns None for a demo that is not installed."""
    task = SETUP_TASK if settings.environment == "production" else WELCOME_TASK
    return SubprocessTask(home, "welcome", task, forks) if is_installed(task) else None


def print_start_summary(
    settings: Settings,
    asked: SubprocessTask | None,
    *,
    waiting: Callable[[], None],
    browser: bool = False,
    detached: bool = False,
) -> None:
    """Print the dashboard's address with a sign-in or setup link, the demo's pages and how to stop.

    With `browser` the dashboard is opened too, if there is a display and a terminal. A `detached`
    installation continues without this terminal, so Ctrl-C does not stop it.
    """
    links: dict[str, str] = {}
    if asked is not None:
        try:
            answer = asked.wait_for_result(waiting=waiting)
            links = answer if isinstance(answer, dict) else {}
        except GreenroomError as error:
            # Greenroom runs; only the link is missing.
            print_note(error.message)
    dashboard = links.get("dashboard") or default_addresses(settings)["dashboard"]
    print(flush=True)
    if "setup" in links:
        dashboard = links["setup"]
        print_message(Message("stack.greet_setup", {"address": dashboard}))
    else:
        print_message(Message("stack.greet_dashboard", {"address": dashboard}))
    if "page" in links:
        print_message(Message("stack.greet_page", {"address": links["page"]}))
        print_message(Message("stack.greet_chat", {"address": links["chat"]}))
        print_message(Message("stack.greet_day", {"command": command_line(RUN_DAY_COMMAND)}))
    stop = {"command": command_line("down")}
    print_message(
        Message("stack.greet_stop_detached", stop)
        if detached
        else Message("stack.greet_stop", stop)
    )
    exposed = find_unencrypted_addresses(settings)
    if exposed:
        print_message(Message("stack.unencrypted", {"addresses": ", ".join(exposed)}))
    if (
        browser
        and sys.stdout.isatty()
        and (is_fixed_by_environment("DISPLAY") or is_fixed_by_environment("WAYLAND_DISPLAY"))
    ):
        webbrowser.open(dashboard)
