"""`greenroom up --detach`: starts a supervisor without a terminal and repeats its first
messages."""

import sys

from foundation.ops.clock import sleep
from foundation.ops.settings import child_environment, installation_folder, load_settings
from workers.installation.folder import InstallationFolder, running_supervisor_pid
from workers.installation.state_file import read_status
from workers.runtime import start_summary
from workers.runtime.embedded_servers import spawn_process
from workers.runtime.process_table import CODE_ROOT
from workers.terminal.exit_codes import ExitCode
from workers.terminal.output import exit_on_error

BACKGROUND_MAIN = "workers.runtime.startup:run_in_background"


def start_in_background(main: str = BACKGROUND_MAIN) -> int:
    """Start the installation, print its steps until it is up, and leave it running. Return 0, or
    its exit code if it ended.

    `main` is the supervisor's main function, "module:attr".
    """
    home = InstallationFolder(installation_folder())
    log = home.log_file("supervisor")
    home.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    start = log.stat().st_size if log.exists() else 0
    process = spawn_process(
        [
            sys.executable,
            "-m",
            "workers.run",
            "supervisor",
            main,
            "--probes",
            "0",
        ],  # its children get their own ports
        log,
        before=_outlive_parent,
        environment=child_environment(home.folder, code=CODE_ROOT),
    )
    with log.open(encoding="utf-8", errors="replace") as said:
        said.seek(start)
        while process.poll() is None and not (
            running_supervisor_pid(home) == process.pid and read_status(home).phase == "up"
        ):
            sys.stderr.write(said.read())
            sys.stderr.flush()
            sleep(0.1)
        sys.stderr.write(said.read())
    if process.returncode is not None:
        return process.returncode or ExitCode.UNAVAILABLE
    with exit_on_error():
        settings = load_settings()
        start_summary.print_start_summary(
            settings,
            start_summary.start_welcome_task(home, settings),
            waiting=lambda: None,
            detached=True,
        )
    return 0


def _outlive_parent() -> None:
    """Do nothing, so that the child survives the end of this process."""
