"""Report installed packages that are old or have a known vulnerability: `make audit`.

Reads the pins of the lock files and requests each of them from PyPI
(https://docs.pypi.org/api/json/#get-a-release). Exit status: 0 without known vulnerabilities, 1
with one, 2 if the index does not respond.
"""

import os
import re
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import httpx

from foundation.ops.clock import wall_now

ROOT = Path(__file__).resolve().parents[1]
LOCKS = (
    "requirements.lock",
    "requirements-dev.lock",
    "requirements-diffusion.lock",
    "requirements-analysis.lock",
    "requirements-docs.lock",
)
INDEX = os.environ.get("PYPI_JSON_URL", "https://pypi.org/pypi")
MAX_AGE = timedelta(days=180)
TIMEOUT_SECONDS = 20.0
CONNECTIONS = 8
_PIN = re.compile(r"^([a-z0-9-]+)==(\S+)", re.MULTILINE)


@dataclass(frozen=True)
class Release:
    """A locked release: upload time (UTC) and one line per known vulnerability."""

    name: str
    version: str
    uploaded_at: datetime
    vulnerabilities: tuple[str, ...]

    def age(self, now: datetime) -> timedelta:
        """Return the time since the upload."""
        return now - self.uploaded_at


def read_pins(root: Path) -> list[tuple[str, str]]:
    """Return name and version of each locked package, sorted."""
    texts = ((root / lock).read_text("utf-8") for lock in LOCKS if (root / lock).exists())
    return sorted({(found[1], found[2]) for text in texts for found in _PIN.finditer(text)})


def fetch_release(client: httpx.Client, name: str, version: str) -> Release:
    """Request a release from the index. Raises httpx.HTTPError, KeyError or ValueError for an
    unexpected response."""
    answer = client.get(f"{INDEX}/{name}/{version}/json")
    answer.raise_for_status()
    body = answer.json()
    uploads = [datetime.fromisoformat(file["upload_time_iso_8601"]) for file in body["urls"]]
    known = [one for one in body["vulnerabilities"] if not one.get("withdrawn")]
    return Release(name, version, min(uploads), tuple(map(_describe_vulnerability, known)))


def _describe_vulnerability(found: dict[str, object]) -> str:
    aliases = found.get("aliases")
    names = [str(found["id"]), *map(str, aliases if isinstance(aliases, list) else ())]
    fixed = found.get("fixed_in")
    versions = ", ".join(map(str, fixed)) if isinstance(fixed, list) and fixed else "no release"
    return f"{' '.join(names)}, fixed in {versions}"


def report_lines(releases: list[Release], now: datetime) -> Iterator[str]:
    """Yield the report: vulnerable releases first, then those older than MAX_AGE, oldest first."""
    for one in releases:
        for line in one.vulnerabilities:
            yield f"vulnerable  {one.name} {one.version}: {line}"
    old = [one for one in releases if one.age(now) > MAX_AGE]
    for one in sorted(old, key=lambda release: release.uploaded_at):
        yield f"{one.age(now).days:>5} days  {one.name} {one.version}"
    vulnerable = sum(bool(one.vulnerabilities) for one in releases)
    yield (
        f"{len(releases)} packages: {vulnerable} with a known vulnerability, "
        f"{len(old)} older than {MAX_AGE.days} days"
    )


def main() -> int:
    """Print the report and return the exit status."""
    pins = read_pins(ROOT)
    try:
        with (
            httpx.Client(timeout=TIMEOUT_SECONDS) as client,
            ThreadPoolExecutor(CONNECTIONS) as pool,
        ):
            releases = list(pool.map(lambda pin: fetch_release(client, *pin), pins))
    except (httpx.HTTPError, KeyError, ValueError) as error:
        print(f"The package index did not answer: {error}", file=sys.stderr)
        return 2
    print("\n".join(report_lines(releases, wall_now())))
    return 1 if any(one.vulnerabilities for one in releases) else 0


if __name__ == "__main__":
    sys.exit(main())
