"""Cost of a send compared with the bare HTTP call, and of a process that loads every connector and
uses none.

The bare call uses httpx, which every installation has. A send is the work between a claim and its
settlement: the connector builds the request, the transport checks the permit and sends it, and the
connector interprets the response. Permits are minted by the gate before the clock starts.
"""

import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, redirect_stderr
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from uuid import UUID

import httpx
import psutil
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from benchmarks import sdk_memory
from benchmarks.publishing.world import PATIENCE_SECONDS, open_sandbox_account
from benchmarks.servers import run_servers
from connectors.contract.connector import Connector, Response, Send, StepResult, WireStep
from connectors.contract.outcomes import Published
from connectors.registry import loader
from connectors.transport.permit_record import MemoryPermitRecord
from connectors.transport.transport import AccountTarget, Transport
from foundation.canonical_json import canonical_json
from foundation.db.database import Database, OpenScope
from foundation.http.http_client import HttpClient, HttpRequest, HttpResponse
from foundation.ids import uuid7
from foundation.ops import settings
from foundation.ops.clock import monotonic, sleep
from foundation.sealed import Sealed
from gate.contract.permit import Permit
from gate.contract.units import Subject, Text, Unit
from gate.permits import issuance
from tenants.agencies import agencies
from workers.installation.folder import MIB, InstallationFolder
from workers.runtime.embedded_servers import spawn_process
from workers.runtime.process_table import CODE_ROOT
from workers.runtime.subprocess_task import start_failure

ROUNDS = 400
WARM = 40
STARTS = 7
SENDERS = 3
PLATFORM = "sandbox"
SURFACE = "sandbox.post"
ACCOUNT = "bench"
"""An account without idempotency keys: the same bytes sent twice are two posts, so that both sides
cause the same work."""

ACTOR = "system:bench"
WORDS = "A quiet evening by the sea, and one more picture for those who asked. See you on Sunday!"
SDKS = (*sorted(sdk_memory.SDKS), "minio", "torch", "diffusers")
"""Top-level modules of platforms' SDKs and of other large packages that no connector loads before
its first request."""

IMPORTED = "from connectors.registry import loader"
LOADED = "from connectors.registry import loader; loader.load_connectors()"
_RESTING = f"""
import sys
print(len({set(SDKS)!r} & set(sys.modules)), flush=True)
sys.stdin.read()
"""


@dataclass(frozen=True)
class MintedPost:
    """A text, the permit for its request, and the bytes of the request."""

    unit: Unit
    permit: Permit
    body: bytes


@dataclass(frozen=True)
class MintedPosts:
    """Posts with permits, each for one send, and the key that verifies them."""

    connector: Connector
    key: Ed25519PrivateKey
    posts: Sequence[MintedPost]


def measure_connectors() -> dict[str, float]:
    """Mint permits with a temporary PostgreSQL, stop it, then send posts and start interpreters
    and senders. Takes about two minutes."""
    with run_servers() as found, closing(Database(found.work_url, pool_size=1)) as database:
        posts = mint_posts(database.scope, WARM + ROUNDS)
    with tempfile.TemporaryDirectory(prefix="greenroom-bench-") as folder:
        sent = measure_sends(posts, Path(folder) / "home", warm=WARM)
    return {**sent, **measure_interpreter_starts(STARTS), **sdk_memory.measure_sdks(SENDERS)}


def mint_posts(tenant: OpenScope, count: int) -> MintedPosts:
    """Judge this number of texts of a new agency and mint their permits."""
    connector = loader.load_connectors()[PLATFORM]
    key = Ed25519PrivateKey.generate()
    tenant_id = uuid7()
    channel_id = uuid7()
    with tenant(tenant_id, ACTOR) as scope:
        agencies.create_agency(scope, name="Bench", language="en", zone="UTC")
        creator_id = agencies.add_creator(
            scope, slug="bench", name="Bench", kind="virtual", zone="UTC", languages=["en"]
        )
    posts = []
    for number in range(count):
        unit = _build_unit((tenant_id, creator_id, channel_id), number)
        step = _build_first_step(connector, unit)
        with tenant(tenant_id, ACTOR) as scope:
            issuance.lock_unit(scope, unit)
            permit = issuance.mint_permit(scope, unit, step, key=key, author=ACTOR)
        posts.append(MintedPost(unit, permit, canonical_json(step.json)))
    return MintedPosts(connector, key, posts)


def _build_unit(owner: tuple[UUID, UUID, UUID], number: int) -> Unit:
    tenant_id, creator_id, channel_id = owner
    return Unit(
        tenant_id=tenant_id,
        creator_id=creator_id,
        subject=Subject("delivery", uuid7()),
        platform=PLATFORM,
        surface=SURFACE,
        channel_id=channel_id,
        account=ACCOUNT,
        audience="public",
        texts=(Text("body", f"{WORDS} {number}"),),
        native_key=f"bench-{number}",
    )


def _build_first_step(connector: Connector, unit: Unit) -> WireStep:
    turn = connector.next_step(unit, ())
    if not isinstance(turn, Send):
        raise RuntimeError(f"nothing to send: {turn}")
    return turn.step


def measure_sends(minted: MintedPosts, folder: Path, *, warm: int) -> dict[str, float]:
    """Send each post in three ways, alternating, to one test network in a separate process; the
    first `warm` rounds are not counted.

    send: connector, transport, connector. bare: one `httpx.Client` that reuses its connection, as
    SDKs do. fresh: a client that opens a new connection each time, as Greenroom does. The log line
    of a send is written to a file and counted.
    """
    limits = httpx.Limits(max_keepalive_connections=0)
    with (
        run_test_network(folder) as base,
        closing(HttpClient()) as http,
        httpx.Client(trust_env=False) as kept,
        httpx.Client(trust_env=False, limits=limits) as fresh,
        InstallationFolder(folder).log_file("bench").open("w", encoding="utf-8") as log,
        redirect_stderr(log),
    ):
        token = open_sandbox_account(base, ACCOUNT)
        ways = {
            "send": partial(_send_post, minted, _build_transport(minted, http, token), base),
            "bare": partial(_send_plain_post, kept, f"{base}/api/{ACCOUNT}/posts", token),
            "fresh": partial(_send_plain_post, fresh, f"{base}/api/{ACCOUNT}/posts", token),
        }
        taken = _in_turns(ways, minted.posts)
    middle = {name: 1000 * median(seconds[warm:]) for name, seconds in taken.items()}
    return {
        **{f"{name}_p50_ms": value for name, value in middle.items()},
        "send_over_bare": middle["send"] / middle["bare"],
        "send_over_fresh": middle["send"] / middle["fresh"],
        "connector_us": 1e6 * median(_time_connector_steps(minted)[warm:]),
        "permit_us": 1e6 * median(_time_verification(minted)[warm:]),
    }


@contextmanager
def run_test_network(folder: Path) -> Iterator[str]:
    """Run the test network of an installation in `folder` and yield its address. Raises Unavailable
    if it does not start.

    It receives its listening socket: asyncio does not recognize a socket that its own process
    created as TCP (`_set_nodelay`), and every response on a reused connection then waits 40 ms for
    a delayed acknowledgement.
    """
    home = InstallationFolder(folder)
    with closing(socket.create_server(("127.0.0.1", 0), backlog=64)) as door:
        base = f"http://127.0.0.1:{door.getsockname()[1]}"
        process = spawn_process(
            [
                sys.executable,
                "-m",
                "workers.run",
                "sandbox",
                "--probes",
                "0",
                "--door",
                str(door.fileno()),
            ],
            home.log_file("sandbox"),
            environment=settings.child_environment(folder, code=CODE_ROOT),
            ending=signal.SIGKILL,
            keep_open=(door.fileno(),),
        )
    try:
        until = monotonic() + PATIENCE_SECONDS
        with closing(HttpClient()) as http:
            while not isinstance(
                http.send(HttpRequest("GET", f"{base}/healthz", deadline=5.0)), HttpResponse
            ):
                if process.poll() is not None or monotonic() > until:
                    raise start_failure(home, "sandbox")
                sleep(0.05)
        yield base
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


def _build_transport(minted: MintedPosts, http: HttpClient, token: str) -> Transport:
    """Return the transport as `wiring` builds it, with an unsealed token: the vault is not
    measured."""

    def no_object(_tenant_id: UUID, sha256: str) -> bytes:
        raise RuntimeError(f"a text has no file: {sha256}")

    return Transport(
        http=http,
        reveal=lambda _tenant_id, _sealed: token,
        seal=lambda _tenant_id, _secret: Sealed(b""),
        read_object=no_object,
        verify_key=minted.key.public_key(),
        record=MemoryPermitRecord(now=None),
    )


def _send_post(minted: MintedPosts, transport: Transport, base: str, post: MintedPost) -> None:
    unit = post.unit
    answers = tuple[StepResult, ...]()
    account = AccountTarget(
        unit.tenant_id, unit.channel_id, ACCOUNT, base, Sealed(b""), platform=PLATFORM
    )
    turn = minted.connector.next_step(unit, answers)
    while isinstance(turn, Send):
        answers = (*answers, transport.send(turn.step, post.permit, account=account))
        turn = minted.connector.next_step(unit, answers)
    if not isinstance(turn, Published):
        raise RuntimeError(f"not published: {turn}")


def _send_plain_post(client: httpx.Client, url: str, token: str, post: MintedPost) -> None:
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    client.post(url, content=post.body, headers=headers).raise_for_status()


def _in_turns(
    ways: Mapping[str, Callable[[MintedPost], None]], posts: Sequence[MintedPost]
) -> dict[str, list[float]]:
    """Return the seconds of each post, for each way of sending."""
    taken: dict[str, list[float]] = {name: [] for name in ways}
    for post in posts:
        for name, way in ways.items():
            started = monotonic()
            way(post)
            taken[name].append(monotonic() - started)
    return taken


def _time_connector_steps(minted: MintedPosts) -> list[float]:
    """Return the seconds of the connector alone: building each request and interpreting a
    successful response."""
    taken = []
    for number, post in enumerate(minted.posts):
        said = {
            "id": f"p{number}",
            "url": f"http://127.0.0.1/{number}",
            "created_at": post.permit.minted_at.isoformat(),
        }
        answer = Response(post.permit.step, 201, {}, said)
        started = monotonic()
        minted.connector.next_step(post.unit, ())
        turn = minted.connector.next_step(post.unit, (answer,))
        taken.append(monotonic() - started)
        if not isinstance(turn, Published):
            raise RuntimeError(f"not published: {turn}")
    return taken


def _time_verification(minted: MintedPosts) -> list[float]:
    public = minted.key.public_key()
    taken = []
    for post in minted.posts:
        started = monotonic()
        if not post.permit.is_signed_by(public):
            raise RuntimeError("a permit of our own is not proven")
        taken.append(monotonic() - started)
    return taken


def measure_interpreter_starts(count: int) -> dict[str, float]:
    """Start new interpreters, alternating: an empty one, one that reads the list of connectors, and
    one that loads them all.

    registry_import_ms: reading the list, less an empty interpreter; registry_load_ms: loading all
    connectors, less reading the list. idle_mib, bare_mib: resident memory at rest, with every
    connector loaded, and with none.
    """
    for code in ("", IMPORTED, LOADED):
        _time_start(code)  # compiles and caches the files once
    rounds = [(_time_start(""), _time_start(IMPORTED), _time_start(LOADED)) for _ in range(count)]
    found = [(measure_memory(""), measure_memory(LOADED)) for _ in range(count)]
    return {
        "registry_import_ms": 1000 * median(imported - empty for empty, imported, _ in rounds),
        "registry_load_ms": 1000 * median(loaded - imported for _, imported, loaded in rounds),
        "sdks_loaded": float(max(sdks for _, (_, sdks) in found)),
        "idle_mib": median(mib for _, (mib, _) in found),
        "bare_mib": median(mib for (mib, _), _ in found),
    }


def _time_start(code: str) -> float:
    started = monotonic()
    # `code` is a constant of this module
    subprocess.run([sys.executable, "-c", code], check=True, cwd=CODE_ROOT)  # noqa: S603  see above
    return monotonic() - started


def measure_memory(code: str) -> tuple[float, int]:
    """Return the resident MiB of an idle interpreter that ran `code`, and the number of
    SDKs in it."""
    with subprocess.Popen(  # noqa: S603  our own words
        [sys.executable, "-c", code + _RESTING],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=CODE_ROOT,
    ) as process:
        told = process.stdout.readline() if process.stdout is not None else b""
        mib = psutil.Process(process.pid).memory_info().rss / MIB
        process.communicate()
    return mib, int(told)
