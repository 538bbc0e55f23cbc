"""The only way out of the house: a request leaves under exactly one authority, checked against its
very bytes."""

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
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
from connectors.transport import references, request_log, required_marks, signatures
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
from foundation.ops.clock import monotonic
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
"""Bytes of a tenant's stored object by SHA-256."""

CreateManualTask = Callable[["WireStep", Permit | RemovalOrder, "AccountTarget"], StepResult]
"""Puts a step `to` a person where people find it, and says what became of it; the step's authority
was checked."""

MakeMediaUrl = Callable[[Permit, FileRef], str]
"""An address of ours under which the platform fetches one stored file for one permit; "" where
there can be none."""

_AGENT = re.compile(r"[\w.:+/@=() -]{0,100}|DiscordBot \([\w.:/-]{0,60}, [\w.+]{1,20}\)", re.ASCII)
"""How a request may name who asks: the one header of an order that has blanks."""

DEEPEST = 100
"""So many objects and lists of an answer may stand in each other; platforms need ten."""

REMEMBERED = 10_000
"""So many permits that were used here are known again."""
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
_OF_USE = (
    "date",
    "retry-after",
    "ratelimit-reset",
    "x-ratelimit-used",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
)
"""Headers that are kept of an answer of which little may be kept."""


class EgressForbidden(GreenroomError):
    """A request without the authority for just this; nothing of it left the house."""

    exit_code = 5


@dataclass(frozen=True)
class AccountTarget:
    """Where a request goes and whose credential it shows. `account` is the name the permit was
    minted for."""

    tenant_id: UUID
    channel_id: UUID
    account: str
    base_url: str
    token: Sealed | None = None
    refresh: Sealed | None = None
    platform: str = ""
    """For what is said and counted of its requests."""
    auth_url: str = ""
    """Where its tokens are given; empty: at `base_url`."""


class Transport:
    """Sends single wire steps. Everything it may do is injected; it keeps nothing but the permits
    it has seen."""

    def __init__(
        self,
        *,
        http: HttpClient,
        reveal: RevealSecret,
        seal: SealSecret,
        read_object: ReadStoredObject,
        verify_key: Ed25519PublicKey,
        hand_over: CreateManualTask | None = None,
        lend: MakeMediaUrl | None = None,
        remembers: int = REMEMBERED,
    ) -> None:
        self._http = http
        self._reveal = reveal
        self._seal = seal
        self._read_object = read_object
        self._verify_key = verify_key
        self._hand_over = hand_over
        self._lend = lend
        self._used: dict[UUID, None] = {}
        self._remembers = remembers
        self._lock = threading.Lock()

    def send(self, step: WireStep, authority: Authority, *, account: AccountTarget) -> StepResult:
        """Send `step` once and say what came back; secret fields of the answer are sealed.

        Raises EgressForbidden before the first byte leaves when the authority does not cover
        exactly this request, and NotFound when a file of it is not stored.
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
        """No socket: the same authority for the same bytes, used up the same way, and somebody else
        carries them."""
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
            case StepKind.CONTROL, ControlOrder(action=action) if action in CONTROL_ACTIONS:
                _check_bare(step, action)
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
        """Where the platform told us to put a file: a host of theirs, over TLS unless the account's
        is without; "" for anything else."""
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
        """The claim's transaction consumes permits; this refuses a replay inside the process all
        the same."""
        with self._lock:
            if permit.jti in self._used:
                raise EgressForbidden("egress.replayed", step=permit.step)
            self._used[permit.jti] = None
            if len(self._used) > self._remembers:
                del self._used[next(iter(self._used))]

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
        """The JSON with the addresses of its files, each good for this permit alone; nothing where
        there are none."""
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
        """The JSON of a sign-in, or of a file's way to a store, with its sealed values opened."""
        if isinstance(value, Sealed):
            return self._reveal(tenant_id, value)
        if isinstance(value, Mapping):
            return {key: self._reveal_values(part, tenant_id) for key, part in value.items()}
        return value

    def _build_credential(
        self, step: WireStep, account: AccountTarget, url: str, body: bytes
    ) -> tuple[str, dict[str, str]]:
        """The address and the headers that show the credential."""
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
        """Basic, of a sign-in alone (RFC 7617)."""
        # how it is shown
        if step.kind is not StepKind.AUTH or step.token != "none" or client.secret is None:
            raise EgressForbidden("egress.malformed", step=step.name)
        said = f"{client.client_id}:{self._reveal(tenant_id, client.secret)}"
        return {"authorization": f"Basic {base64.b64encode(said.encode()).decode()}"}

    def _build_signature_headers(
        self, step: WireStep, account: AccountTarget, body: bytes
    ) -> dict[str, str]:
        """A signature by each live secret: the token, and while it is being changed the one
        before."""
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
        for name in step.secret_headers:
            if name in headers:
                sealed[name] = self._seal(tenant_id, headers.pop(name))
        if step.only is not None:
            body = (
                keep_fields(body, step.only)
                if reply.status < 400 or not step.only
                else refusal_texts(body)
            )
            headers = {name: headers[name] for name in _OF_USE if name in headers}
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


def _is_plain_header(name: str, value: str) -> bool:
    return is_plain_value(value) or (name == "user-agent" and bool(_AGENT.fullmatch(value)))


def _form_value(value: Any) -> str:
    return value if isinstance(value, str) else canonical_json(value).decode()


def _is_theirs(url: str, base_url: str, within: tuple[str, ...]) -> bool:
    """Whether an address that a platform told leads to the account's host, or into one of its
    stores."""
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
    """The full address; it cannot lead to another host, nor out of its folder by dots."""
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
    """Which address of the account a request begins with."""
    if step.kind is not StepKind.AUTH or step.host == "account":
        return account.base_url
    if step.host == "auth":
        return account.auth_url or account.base_url
    return urljoin(account.base_url, "/")


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _strict_json(body: bytes) -> Any:
    """The parsed body, None for anything that is not JSON in UTF-8 (RFC 8259: no NaN, no Infinity),
    or nested deeper than anybody who reads it could follow."""
    try:
        read = json.loads(body.decode(), parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return None
    may_be_deep = body.count(b"[") + body.count(b"{") > DEEPEST
    return None if may_be_deep and not _is_within_depth(read, DEEPEST) else read


def _is_within_depth(value: Any, depth: int) -> bool:
    """Whether objects and lists stand in each other no more than `depth` times."""
    if not isinstance(value, dict | list):
        return True
    return depth > 0 and all(
        _is_within_depth(part, depth - 1)
        for part in (value.values() if isinstance(value, dict) else value)
    )
