"""The report of a failed seed: the injected faults, the affected subjects and the logs."""

import re
from collections.abc import Iterator, Sequence
from functools import partial
from uuid import UUID

from channels.attempts.queries import list_attempts
from foundation.db.database import Scope
from gate.contract.units import Subject
from schedules.posts import queries
from tests.chaos.adversary import InjectedFault
from tests.chaos.world import Fan, World

_ID = re.compile(r"\b(delivery|draft|fulfilment) ([0-9a-f-]{36})")
_LOUD = {"warning", "error", "critical"}
MOST = 12
"""Maximum number of subjects with a timeline, and of lines for each log."""


def write_report(
    world: World,
    deeds: Sequence[InjectedFault],
    notes: Sequence[str],
    findings: Sequence[str],
    logged: dict[str, int],
) -> str:
    """Return the report of one seed."""
    again = (
        f"GREENROOM_CHAOS_SEEDS=1 GREENROOM_CHAOS_FIRST={world.seed} .venv/bin/pytest "
        "tests/chaos/test_chaos.py"
    )
    heading = f"seed {world.seed}: {len(findings)} findings; repeat with: {again}"
    lines = [heading, "", "injected faults:"]
    lines += [
        f"  {deed.at:%H:%M:%S.%f} (house {deed.house:%H:%M:%S}) {deed.told}" for deed in deeds
    ]
    lines += [f"  afterwards: {note}" for note in notes]
    lines += ["", *_subjects(world, findings), "", *_fans(world.fans), "", *_logs(world, logged)]
    lines += [
        "",
        heading,
        *findings,
    ]  # last, so that the end of a long log shows them
    return "\n".join(lines)


def _subjects(world: World, findings: Sequence[str]) -> Iterator[str]:
    """Yield the timelines of the subjects that the findings name."""
    named = dict.fromkeys(match for finding in findings for match in _ID.findall(finding))
    for kind, text in list(named)[:MOST]:
        for tenant_id in world.tenants:
            subject = Subject(kind, UUID(text))
            yield from world.house.read(tenant_id, partial(_timeline, subject))


def _timeline(subject: Subject, scope: Scope) -> list[str]:
    return list(_lines(scope, subject))


def _lines(scope: Scope, subject: Subject) -> Iterator[str]:
    attempts = list_attempts(scope, subject)
    steps = queries.delivery_timeline(scope, subject.id)
    if attempts or steps:
        yield f"{subject.kind} {subject.id}:"
    for step in steps:
        yield (
            f"  {step.at:%H:%M:%S.%f} {step.before} → {step.after} by {step.by} {step.reason or ''}"
        )
    for one in attempts:
        came = f"{one.outcome} {one.native_id} {one.detail or ''} {one.resolved_by or ''}"
        yield f"  {one.armed_at:%H:%M:%S.%f} {one.kind} {one.n}: {came}"
        for wire in one.steps:
            yield f"    {wire.armed_at:%H:%M:%S.%f} {wire.name}: {wire.answered or 'no answer'}"


def _fans(fans: Sequence[Fan]) -> Iterator[str]:
    yield "fans: " + ", ".join(f"{fan.name} ({fan.role}) on {fan.place.account}" for fan in fans)


def _logs(world: World, logged: dict[str, int]) -> Iterator[str]:
    """Yield the last warnings and errors of each process."""
    loud: dict[str, list[str]] = {}
    for name, line in world.house.said_since(logged):
        if line.get("level") in _LOUD:
            loud.setdefault(name, []).append(
                str({key: value for key, value in line.items() if key != "process"})
            )
    for name, lines in loud.items():
        yield f"last log lines of {name}:"
        yield from (f"  {line}" for line in lines[-MOST:])
