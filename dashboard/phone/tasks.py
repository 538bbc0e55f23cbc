"""The phone pages (`/phone`): manual tasks of a member, to publish or remove posts.

The pages are plain HTML for small screens. They record the member's actions, and workers process
them. A file is served once per request, after the workers have decided on it again
(`channels.manual_tasks.file_downloads`).
"""

import asyncio
import mimetypes
from collections.abc import AsyncGenerator, Callable, Mapping
from datetime import timedelta
from types import MappingProxyType
from uuid import UUID

from sqlalchemy.exc import OperationalError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from channels.manual_tasks import assignees, file_downloads, tasks
from channels.manual_tasks.file_downloads import FileDownload
from channels.manual_tasks.states import FileDownloadState, ManualTaskState
from channels.manual_tasks.tasks import REFUSAL_REASONS, ManualTask, TaskFile
from dashboard.media import library_files
from dashboard.phone import task_archive
from dashboard.phone.phone_page import (
    PRIVATE_NO_STORE,
    PhoneVisit,
    first_value,
    load_visit,
    phone_page,
    refusal_page,
    require_viewer,
)
from dashboard.shell import pending_counts, session
from dashboard.shell.plain_pages import is_cross_site, plain_page
from dashboard.shell.platforms import platform_connectors
from dashboard.shell.session import Viewer
from foundation.db.database import Scope
from foundation.errors import BadInput, GreenroomError, NotFound, Unavailable
from foundation.http.request_bodies import read_body, read_form_values
from foundation.i18n.translation import Message
from generators.media import pictures
from insights.metrics import manual_entry
from insights.metrics.queries import latest_metrics
from tenants.agencies.rights import Right, has_right

MAX_SCREENSHOT_BYTES = 12 * 2**20
"""Maximum bytes of the form with a screenshot."""

LOOK_SECONDS = 0.1
LOOKS = 100
"""Interval in seconds and number of polls for the decision on a file."""


TaskAction = Callable[[Scope, PhoneVisit, UUID, Mapping[str, list[str]]], str]
"""A function that performs an action on a task and returns the path to redirect to."""


def show_tasks(request: Request) -> Response:
    """Show the open tasks of the member and those that ended recently."""
    try:
        who = require_viewer(request)
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            hand = load_visit(scope, who)
            assignees.record_phone_use(scope, who.member.id)
            due = tasks.list_due_tasks(scope, creators=hand.creators)
            ended = tasks.list_recent_tasks(scope, creators=hand.creators)
            approves = has_right(who.member.role, Right.APPROVE)
            pending = pending_counts.count_pending(scope, who.member).posts if approves else 0
            paired = any(
                phone.member_id == who.member.id and phone.fresh
                for phone in assignees.list_phones(scope)
            )
    except NotFound as error:
        return refusal_page(request, error)
    except OperationalError:
        return plain_page(request, "dashboard.away", status=503)
    return phone_page(
        "phone/templates/tasks.html",
        hand,
        due=due,
        ended=ended,
        paired=paired,
        approves=approves,
        pending=pending,
        hands_in=has_right(who.member.role, Right.RUN),
    )


def show_task(request: Request) -> Response:
    """Show one task. Viewing it does not open it; that is a separate action."""
    try:
        who = require_viewer(request)
        task_id = UUID(request.path_params["task"])
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            hand = load_visit(scope, who)
            task = tasks.get_task(scope, task_id, creators=hand.creators)
            numbers = _load_post_metrics(scope, task)
    except NotFound as error:
        return refusal_page(request, error)
    except ValueError:
        return refusal_page(request, NotFound("handover.unknown"))
    except OperationalError:
        return plain_page(request, "dashboard.away", status=503)
    return _task_page(hand, task, numbers=numbers)


def _load_post_metrics(scope: Scope, task: ManualTask) -> Mapping[str, int]:
    return latest_metrics(scope, [task.about]).get(task.about, {}) if task.is_posted else {}


def _task_page(
    hand: PhoneVisit,
    task: ManualTask,
    *,
    told: Message | None = None,
    status: int = 200,
    pasted: str = "",
    numbers: Mapping[str, int] = MappingProxyType({}),
) -> Response:
    too_late = task.late_until is not None and not task.is_removal and hand.now > task.late_until
    lines = {line: hand.localizer.text(f"check.{line}") for line in task.checklist}
    reasons = {why: hand.localizer.text(f"phone.cannot_{why}") for why in REFUSAL_REASONS}
    return phone_page(
        "phone/templates/task.html",
        hand,
        told=told,
        status=status,
        task=task,
        lines=lines,
        reasons=reasons,
        pasted=pasted,
        closed=task.state == ManualTaskState.WAITING and too_late,
        packable=task_archive.can_package(task),
        numbers=numbers,
        asked=manual_entry.TYPED_METRICS,
        opened=task.state == ManualTaskState.OPENED,
    )


async def act_on_task(request: Request) -> Response:
    """Perform an action on a task: open, later, cannot, done, link, gone or numbers."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    form = await read_form_values(request.stream())
    return await run_in_threadpool(_handle_task_action, request, form)


def _handle_task_action(request: Request, form: Mapping[str, list[str]]) -> Response:
    try:
        who = require_viewer(request)
        task_id = UUID(request.path_params["task"])
        act = TASK_ACTIONS[request.path_params["act"]]
    except NotFound as error:
        return refusal_page(request, error)
    except (KeyError, ValueError):
        return refusal_page(request, NotFound("handover.unknown"))
    try:
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            onward = act(scope, load_visit(scope, who), task_id, form)
    except GreenroomError as refused:
        return task_page_with_error(
            request, who, task_id, refused, pasted=first_value(form, "link")
        )
    except OperationalError:
        return plain_page(request, "dashboard.away", status=503)
    return RedirectResponse(onward, status_code=303, headers=PRIVATE_NO_STORE)


async def receive_screenshot(request: Request) -> Response:
    """Store the screenshot that a platform requires for some tasks."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    data = await _read_form_file(request)
    return await run_in_threadpool(_store_screenshot, request, data)


async def _read_form_file(request: Request) -> bytes:
    """Return the file of a form, or b"" if the body is too large or not a valid form."""
    body = await read_body(request.stream(), max_bytes=MAX_SCREENSHOT_BYTES)
    if body is None:
        return b""

    async def parts() -> AsyncGenerator[bytes, None]:
        yield body

    try:
        form = await MultiPartParser(request.headers, parts(), max_files=1, max_fields=1).parse()
    except (MultiPartException, KeyError):
        return b""
    file = form.get("screenshot")
    data = await file.read() if isinstance(file, UploadFile) else b""
    await form.close()
    return data


def _store_screenshot(request: Request, data: bytes) -> Response:
    try:
        who = require_viewer(request)
        task_id = UUID(request.path_params["task"])
    except NotFound as error:
        return refusal_page(request, error)
    except ValueError:
        return refusal_page(request, NotFound("handover.unknown"))
    try:
        if not data:
            raise BadInput("handover.bad_screenshot")
        pictures.inspect_complete_picture(data, name="screenshot")
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            hand = load_visit(scope, who)
            tasks.get_task(scope, task_id, creators=hand.creators)
            sha256 = library_files.object_store().put(who.tenant_id, data)
            tasks.attach_screenshot(scope, task_id, sha256, creators=hand.creators)
    except GreenroomError as refused:
        return task_page_with_error(request, who, task_id, refused)
    except OperationalError:
        return plain_page(request, "dashboard.away", status=503)
    return RedirectResponse(f"/phone/task/{task_id}", status_code=303, headers=PRIVATE_NO_STORE)


def task_page_with_error(
    request: Request, who: Viewer, task_id: UUID, refused: GreenroomError, *, pasted: str = ""
) -> Response:
    """Show the task with the error of an action. The pasted link remains in its field."""
    try:
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            hand = load_visit(scope, who)
            task = tasks.get_task(scope, task_id, creators=hand.creators)
    except NotFound as error:
        return refusal_page(request, error)
    status = 422 if isinstance(refused, BadInput) else 409
    return _task_page(hand, task, told=refused.message, status=status, pasted=pasted)


def _open_task(scope: Scope, hand: PhoneVisit, task_id: UUID, form: Mapping[str, list[str]]) -> str:
    tasks.open_task(scope, task_id, creators=hand.creators)
    return f"/phone/task/{task_id}"


def _snooze_task(
    scope: Scope, hand: PhoneVisit, task_id: UUID, form: Mapping[str, list[str]]
) -> str:
    asked = first_value(form, "minutes")
    minutes = int(asked) if asked.isascii() and asked.isdigit() and len(asked) < 5 else 0
    tasks.snooze_task(scope, task_id, timedelta(minutes=minutes), creators=hand.creators)
    return "/phone"


def _refuse_task(
    scope: Scope, hand: PhoneVisit, task_id: UUID, form: Mapping[str, list[str]]
) -> str:
    tasks.refuse_task(scope, task_id, first_value(form, "why"), creators=hand.creators)
    return f"/phone/task/{task_id}"


def _complete_task(
    scope: Scope, hand: PhoneVisit, task_id: UUID, form: Mapping[str, list[str]]
) -> str:
    pasted = first_value(form, "link")
    if not pasted.strip() and "no_link" not in form:
        raise BadInput("phone.link_or_none")
    tasks.complete_task(
        scope,
        task_id,
        creators=hand.creators,
        pasted=pasted,
        ticked=form.get("line", []),
        connectors=platform_connectors(),
    )
    return f"/phone/task/{task_id}"


def _add_post_link(
    scope: Scope, hand: PhoneVisit, task_id: UUID, form: Mapping[str, list[str]]
) -> str:
    pasted = first_value(form, "link")
    tasks.add_post_link(
        scope, task_id, creators=hand.creators, pasted=pasted, connectors=platform_connectors()
    )
    return f"/phone/task/{task_id}"


def _confirm_removal(
    scope: Scope, hand: PhoneVisit, task_id: UUID, form: Mapping[str, list[str]]
) -> str:
    tasks.confirm_removal(scope, task_id, creators=hand.creators)
    return f"/phone/task/{task_id}"


def _store_typed_metrics(
    scope: Scope, hand: PhoneVisit, task_id: UUID, form: Mapping[str, list[str]]
) -> str:
    task = tasks.get_task(scope, task_id, creators=hand.creators)
    if not task.is_posted:
        raise NotFound("handover.unknown")
    manual_entry.store_typed_metrics(
        scope, task.about, {name: first_value(form, name) for name in manual_entry.TYPED_METRICS}
    )
    return f"/phone/task/{task_id}"


TASK_ACTIONS: Mapping[str, TaskAction] = {
    "open": _open_task,
    "later": _snooze_task,
    "cannot": _refuse_task,
    "done": _complete_task,
    "link": _add_post_link,
    "gone": _confirm_removal,
    "numbers": _store_typed_metrics,
}


async def serve_task_file(request: Request) -> Response:
    """Serve one file of an open task if the workers permit it, or show the reason."""
    if is_cross_site(request):
        return plain_page(request, "dashboard.foreign", status=403)
    try:
        who = await run_in_threadpool(require_viewer, request)
        task_id = UUID(request.path_params["task"])
        place = int(request.path_params["place"])
        wish, file = await run_in_threadpool(_request_task_file, who, task_id, place)
    except (ValueError, IndexError):
        return refusal_page(request, NotFound("handover.unknown"))
    except NotFound as error:
        return refusal_page(request, error)
    except GreenroomError as refused:
        return await run_in_threadpool(task_page_with_error, request, who, task_id, refused)
    for _ in range(LOOKS):
        await asyncio.sleep(LOOK_SECONDS)
        answer = await run_in_threadpool(_get_file_download, who, wish)
        if answer.state is not FileDownloadState.ASKED:
            break
    return await run_in_threadpool(_serve_task_file, request, who, task_id, answer, (file, place))


def _request_task_file(who: Viewer, task_id: UUID, place: int) -> tuple[UUID, TaskFile]:
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        hand = load_visit(scope, who)
        task = tasks.get_task(scope, task_id, creators=hand.creators)
        if place < 0:
            raise NotFound("handover.unknown")
        file = task.files[place]
        return file_downloads.request_file(
            scope, task_id, file.sha256, creators=hand.creators
        ), file


def _get_file_download(who: Viewer, wish_id: UUID) -> FileDownload:
    with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
        return file_downloads.get_download(scope, wish_id)


def _serve_task_file(
    request: Request, who: Viewer, task_id: UUID, answer: FileDownload, wanted: tuple[TaskFile, int]
) -> Response:
    file, place = wanted
    try:
        if answer.state is FileDownloadState.ASKED:
            raise Unavailable("phone.check_slow")
        if answer.reason is not None:
            raise Unavailable(answer.reason.code, **answer.reason.params)
        with session.session_scope_opener()(who.tenant_id, who.actor) as scope:
            sha256 = file_downloads.claim_download(scope, answer.id)
        data = library_files.object_store().get(who.tenant_id, sha256)
    except GreenroomError as refused:
        return task_page_with_error(request, who, task_id, refused)
    name = f"{place + 1}{mimetypes.guess_extension(file.mime) or ''}"
    headers = {
        **PRIVATE_NO_STORE,
        **library_files.SAFE_HEADERS,
        "content-disposition": f'attachment; filename="{name}"',
    }
    return Response(data, headers=headers, media_type=file.mime)


ROUTES = [
    Route("/phone", show_tasks, methods=["GET"]),
    Route("/phone/task/{task}", show_task, methods=["GET"]),
    Route("/phone/task/{task}/file/{place}", serve_task_file, methods=["POST"]),
    Route("/phone/task/{task}/screenshot", receive_screenshot, methods=["POST"]),
    Route("/phone/task/{task}/{act}", act_on_task, methods=["POST"]),
]
