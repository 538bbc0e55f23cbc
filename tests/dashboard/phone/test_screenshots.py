"""The screenshot for a platform's disclosure duty, uploaded with the form of the task."""

import io
from uuid import UUID

import pytest
from PIL import Image

from channels.manual_tasks import tasks
from tests.channels import manual_task_builders
from tests.dashboard.phone.conftest import create_due_task, paired
from tests.schedules.builders import SandboxAgency


def png() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (40, 60), "teal").save(out, "PNG")
    return out.getvalue()


def with_duty(lea: SandboxAgency) -> tuple[UUID, str]:
    """Create a task with a duty that needs a screenshot, and return its ID and path."""
    _, place = create_due_task(lea)
    task = UUID(place.rpartition("/")[2])
    with lea.scope() as scope:
        scope.run(
            "UPDATE handovers SET content = jsonb_set(content, '{checklist}', '[\"duty\"]')"
            " WHERE id = :id",
            id=task,
        )
    return task, place


@pytest.mark.parametrize(
    ("name", "data", "status"),
    [
        ("screenshot", png(), 303),
        ("screenshot", b"", 422),
        ("screenshot", b"MZ not a picture", 422),
        ("other", png(), 422),
        ("screenshot", b"\x89PNG" + bytes(13 * 2**20), 422),
    ],
    ids=["picture", "nothing", "program", "other-field", "too-large"],
)
def test_only_a_picture_is_stored(
    lea: SandboxAgency, address: str, name: str, data: bytes, status: int
) -> None:
    task, place = with_duty(lea)
    with paired(lea, address) as phone:
        phone.post(f"{place}/open")
        assert 'name="screenshot"' in phone.get(place).text
        files = {name: ("shot.png", data, "image/png")}
        assert phone.post(f"{place}/screenshot", files=files).status_code == status
        foreign = {"sec-fetch-site": "cross-site"}
        assert phone.post(f"{place}/screenshot", files=files, headers=foreign).status_code == 403
        done = phone.post(f"{place}/done", data={"link": manual_task_builders.LINK, "line": "duty"})
        assert done.status_code == status
    with lea.scope() as scope:
        found = tasks.get_task(scope, task, creators=[lea.creator_id])
    assert bool(found.screenshot) == (status == 303)
    if found.screenshot:
        assert lea.services.store.get(lea.tenant_id, found.screenshot) == data
