"""Access of a command to the installation: its services, and locks against parallel runs."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.exc import InterfaceError, OperationalError

from foundation.errors import Conflict, Unavailable
from foundation.i18n.translation import Message
from foundation.ops import settings
from workers.installation import data_services, state_file
from workers.installation.folder import InstallationFolder
from workers.wiring import Services, build_services


@contextmanager
def connect_installation(application: str, *, pool_size: int = 1) -> Iterator[Services]:
    """Open the services of the installation for a command; `application` names its connections.

    Only the workers' login is used, so a container or machine with this login alone suffices.
    Raises Unavailable if the installation does not run, if this process lacks the login or a key,
    or if the database stops responding.
    """
    known = settings.load_settings()
    if known.in_containers:
        data_services.require_command_access(known)
    elif not data_services.is_login_external(known, "work"):
        phase = state_file.read_status(InstallationFolder(known.home)).phase
        if phase != "up":
            raise Unavailable("cli.not_running" if phase == "stopped" else "day.house_not_ready")
    try:
        with build_services(known, pool_size=pool_size, application=application) as found:
            yield found
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("day.database_away") from error


@contextmanager
def exclusive_lock(home: InstallationFolder, name: str, otherwise: Message) -> Iterator[None]:
    """Hold the lock `name` of this installation while the block runs; Linux releases it if the
    process dies.

    Raises Conflict with the message `otherwise` if another process holds it.
    """
    with (home.run_folder / f"{name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict(otherwise.code, **otherwise.params) from error
        yield
