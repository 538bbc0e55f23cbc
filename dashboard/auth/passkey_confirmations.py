"""Actions that a member confirms with a passkey: the text that is signed, and the request to the
workers."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from dashboard.shell import session, widgets
from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.plain_pages import NO_STORE, PasskeyForm, is_cross_site, plain_page
from dashboard.shell.queries import require_can_end_stop
from dashboard.shell.session import VIEWER_SCOPE_KEY, Viewer
from foundation.db.database import Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Refused
from foundation.ops.wall_time import load_zone
from foundation.outbox import outbox
from gate.policy import emergency_stops
from gate.policy.events import EmergencyStopRequested
from gate.reviews import own_releases
from gate.reviews.own_releases import OwnReleaseRequested, OwnReleaseStatus, OwnReleaseWithdrawn
from tenants.agencies import queries
from tenants.agencies.rights import Right, require_right
from tenants.auth import passkeys

STOPS_PATH = "/settings?section=stop"
"""The section of the Settings page with the emergency stops."""

REQUESTED_PARAM = "asked"
"""Query parameter that the Settings page receives after a member requested the end of an emergency
stop."""

REASON = (("reason", "system.why_reopen"),)


@dataclass(frozen=True)
class ConfirmedAct:
    """An action that needs a signature. `describe` returns the text to sign, and `execute` requests
    the action from the workers and returns the page to open next."""

    describe: Callable[[Scope, Mapping[str, str]], str]
    execute: Callable[[Scope, Mapping[str, str], UUID], str]


def describe_act(scope: Scope, act: str, fields: Mapping[str, str]) -> str:
    """Return the text that the member signs. Raises BadInput for an unknown action, and the errors
    of the action."""
    return _get_confirmed_act(act).describe(scope, fields)


def execute_act(scope: Scope, act: str, fields: Mapping[str, str], signed: UUID) -> str:
    """Request the signed action from the workers and return the page to open next."""
    return _get_confirmed_act(act).execute(scope, fields, signed)


def _get_confirmed_act(name: str) -> ConfirmedAct:
    found = CONFIRMED_ACTS.get(name)
    if found is None:
        raise BadInput("passkey.wrong")
    return found


def _parse_stop_fields(fields: Mapping[str, str]) -> tuple[str, str, str, str]:
    reason = fields.get("reason", "").strip()[:200]
    if not reason:
        raise BadInput("switch.no_reason").about("reason")
    return fields.get("where", ""), fields.get("target", ""), fields.get("feature", ""), reason


def _parse_stop_time(fields: Mapping[str, str]) -> str:
    """Return the start time of the stop that the member saw."""
    try:
        return datetime.fromisoformat(fields.get("since", "")).isoformat()
    except ValueError as error:
        raise BadInput("passkey.wrong") from error


def _build_reopen_text(scope: Scope, fields: Mapping[str, str]) -> str:
    stop = _parse_stop_fields(fields)
    require_can_end_stop(scope, stop[:3])
    return emergency_stops.reopen_signing_text(*stop)


def _request_reopening(scope: Scope, fields: Mapping[str, str], signed: UUID) -> str:
    where, target, feature, reason = _parse_stop_fields(fields)
    wanted = EmergencyStopRequested(
        scope.tenant_id,
        signed,
        scope=where,
        target=target,
        feature=feature,
        open=True,
        by=scope.actor,
        reason=reason,
        signed=str(signed),
        since=_parse_stop_time(fields),
    )
    outbox.put(scope, wanted, priority=0, dedupe=f"switch:{signed}")
    return f"{STOPS_PATH}&{REQUESTED_PARAM}=1"


def _build_release_text(scope: Scope, fields: Mapping[str, str]) -> str:
    """Return the digest of the unit to release. Raises Refused if a requirement is missing."""
    digest = fields.get("digest", "")
    if own_releases.own_release_status(scope, digest).lacks:
        raise Refused("own.missing")
    return digest


def _request_own_release(scope: Scope, fields: Mapping[str, str], signed: UUID) -> str:
    digest = fields.get("digest", "")
    wanted = OwnReleaseRequested(scope.tenant_id, signed, unit_digest=digest, by=scope.actor)
    outbox.put(scope, wanted, priority=0, dedupe=f"own:{signed}")
    return "/approvals"


CONFIRMED_ACTS = {
    emergency_stops.REOPEN_ACT: ConfirmedAct(_build_reopen_text, _request_reopening),
    own_releases.OWN_RELEASE_ACT: ConfirmedAct(_build_release_text, _request_own_release),
}


def _render_confirmation_page(
    request: Request,
    said: str,
    *,
    key: PasskeyForm | None,
    to: str,
    status: int = 200,
    **more: object,
) -> Response:
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    voice = MemberLocalizer(who.member.language, load_zone(who.member.zone))
    values = {"lines": (), "back": "", **more}
    body = widgets.render_template(
        "auth/templates/passkey_confirmation.html",
        language=voice.language,
        said=said,
        action="",
        button="",
        fields=(),
        key=key if session.passkey_site() is not None else None,
        to=to,
        word=voice.text,
        **values,
    )
    return HTMLResponse(body, status, NO_STORE)


def show_reopen_form(request: Request) -> Response:
    """Show the page on which one member ends a wide emergency stop: the stop, the reason and the
    passkey form."""
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    voice = MemberLocalizer(who.member.language, load_zone(who.member.zone))
    asked = {name: request.query_params.get(name, "") for name in ("where", "target", "feature")}
    try:
        require_right(who.member.role, Right.REOPEN)
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            require_can_end_stop(scope, (asked["where"], asked["target"], asked["feature"]))
            since = next(
                one.since for one in emergency_stops.list_stops(scope) if _is_same_stop(one, asked)
            )
            now = scope.now
            keyed = bool(passkeys.list_passkeys(scope, who.member.id))
    except GreenroomError as refused:
        return _render_confirmation_page(
            request, voice.message_text(refused.message), key=None, to=STOPS_PATH, status=409
        )
    minutes = int(emergency_stops.SOLO_REOPEN_DELAY.total_seconds() // 60)
    said = voice.text("passkey.reopen", since=voice.format_moment(since, now), minutes=minutes)
    hidden = {**asked, "since": since.isoformat()}
    key = (
        PasskeyForm(
            emergency_stops.REOPEN_ACT,
            "passkey.reopen_now",
            hidden=hidden,
            asked=REASON,
            first=True,
        )
        if keyed
        else None
    )
    return _render_confirmation_page(request, said, key=key, to=STOPS_PATH)


def _is_same_stop(stop: emergency_stops.ActiveStop, asked: Mapping[str, str]) -> bool:
    return (stop.where, stop.target, stop.feature) == (
        asked["where"],
        asked["target"],
        asked["feature"],
    )


def show_own_release(request: Request) -> Response:
    """Show the release of the member's own picture: the missing requirements, the passkey form, or
    the signature and how to withdraw it."""
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    voice = MemberLocalizer(who.member.language, load_zone(who.member.zone))
    digest = request.path_params["digest"]
    try:
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            found = _get_own_release(scope, who, digest)
            now = scope.now
            keyed = bool(passkeys.list_passkeys(scope, who.member.id))
    except GreenroomError as refused:
        return _render_confirmation_page(
            request, voice.message_text(refused.message), key=None, to="/approvals", status=409
        )
    lines = [(False, voice.text(f"own.lack.{lack}")) for lack in found.lacks]
    if found.signed_at is not None:
        said = voice.text("own.signed", at=voice.format_moment(found.signed_at, now))
        return _render_confirmation_page(
            request,
            said,
            key=None,
            to="/approvals",
            lines=lines,
            back=f"/auth/confirm/end/{digest}",
        )
    if not keyed:
        lines.append((False, voice.text("passkey.none")))
    if lines:
        return _render_confirmation_page(
            request, voice.text("own.missing"), key=None, to="/approvals", lines=lines
        )
    form = PasskeyForm(
        own_releases.OWN_RELEASE_ACT, "own.confirm", hidden={"digest": digest}, first=True
    )
    good = [(True, voice.text("own.all_there"))]
    return _render_confirmation_page(
        request, voice.text("own.title"), key=form, to="/approvals", lines=good
    )


def _get_own_release(scope: Scope, who: Viewer, digest: str) -> OwnReleaseStatus:
    """Return the status of an own release. Raises NotFound for a creator that the member may not
    access."""
    found = own_releases.own_release_status(scope, digest)
    if (
        who.member.creators
        and queries.get_creator(scope, found.unit.creator_id).slug not in who.member.creators
    ):
        raise NotFound("review.unknown")
    return found


def end_own_release(request: Request) -> Response:
    """Withdraw an own release. This needs no passkey."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    who: Viewer = request.scope[VIEWER_SCOPE_KEY]
    voice = MemberLocalizer(who.member.language, load_zone(who.member.zone))
    try:
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            found = _get_own_release(scope, who, request.path_params["digest"])
            outbox.put(
                scope,
                OwnReleaseWithdrawn(scope.tenant_id, found.unit.subject.id, by=scope.actor),
                priority=0,
            )
    except GreenroomError as refused:
        return _render_confirmation_page(
            request, voice.message_text(refused.message), key=None, to="/approvals", status=409
        )
    return _render_confirmation_page(request, voice.text("own.ending"), key=None, to="/approvals")


ROUTES = [
    Route("/auth/confirm/reopen", show_reopen_form, methods=["GET"]),
    Route("/auth/confirm/own/{digest}", show_own_release, methods=["GET"]),
    Route("/auth/confirm/end/{digest}", end_own_release, methods=["POST"]),
]
