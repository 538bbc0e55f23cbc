"""The folder of an installation: its secrets, its lock, and the readiness of its processes.

Folders have mode 0700.

- `greenroom.env`: settings and generated secrets, mode 0600, written atomically.
- `lock`: held by the supervisor while it runs, with its process ID.
- `pg/`, `redis/`, `objects/`: the data.
- `objects-archive/`: signatures of the decision log, written once.
- `run/`: `state.json` and `<name>.ready`, meaningless after a stop.
- `logs/`: one file per process, rotated at 10 MiB when its process starts.
"""

import base64
import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from pydantic_settings.sources import DotEnvSettingsSource

from foundation.errors import Conflict, Unavailable
from foundation.ops import health_endpoint
from foundation.ops.clock import monotonic, sleep
from foundation.ops.settings import Settings, load_settings_of
from tenants.auth import second_factor
from tenants.vault import envelope, sealed_intake

MIB = 1024 * 1024
FIRST_START_MIB = 500
LATER_START_MIB = 100
"""MiB of free space that a start requires."""
MAX_SOCKET_PATH_BYTES = 107
"""Longest path of a Unix socket (https://man7.org/linux/man-pages/man7/unix.7.html)."""

LOG_MIB = 10
OLD_LOGS = 3
LOCK_WAIT_SECONDS = 0.5
"""Seconds to wait for the lock: longer than a process holds it to read the ID of the supervisor."""


def _generate_password() -> str:
    return secrets.token_urlsafe(24)


def _generate_key() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


MASTER_KEY = "GREENROOM_TENANTS__MASTER_KEY"
SIGNING_KEY = "GREENROOM_GATE__SIGNING_KEY"
SECRET_FACTORIES: Mapping[str, Callable[[], str]] = {
    "GREENROOM_EMBEDDED__SUPERUSER_PASSWORD": _generate_password,
    "GREENROOM_EMBEDDED__OWNER_PASSWORD": _generate_password,
    "GREENROOM_EMBEDDED__WORK_PASSWORD": _generate_password,
    "GREENROOM_EMBEDDED__PAGES_PASSWORD": _generate_password,
    "GREENROOM_EMBEDDED__REDIS_PASSWORD": _generate_password,
    MASTER_KEY: _generate_key,
    SIGNING_KEY: _generate_key,
}
"""Secrets that the first start generates. The `EMBEDDED` passwords become part of the addresses and
have no other use."""


@dataclass(frozen=True)
class InstallationFolder:
    """The files and folders of one installation."""

    folder: Path

    @property
    def env_file(self) -> Path:
        """The file of settings and secrets."""
        return self.folder / "greenroom.env"

    @property
    def postgres_folder(self) -> Path:
        """The data folder of the embedded PostgreSQL."""
        return self.folder / "pg"

    @property
    def postgres_socket_folder(self) -> Path | None:
        """The folder of PostgreSQL's Unix socket, or None if the socket's path would be too long.

        A query over a Unix socket takes less processor time than over TCP. It is in the data
        folder, which only the user of the server can enter. PostgreSQL separates folders by commas.
        """
        folder = self.postgres_folder.absolute()
        longest = folder / ".s.PGSQL.65535"
        is_usable = len(bytes(longest)) <= MAX_SOCKET_PATH_BYTES and "," not in str(folder)
        return folder if is_usable else None

    @property
    def redis_folder(self) -> Path:
        """The data folder of the embedded Redis."""
        return self.folder / "redis"

    @property
    def run_folder(self) -> Path:
        """The folder of files that are valid only while the installation runs."""
        return self.folder / "run"

    @property
    def state_file(self) -> Path:
        """The status that the supervisor writes, as JSON."""
        return self.run_folder / "state.json"

    def log_file(self, name: str) -> Path:
        """Return the log file of a process."""
        return self.folder / "logs" / f"{name}.log"


def create_folders(home: InstallationFolder) -> None:
    """Create the folder and its subfolders with mode 0700. Raises Unavailable if the disk is full
    or the folder is not writable."""
    try:
        for folder in (home.folder, home.run_folder, home.folder / "logs", home.folder / "objects"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        home.folder.chmod(0o700)
    except OSError as error:
        raise write_error(error, home.folder) from error
    first = not (home.postgres_folder / "PG_VERSION").exists()
    needed = FIRST_START_MIB if first else LATER_START_MIB
    if free_mib(home.folder) < needed:
        raise Unavailable(
            "stack.disk_small", folder=str(home.folder), free=free_mib(home.folder), needed=needed
        )


def free_mib(folder: Path) -> int:
    """Return the free space of the file system of `folder`, in MiB."""
    return shutil.disk_usage(folder).free // MIB


def write_error(error: OSError, folder: Path) -> Unavailable:
    """Return the error for a failed write."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return Unavailable("stack.disk_full", folder=str(folder))
    return Unavailable("stack.folder_unwritable", folder=str(folder), detail=error.strerror or "?")


def write_atomically(path: Path, content: str, *, mode: int = 0o600) -> None:
    """Replace `path` atomically: a reader, or a start after a crash, sees the old content or the
    new. Raises Unavailable."""
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        with suppress(OSError):
            draft.unlink()
        raise write_error(error, path.parent) from error


def read_env(home: InstallationFolder) -> dict[str, str]:
    """Return the variables of `greenroom.env`, parsed as the settings parse them, so that both find
    the same keys."""
    found = DotEnvSettingsSource(Settings, env_file=home.env_file).env_vars
    return {name.upper(): value.strip() for name, value in found.items() if value is not None}


def write_env(home: InstallationFolder, values: Mapping[str, str]) -> None:
    """Set variables in `greenroom.env`; other lines and comments are kept. Raises Unavailable."""
    if all(read_env(home).get(name) == value for name, value in values.items()):
        return
    kept = (
        home.env_file.read_text("utf-8").splitlines()
        if home.env_file.exists()
        else ["# Made by greenroom. Keep it secret."]
    )
    lines = [line for line in kept if line.partition("=")[0].strip() not in values]
    lines += [f"{name}={value}" for name, value in values.items()]
    write_atomically(home.env_file, "\n".join(lines) + "\n")


def create_missing_secrets(home: InstallationFolder) -> None:
    """Generate the missing secrets. Existing secrets are kept, because the data cannot be decrypted
    without them. A key from the environment is not written to the file."""
    known = load_settings_of(home.folder)
    keys = {MASTER_KEY: known.tenants.master_key, SIGNING_KEY: known.gate.signing_key}
    have = {**read_env(home), **{name: key.get_secret_value() for name, key in keys.items()}}
    made = {name: make() for name, make in SECRET_FACTORIES.items() if not have.get(name)}
    master_key = envelope.parse_master_key({**have, **made}[MASTER_KEY])
    derived = {
        "GREENROOM_TENANTS__LETTERBOX_KEY": sealed_intake.derive_public_key(master_key),
        "GREENROOM_TENANTS__DOOR_KEY": second_factor.derive_door_key(master_key),
    }
    write_env(home, made | derived)
    home.env_file.chmod(0o600)


class SupervisorLock:
    """The lock of a supervisor on an installation: a file lock, which Linux releases when the
    process ends."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file

    def release(self) -> None:
        """Release the lock."""
        self._file.close()


def acquire_lock(home: InstallationFolder) -> SupervisorLock:
    """Acquire the lock of the installation. Raises Conflict with the process ID of the supervisor
    that holds it."""
    file = (home.folder / "lock").open("a+", encoding="utf-8")
    until = monotonic() + LOCK_WAIT_SECONDS
    while not _try_lock(file):
        if monotonic() > until:
            file.close()
            raise Conflict("stack.already_running", pid=running_supervisor_pid(home) or 0)
        sleep(0.01)
    file.truncate(0)
    file.write(str(os.getpid()))
    file.flush()
    return SupervisorLock(file)


def _try_lock(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def running_supervisor_pid(home: InstallationFolder) -> int | None:
    """Return the process ID of the running supervisor, None if the installation does not run, or 0
    if the ID is not known yet."""
    path = home.folder / "lock"
    if not path.exists():
        return None
    with path.open(encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            written = file.read().strip()
            return int(written) if written.isdigit() else 0
    return None


def rotate_log(log: Path) -> None:
    """Rotate a log above 10 MiB, before its process starts: it becomes `.1`, older files move up,
    and the oldest is deleted."""
    if not log.exists() or log.stat().st_size < LOG_MIB * MIB:
        return
    for number in range(OLD_LOGS, 0, -1):
        older = log if number == 1 else log.with_name(f"{log.name}.{number - 1}")
        if older.exists():
            older.replace(log.with_name(f"{log.name}.{number}"))


def announce_ready(settings: Settings, name: str) -> None:
    """Record that the current process, `name`, is ready; the supervisor waits for it.
    Repeatable."""
    run = InstallationFolder(settings.home).run_folder
    # A process that another supervisor starts, as in a container, finds no folder.
    run.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_atomically(run / f"{name}.ready", str(os.getpid()))
    health_endpoint.mark_ready()


def has_announced_ready(home: InstallationFolder, name: str, pid: int) -> bool:
    """Return True if the process with this ID has recorded that it is ready."""
    try:
        return (home.run_folder / f"{name}.ready").read_text() == str(pid)
    except OSError:
        return False
