"""The phone's pages, `/phone`: what a member has to post or take away by hand, one task at a time.

Small HTML of the members' session, for 390 pixels and one thumb. They write what was pressed; what follows is done by
the workers. A file is served once per press, after the workers have decided again that it may be (`channels.saving`).
"""

import asyncio
import mimetypes
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from types import MappingProxyType
from urllib.parse import parse_qs
from uuid import UUID

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from channels import phones, saving, tasks
from channels.saving import Wish
from channels.states import HandoverState, SaveState
from channels.tasks import CANNOT, File, Task
from connectors import registry
from connectors.contract import Connector
from dashboard import entry, files, packing, session
from dashboard.session import Viewer
from dashboard.widgets import render
from dashboard.wording import Voice
from foundation.database import Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Unavailable
from foundation.words import Message
from insights import reads as insights
from insights import typed as typed_numbers
from schedules.calendar import zone_of
from tenants import reads as tenant_reads
from tenants.roles import Right, may

NO_STORE = {"cache-control": "private, no-store"}
MOST_TYPED = 8_192
"""Bytes of a form: a link, ticks and a reason."""

LOOK_SECONDS, LOOKS = 0.1, 100
"""How often, and how many times, the page looks whether its wish for a file was answered."""


@dataclass(frozen=True)
class Hand:
    """One look of one member: who, in which words, and the creators they post for."""

    who: Viewer
    voice: Voice
    creators: frozenset[UUID]
    names: Mapping[UUID, str]
    now: datetime

    def name(self, member_id: UUID | None) -> str:
        """What a member is called."""
        return self.names.get(member_id, "?") if member_id is not None else ""


Act = Callable[[Scope, Hand, UUID, Mapping[str, list[str]]], str]
"""What a press on a task does; returns where to go on."""


@cache
def connectors() -> Mapping[str, Connector]:
    """Every connector: which links are a platform's own is theirs to say."""
    return registry.load()


def viewer(request: Request) -> Viewer:
    """Who is signed in. Raises NotFound for nobody."""
    who = session.viewer(request.cookies.get(session.cookie_name(), ""))
    if who is None:
        raise NotFound("dashboard.signed_out")
    return who


def hand_of(scope: Scope, who: Viewer) -> Hand:
    """This look of this member."""
    member = who.member
    mine = tenant_reads.creators(scope) if phones.works_by_hand(member) else []
    return Hand(
        who=who,
        voice=Voice(member.language, zone_of(member.zone)),
        creators=frozenset(one.id for one in mine if phones.works_for(member, one)),
        names={one.id: one.name for one in tenant_reads.members(scope)},
        now=scope.now,
    )


def shown(template: str, hand: Hand, *, status: int = 200, told: Message | None = None, **values: object) -> Response:
    """A page of the phone; `told` stands above everything else."""
    said = hand.voice.say(told) if told is not None else ""
    html = render(template, language=hand.voice.language, hand=hand, voice=hand.voice, said=said, **values)
    return HTMLResponse(html, status, NO_STORE)


def refused_page(request: Request, error: GreenroomError) -> Response:
    """The page of what cannot be shown: a sentence, in the language the browser asks for."""
    status = 404 if isinstance(error, NotFound) else 409
    return entry.page(request, error.message.code, params=error.message.params, status=status)


def show_list(request: Request) -> Response:
    """What waits for this member, and what had an end lately."""
    try:
        who = viewer(request)
        with session.tenant()(who.tenant_id, who.actor) as scope:
            hand = hand_of(scope, who)
            phones.seen(scope, who.member.id)
            due = tasks.due(scope, creators=hand.creators)
            ended = tasks.lately(scope, creators=hand.creators)
            paired = any(phone.member_id == who.member.id and phone.fresh for phone in phones.phones(scope))
    except NotFound as error:
        return refused_page(request, error)
    except OperationalError:
        return entry.page(request, "dashboard.away", status=503)
    return shown("phone.html", hand, due=due, ended=ended, paired=paired, hands_in=may(who.member.role, Right.RUN))


def show_task(request: Request) -> Response:
    """One task. Opening it is a press of its own: looking at the page is not."""
    try:
        who, task_id = viewer(request), UUID(request.path_params["task"])
        with session.tenant()(who.tenant_id, who.actor) as scope:
            hand = hand_of(scope, who)
            task = tasks.task(scope, task_id, creators=hand.creators)
            numbers = _numbers(scope, task)
    except NotFound as error:
        return refused_page(request, error)
    except ValueError:
        return refused_page(request, NotFound("handover.unknown"))
    except OperationalError:
        return entry.page(request, "dashboard.away", status=503)
    return _task_page(hand, task, numbers=numbers)


def _numbers(scope: Scope, task: Task) -> Mapping[str, int]:
    """The latest numbers of what was posted."""
    return insights.numbers(scope, [task.about]).get(task.about, {}) if task.posted else {}


def _task_page(
    hand: Hand,
    task: Task,
    *,
    told: Message | None = None,
    status: int = 200,
    pasted: str = "",
    numbers: Mapping[str, int] = MappingProxyType({}),
) -> Response:
    too_late = task.late_until is not None and not task.removal and hand.now > task.late_until
    lines = {line: hand.voice.word(f"check.{line}") for line in task.checklist}
    reasons = {why: hand.voice.word(f"phone.cannot_{why}") for why in CANNOT}
    return shown(
        "phone_task.html",
        hand,
        told=told,
        status=status,
        task=task,
        lines=lines,
        reasons=reasons,
        pasted=pasted,
        closed=task.state == HandoverState.WAITING and too_late,
        packable=packing.packable(task),
        numbers=numbers,
        asked=typed_numbers.ASKED,
        opened=task.state == HandoverState.OPENED,
    )


async def press(request: Request) -> Response:
    """A press on a task: open, later, cannot, done, link, gone."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    form = await form_of(request)
    return await run_in_threadpool(_press, request, form)


async def form_of(request: Request) -> Mapping[str, list[str]]:
    """What was typed; nothing of what is longer than any form of these pages."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MOST_TYPED:
            return {}
    return parse_qs(body.decode("utf-8", "replace"), keep_blank_values=True, max_num_fields=100)


def _press(request: Request, form: Mapping[str, list[str]]) -> Response:
    try:
        who, task_id = viewer(request), UUID(request.path_params["task"])
        act = ACTS[request.path_params["act"]]
    except NotFound as error:
        return refused_page(request, error)
    except (KeyError, ValueError):
        return refused_page(request, NotFound("handover.unknown"))
    try:
        with session.tenant()(who.tenant_id, who.actor) as scope:
            onward = act(scope, hand_of(scope, who), task_id, form)
    except GreenroomError as refused:
        return told(request, who, task_id, refused, pasted=typed(form, "link"))
    except OperationalError:
        return entry.page(request, "dashboard.away", status=503)
    return RedirectResponse(onward, status_code=303, headers=NO_STORE)


def told(request: Request, who: Viewer, task_id: UUID, refused: GreenroomError, *, pasted: str = "") -> Response:
    """The task as it stands, with why the press did nothing; what was pasted is still there."""
    try:
        with session.tenant()(who.tenant_id, who.actor) as scope:
            hand = hand_of(scope, who)
            task = tasks.task(scope, task_id, creators=hand.creators)
    except NotFound as error:
        return refused_page(request, error)
    status = 422 if isinstance(refused, BadInput) else 409
    return _task_page(hand, task, told=refused.message, status=status, pasted=pasted)


def typed(form: Mapping[str, list[str]], name: str) -> str:
    """The first value of a field, "" without one."""
    return next(iter(form.get(name, ())), "")


def _open(scope: Scope, hand: Hand, task_id: UUID, form: Mapping[str, list[str]]) -> str:
    tasks.open_task(scope, task_id, creators=hand.creators)
    return f"/phone/task/{task_id}"


def _later(scope: Scope, hand: Hand, task_id: UUID, form: Mapping[str, list[str]]) -> str:
    asked = typed(form, "minutes")
    minutes = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 0
    tasks.later(scope, task_id, timedelta(minutes=minutes), creators=hand.creators)
    return "/phone"


def _cannot(scope: Scope, hand: Hand, task_id: UUID, form: Mapping[str, list[str]]) -> str:
    tasks.cannot(scope, task_id, typed(form, "why"), creators=hand.creators)
    return f"/phone/task/{task_id}"


def _done(scope: Scope, hand: Hand, task_id: UUID, form: Mapping[str, list[str]]) -> str:
    pasted = typed(form, "link")
    if not pasted.strip() and "no_link" not in form:
        raise BadInput("phone.link_or_none")
    tasks.done(
        scope,
        task_id,
        creators=hand.creators,
        pasted=pasted,
        ticked=form.get("line", []),
        connectors=connectors(),
    )
    return f"/phone/task/{task_id}"


def _link(scope: Scope, hand: Hand, task_id: UUID, form: Mapping[str, list[str]]) -> str:
    pasted = typed(form, "link")
    tasks.complete(scope, task_id, creators=hand.creators, pasted=pasted, connectors=connectors())
    return f"/phone/task/{task_id}"


def _gone(scope: Scope, hand: Hand, task_id: UUID, form: Mapping[str, list[str]]) -> str:
    tasks.gone(scope, task_id, creators=hand.creators)
    return f"/phone/task/{task_id}"


def _typed_in(scope: Scope, hand: Hand, task_id: UUID, form: Mapping[str, list[str]]) -> str:
    task = tasks.task(scope, task_id, creators=hand.creators)
    if not task.posted:
        raise NotFound("handover.unknown")
    typed_numbers.keep(scope, task.about, {name: typed(form, name) for name in typed_numbers.ASKED})
    return f"/phone/task/{task_id}"


ACTS: Mapping[str, Act] = {
    "open": _open,
    "later": _later,
    "cannot": _cannot,
    "done": _done,
    "link": _link,
    "gone": _gone,
    "numbers": _typed_in,
}


async def save(request: Request) -> Response:
    """One file of an open task, if the workers say yes now; else why not, and no byte."""
    if entry.foreign(request):
        return entry.page(request, "dashboard.foreign", status=403)
    try:
        who = await run_in_threadpool(viewer, request)
        task_id, place = UUID(request.path_params["task"]), int(request.path_params["place"])
        wish, file = await run_in_threadpool(_want, who, task_id, place)
    except (ValueError, IndexError):
        return refused_page(request, NotFound("handover.unknown"))
    except NotFound as error:
        return refused_page(request, error)
    except GreenroomError as refused:
        return await run_in_threadpool(told, request, who, task_id, refused)
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_SECONDS)
        answer = await run_in_threadpool(_answered, who, wish)
        if answer.state is not SaveState.ASKED:
            break
    return await run_in_threadpool(_serve, request, who, task_id, answer, (file, place))


def _want(who: Viewer, task_id: UUID, place: int) -> tuple[UUID, File]:
    with session.tenant()(who.tenant_id, who.actor) as scope:
        hand = hand_of(scope, who)
        task = tasks.task(scope, task_id, creators=hand.creators)
        if place < 0:
            raise NotFound("handover.unknown")
        file = task.files[place]
        return saving.want(scope, task_id, file.sha256, creators=hand.creators), file


def _answered(who: Viewer, wish_id: UUID) -> Wish:
    with session.tenant()(who.tenant_id, who.actor) as scope:
        return saving.wish(scope, wish_id)


def _serve(request: Request, who: Viewer, task_id: UUID, answer: Wish, wanted: tuple[File, int]) -> Response:
    file, place = wanted
    try:
        if answer.state is SaveState.ASKED:
            raise Unavailable("phone.check_slow")
        if answer.reason is not None:
            raise Unavailable(answer.reason.code, **answer.reason.params)
        with session.tenant()(who.tenant_id, who.actor) as scope:
            sha256 = saving.take(scope, answer.id)
        data = files.store().get(who.tenant_id, sha256)
    except GreenroomError as refused:
        return told(request, who, task_id, refused)
    name = f"{place + 1}{mimetypes.guess_extension(file.mime) or ''}"
    headers = {**NO_STORE, **files.SAFE, "content-disposition": f'attachment; filename="{name}"'}
    return Response(data, headers=headers, media_type=file.mime)


ROUTES = [
    Route("/phone", show_list, methods=["GET"]),
    Route("/phone/task/{task}", show_task, methods=["GET"]),
    Route("/phone/task/{task}/file/{place}", save, methods=["POST"]),
    Route("/phone/task/{task}/{act}", press, methods=["POST"]),
]
