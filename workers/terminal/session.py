"""What a command at the terminal needs of the house: that it runs, and that nobody else is doing
the same."""

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
    """Every part of the house, for a command. Raises Unavailable when it does not run, or its
    database goes away."""
    house = settings.load_settings()
    if data_services.is_database_embedded(house):
        phase = state_file.read_status(InstallationFolder(house.home)).phase
        if phase != "up":
            raise Unavailable("cli.not_running" if phase == "stopped" else "day.house_not_ready")
    try:
        with build_services(house, pool_size=pool_size, application=application) as found:
            yield found
    except (OperationalError, InterfaceError) as error:
        raise Unavailable("day.database_away") from error


@contextmanager
def exclusive_lock(home: InstallationFolder, name: str, otherwise: Message) -> Iterator[None]:
    """Hold `name` in this home while the block runs, however it ends. Raises Conflict (`otherwise`)
    when it is held."""
    with (home.run_folder / f"{name}.lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise Conflict(otherwise.code, **otherwise.params) from error
        yield
