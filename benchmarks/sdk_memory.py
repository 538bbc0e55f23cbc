"""Memory that the client library (SDK) of a platform adds to a sending process, and the libraries
that such a process loads: `python -m benchmarks.sdk_memory [PLATFORM]…` is the measured process.

A process loads a library when it builds the first request of an account that needs it.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from statistics import median

import psutil

from connectors.contract.connector import Connector
from connectors.registry import loader
from foundation.ids import uuid7
from foundation.ops.clock import monotonic
from gate.contract.units import Subject, Text, Unit
from workers.installation.folder import MIB
from workers.runtime.process_table import CODE_ROOT

SENDER = "workers.processes.queue_workers"
"""The module of the sending processes."""

PLATFORM_SDKS: Mapping[str, frozenset[str]] = {
    "telegram": frozenset({"telegram"}),
    "x": frozenset({"tweepy"}),
    "reddit": frozenset({"praw", "prawcore"}),
}
"""The packages of the libraries on which a platform's connector is built."""

SDKS = frozenset[str]().union(*PLATFORM_SDKS.values()) | {
    "discord",
    "atproto",
    "mastodon",
    "googleapiclient",
}
"""The packages of all libraries that an installation or its tests may have."""


@dataclass(frozen=True)
class SenderStage:
    """A sending process after the first request of a platform, "" before any request: its
    proportional set size, the milliseconds in which it built the request, and its libraries."""

    platform: str
    pss_mib: float
    first_ms: float
    sdks: frozenset[str]


def measure_sdks(count: int) -> dict[str, float]:
    """Start processes, alternating, each for one platform with a library.

    sender_mib: proportional set size without a request; `…_sdk_mib`: growth with the library;
    `…_first_ms`: building the first request, which loads the library.
    """
    rounds = [
        {platform: start_sender(platform) for platform in PLATFORM_SDKS} for _ in range(count)
    ]
    bare = [each[0].pss_mib for found in rounds for each in found.values()]
    figures = {"sender_mib": median(bare)}
    for platform in PLATFORM_SDKS:
        pairs = [found[platform] for found in rounds]
        figures[f"{platform}_sdk_mib"] = median(
            after.pss_mib - idle.pss_mib for idle, after in pairs
        )
        figures[f"{platform}_first_ms"] = median(after.first_ms for _, after in pairs)
    return figures


def start_sender(*platforms: str) -> list[SenderStage]:
    """Start a process that builds one request of each platform in turn. Return the process before
    the first request and after each of them."""
    done = subprocess.run(  # noqa: S603  our own words
        [sys.executable, "-m", "benchmarks.sdk_memory", *platforms],
        capture_output=True,
        check=True,
        cwd=CODE_ROOT,
    )
    return [
        SenderStage(**{**said, "sdks": frozenset(said["sdks"])})
        for said in map(json.loads, done.stdout.splitlines())
    ]


def run_sender(platforms: Sequence[str]) -> None:
    """Load what a sender loads, then build the first requests, with a line of output for each
    stage."""
    import_module(SENDER)
    connectors = loader.load_connectors()
    _report_stage("", 0.0)
    for platform in platforms:
        started = monotonic()
        build_first_request(connectors[platform])
        _report_stage(platform, 1000 * (monotonic() - started))


def _report_stage(platform: str, first_ms: float) -> None:
    stage = {
        "platform": platform,
        "pss_mib": psutil.Process().memory_full_info().pss / MIB,
        "first_ms": first_ms,
        "sdks": sorted(SDKS & {name.partition(".")[0] for name in sys.modules}),
    }
    print(json.dumps(stage))


def build_first_request(connector: Connector) -> None:
    """Build the first request of a text. A platform that refuses it builds none."""
    can = connector.capabilities
    connector.next_step(
        Unit(
            tenant_id=uuid7(),
            creator_id=uuid7(),
            subject=Subject("delivery", uuid7()),
            platform=can.platform,
            surface=f"{can.platform}.{can.surfaces[0]}",
            channel_id=uuid7(),
            account="lea@place:1:2",  # valid on every platform
            audience="public",
            texts=(Text("title", "Bonjour"), Text("body", "Bonjour")),
            destination="-1001000000000",
            native_key="1",
        ),
        (),
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("platforms", nargs="*")
    run_sender(parser.parse_args().platforms)
