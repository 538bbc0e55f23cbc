"""Acts that a member signs with a passkey: what each is about, to the letter, and what follows from the signature."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dashboard import entry, session, widgets
from dashboard.entry import KeyForm
from dashboard.reads.system import check_end
from dashboard.session import Viewer
from dashboard.wording import Voice
from foundation import outbox
from foundation.database import Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from gate import releasing, switches
from gate.events import SwitchWanted
from gate.releasing import ReleaseEnded, ReleaseWanted, Standing
from schedules.calendar import zone_of
from tenants import passkeys
from tenants import reads as tenant_reads
from tenants.roles import Right, require

ASKED = "asked"
"""In the address of System: somebody comes from asking for the end of a stop."""

REASON = (("reason", "system.why_reopen"),)


@dataclass(frozen=True)
class Act:
    """`about` names what is signed, `done` has the workers do it and says where to go on."""

    about: Callable[[Scope, Mapping[str, str]], str]
    done: Callable[[Scope, Mapping[str, str], UUID], str]


def about(scope: Scope, act: str, fields: Mapping[str, str]) -> str:
    """What exactly a member signs. Raises BadInput for an act nobody knows, and as the act does."""
    return _act(act).about(scope, fields)


def done(scope: Scope, act: str, fields: Mapping[str, str], signed: UUID) -> str:
    """Ask the workers for what was signed; returns the page to go on to."""
    return _act(act).done(scope, fields, signed)


def _act(name: str) -> Act:
    found = ACTS.get(name)
    if found is None:
        raise BadInput("passkey.wrong")
    return found


def _stop(fields: Mapping[str, str]) -> tuple[str, str, str, str]:
    reason = fields.get("reason", "").strip()[:200]
    if not reason:
        raise BadInput("switch.no_reason")
    return fields.get("where", ""), fields.get("target", ""), fields.get("feature", ""), reason


def _since(fields: Mapping[str, str]) -> str:
    """When the stop was pressed that they saw."""
    try:
        return datetime.fromisoformat(fields.get("since", "")).isoformat()
    except ValueError as error:
        raise BadInput("passkey.wrong") from error


def _reopening(scope: Scope, fields: Mapping[str, str]) -> str:
    stop = _stop(fields)
    check_end(scope, stop[:3])
    return switches.signed_as(*stop)


def _reopen(scope: Scope, fields: Mapping[str, str], signed: UUID) -> str:
    where, target, feature, reason = _stop(fields)
    wanted = SwitchWanted(
        scope.tenant_id,
        signed,
        scope=where,
        target=target,
        feature=feature,
        open=True,
        by=scope.actor,
        reason=reason,
        signed=str(signed),
        since=_since(fields),
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"switch:{signed}")
    return f"/system?{ASKED}=1"


def _releasing(scope: Scope, fields: Mapping[str, str]) -> str:
    """The digest of what would be posted, if it may be signed at all."""
    digest = fields.get("digest", "")
    if releasing.standing(scope, digest).lacks:
        raise Refused("own.missing")
    return digest


def _release(scope: Scope, fields: Mapping[str, str], signed: UUID) -> str:
    digest = fields.get("digest", "")
    wanted = ReleaseWanted(scope.tenant_id, signed, unit_digest=digest, by=scope.actor)
    outbox.put(scope, wanted, priority=0, dedupe=f"own:{signed}")
    return "/approvals"


ACTS = {switches.REOPEN: Act(_reopening, _reopen), releasing.ACT: Act(_releasing, _release)}


def _page(request: Request, said: str, *, key: KeyForm | None, to: str, status: int = 200, **more: object) -> Response:
    who: Viewer = request.scope[entry.VIEWER]
    voice = Voice(who.member.language, zone_of(who.member.zone))
    values = {"lines": (), "back": "", **more}
    body = widgets.render(
        "confirm.html",
        language=voice.language,
        said=said,
        action="",
        button="",
        fields=(),
        key=key if session.site() is not None else None,
        to=to,
        word=voice.word,
        **values,
    )
    return HTMLResponse(body, status, entry.NO_STORE)


def ask_reopen(request: Request) -> Response:
    """The end of a wide stop by one person: what is stopped, why it ends, and their passkey."""
    who: Viewer = request.scope[entry.VIEWER]
    voice = Voice(who.member.language, zone_of(who.member.zone))
    asked = {name: request.query_params.get(name, "") for name in ("where", "target", "feature")}
    try:
        require(who.member.role, Right.REOPEN)
        with session.tenant()(who.tenant_id, who.actor) as scope:
            check_end(scope, (asked["where"], asked["target"], asked["feature"]))
            since = next(one.since for one in switches.stops(scope) if _same(one, asked))
            now, keyed = scope.now, bool(passkeys.keys(scope, who.member.id))
    except GreenroomError as refused:
        return _page(request, voice.say(refused.message), key=None, to="/system", status=409)
    minutes = int(switches.ALONE_AFTER.total_seconds() // 60)
    said = voice.word("passkey.reopen", since=voice.moment(since, now), minutes=minutes)
    hidden = {**asked, "since": since.isoformat()}
    key = KeyForm(switches.REOPEN, "passkey.reopen_now", hidden=hidden, asked=REASON, first=True) if keyed else None
    return _page(request, said, key=key, to="/system")


def _same(stop: switches.Stop, asked: Mapping[str, str]) -> bool:
    return (stop.where, stop.target, stop.feature) == (asked["where"], asked["target"], asked["feature"])


def ask_own(request: Request) -> Response:
    """One's own picture: what is missing, or the signature; once signed, since when, and the way back."""
    who: Viewer = request.scope[entry.VIEWER]
    voice = Voice(who.member.language, zone_of(who.member.zone))
    digest = request.path_params["digest"]
    try:
        with session.tenant()(who.tenant_id, who.actor) as scope:
            found = _mine(scope, who, digest)
            now, keyed = scope.now, bool(passkeys.keys(scope, who.member.id))
    except GreenroomError as refused:
        return _page(request, voice.say(refused.message), key=None, to="/approvals", status=409)
    lines = [(False, voice.word(f"own.lack.{lack}")) for lack in found.lacks]
    if found.signed_at is not None:
        said = voice.word("own.signed", at=voice.moment(found.signed_at, now))
        return _page(request, said, key=None, to="/approvals", lines=lines, back=f"/auth/confirm/end/{digest}")
    if not keyed:
        lines.append((False, voice.word("passkey.none")))
    if lines:
        return _page(request, voice.word("own.missing"), key=None, to="/approvals", lines=lines)
    form = KeyForm(releasing.ACT, "own.confirm", hidden={"digest": digest}, first=True)
    good = [(True, voice.word("own.all_there"))]
    return _page(request, voice.word("own.title"), key=form, to="/approvals", lines=good)


def _mine(scope: Scope, who: Viewer, digest: str) -> Standing:
    """How the release of a unit stands. Raises NotFound for one of a creator this member does not work for."""
    found = releasing.standing(scope, digest)
    if who.member.creators and tenant_reads.creator(scope, found.unit.creator_id).slug not in who.member.creators:
        raise NotFound("review.unknown")
    return found


def end_own(request: Request) -> Response:
    """Take a confirmation back: no passkey is asked for that."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    who: Viewer = request.scope[entry.VIEWER]
    voice = Voice(who.member.language, zone_of(who.member.zone))
    try:
        with session.tenant()(who.tenant_id, who.actor) as scope:
            found = _mine(scope, who, request.path_params["digest"])
            outbox.put(scope, ReleaseEnded(scope.tenant_id, found.unit.subject.id, by=scope.actor), priority=0)
    except GreenroomError as refused:
        return _page(request, voice.say(refused.message), key=None, to="/approvals", status=409)
    return _page(request, voice.word("own.ending"), key=None, to="/approvals")


ROUTES = [
    Route("/auth/confirm/reopen", ask_reopen, methods=["GET"]),
    Route("/auth/confirm/own/{digest}", ask_own, methods=["GET"]),
    Route("/auth/confirm/end/{digest}", end_own, methods=["POST"]),
]
