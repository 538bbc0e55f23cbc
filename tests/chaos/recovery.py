"""Recovery after the storm: faults end, and time passes until all work is complete."""

from collections.abc import Sequence
from datetime import timedelta
from urllib.parse import quote
from uuid import UUID

from foundation.db.database import Scope
from foundation.i18n.translation import Message
from foundation.ops.clock import monotonic, sleep
from foundation.outbox import row_leases
from subscribers.checkout import order_payments
from tests.chaos.adversary import ALL, Fault, FaultInjector, kill
from tests.chaos.installation import InstallationBroken
from tests.chaos.world import World

TALKS_FOR = timedelta(seconds=150)
"""Database time that fans have to finish their scripts."""

STEP = timedelta(seconds=3)
"""The longest leap while fans chat: messages between two processes must not be overtaken."""

THOUGHT_SECONDS = 3.0
"""Real seconds of a fan's longest pause between our message and the next step, with a margin."""

HORIZON = timedelta(hours=26)
"""Lookups end after a day, as does all other work."""

STUCK_SECONDS = 6.0
"""Real seconds after which a lease is considered abandoned while no request hangs: its worker could
not record the result without a database. Otherwise it would expire within 135 s."""

SWEEP_SECONDS = 1.0
"""Seconds between sweeps of expired leases; the relay sweeps every ten."""

REAL_SECONDS = 400.0
"""Limit of a recovery. Twenty or thirty seconds are enough on an idle machine."""

_OPEN = """
SELECT count(*) FILTER (WHERE state = 'leased') AS leased, count(*) FILTER (WHERE kind LIKE
'delivery.%'
  OR kind LIKE 'chat.%' OR kind LIKE 'order.%' OR kind LIKE 'channel.%' OR kind LIKE 'takedown.%'
  OR kind LIKE 'job.%' OR kind LIKE 'copy.%') AS open
FROM outbox WHERE tenant_id = ANY(CAST(:tenants AS uuid[])) AND state <> 'dead' AND kind <>
'delivery.sweep'
"""

_HELD = """
SELECT kind || ' ' || subject_id || ' since ' || to_char(started_at, 'HH24:MI:SS.MS') || ', try '
|| tries FROM outbox
WHERE state = 'leased' AND started_at < house_now() - CAST(:old AS interval)
"""


class Recovery:
    """Lets one world complete its work. `aftershock` are the faults during refunds."""

    def __init__(self, world: World, adversary: FaultInjector, aftershock: Sequence[Fault]) -> None:
        self._world, self._house = world, world.house
        self._adversary, self._aftershock = adversary, aftershock
        self.told: list[str] = []
        self.leaps = 0
        self._busy_since: float | None = None
        self._stuck_after = STUCK_SECONDS
        self._swept = 0.0
        self._until = monotonic() + REAL_SECONDS

    def come(self) -> None:
        """Clear the faults, let the fans finish, refund, and leap to the end. Raises
        InstallationBroken."""
        house, world = self._house, self._world
        house.wait_ready()
        house.ask("DELETE", "/control/faults")
        house.learn_shift()
        end = house.now() + TALKS_FOR
        while world.scripts_left() and house.now() < end:
            if world.unheard():
                self._wait()
            else:
                self._pass(STEP)
                sleep(0.1)  # fans pause on the machine's clock, which a leap does not move
        self._to_the_end()
        self._second_charges()
        self._refunds()
        self._adversary.strike(self._aftershock)
        house.wait_ready()
        house.ask("DELETE", "/control/faults")
        self._to_the_end()
        house.wait_ready()

    def _to_the_end(self) -> None:
        """Continue until all messages are received, all work is done and no fan is about to
        continue."""
        end, quiet = self._house.now() + HORIZON, monotonic()
        while True:
            if self._world.unheard():
                self._wait()
            elif self._open() and self._house.now() < end:
                self._pass(HORIZON)
            elif self._world.scripts_left() and monotonic() - quiet < THOUGHT_SECONDS:
                sleep(0.05)
                continue
            else:
                return
            quiet = monotonic()

    def _wait(self) -> None:
        self._check_patience()
        sleep(0.05)

    def _open(self) -> int:
        tenants = self._world.tenants
        found = self._house.as_relay(lambda scope: scope.run(_OPEN, tenants=tenants).one())
        return int(found.open + found.leased)

    def _pass(self, most: timedelta) -> None:
        """Leap, or wait for work in progress; expire the leases of workers that lost their results."""
        self._check_patience()
        if self._house.leap(self._house.now() + most):
            self._busy_since = None
            self.leaps += 1
            return
        sleep(0.02)
        now = monotonic()
        self._busy_since = self._busy_since or now
        if now - self._swept > SWEEP_SECONDS:
            self._swept = now
            self._house.as_relay(row_leases.sweep_expired_leases)
        if now - self._busy_since > self._stuck_after:
            self._busy_since = None
            self._unstick(timedelta(seconds=self._stuck_after - 1))
            self._stuck_after *= (
                # a worker may live and be slow on a busy machine: six kills would make its row dead
                2
            )

    def _check_patience(self) -> None:
        if monotonic() > self._until:
            raise InstallationBroken(
                f"the day does not end; not received: {self._world.unheard()}, open: {self._open()}"
            )

    def _unstick(self, old: timedelta) -> None:
        """Kill the workers, but only if a lease is older than every remaining wait, which excludes
        rewritten rows."""
        held = self._house.as_relay(lambda scope: list(scope.run(_HELD, old=old).scalars()))
        if held:
            self.told.append(f"leases without a worker: {', '.join(sorted(held))}")
            for name in (ALL, "make"):
                self.told.append(f"kill {name}: {kill(self._house, name)}")
            self._house.wait_ready()

    def _second_charges(self) -> None:
        """Pay a paid invoice again: the sandbox permits it before our process can refuse."""
        for fan in self._world.fans:
            account, name = quote(fan.place.account, safe=""), fan.name
            shown = self._house.truth(fan.place.account)["messages"]
            if fan.role == "twice" and any(
                one.get("invoice") and one["fan"] == name for one in shown
            ):
                asked = self._house.ask("POST", f"/control/chats/{account}/{name}", {"type": "pay"})
                path = f"/api/{account}/checkouts/{asked['query_id']}"
                self._house.ask("POST", path, {"ok": True}, token=fan.place.token)

    def _refunds(self) -> None:
        """Refund the payments of fans with that role. Each refund is requested twice, as by a
        double click."""
        for fan in self._world.fans:
            if fan.role != "refund":
                continue

            def ask(scope: Scope, channel_id: UUID = fan.place.channel_id) -> None:
                paid = scope.run(
                    "SELECT id FROM payments WHERE tenant_id = :tenant AND channel_id = :channel "
                    "AND kind = 'matched'",
                    tenant=scope.tenant_id,
                    channel=channel_id,
                ).scalars()
                for payment in list(paid):
                    order_payments.request_order_refund(
                        scope, payment, reason=Message("refund.not_delivered")
                    )
                    order_payments.request_order_refund(
                        scope, payment, reason=Message("refund.not_delivered")
                    )

            self._house.read(fan.place.tenant_id, ask)
