"""The only Celery task, called as a worker calls it."""

import json
from uuid import UUID

import pytest

from foundation.ids import uuid7
from workers.relay import celery_app


def test_unsettled_row_is_logged_and_left_to_its_lease(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Found by fault injection: during a database outage, the log line for this case raised an
    error itself."""

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
