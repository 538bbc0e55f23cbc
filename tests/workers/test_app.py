"""The one Celery task there is, called as a worker calls it."""

import json
from threading import Barrier
from uuid import UUID

import pytest

from foundation.clock import pause
from foundation.ids import uuid7
from workers import app


def test_a_row_that_could_not_be_settled_is_named_and_left_to_its_lease(capsys: pytest.CaptureFixture[str]) -> None:
    """Found by chaos: while the database was away, the line that should have said so raised an error of its own."""

    def away(_event_id: UUID, _token: UUID) -> None:
        raise ConnectionError

    event_id = uuid7()
    handled = app.broker("redis://127.0.0.1:9/0", away).tasks[app.TASK]
    handled((str(event_id), str(uuid7())))
    line = json.loads(capsys.readouterr().err.splitlines()[-1])
    assert (line["event"], line["event_id"], line["error"]) == ("event.unsettled", str(event_id), "ConnectionError")


def test_the_rows_of_a_message_are_handled_beside_each_other_and_all_of_them_are_waited_for() -> None:
    rows, met, ended = [(str(uuid7()), str(uuid7())) for _ in range(3)], Barrier(3, timeout=20), set[UUID]()

    def serve(event_id: UUID, _token: UUID) -> None:
        met.wait()
        if str(event_id) == rows[1][0]:
            raise ConnectionError  # one that could not be settled stops none of the others
        pause(0.05)
        ended.add(event_id)

    app.broker("redis://127.0.0.1:9/0", serve).tasks[app.TASK](*rows)
    assert ended == {UUID(rows[0][0]), UUID(rows[2][0])}
