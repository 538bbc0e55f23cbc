"""Random orders of user actions and worker crashes: an import creates all of its posts once, or
none."""

from contextlib import suppress

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from foundation.errors import Conflict
from tests.fakes.sandbox import RunningSandbox
from tests.schedules.builders import create_sandbox_agency
from tests.schedules.csv_files import FileImporter, format_csv
from workers.wiring import Services

LINES = 3
POINTS = some.lists(some.integers(1, 14), min_size=10, max_size=10)
ACTS = some.sampled_from(["bring", "ask", "plan", "undo", "run", "crash"])


@settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    acts=some.lists(ACTS, min_size=3, max_size=10),
    points=some.lists(some.integers(1, 14), min_size=10, max_size=10),
)
def test_import_creates_all_posts_once_or_none(
    services: Services, sandbox: RunningSandbox, acts: list[str], points: list[int]
) -> None:
    clerk = FileImporter(create_sandbox_agency(services, sandbox, tiers=0))
    data = format_csv([clerk.row(number, time=f"{9 + number}:00") for number in range(LINES)])
    found = clerk.bring(data, look=False)
    for act, point in zip(acts, points, strict=False):
        with suppress(Conflict):
            match act:
                case "bring":
                    found = clerk.bring(data, look=False)
                case "ask" | "plan":
                    clerk.ask(found, plan=act == "plan")
                case "undo":
                    clerk.undo(found)
                case "run":
                    clerk.desk.run()
                case _:
                    clerk.desk.crash(point)
        standing = [state for state in clerk.states() if state != "cancelled"]
        assert len(standing) in (0, LINES)
        assert clerk.count("posts") % LINES == 0
        assert clerk.count("posts") <= LINES * clerk.count("imports")
    clerk.desk.run()
    assert clerk.shown(found).state in ("ready", "written", "taken_back")
