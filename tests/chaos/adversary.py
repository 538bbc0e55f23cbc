"""Fault injection: faults are drawn from the seed, injected at their times and recorded."""

import random
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import psutil
import psycopg
import redis

from foundation.ops.clock import monotonic, sleep, wall_now
from tests.chaos.installation import MAKE, SEND, SENDERS, Installation
from tests.chaos.world import DUE_WITHIN, LEAD

STORM_SECONDS = LEAD.total_seconds() + 1.5 + DUE_WITHIN
HANG_SECONDS = 2.0
"""Seconds for which the sandbox hangs. The lost response is the same as after thirty."""

ALL = "all senders"
"""Kills all senders at once, so the one with the leased row is among them."""

PROCESSES = (*SENDERS, ALL, ALL, "relay", "second", "sandbox", "listen", "make", "web", "redis")
"""Processes to kill; repeated names are more likely. `second` is the second relay."""

FROZEN = (*SENDERS, "relay", "second", "listen", "redis", "postgres", "sandbox")
FREEZE_SECONDS = 1.5

JUMPS = ("3600", "180", "step 3600", "step -3600", "step 180")
"""Seconds. A `step` sets the machine's clock and moves no lease: leased rows are handed out again,
or would stay leased for an hour."""

CROWD, CROWD_SECONDS = 300, 2.0
"""More connections than PostgreSQL permits, and the seconds for which they are held."""

MODES = (
    "hang",
    "accept_then_hang",
    "accept_then_hang",
    "reset_before",
    "reset_after",
    "reset_after",
    "status:503",
    "status:503_after",
    "status:502_after",
    "status:429",
    "garbage",
    "drip",
)
KINDS = (
    "posts",
    "posts",
    "messages",
    "messages",
    "files",
    "lookups",
    "refunds",
    "checkouts",
    "updates",
    "*",
)
IN_HAND_SECONDS = 0.5
"""Seconds to wait before a kill for a worker with a leased row."""

ACTS = ("kill", "fault", "flush", "freeze", "postgres", "clock", "crowd", "people")
WEIGHTS = (24, 34, 6, 8, 6, 9, 3, 10)

QUEUES: Mapping[str, tuple[str, ...]] = {**dict.fromkeys((*SENDERS, ALL), SEND), "make": MAKE}


@dataclass(frozen=True)
class Fault:
    """A fault, `at` seconds into the storm."""

    at: float
    what: str
    name: str = ""
    fault: Mapping[str, object] = field(default_factory=dict)

    def __str__(self) -> str:
        told = " ".join(f"{key}={value}" for key, value in self.fault.items())
        return f"{self.what} {self.name} {told}".strip()


@dataclass(frozen=True)
class InjectedFault:
    """An injected fault, with its time on both clocks."""

    at: datetime
    house: datetime
    told: str


def plan_faults(drawn: random.Random, *, power_cut: bool = False) -> list[Fault]:
    """Draw four to eight faults: at most one of the database and one jump of the clock. A power cut
    is additional."""
    acts = [Fault(round(drawn.uniform(2.0, STORM_SECONDS), 2), "power")] if power_cut else []
    rare = ["postgres", "clock"]
    for at in sorted(drawn.uniform(0.5, STORM_SECONDS - 0.5) for _ in range(drawn.randint(4, 8))):
        what = drawn.choices(ACTS, weights=WEIGHTS)[0]
        if what in ("postgres", "clock"):
            if what not in rare:
                what = "kill"
            else:
                rare.remove(what)
        acts.append(_act(round(at, 2), what, drawn))
    return sorted(acts, key=lambda act: act.at)


def plan_refund_faults(drawn: random.Random) -> list[Fault]:
    """Draw the faults of refunds: the response is lost, and a process is killed."""
    fault: dict[str, object] = {
        "mode": drawn.choice(
            ("reset_after", "accept_then_hang", "reset_before", "status:503_after")
        ),
        "times": 1,
    }
    fault |= {
        "on": drawn.choice(("refunds", "refunds", "messages", "updates")),
        "seconds": HANG_SECONDS,
    }
    return [
        Fault(0.0, "fault", fault=fault),
        Fault(0.2, "kill", drawn.choice((ALL, "listen", "relay"))),
    ]


def _act(at: float, what: str, drawn: random.Random) -> Fault:
    match what:
        case "kill":
            return Fault(at, what, drawn.choice(PROCESSES))
        case "freeze":
            return Fault(at, what, drawn.choice(FROZEN))
        case "postgres":
            return Fault(at, what, drawn.choice(("INT", "KILL")))
        case "clock":
            return Fault(at, what, drawn.choice(JUMPS))
        case "people":
            return Fault(at, what, str(drawn.getrandbits(32)))
        case "fault":
            fault: dict[str, object] = {"mode": drawn.choice(MODES), "on": drawn.choice(KINDS)}
            fault |= {"times": drawn.randint(1, 6), "seconds": HANG_SECONDS}
            if fault["mode"] == "status:429" and drawn.random() < 0.7:
                fault["retry_after"] = 2
            return Fault(at, what, fault=fault)
        case _:
            return Fault(at, what)


class FaultInjector:
    """Injects the faults of a plan and records them in `deeds`."""

    def __init__(self, house: Installation, people: Callable[[str], str] = str) -> None:
        """Store the installation and `people`, which perform the member actions of a number and
        return their description."""
        self._house, self._people = house, people
        self.deeds: list[InjectedFault] = []

    def strike(self, acts: Sequence[Fault]) -> None:
        """Inject each fault at its time, or as soon as the one before permits. Call it in the main
        thread: Linux ends a restarted installation with the thread that started it."""
        began = monotonic()
        for act in acts:
            sleep(max(0.0, act.at - (monotonic() - began)))
            self._do(act)

    def _do(self, act: Fault) -> None:
        deeds: Mapping[str, Callable[[], str]] = {
            "kill": lambda: kill(self._house, act.name),
            "freeze": lambda: _freeze(self._house, act.name),
            "flush": lambda: _flush(self._house),
            "postgres": lambda: _restart(self._house, act.name),
            "clock": lambda: _jump(self._house, act.name),
            "crowd": lambda: _crowd(self._house),
            "people": lambda: self._people(act.name),
            "fault": lambda: _fault(self._house, act.fault),
            "power": lambda: _cut(self._house),
        }
        self.deeds.append(InjectedFault(wall_now(), self._house.now(), str(act)))
        outcome = deeds[act.what]()
        if outcome:
            self.deeds.append(InjectedFault(wall_now(), self._house.now(), f"  {outcome}"))


def kill(house: Installation, name: str) -> str:
    """Kill a process with SIGKILL, preferably a worker with a leased row, and expire its leases.

    The leases of the other senders expire too, since no record shows which of three senders has a
    row; the living ones detect it.
    """
    if name in QUEUES:
        house.wait_busy(QUEUES[name], seconds=IN_HAND_SECONDS)
    hit = [house.signal(one, signal.SIGKILL) for one in (SENDERS if name == ALL else (name,))]
    pids = [pid for pid in hit if pid is not None]
    if not pids:
        return "was not running"
    for pid in pids:
        _gone(pid)
    died, told = house.now(), f"process {', '.join(str(pid) for pid in pids)}"
    if name not in QUEUES:
        return told
    return f"{told}, {house.bury(QUEUES[name], died)} rows leased"


def _gone(pid: int) -> None:
    """Wait until a killed process has ended; its parent may notice it late."""
    until = monotonic() + 10
    while monotonic() < until:
        try:
            if psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
                return
        except psutil.NoSuchProcess:
            return
        sleep(0.01)


def _freeze(house: Installation, name: str) -> str:
    """Stop a process for longer than its timeouts."""
    frozen = freeze(house, name)
    sleep(FREEZE_SECONDS)
    thaw(frozen)
    return f"{len(frozen)} continued"


def freeze(house: Installation, name: str) -> list[psutil.Process]:
    """Stop a process and, for PostgreSQL, its backends. Return the stopped processes."""
    pid = house.pid(name)
    if pid is None:
        return []
    try:
        head = psutil.Process(pid)
        frozen = [head, *(head.children(recursive=True) if name == "postgres" else ())]
    except psutil.NoSuchProcess:
        return []
    return [one for one in frozen if _signalled(one, signal.SIGSTOP)]


def thaw(frozen: Sequence[psutil.Process]) -> None:
    """Continue the stopped processes."""
    for one in frozen:
        _signalled(one, signal.SIGCONT)


def _signalled(process: psutil.Process, number: signal.Signals) -> bool:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return False
    return True


def _crowd(house: Installation) -> str:
    """Take every available connection of PostgreSQL for a while."""
    address = house.settings.database.work_url.get_secret_value().replace("+psycopg", "")
    held: list[psycopg.Connection[tuple[object, ...]]] = []
    try:
        while len(held) < CROWD:
            held.append(psycopg.connect(address, connect_timeout=2))
    except psycopg.Error:
        sleep(CROWD_SECONDS)
    for one in held:
        one.close()
    return f"{len(held)} connections"


def _flush(house: Installation) -> str:
    try:
        redis.Redis.from_url(
            house.settings.redis.url.get_secret_value(), socket_timeout=2
        ).flushall()
    except redis.RedisError as error:
        return f"Redis was unavailable: {type(error).__name__}"
    return ""


def _restart(house: Installation, how: str) -> str:
    number = signal.SIGINT if how == "INT" else signal.SIGKILL
    pid = house.signal("postgres", number)
    return f"process {pid}"


def _jump(house: Installation, told: str) -> str:
    by = timedelta(seconds=float(told.removeprefix("step ")))
    (house.step if told.startswith("step") else house.jump)(by)
    return f"the database time is {house.now():%H:%M:%S} now"


def _cut(house: Installation) -> str:
    """End all processes at once and start the installation again."""
    died = house.power_cut()
    return f"up again, {house.bury((*SEND, *MAKE), died)} rows were leased"


def _fault(house: Installation, fault: Mapping[str, object]) -> str:
    house.ask("POST", "/control/faults", dict(fault))
    return ""
