"""Preparation of `greenroom worker --join`: key, engine and spool folder."""

import getpass
import signal
import sys
from functools import cache
from types import FrameType

from foundation.errors import BadInput
from foundation.i18n.translation import Message
from foundation.ops.settings import Settings, installation_folder, load_settings
from generators import registry
from workers.remote_worker import work_loop
from workers.remote_worker.installation_api import InstallationApi
from workers.remote_worker.spool import open_spool
from workers.terminal.output import print_progress, translate


def run_remote_worker(url: str, *, once: bool = False) -> None:
    """Work for an installation until Ctrl-C or SIGTERM or, with `once`, until no job is left.

    Raises BadInput without a key or if the URL is not https, EngineMissing if the configured engine
    cannot be used, Conflict if this machine already works for the installation with the key, and
    Refused for an invalid key.
    """
    settings = load_settings()
    key = _read_key(settings)
    found = InstallationApi(url, key, told=_build_unreachable_report())
    engine = registry.load_image_engine(settings.generators)
    signal.signal(signal.SIGTERM, _exit_on_signal)
    with open_spool(installation_folder(), found.url, key) as spool:
        work_loop.run_work_loop(
            work_loop.RemoteWorker(found, engine, spool, print_progress), once=once
        )


def _read_key(settings: Settings) -> str:
    """Read the key from the settings or the terminal. The command line is visible to every process
    of the machine."""
    known = settings.workers.join_key.get_secret_value().strip()
    if not known and sys.stdin.isatty():
        known = getpass.getpass(f"{translate(Message('join.which_key'))} ").strip()
    if not known or not known.isascii() or not known.isprintable():
        raise BadInput("join.no_key")
    return known


def _build_unreachable_report() -> work_loop.ReportUnreachable:
    """Return a function that reports each reason for an unreachable installation once."""

    @cache
    def report_unreachable(why: str) -> None:
        print_progress(Message("join.away", {"why": why}))

    return report_unreachable


def _exit_on_signal(_signum: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)
