"""Shared parts of the phone pages: the signed-in member, the page frame and the error page."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from channels.manual_tasks import assignees
from dashboard.shell import session
from dashboard.shell.localization import MemberLocalizer
from dashboard.shell.plain_pages import plain_page
from dashboard.shell.session import Viewer
from dashboard.shell.widgets import render_template
from foundation.db.database import Scope
from foundation.errors import GreenroomError, NotFound
from foundation.i18n.translation import Message
from foundation.ops.wall_time import load_zone
from tenants.agencies import queries

PRIVATE_NO_STORE = {"cache-control": "private, no-store"}


@dataclass(frozen=True)
class PhoneVisit:
    """A request of a member, with their language, time zone and the creators they work for."""

    viewer: Viewer
    localizer: MemberLocalizer
    creators: frozenset[UUID]
    names: Mapping[UUID, str]
    now: datetime

    def author_name(self, actor: str) -> str:
        """Return the name of the member who acted ("member:<id>"), or "" for the system."""
        kind, _, key = actor.partition(":")
        return self.member_name(UUID(key)) if kind == "member" else ""

    def member_name(self, member_id: UUID | None) -> str:
        """Return the name of a member, "?" if the member is unknown, or "" for None."""
        return self.names.get(member_id, "?") if member_id is not None else ""


def require_viewer(request: Request) -> Viewer:
    """Return the signed-in member. Raises NotFound if there is none."""
    who = session.find_viewer(request.cookies.get(session.session_cookie_name(), ""))
    if who is None:
        raise NotFound("dashboard.signed_out")
    return who


def load_visit(scope: Scope, who: Viewer) -> PhoneVisit:
    """Return the visit of a signed-in member."""
    member = who.member
    mine = queries.list_creators(scope) if assignees.can_post_manually(member) else []
    return PhoneVisit(
        viewer=who,
        localizer=MemberLocalizer(member.language, load_zone(member.zone)),
        creators=frozenset(one.id for one in mine if assignees.is_assigned_to_creator(member, one)),
        names={one.id: one.name for one in queries.list_members(scope)},
        now=scope.now,
    )


def phone_page(
    template: str,
    hand: PhoneVisit,
    *,
    status: int = 200,
    told: Message | None = None,
    **values: object,
) -> Response:
    """Render a phone page. `told` is a notice above the content."""
    said = hand.localizer.message_text(told) if told is not None else ""
    html = render_template(
        template,
        language=hand.localizer.language,
        hand=hand,
        voice=hand.localizer,
        said=said,
        **values,
    )
    return HTMLResponse(html, status, PRIVATE_NO_STORE)


def refusal_page(request: Request, error: GreenroomError) -> Response:
    """Render the error page, in the browser's language."""
    status = 404 if isinstance(error, NotFound) else 409
    return plain_page(request, error.message.code, params=error.message.params, status=status)


def first_value(form: Mapping[str, list[str]], name: str) -> str:
    """Return the first value of a form field, or ""."""
    return next(iter(form.get(name, ())), "")
