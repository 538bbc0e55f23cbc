"""Ports of an installation: the defaults, or the next free port if another program uses one. A
chosen port is stored and reused."""

import socket
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import psutil

from foundation.errors import Unavailable
from foundation.ops.settings import Settings, is_fixed_by_environment

PORTS_TRIED = 100
"""Number of ports above the default that are tried."""


@dataclass(frozen=True)
class PortSetting:
    """A port: the setting that contains it, and the setting of the address that contains it."""

    name: str
    group: str
    setting: str = "port"
    address: tuple[str, str, str] | None = None
    """(group, setting, host) of the address that contains the port."""
    is_test_network: bool = False
    """True for the port of the test network, which a production installation does not use."""

    @property
    def variable(self) -> str:
        """The environment variable that fixes this port."""
        return _variable_name(self.group, self.setting)

    def port(self, settings: Settings) -> int:
        """Return the port in the settings."""
        return int(getattr(getattr(settings, self.group), self.setting))

    def host(self, settings: Settings) -> str:
        """Return the address that the listener binds to."""
        return str(getattr(getattr(settings, self.group), "host", "127.0.0.1"))


def _variable_name(group: str, setting: str) -> str:
    return f"GREENROOM_{group.upper()}__{setting.upper()}"


PORT_SETTINGS = (
    PortSetting("postgres", "workers", "postgres_port"),
    PortSetting("redis", "workers", "redis_port"),
    PortSetting("sandbox", "sandbox", is_test_network=True),
    PortSetting("web", "web", address=("web", "public_url", "127.0.0.1")),
    PortSetting("dashboard", "dashboard", address=("dashboard", "public_url", "localhost")),
    PortSetting("llm", "workers", "llm_port", address=("generators", "llm_url", "127.0.0.1")),
    PortSetting("hooks", "workers", "hooks_port"),
    PortSetting("metrics", "workers", "metrics_port"),
)


def present_ports(settings: Settings) -> tuple[PortSetting, ...]:
    """Return the ports that this installation uses: in production, none for the test network."""
    return tuple(one for one in PORT_SETTINGS if settings.has_sandbox or not one.is_test_network)


@dataclass(frozen=True)
class PortChange:
    """A changed port: another program uses `old_port`, so `new_port` is used and stored."""

    name: str
    old_port: int
    new_port: int
    occupied_by: str


def is_free(host: str, port: int) -> bool:
    """Return True if a listener can bind to the port now."""
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def find_free_port() -> int:
    """Return a free port of the loopback interface, for short use."""
    with closing(socket.create_server(("127.0.0.1", 0))) as probe:
        return int(probe.getsockname()[1])


def program_listening_on(port: int) -> str:
    """Return the name and process ID of the program that listens on `port`, or a dash if the system
    does not reveal it."""
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
    """Choose a free port for every listener of this installation except `without`; returns the
    variables to store and the changed ports.

    Raises Unavailable if a busy port is fixed by the environment: Greenroom does not change such a
    port.
    """
    values: dict[str, str] = {}
    moves: list[PortChange] = []
    taken = {listener.port(settings) for listener in PORT_SETTINGS}
    for listener in present_ports(settings):
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
    """Choose another port for one listener; returns and raises as `choose_ports`."""
    listener = next(listener for listener in PORT_SETTINGS if listener.name == name)
    moved = _move_port(listener, settings, {each.port(settings) for each in PORT_SETTINGS})
    return {listener.variable: str(moved.new_port)} | _address_with_port(
        listener, settings, moved.new_port
    ), [moved]


def choose_metrics_ports(settings: Settings, names: Sequence[str]) -> dict[str, int]:
    """Choose a free port for the metrics of each process, from the setting upwards; returns no
    ports if the setting is 0."""
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
    """Return the variable of the address with the new port; nothing if the address was set by the
    operator."""
    if listener.address is None:
        return {}
    group, setting, host = listener.address
    now = str(getattr(getattr(settings, group), setting))
    ours = urlsplit(now).hostname == host and urlsplit(now).scheme == "http"
    if is_fixed_by_environment(_variable_name(group, setting)) or not ours:
        return {}
    return {_variable_name(group, setting): f"http://{host}:{port}"}
