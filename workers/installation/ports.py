"""Which ports the house listens on: the usual ones, the next free one where somebody else sits,
never moved twice."""

import socket
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from foundation.errors import Unavailable
from foundation.ops.settings import Settings, is_fixed_by_environment

PORTS_TRIED = 100
"""How far above the usual port we look for a free one."""


@dataclass(frozen=True)
class PortSetting:
    """A port of the house: the setting that names it, and the address others are given."""

    name: str
    group: str
    setting: str = "port"
    address: tuple[str, str, str] | None = None
    """(group, setting, host) of the address that contains the port."""

    @property
    def variable(self) -> str:
        """The variable that fixes this port."""
        return _variable_name(self.group, self.setting)

    def port(self, settings: Settings) -> int:
        """The port by the settings."""
        return int(getattr(getattr(settings, self.group), self.setting))

    def host(self, settings: Settings) -> str:
        """The address it binds to."""
        return str(getattr(getattr(settings, self.group), "host", "127.0.0.1"))


def _variable_name(group: str, setting: str) -> str:
    return f"GREENROOM_{group.upper()}__{setting.upper()}"


PORT_SETTINGS = (
    PortSetting("postgres", "workers", "postgres_port"),
    PortSetting("redis", "workers", "redis_port"),
    PortSetting("sandbox", "sandbox"),
    PortSetting("web", "web", address=("web", "public_url", "127.0.0.1")),
    PortSetting("dashboard", "dashboard", address=("dashboard", "public_url", "localhost")),
    PortSetting("llm", "workers", "llm_port", address=("generators", "llm_url", "127.0.0.1")),
    PortSetting("hooks", "workers", "hooks_port"),
    PortSetting("metrics", "workers", "metrics_port"),
)


@dataclass(frozen=True)
class PortChange:
    """A port that was taken: `was` is busy, `now` is used and remembered."""

    name: str
    old_port: int
    new_port: int
    occupied_by: str


def is_free(host: str, port: int) -> bool:
    """Whether we could listen there now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def find_free_port() -> int:
    """A port of this machine alone that nobody has now, for what lives briefly."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


def program_listening_on(port: int) -> str:
    """The program that listens on `port` and its process id, or a dash where the machine does not
    tell us."""
    with suppress(psutil.Error):
        for found in psutil.net_connections("tcp"):
            if (
                found.status == psutil.CONN_LISTEN
                and found.laddr
                and found.laddr[1] == port
                and found.pid
            ):
                return f"{psutil.Process(found.pid).name()}, {found.pid}"
    return "-"


def choose_ports(
    settings: Settings, *, without: frozenset[str] = frozenset()
) -> tuple[dict[str, str], list[PortChange]]:
    """Free ports for every listener but `without`: the variables to remember, and what had to move.

    Raises Unavailable when a busy port was fixed in the environment: that one is not ours to move.
    """
    values: dict[str, str] = {}
    moves: list[PortChange] = []
    taken = {listener.port(settings) for listener in PORT_SETTINGS}
    for listener in PORT_SETTINGS:
        if listener.name in without:
            continue
        port = listener.port(settings)
        if not is_free(listener.host(settings), port):
            moves.append(_move_port(listener, settings, taken))
            port = moves[-1].new_port
        values[listener.variable] = str(port)
        values |= _address_with_port(listener, settings, port)
    return values, moves


def choose_other_port(settings: Settings, name: str) -> tuple[dict[str, str], list[PortChange]]:
    """Another port for a listener that cannot have its own: as `choose`, for this one alone."""
    listener = next(listener for listener in PORT_SETTINGS if listener.name == name)
    moved = _move_port(listener, settings, {each.port(settings) for each in PORT_SETTINGS})
    return {listener.variable: str(moved.new_port)} | _address_with_port(
        listener, settings, moved.new_port
    ), [moved]


def choose_metrics_ports(settings: Settings, names: Sequence[str]) -> dict[str, int]:
    """A free port for the figures of each process, counted on from the setting; none at all where
    that is 0."""
    first = settings.workers.metrics_port
    host = settings.workers.metrics_host
    taken = {listener.port(settings) for listener in PORT_SETTINGS if listener.name != "metrics"}
    free = (
        port
        for port in range(first, first + PORTS_TRIED)
        if port not in taken and is_free(host, port)
    )
    return dict(zip(names, free, strict=False)) if first else {}


def _move_port(listener: PortSetting, settings: Settings, taken: set[int]) -> PortChange:
    wanted = listener.port(settings)
    if is_fixed_by_environment(listener.variable):
        raise Unavailable(
            "stack.port_busy",
            port=wanted,
            user=program_listening_on(wanted),
            variable=listener.variable,
        )
    for port in range(wanted + 1, wanted + PORTS_TRIED):
        if port not in taken and is_free(listener.host(settings), port):
            taken.add(port)
            return PortChange(listener.name, wanted, port, program_listening_on(wanted))
    raise Unavailable("stack.no_port", port=wanted)


def _address_with_port(listener: PortSetting, settings: Settings, port: int) -> dict[str, str]:
    """The address with its new port, unless somebody gave the house one of their own."""
    if listener.address is None:
        return {}
    group, setting, host = listener.address
    now = str(getattr(getattr(settings, group), setting))
    ours = urlsplit(now).hostname == host and urlsplit(now).scheme == "http"
    if is_fixed_by_environment(_variable_name(group, setting)) or not ours:
        return {}
    return {_variable_name(group, setting): f"http://{host}:{port}"}
