"""Client for the installation's API for remote workers, over HTTPS."""

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import TypeVar
from urllib.parse import SplitResult, urlsplit

from pydantic import BaseModel, ValidationError

from foundation.errors import BadInput, Conflict, Refused
from foundation.http.http_client import (
    HttpClient,
    HttpRequest,
    HttpResponse,
    RequestNotSent,
    ResponseLost,
)
from foundation.http.retry_after import read_retry_after
from foundation.ops.clock import sleep, wall_now
from foundation.storage.object_store import bytes_digest
from generators.remote_protocol import (
    MAX_PICTURE_BYTES,
    RESULT_HEADER,
    HeartbeatResponse,
    LeaseHeartbeat,
    LeaseReturn,
    MaterialRequest,
    PictureResult,
    WireMessage,
    WorkRequest,
    WorkResponse,
)

API_PATH = "/machine/v1"
LOOPBACK = ("127.0.0.1", "::1", "localhost")
FIRST_WAIT = 1.0
MAX_WAIT_SECONDS = 30.0
"""Maximum seconds between two attempts while the installation is unreachable; each pause is twice
as long as the one before."""

MAX_REQUESTED_RETRY = timedelta(minutes=15)
"""Longest wait that a worker grants the installation before it asks again."""

SUBMIT_TRIES = 8
"""Attempts to submit a picture that arrives damaged or is blocked on the way, over about two
minutes. Afterwards the installation leases it again and counts the attempts."""

DIGEST_MISMATCH_CODE = "machine.digest"
"""The error code for a picture that arrived damaged."""

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


class InstallationUnreachable(Exception):  # no error: worth another attempt
    """Raised if the installation does not answer; retry after `after` seconds."""

    def __init__(self, why: str, after: float = 0.0) -> None:
        self.why = why
        self.after = after
        super().__init__(why)


class LeaseEnded(Exception):  # no error: the pictures are no longer wanted
    """Raised if the run was cancelled or another machine has the lease."""


class InstallationApi:
    """The API of one installation for one remote worker of an agency."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        deadline: float = 30.0,
        told: Callable[[str], None] | None = None,
    ) -> None:
        """`told` is called with the reason why the installation is unreachable. Raises BadInput if
        the URL is not https, except on this machine."""
        parts = _split_url(url)
        if (
            parts is None
            or not parts.hostname
            or not (
                parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in LOOPBACK)
            )
        ):
            raise BadInput("join.https")
        self.url = f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"
        self._key = key
        self._deadline = deadline
        self._told = told or (lambda _: None)
        self._client = HttpClient(max_connections=4)

    def request_work(self, wanted: WorkRequest) -> WorkResponse:
        """Request pictures to generate, or the time to wait. Repeats until the installation
        answers."""
        return self._retry_until_reachable(
            lambda: self._post_message("/work", wanted, WorkResponse)
        )

    def send_heartbeat(self, said: LeaseHeartbeat) -> HeartbeatResponse:
        """Report the progress once. Raises InstallationUnreachable."""
        return self._post_message("/beats", said, HeartbeatResponse)

    def fetch_source_picture(self, wanted: MaterialRequest) -> bytes:
        """Return a source picture. Raises LeaseEnded if it may no longer be used."""

        def once() -> bytes:
            reply = self._send_request("/materials", _to_json(wanted))
            if reply.status != 200:
                raise LeaseEnded
            if bytes_digest(reply.body) != wanted.sha256:
                raise InstallationUnreachable("digest")
            return reply.body

        return self._retry_until_reachable(once)

    def submit_picture(self, made: PictureResult, data: bytes) -> None:
        """Submit a picture until the installation has received it. Raises LeaseEnded if it is no
        longer wanted."""
        headers = {"content-type": "application/octet-stream", RESULT_HEADER: _to_ascii_json(made)}

        wait = FIRST_WAIT
        for _ in range(SUBMIT_TRIES):
            reply = self._retry_until_reachable(
                lambda: self._send_request("/pictures", data, headers)
            )
            if reply.status == 204:
                return
            if _is_no(reply):
                break
            self._told(str(reply.status))
            sleep(wait)
            wait = min(wait * 2, MAX_WAIT_SECONDS)
        raise LeaseEnded

    def return_lease(self, said: LeaseReturn) -> None:
        """Return a lease in one attempt. If the installation does not receive it, the lease
        expires."""
        try:
            self._send_request("/given", _to_json(said))
        except InstallationUnreachable as away:
            self._told(away.why)

    def _retry_until_reachable(self, ask: Callable[[], T]) -> T:
        wait = FIRST_WAIT
        while True:
            try:
                return ask()
            except InstallationUnreachable as away:
                self._told(away.why)
                sleep(max(wait, away.after))
                wait = min(wait * 2, MAX_WAIT_SECONDS)

    def _post_message(self, path: str, said: WireMessage, kind: type[M]) -> M:
        reply = self._send_request(path, _to_json(said))
        if reply.status == 403:
            raise Refused("join.key_refused")
        if reply.status != 200:
            raise Conflict("join.no_house", status=reply.status)
        try:
            return kind.model_validate_json(reply.body)
        except ValidationError as error:
            raise InstallationUnreachable("answer") from error

    def _send_request(
        self, path: str, body: bytes, headers: Mapping[str, str] | None = None
    ) -> HttpResponse:
        """Send one request. Raises InstallationUnreachable, and Refused for an invalid key."""
        said = {
            "authorization": f"Bearer {self._key}",
            "content-type": "application/json",
            **(headers or {}),
        }
        request = HttpRequest(
            "POST", f"{self.url}{API_PATH}{path}", said, body, self._deadline, MAX_PICTURE_BYTES
        )
        match self._client.send(request):
            case RequestNotSent(detail) | ResponseLost(detail):
                raise InstallationUnreachable(detail)
            case HttpResponse(status=401):
                raise Refused("join.key_refused")
            case HttpResponse(status=status, headers=told) if status == 429 or status >= 500:
                wait = read_retry_after(told, now=wall_now()) or timedelta()
                raise InstallationUnreachable(
                    str(status), min(wait, MAX_REQUESTED_RETRY).total_seconds()
                )
            case reply:
                return reply


def _is_no(reply: HttpResponse) -> bool:
    """Return True if the installation itself refuses a picture, as opposed to a proxy's error
    page."""
    try:
        return (
            400 <= reply.status < 500
            and _No.model_validate_json(reply.body).error.code != DIGEST_MISMATCH_CODE
        )
    except ValidationError:
        return False


class _Code(BaseModel):
    code: str


class _No(BaseModel):
    """An error of the installation's API."""

    error: _Code


def _split_url(url: str) -> SplitResult | None:
    """Return the parts of a URL, or None if it is invalid."""
    try:
        parts = urlsplit(url)
        return parts if parts.port != 0 else None  # reading the port validates it
    except ValueError:
        return None


def _to_json(said: WireMessage) -> bytes:
    return said.model_dump_json().encode()


def _to_ascii_json(made: PictureResult) -> str:
    """Return JSON in ASCII, as required in a header."""
    return made.model_dump_json(ensure_ascii=True)
