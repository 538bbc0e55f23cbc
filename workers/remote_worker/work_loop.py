"""The work loop of a remote worker: request jobs, generate pictures, report progress, submit them.

It needs no database or Redis and opens no port; it sends HTTPS requests to one installation.
"""

import hashlib
import importlib.metadata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from threading import Event, Thread

from foundation.errors import BadInput, GreenroomError
from foundation.i18n.translation import Message, render_message
from foundation.ops.clock import monotonic, sleep
from generators.contract.engines import (
    EngineError,
    EngineMissing,
    EngineUnreachable,
    GeneratedPicture,
    HostedImageEngine,
    ImageEngine,
    ImageJob,
    LocalEngine,
    SupportsModelList,
    UnusableAnswer,
)
from generators.engines.images import input_fitting
from generators.remote_protocol import (
    PROTOCOL_VERSION,
    LeasedPictures,
    LeaseHeartbeat,
    LeaseReturn,
    MaterialRequest,
    PictureOrder,
    PictureResult,
    RemoteWorkerCapabilities,
    WorkRequest,
)
from workers.remote_worker.installation_api import (
    InstallationApi,
    InstallationUnreachable,
    LeaseEnded,
)
from workers.remote_worker.spool import PictureSpool

PrintMessage = Callable[[Message], None]
ReportUnreachable = Callable[[str], None]

HEARTBEAT_SECONDS = 10.0
HEARTBEAT_MIN_SECONDS = 2.0
"""Minimum seconds between two heartbeats with progress; `HEARTBEAT_SECONDS` is the interval without
progress."""


@dataclass(frozen=True)
class RemoteWorker:
    """A remote worker: its installation, engine and spool."""

    installation: InstallationApi
    engine: ImageEngine
    spool: PictureSpool
    print_message: PrintMessage
    heartbeat_seconds: float = HEARTBEAT_MIN_SECONDS


def describe_capabilities(engine: ImageEngine) -> RemoteWorkerCapabilities:
    """Return the capabilities of this machine.

    Raises EngineMissing for an engine of a paid provider, which the installation calls itself, and
    the engine's errors if it does not work on this machine.
    """
    if isinstance(engine, HostedImageEngine):
        raise EngineMissing("join.hosted", engine=engine.name)
    models, loras = engine.list_models() if isinstance(engine, SupportsModelList) else ([], [])
    return RemoteWorkerCapabilities(
        engine=engine.name,
        model=engine.model,
        models=models,
        loras=loras,
        does=sorted(engine.does),
        on=render_message(engine.device_message(), "en")[:200]
        if isinstance(engine, LocalEngine)
        else "",
        release=_get_release(),
    )


def _get_release() -> str:
    try:
        return importlib.metadata.version("greenroom")
    except importlib.metadata.PackageNotFoundError:
        return ""


def run_work_loop(joined: RemoteWorker, *, once: bool = False) -> None:
    """Work until interrupted; with `once`, until no job is left. Raises Refused if the key is
    revoked."""
    has = describe_capabilities(joined.engine)
    wanted = WorkRequest(version=PROTOCOL_VERSION, instance=joined.spool.instance, able=has)
    joined.print_message(
        Message(
            "join.began", {"url": joined.installation.url, "engine": has.engine, "model": has.model}
        )
    )
    idle = False
    while True:
        found = joined.installation.request_work(wanted)
        joined.spool.delete_unwanted(found.lent)
        if found.lent is not None:
            idle = False
            _process_lease(joined, found.lent)
        elif once:
            return
        else:
            if not idle:
                joined.print_message(Message("join.nothing"))
            idle = True
            sleep(found.wait)


def _process_lease(joined: RemoteWorker, lent: LeasedPictures) -> None:
    """Generate the pictures of a lease. Failures and the end of the program are reported to the
    installation."""
    joined.print_message(Message("join.lent", {"count": len(lent.pictures)}))
    try:
        with _run_heartbeat(joined, lent) as heart:
            for made, data, asked in _make_pictures(joined, lent, heart):
                joined.installation.submit_picture(made, data)
                joined.spool.delete_picture(asked)
                joined.print_message(Message("join.handed", {"number": asked.number + 1}))
    except LeaseEnded:
        joined.print_message(
            Message("join.ended")
        )  # the pictures remain in the spool until the next lease
    except (EngineUnreachable, UnusableAnswer) as error:
        joined.print_message(error.message)
        joined.installation.return_lease(_build_lease_return(lent, "later", error))
        sleep(getattr(error, "after", 0.0))  # the installation leases the run again later
    except (EngineError, BadInput) as error:
        joined.print_message(error.message)
        joined.installation.return_lease(_build_lease_return(lent, "never", error))
    except (KeyboardInterrupt, SystemExit):
        joined.installation.return_lease(LeaseReturn(lease=lent.lease, why="left"))
        raise


def _build_lease_return(lent: LeasedPictures, why: str, error: GreenroomError) -> LeaseReturn:
    said = {
        name: value if isinstance(value, int) else value[:200]
        for name, value in error.message.params.items()
    }
    return LeaseReturn.model_validate(
        {"lease": lent.lease, "why": why, "code": error.message.code, "params": said}
    )


def _make_pictures(
    joined: RemoteWorker, lent: LeasedPictures, heart: "_Heart"
) -> Iterator[tuple[PictureResult, bytes, PictureOrder]]:
    """Yield the pictures of a lease: those in the spool first, the others as they are generated."""
    left: list[PictureOrder] = []
    for asked in lent.pictures:
        known = joined.spool.find_picture(lent, asked)
        if known is None:
            left.append(asked)
        else:
            yield *known, asked
    if not left:
        return
    jobs = _build_jobs(joined.installation, lent, left)
    began = monotonic()
    for asked, picture in zip(
        left, input_fitting.draw_jobs(joined.engine, jobs, heart.step), strict=True
    ):
        made = _build_result(lent, asked, picture, monotonic() - began)
        joined.spool.store_picture(asked, made, picture.data)
        yield made, picture.data, asked
        began = monotonic()


def _build_jobs(
    house: InstallationApi, lent: LeasedPictures, left: Sequence[PictureOrder]
) -> list[ImageJob]:
    """Return the engine's jobs, with each source picture fetched once."""

    @cache
    def fetch(sha256: str) -> bytes:
        return house.fetch_source_picture(MaterialRequest(lease=lent.lease, sha256=sha256))

    try:
        return [asked.to_job(fetch) for asked in left]
    except ValueError as error:
        raise BadInput("join.unreadable") from error


def _build_result(
    lent: LeasedPictures, asked: PictureOrder, picture: GeneratedPicture, seconds: float
) -> PictureResult:
    told = {
        name[:40]: value[:2000] if isinstance(value, str) else value
        for name, value in picture.parameters.items()
    }
    told = {**told, "greenroom": _get_release()}
    return PictureResult.model_validate(
        {
            "lease": lent.lease,
            "number": asked.number,
            "sha256": hashlib.sha256(picture.data).hexdigest(),
            "engine": picture.engine,
            "model": picture.model[:200],
            "label": str(picture.label),
            "seconds": seconds,
            "parameters": told,
        }
    )


class _Heart:
    """Thread that reports progress and receives the end of a lease."""

    def __init__(self, joined: RemoteWorker, lent: LeasedPictures) -> None:
        self._joined = joined
        self._lent = lent
        self._told = (0, 0)
        self._ended = Event()
        self._over = Event()
        self._every = min(HEARTBEAT_SECONDS, lent.seconds / 6)

    def step(self, done: int, total: int) -> None:
        """Record the progress after a step of the engine. Raises LeaseEnded."""
        self._told = (done, total)
        if self._ended.is_set():
            raise LeaseEnded

    def stop(self) -> None:
        """Stop the heartbeats."""
        self._over.set()

    def beat(self) -> None:
        """Send heartbeats until stopped or until the lease has ended."""
        last = monotonic()
        said = (0, 0)
        while not self._over.wait(min(self._joined.heartbeat_seconds, self._every)):
            if self._told == said and monotonic() - last < self._every:
                continue
            last = monotonic()
            said = self._told
            try:
                heard = self._joined.installation.send_heartbeat(
                    LeaseHeartbeat(lease=self._lent.lease, step=said[0], steps=said[1])
                )
            except InstallationUnreachable:
                continue  # the lease outlasts several heartbeats
            except GreenroomError:
                heard = None  # the key was revoked; the next request reports it
            if heard is None or heard.state != "go":
                self._ended.set()
                return


@contextmanager
def _run_heartbeat(joined: RemoteWorker, lent: LeasedPictures) -> Iterator[_Heart]:
    heart = _Heart(joined, lent)
    thread = Thread(target=heart.beat, name="heartbeat", daemon=True)
    thread.start()
    try:
        yield heart
    finally:
        heart.stop()
        thread.join(5)
