"""The transport, which sends all HTTP requests to platforms. Each request needs one authorization
that covers exactly its bytes."""

import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from email.utils import format_datetime
from itertools import starmap
from typing import Any, assert_never
from urllib.parse import quote, urlencode, urljoin, urlsplit
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from connectors.contract.connector import (
    FileRef,
    OAuthClient,
    Response,
    StepAnswerLost,
    StepKind,
    StepNotSent,
    StepResult,
    WireStep,
)
from connectors.shared import prices
from connectors.shared.http_responses import ADDRESS_ELSEWHERE, NO_PUBLIC_ADDRESS
from connectors.shared.requested_waits import WAIT_HEADERS
from connectors.transport import (
    order_meanings,
    references,
    request_log,
    required_marks,
    signatures,
)
from connectors.transport.permit_record import PermitUse, RecordPermitUse
from connectors.transport.response_filter import (
    is_plain_value,
    keep_fields,
    pop_path,
    refusal_texts,
)
from foundation.canonical_json import canonical_json
from foundation.errors import GreenroomError
from foundation.http.http_client import (
    MAX_RESPONSE_BYTES,
    HttpClient,
    HttpRequest,
    HttpResponse,
    RequestNotSent,
    ResponseLost,
    encode_multipart,
)
from foundation.http.retry_after import parse_http_date
from foundation.ops.clock import monotonic, wall_now
from foundation.sealed import RevealSecret, Sealed, SealSecret
from gate.contract import replacement_picture
from gate.contract.permit import (
    CONTROL_ACTIONS,
    RESTRICT_ACTIONS,
    AuthOrder,
    Authority,
    ControlOrder,
    NoticeOrder,
    Permit,
    RemovalOrder,
)

ReadStoredObject = Callable[[UUID, str], bytes]
"""Returns the bytes of a tenant's stored object by its SHA-256."""

CreateManualTask = Callable[["WireStep", Permit | RemovalOrder, "AccountTarget"], StepResult]
"""Creates a manual task from a step `to` a person and returns its status. The authorization was
checked before."""

MakeMediaUrl = Callable[[Permit, FileRef], str]
"""Creates a temporary URL for one stored file and one permit, for the platform to download; "" if
the installation has no public address."""

_AGENT = re.compile(r"[\w.:+/@=() -]{0,100}|DiscordBot \([\w.:/-]{0,60}, [\w.+]{1,20}\)", re.ASCII)
"""Pattern of allowed user agents. The user agent is the only header of an order that may contain
spaces."""

DEEPEST = 100
"""Maximum nesting depth of a response. Platforms need about ten levels."""

_OURS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "cookie",
        "host",
        "content-length",
        "transfer-encoding",
    }
)
_DROPPED = frozenset({"set-cookie", "www-authenticate"})
_OF_USE = WAIT_HEADERS | {"x-ratelimit-used"}
"""Headers that are stored if the fields of a response are filtered."""


class EgressForbidden(GreenroomError):
    """The authorization does not cover the request; nothing was sent."""

    exit_code = 5


class PermitExpired(EgressForbidden):
    """The permit has expired; nothing was sent."""


class PermitReplayed(EgressForbidden):
    """The permit was used before, and that request may have published the content."""


@dataclass(frozen=True)
class AccountTarget:
    """The account to which a request is sent, with its credentials. `account` is the name in the
    permit."""

    tenant_id: UUID
    channel_id: UUID
    account: str
    base_url: str
    token: Sealed | None = None
    refresh: Sealed | None = None
    platform: str = ""
    """The platform, for checks, logs and metrics. If it is empty, the permit's surface determines
    the checks."""
    auth_url: str = ""
    """The base URL of the token server; empty if it is `base_url`."""


class Transport:
    """Sends single steps. All collaborators are injected, and it has no state.

    `record` records the use of permits across processes; without it no permit is accepted.
    """

    def __init__(
        self,
        *,
        http: HttpClient,
        reveal: RevealSecret,
        seal: SealSecret,
        read_object: ReadStoredObject,
        verify_key: Ed25519PublicKey,
        record: RecordPermitUse | None = None,
        hand_over: CreateManualTask | None = None,
        lend: MakeMediaUrl | None = None,
    ) -> None:
        self._http = http
        self._reveal = reveal
        self._seal = seal
        self._read_object = read_object
        self._verify_key = verify_key
        self._hand_over = hand_over
        self._lend = lend
        self._record = record

    def send(self, step: WireStep, authority: Authority, *, account: AccountTarget) -> StepResult:
        """Send `step` once and return the result; secret fields of the response are sealed.

        Raises EgressForbidden before anything is sent if the authorization does not cover exactly
        this request, PermitExpired or PermitReplayed for a permit that is too old or was used in
        any process, and NotFound if a file is not stored.
        """
        self._check_authority(step, authority, account)
        if step.to == "person":
            return self._send_to_person(step, authority, account)
        headers, body = self._build_content(step, account.tenant_id)
        url = self._resolve_upload_url(step, account) if step.address else _build_url(step, account)
        if step.encoding == "query":
            url = f"{url}?{body.decode()}"
            body = b""
        if not url:
            return StepNotSent(step.name, ADDRESS_ELSEWHERE)
        # From here on the permit is used up, so all local checks of the content come before.
        if isinstance(authority, Permit):
            self._use_once(authority)
        if step.fetched and isinstance(authority, Permit):
            body = self._build_media_url_body(step, authority)
            if not body:
                return StepNotSent(step.name, NO_PUBLIC_ADDRESS)
        url, shown = self._build_credential(step, account, url, body)
        headers |= shown
        started = monotonic()
        most = 0 if step.only == () else MAX_RESPONSE_BYTES
        answer = self._exchange_request(
            step, HttpRequest(step.method, url, headers, body, step.deadline, most), account
        )
        request_log.log_request(step, account.platform, answer, seconds=monotonic() - started)
        return replace(answer, started=started) if isinstance(answer, Response) else answer

    def _send_to_person(
        self, step: WireStep, authority: Authority, account: AccountTarget
    ) -> StepResult:
        """Create a manual task. Its authorization is checked and used like that of a request."""
        if self._hand_over is None or not isinstance(authority, Permit | RemovalOrder):
            raise EgressForbidden("egress.wrong_authority", step=step.name, kind=str(step.kind))
        for file in step.files.values():
            self._read_bytes(step, file, account.tenant_id)
        if isinstance(authority, Permit):
            self._use_once(authority)
        return self._hand_over(step, authority, account)

    def _exchange_request(
        self, step: WireStep, request: HttpRequest, account: AccountTarget
    ) -> StepResult:
        match self._http.send(request):
            case RequestNotSent(detail=detail):
                return StepNotSent(step.name, detail)
            case ResponseLost(detail=detail):
                return StepAnswerLost(step.name, detail)
            case HttpResponse() as reply:
                return self._build_response(step, reply, account.tenant_id)
            case unexpected:
                assert_never(unexpected)

    def _check_authority(
        self, step: WireStep, authority: Authority, account: AccountTarget
    ) -> None:
        same_channel = (
            isinstance(authority, NoticeOrder) or authority.channel_id == account.channel_id
        )
        if authority.tenant_id != account.tenant_id or not same_channel:
            raise EgressForbidden("egress.other_account", step=step.name)
        match step.kind, authority:
            case ((StepKind.STAGE | StepKind.PUBLISH | StepKind.MUTATE), Permit()):
                self._check_permit(step, authority, account)
            case StepKind.RESTRICT, RemovalOrder(action=action) if action in RESTRICT_ACTIONS:
                _check_bare(step, action)
                _check_meaning(step, action)
            case StepKind.CONTROL, ControlOrder(action=action) if action in CONTROL_ACTIONS:
                _check_bare(step, action)
                _check_meaning(step, action, authority.act)
            case (StepKind.AUTH, AuthOrder()) | (StepKind.NOTICE, NoticeOrder()):
                if step.file is not None or step.files or step.fetched:
                    raise EgressForbidden("egress.carries_content", step=step.name)
            case _:
                raise EgressForbidden("egress.wrong_authority", step=step.name, kind=str(step.kind))

    def _check_permit(self, step: WireStep, permit: Permit, account: AccountTarget) -> None:
        if not permit.is_signed_by(self._verify_key):
            raise EgressForbidden("egress.forged", step=step.name)
        bound = (permit.account, permit.step, permit.wire_digest)
        if bound != (account.account, step.name, step.wire_digest()):
            raise EgressForbidden("egress.not_these_bytes", step=step.name)
        platform = account.platform or permit.surface.partition(".")[0]
        stray = references.stray_reference(step, platform, permit.points_at)
        if stray:
            raise EgressForbidden(stray, step=step.name)
        shown = (
            references.count_shown_references(step, platform, permit.points_at)
            if step.has_content
            else 0
        )
        missing = required_marks.first_missing_mark(
            step, required_marks.marks_due(step, platform, permit.flags), pointed=shown
        )
        if missing:
            raise EgressForbidden("egress.mark_missing", step=step.name, mark=missing)
        if step.has_content and prices.is_mispriced(step, platform, permit.price):
            raise EgressForbidden("egress.other_price", step=step.name)

    def _resolve_upload_url(self, step: WireStep, account: AccountTarget) -> str:
        """Return the upload URL from an earlier response, or "" if its host is not the platform's.

        TLS is required unless the account's base URL has none.
        """
        bare = step.json is not None and not step.files
        carries = step.kind in (StepKind.STAGE, StepKind.PUBLISH)
        if not carries or bare or step.token != "none":
            raise EgressForbidden("egress.malformed", step=step.name)
        told = (
            step.address
            if isinstance(step.address, str)
            else self._reveal(account.tenant_id, step.address)
        )
        url = f"{account.base_url.partition('//')[0]}{told}" if told.startswith("//") else told
        return url if _is_theirs(url, account.base_url, step.within) else ""

    def _use_once(self, permit: Permit) -> None:
        """Record the use of a permit. Raises PermitReplayed or PermitExpired.

        A permit is consumed in the transaction that claims the delivery; this record prevents a
        consumed permit from being sent twice.
        """
        if self._record is None:
            raise EgressForbidden("egress.wrong_authority", step=permit.step, kind="permit")
        match self._record(permit):
            case PermitUse.FIRST:
                return
            case PermitUse.EXPIRED:
                raise PermitExpired("egress.expired", step=permit.step)
            case PermitUse.REPLAYED:
                raise PermitReplayed("egress.replayed", step=permit.step)
            case unexpected:
                assert_never(unexpected)

    def _build_content(self, step: WireStep, tenant_id: UUID) -> tuple[dict[str, str], bytes]:
        headers = {name.lower(): value for name, value in step.headers.items()}
        alone = step.file is None or not (step.json is not None or step.files)
        bare = step.fetched and (step.file or step.files or step.json is None)
        said_aloud = step.encoding == "query" and step.kind is not StepKind.AUTH
        if _OURS & headers.keys() or not alone or bare or said_aloud:
            raise EgressForbidden("egress.malformed", step=step.name)
        headers.setdefault("user-agent", "greenroom")
        if step.file is not None:
            return headers | {"content-type": step.file.mime}, self._read_bytes(
                step, step.file, tenant_id
            )
        if step.files:
            told = (
                self._reveal_values(step.json or {}, tenant_id) if step.address else step.json or {}
            )
            fields = {name: _form_value(value) for name, value in told.items()}
            parts = {
                part: (file.name or part, self._read_bytes(step, file, tenant_id), file.mime)
                for part, file in step.files.items()
            }
            kind, body = encode_multipart(fields, parts)
            return headers | {"content-type": kind}, body
        if step.json is not None:
            said = (
                self._reveal_values(step.json, tenant_id)
                if step.kind is StepKind.AUTH
                else step.json
            )
            if step.encoding != "json":
                written = urlencode(
                    {name: _form_value(value) for name, value in said.items()}
                ).encode()
                of_form = (
                    {"content-type": "application/x-www-form-urlencoded"}
                    if step.encoding == "form"
                    else {}
                )
                return headers | of_form, written
            return headers | {"content-type": "application/json"}, canonical_json(said)
        return headers, b""

    def _build_media_url_body(self, step: WireStep, permit: Permit) -> bytes:
        """Return the JSON with temporary URLs of the files for this permit, or no bytes if there is
        no public address."""
        for file in step.fetched.values():
            self._read_bytes(step, file, permit.tenant_id)
        lent = {
            name: self._lend(permit, file) if self._lend else ""
            for name, file in step.fetched.items()
        }
        return canonical_json({**(step.json or {}), **lent}) if all(lent.values()) else b""

    def _read_bytes(self, step: WireStep, file: FileRef, tenant_id: UUID) -> bytes:
        data = replacement_picture.replacement_bytes(file.sha256) or self._read_object(
            tenant_id, file.sha256
        )
        if hashlib.sha256(data).hexdigest() != file.sha256:
            raise EgressForbidden("egress.file_changed", step=step.name)
        return data[slice(*file.part)] if file.part is not None else data

    def _reveal_values(self, value: Any, tenant_id: UUID) -> Any:
        """Return the JSON of a sign-in or an upload with its sealed values opened."""
        if isinstance(value, Sealed):
            return self._reveal(tenant_id, value)
        if isinstance(value, Mapping):
            return {key: self._reveal_values(part, tenant_id) for key, part in value.items()}
        return value

    def _build_credential(
        self, step: WireStep, account: AccountTarget, url: str, body: bytes
    ) -> tuple[str, dict[str, str]]:
        """Return the URL and the headers with the credential."""
        if step.client is not None:
            return url, self._as_client(step, step.client, account.tenant_id)
        match step.token:
            case "none":
                return url, {}
            case "path":
                secret = quote(self._reveal_credential(step, account, account.token), safe=":")
                return url.replace("{token}", secret), {}
            case "bot":
                return url, {
                    "authorization": f"Bot {self._reveal_credential(step, account, account.token)}"
                }
            case "refresh":
                return url, {
                    "authorization": "Bearer "
                    f"{self._reveal_credential(step, account, account.refresh)}"
                }
            case "bearer":
                return url, {
                    "authorization": "Bearer "
                    f"{self._reveal_credential(step, account, account.token)}"
                }
            case "signed":
                return url, self._build_signature_headers(step, account, body)
            case unexpected:
                assert_never(unexpected)

    def _as_client(self, step: WireStep, client: OAuthClient, tenant_id: UUID) -> dict[str, str]:
        """Return the header for HTTP Basic authentication (RFC 7617), which is allowed for sign-in
        steps only."""
        # form of the credential
        if step.kind is not StepKind.AUTH or step.token != "none" or client.secret is None:
            raise EgressForbidden("egress.malformed", step=step.name)
        said = f"{client.client_id}:{self._reveal(tenant_id, client.secret)}"
        return {"authorization": f"Basic {base64.b64encode(said.encode()).decode()}"}

    def _build_signature_headers(
        self, step: WireStep, account: AccountTarget, body: bytes
    ) -> dict[str, str]:
        """Sign with the secret (the token) and, during its rotation, with the previous one too."""
        boxes = [account.token, *([account.refresh] if account.refresh is not None else [])]
        secrets = [self._reveal_credential(step, account, box) for box in boxes]
        return {
            signatures.SIGNATURE_HEADER: signatures.signature_header(
                secrets, step.headers.get(signatures.TIMESTAMP_HEADER, ""), body
            )
        }

    def _reveal_credential(self, step: WireStep, account: AccountTarget, box: Sealed | None) -> str:
        if box is None:
            raise EgressForbidden("egress.no_credential", step=step.name)
        return self._reveal(account.tenant_id, box)

    def _build_response(self, step: WireStep, reply: HttpResponse, tenant_id: UUID) -> Response:
        body = _strict_json(reply.body)
        sealed: dict[str, Sealed] = {}
        for name in step.secret_fields:
            if (secret := pop_path(body, name.split("."))) is not None:
                sealed[name] = self._seal(
                    tenant_id, secret if isinstance(secret, str) else json.dumps(secret)
                )
        if step.text_as and not isinstance(body, dict) and 200 <= reply.status < 300:
            told = body if isinstance(body, str) else reply.body.decode("utf-8", "replace")
            body = {}
            sealed[step.text_as] = self._seal(tenant_id, told.strip())
        headers = {name: value for name, value in reply.headers.items() if name not in _DROPPED}
        if parse_http_date(headers.get("date", "")) is None:
            headers["date"] = format_datetime(wall_now(), usegmt=True)  # RFC 9110, 6.6.1
        for name in step.secret_headers:
            if name in headers:
                sealed[name] = self._seal(tenant_id, headers.pop(name))
        if step.only is not None:
            body = (
                keep_fields(body, step.only)
                if reply.status < 400 or not step.only
                else refusal_texts(body)
            )
            headers = {name: text for name, text in headers.items() if name in _OF_USE}
        return Response(step.name, reply.status, headers, body, sealed)


def _check_bare(step: WireStep, action: str) -> None:
    if step.action != action:
        raise EgressForbidden("egress.wrong_authority", step=step.name, kind=str(step.kind))
    carries = step.file is not None or step.files or step.fetched
    if (
        carries
        or not is_plain_value(step.json)
        or not all(starmap(_is_plain_header, step.headers.items()))
    ):
        raise EgressForbidden("egress.carries_content", step=step.name)
    if len(step.path) > 1024 or "%20" in step.path:
        raise EgressForbidden("egress.carries_content", step=step.name)


def _check_meaning(step: WireStep, action: str, act: str = "") -> None:
    if not order_meanings.has_meaning(step, action, act):
        raise EgressForbidden("egress.other_meaning", step=step.name, action=action)


def _is_plain_header(name: str, value: str) -> bool:
    return is_plain_value(value) or (name == "user-agent" and bool(_AGENT.fullmatch(value)))


def _form_value(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode()


def _is_theirs(url: str, base_url: str, within: tuple[str, ...]) -> bool:
    """Return True if a URL from a response is on the account's host or in one of the allowed
    domains."""
    try:
        target = urlsplit(url)
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    stored = target.scheme == "https" and any(
        host == each or host.endswith(f".{each}") for each in within
    )
    clean = url.isascii() and url.isprintable() and not target.fragment and "@" not in target.netloc
    return clean and (stored or target[:2] == urlsplit(base_url)[:2])


def _build_url(step: WireStep, account: AccountTarget) -> str:
    """Return the full URL. A path that changes the host or contains dot segments raises
    EgressForbidden."""
    path = step.path.replace("{account}", quote(account.account, safe=""))
    home = _base_url(step, account)
    url = home.rstrip("/") + path
    base = urlsplit(home)
    target = urlsplit(url)
    dots = {".", ".."} & set(target.path.split("/"))
    elsewhere = target[:2] != base[:2] or base.scheme not in {"http", "https"} or target.fragment
    if not path.startswith("/") or path.startswith("//") or dots or elsewhere:
        raise EgressForbidden("egress.malformed", step=step.name)
    return url


def _base_url(step: WireStep, account: AccountTarget) -> str:
    if step.kind is not StepKind.AUTH or step.host == "account":
        return account.base_url
    if step.host == "auth":
        return account.auth_url or account.base_url
    return urljoin(account.base_url, "/")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _strict_json(body: bytes) -> Any:
    """Return the parsed body, or None if it is not JSON in UTF-8 (RFC 8259: no NaN, no Infinity) or
    is nested deeper than `DEEPEST`."""
    try:
        read = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    # The number of brackets is a cheap upper bound of the depth.
    may_be_deep = body.count(b"[") + body.count(b"{") > DEEPEST
    return None if may_be_deep and not _is_within_depth(read, DEEPEST) else read


def _is_within_depth(value: Any, depth: int) -> bool:
    if not isinstance(value, dict | list):
        return True
    return depth > 0 and all(
        _is_within_depth(part, depth - 1)
        for part in (value.values() if isinstance(value, dict) else value)
    )
