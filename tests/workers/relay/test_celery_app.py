"""The one Celery task there is, called as a worker calls it."""

import json
from uuid import UUID

import pytest

from foundation.ids import uuid7
from workers.relay import celery_app


def test_a_row_that_could_not_be_settled_is_named_and_left_to_its_lease(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Found by chaos: while the database was away, the line that should have said so raised an
    error of its own."""

    def away(_event_id: UUID, _token: UUID) -> None:
        raise ConnectionError

    event_id = uuid7()
    handled = celery_app.make_celery_app("redis://127.0.0.1:9/0", away).tasks[celery_app.TASK_NAME]
    handled(str(event_id), str(uuid7()))
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["event"], line["event_id"], line["error"]) == (
        "event.unsettled",
        str(event_id),
        "ConnectionError",
    )
