"""Rules of transactions and clocks: commits, sending of tasks, and the clock that decisions use."""

import ast
import re
from collections.abc import Iterator

from tests.architecture.rules.rule import EVERYWHERE, rule
from tests.architecture.tree import Source

Found = Iterator[tuple[ast.AST | int, str]]

TASK_CALLS = {"delay", "apply_async", "send_task"}
CLOCKS = re.compile(
    r"datetime\.(datetime|date)\.(now|utcnow|today)"
    r"|time\.(time|time_ns|monotonic|monotonic_ns|sleep|perf_counter|perf_counter_ns|localtime|gmtime|ctime)"
)
SQL_CLOCK = re.compile(
    r"(?<![\w.])(now|clock_timestamp|statement_timestamp|transaction_timestamp|timeofday)\(\)|\(\s*'now'",
    re.IGNORECASE,
)
SQL_CLOCK_WORD = re.compile(
    r"\b(current_timestamp|current_date|current_time|localtimestamp)\b", re.IGNORECASE
)
SQL_WORD = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|DEFAULT|WHERE|SET|VALUES|CREATE|ALTER)\b")


@rule(
    why="a task sent before the commit ran without its row, and one sent after it was lost in a "
    "crash",
    but=("workers/relay/claim_loop.py", "benchmarks/publishing/plain_celery.py"),
    breach="def plan(task):\n    task.apply_async((1,))\n",
    twin="def plan(scope, outbox):\n    outbox.put(scope, 1)\n",
)
def only_the_relay_sends_tasks(source: Source) -> Found:
    """Refuse `.delay(`, `.apply_async(` and `.send_task(`."""
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in TASK_CALLS:
            yield call, f".{call.func.attr}( : put an event into the outbox"


@rule(
    why="a commit in the middle of a scope published half a change and released its locks",
    but=("foundation/db/database.py",),
    breach="def plan(scope):\n    scope.session.commit()\n",
    twin="def plan(scope, row):\n    scope.add(row)\n",
)
def only_the_database_commits(source: Source) -> Found:
    """Refuse `commit(`."""
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "commit":
            yield call, "commit( : the scope commits"


@rule(
    why="hosts disagree about the time: a post was published early on one and its permit was expired "
    "on the other",
    only=EVERYWHERE,
    but=(
        "foundation/ops/clock.py",
        "tests/containers/first_post.py",  # runs beside the containers, without our packages
    ),
    breach="from datetime import datetime as dt, UTC\nDUE = dt.now(UTC)\n",
    twin="def due(scope):\n    return scope.now\n",
)
def one_python_clock(source: Source) -> Found:
    """Refuse every Python clock except `foundation.ops.clock`. Decisions use `scope.now`."""
    for node in source.nodes(ast.Attribute, ast.Name):
        name = source.dotted(node)
        if CLOCKS.fullmatch(name) and isinstance(getattr(node, "ctx", None), ast.Load):
            yield node, f"{name} : use scope.now, or foundation.ops.clock in a process loop"


@rule(
    why="a shifted clock (`house_shift`) moved half of the rows: the others used the database's "
    "clock",
    only=EVERYWHERE,
    but=(  # the migrations that create the two functions
        "migrations/versions/0001_foundation.py",
        "migrations/versions/0011_logins.py",
        "migrations/versions/0123_house_now.py",
        "tests/architecture/rules/*",
    ),
    breach='DUE = "SELECT id FROM outbox WHERE available_at <= now()"\n',
    twin='DUE = "SELECT id FROM outbox WHERE available_at <= house_now()"\n',
)
def one_sql_clock(source: Source) -> Found:
    """Refuse every SQL clock except `house_now()`, and `people_now()` for the sessions of members."""
    for node in source.strings():
        found = SQL_CLOCK.search(node.value) or (
            SQL_WORD.search(node.value) and SQL_CLOCK_WORD.search(node.value)
        )
        if found:
            yield node, f"{found[0]} in SQL : house_now()"
    for call, name in source.calls():
        if name in {
            "sqlalchemy.func.now",
            "sqlalchemy.func.current_timestamp",
            "sqlmodel.func.now",
        }:
            yield call, f"{name} : func.house_now()"


@rule(
    why="a naive instant was read as local time: every winter post of an agency came an hour late",
    only=EVERYWHERE,
    breach="from datetime import datetime\nNOON = datetime(2026, 3, 2, 12)\n",
    twin="from datetime import UTC, datetime\nNOON = datetime(2026, 3, 2, 12, tzinfo=UTC)\n",
)
def instants_have_a_time_zone(source: Source) -> Found:
    """Refuse naive datetimes, except the bounds of hypothesis' `datetimes`, which must be naive."""
    bounds = {
        id(bound)
        for call, name in source.calls()
        if name == "hypothesis.strategies.datetimes"
        for bound in (*call.args, *(keyword.value for keyword in call.keywords))
    }
    for call, name in source.calls():
        if id(call) in bounds:
            continue
        given = {keyword.arg for keyword in call.keywords}
        if name == "datetime.datetime" and "tzinfo" not in given and len(call.args) < 8:
            yield call, "datetime( without tzinfo"
        elif name == "datetime.datetime.fromtimestamp" and "tz" not in given and len(call.args) < 2:
            yield call, "fromtimestamp( without tz"
        elif name == "datetime.datetime.combine" and "tzinfo" not in given and len(call.args) < 3:
            yield call, "combine( without tzinfo"
        elif name in {"datetime.datetime.utcfromtimestamp", "datetime.datetime.strptime"}:
            yield call, f"{name}( returns a naive datetime"


@rule(
    why="st.rerun() and st.stop() raise an exception: inside a scope they rolled back while the "
    "page showed success",
    only=("dashboard/*",),
    at="dashboard/pages/calendar/page.py",
    breach="import streamlit as st\nwith tenant() as scope:\n    st.write(scope.now)\n",
    twin="import streamlit as st\nwith tenant() as scope:\n    now = scope.now\nst.write(now)\n",
)
def pages_draw_outside_a_scope(source: Source) -> Found:
    """Refuse `st.*` calls inside a `with tenant()` block."""
    for block in source.nodes(ast.With):
        opens = [
            item.context_expr for item in block.items if isinstance(item.context_expr, ast.Call)
        ]
        if not any(
            source.dotted(call.func).rsplit(".", 1)[-1] in {"tenant", "scope"} for call in opens
        ):
            continue
        for statement in block.body:
            for node in ast.walk(statement):
                if isinstance(node, ast.Call) and source.dotted(node.func).startswith("streamlit."):
                    yield node, f"{source.dotted(node.func)} in an open scope : draw after it"
