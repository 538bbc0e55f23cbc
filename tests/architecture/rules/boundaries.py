"""Rules of boundaries: operations that only one file, or one package, may perform."""

import ast
import re
from collections.abc import Iterator
from functools import cache

from tests.architecture.rules.rule import EVERYWHERE, rule
from tests.architecture.tree import PACKAGES, Source, product

Found = Iterator[tuple[ast.AST | int, str]]

PLATFORMS = frozenset(
    {"sandbox", "own_page", "telegram", "x", "reddit", "instagram"}
    | {"discord", "bluesky", "mastodon", "fanvue", "tiktok", "youtube", "threads", "facebook"}
)
SQL_TABLE = re.compile(r"\b(?:FROM|JOIN|INTO|UPDATE)\s+(?:ONLY\s+)?([a-z_]+)\b")
HTTP_CALL = re.compile(
    r"httpx\.(Client|AsyncClient|get|post|put|patch|delete|head|options|request|stream)"
    r"|requests\.(get|post|put|patch|delete|head|request|Session)|urllib\.request\.(urlopen|urlretrieve|Request)"
    r"|http\.client\.HTTPS?Connection"
)


def _pattern_text(node: ast.AST) -> str:
    """Return the text of a literal; a value put into it counts as a class of characters."""
    if isinstance(node, ast.JoinedStr):
        return "".join(map(_pattern_text, node.values))
    if isinstance(node, ast.BinOp):
        return _pattern_text(node.left) + _pattern_text(node.right)
    return str(node.value) if isinstance(node, ast.Constant) else "[x]"


_ANY_ADDRESS = re.compile(r"(?:https?\??:?(?://)?|://|www\\?\.)\)?(?:\\[Sw]|\[|\.[*+])")
_PATTERN_FUNCTIONS = frozenset(
    {"compile", "search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split"}
)


@rule(
    why="a permit created outside the gate allows a send that no rule has checked",
    but=(
        "gate/*",
        "connectors/conformance/world.py",
    ),  # the suite creates a new key in each process, which no installation trusts
    breach="from gate.contract.permit import Permit\ndef claim(**claims):\n    return "
    "Permit(**claims)\n",
    twin="def claim(scope, mint, unit, step):\n    return mint(scope, unit, step)\n",
)
def only_the_gate_makes_permits(source: Source) -> Found:
    """Refuse `Permit(` outside `gate/` and the conformance suite of connectors."""
    for call, name in source.calls():
        if name.rsplit(".", 1)[-1] == "Permit" or name == "gate.contract.permit.sign_permit":
            yield call, f"{name}( : gate.permits.issuance.mint_permit"


def _find_platforms(node: ast.AST) -> set[str]:
    return {
        part.value
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and part.value in PLATFORMS
    }


@rule(
    why="`if platform == …` in seven packages made each new platform a change everywhere; "
    "capabilities are data",
    but=("connectors/*",),
    breach='def longest(platform):\n    return 4096 if platform in {"telegram"} else 300\n',
    twin="def longest(capabilities):\n    return capabilities.max_text\n",
)
def platforms_are_not_compared(source: Source) -> Found:
    """Refuse a platform's name in a comparison, a match case or a prefix test outside
    `connectors/`."""
    for compare in source.nodes(ast.Compare):
        sides = [compare.left, *compare.comparators]
        literal = [
            side
            for side in sides
            if isinstance(side, ast.Constant | ast.Tuple | ast.Set | ast.List)
        ]
        for name in sorted(set().union(*map(_find_platforms, literal))):
            yield compare, f"compares with {name!r} : read the capabilities"
    for case in source.nodes(ast.match_case):
        for name in sorted(_find_platforms(case.pattern)):
            yield case.pattern, f"matches {name!r} : read the capabilities"
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr in {"startswith", "endswith"}:
            for argument in call.args:
                if isinstance(argument, ast.Constant) and str(argument.value).rstrip(
                    ".:/"
                ) in PLATFORMS - {"x"}:
                    yield call, f"tests for the prefix {argument.value!r} : read the capabilities"


@rule(
    why="a server's limit of 5,000 characters applied on a page and not when publishing: accounts "
    "differ from their platform",
    but=("channels/accounts/account_connectors.py",),
    breach="def most(connectors, channel):\n    return "
    "connectors[channel.platform].capabilities.max_text\n",
    twin=(
        "def most(connectors, channel):\n"
        "    return account_connectors.connector_for(connectors, channel).capabilities.max_text\n"
    ),
)
def account_limits_come_from_the_account(source: Source) -> Found:
    """Refuse a connector that is looked up by an account's platform outside
    `channels.accounts.account_connectors`."""
    taken: list[tuple[ast.expr, ast.expr, ast.AST]] = [
        (node.value, node.slice, node) for node in source.nodes(ast.Subscript)
    ]
    for call in source.nodes(ast.Call):
        if isinstance(call.func, ast.Attribute) and call.func.attr == "get" and call.args:
            taken.append((call.func.value, call.args[0], call))
    for of, key, node in taken:
        held = source.dotted(of.func if isinstance(of, ast.Call) else of)
        if (
            held.endswith("connectors")
            and isinstance(key, ast.Attribute)
            and key.attr == "platform"
        ):
            yield node, f"{held} by platform : channels.accounts.account_connectors"


@rule(
    why="a variable read elsewhere was missing from the docs, the doctor and the other processes",
    but=(
        "foundation/ops/settings.py",
        "workers/runtime/supervisor.py",
        "generators/local_models/pipelines.py",
    ),
    breach='import os\nTOKEN = os.environ["TOKEN"]\n',
    twin="def connect(settings):\n    return settings.token\n",
)
def only_settings_read_the_environment(source: Source) -> Found:
    """Refuse `os.environ` and `os.getenv`. The supervisor passes named variables to its children;
    diffusion switches its hub client offline, which has no other switch."""
    for node in source.nodes(ast.Attribute, ast.Name):
        name = source.dotted(node)
        if name in {"os.environ", "os.getenv", "os.environb", "os.putenv"}:
            yield node, f"{name} : a setting"


@rule(
    why="a separate client followed redirects and retried: the same message was sold twice",
    but=(
        "foundation/http/http_client.py",
        "generators/engines/*",
        "connectors/shared/requests_adapter.py",  # its session has no connection
        "benchmarks/connector_overhead.py",
        "benchmarks/text_overhead.py",
    ),
    breach="import httpx\ndef post(url):\n    return httpx.post(url)\n",
    twin="def post(http, request):\n    return http.exchange(request)\n",
)
def one_http_client(source: Source) -> Found:
    """Refuse every HTTP client except `foundation.http.http_client`. Engines call model servers,
    and two benchmarks compare clients."""
    for call, name in source.calls():
        if HTTP_CALL.fullmatch(name):
            yield call, f"{name}( : foundation.http"


@rule(
    why="random ids scatter an index over the disk and do not sort by creation",
    breach="from uuid import uuid4\nROW = uuid4()\n",
    twin="from foundation.ids import uuid7\nROW = uuid7()\n",
)
def ids_sort_by_creation(source: Source) -> Found:
    """Refuse `uuid4(` and `uuid1(`."""
    for node in source.nodes(ast.Attribute, ast.Name):
        if source.dotted(node) in {"uuid.uuid4", "uuid.uuid1"}:
            yield node, f"{source.dotted(node)} : foundation.ids.uuid7"


@rule(
    why="printed output is lost in a service, and once contained a token",
    but=("workers/*", "demo/*", "benchmarks/*"),
    breach='def plan(post):\n    print("planned", post)\n',
    twin="def plan(log, post):\n    log.info('post.planned', post=post.id)\n",
)
def nothing_prints(source: Source) -> Found:
    """Refuse `print(` outside `workers`, `demo` and `benchmarks`, which users run in a terminal."""
    for call, name in source.calls():
        if name in {"print", "pprint.pprint"}:
            yield call, f"{name}( : log an event"


@rule(
    why="a fan's name with a tag in it ran in a member's browser",
    only=("dashboard/*",),
    at="dashboard/pages/inbox/page.py",
    breach='import streamlit as st\ndef page(name):\n    st.markdown(f"<b>{name}</b>", '
    "unsafe_allow_html=True)\n",
    twin="from dashboard.shell import widgets\ndef page(name):\n    "
    'widgets.draw_template("name.html", name=name)\n',
)
def html_passes_one_function(source: Source) -> Found:
    """Allow `unsafe_allow_html` and `st.html` in a single function of `dashboard/shell/widgets.py`."""
    uses: list[ast.Call] = []
    for call, name in source.calls():
        if name == "streamlit.html" or any(
            keyword.arg == "unsafe_allow_html" for keyword in call.keywords
        ):
            uses.append(call)
    if source.path == "dashboard/shell/widgets.py":
        holders = [
            f
            for f in source.functions()
            if any(f.lineno <= use.lineno <= (f.end_lineno or 0) for use in uses)
        ]
        uses = uses if len(holders) > 1 else []
    for use in uses:
        yield use, "HTML that bypasses the one function that escapes"


@rule(
    why="an empty list showed Choose options, and offered Select all, on a French page",
    only=("dashboard/*",),
    at="dashboard/pages/shop/page.py",
    breach='def draw(st, page):\n    st.multiselect(page.text("shop.pictures"), [], '
    "select_all=False)\n",
    twin=(
        "def draw(st, page):\n"
        '    hint = page.text("shop.hint")\n'
        '    st.multiselect(page.text("shop.pictures"), [], placeholder=hint, select_all=False)\n'
    ),
)
def lists_have_their_own_placeholders(source: Source) -> Found:
    """Require a `placeholder` and `select_all=False` on each `multiselect`, and a `placeholder` on
    each empty `selectbox`: Streamlit's default texts are English."""
    for call in source.nodes(ast.Call):
        kind = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        given = {each.arg: each.value for each in call.keywords}
        begins = given.get("index", call.args[2] if len(call.args) > 2 else None)
        empty = isinstance(begins, ast.Constant) and begins.value is None
        if (
            kind == "multiselect" or (kind == "selectbox" and empty)
        ) and "placeholder" not in given:
            yield call, f"{kind} without a placeholder : a text of the catalogues"
        if kind == "multiselect" and "select_all" not in given:
            yield call, "multiselect with an English entry : select_all=False"


@rule(
    why="a rerun is raised through an open scope and rolls it back: the page showed success, nothing "
    "was written",
    only=("dashboard/*",),
    at="dashboard/pages/shop/page.py",
    breach="import streamlit as st\ndef sell(scope):\n    st.success('done')\n",
    twin="import streamlit as st\ndef sell(scope):\n    return 1\ndef show(page):\n    "
    "st.write(page.read(sell))\n",
)
def pages_read_first_and_draw_after(source: Source) -> Found:
    """Refuse `st.*` inside `with ….scope()` and in functions that take a scope, callbacks of
    fragments included."""
    spans = [
        f for f in source.functions() if any(argument.arg == "scope" for argument in f.args.args)
    ]
    opened = [
        w
        for w in source.nodes(ast.With)
        if any("scope" in ast.unparse(item.context_expr) for item in w.items)
    ]
    for call, name in source.calls():
        inside = any(
            part.lineno <= call.lineno <= (part.end_lineno or 0) for part in (*spans, *opened)
        )
        if inside and name.startswith("streamlit."):
            yield call, f"{name}( inside a scope : read first, draw after"


@rule(
    why="a cache of all users showed one agency the numbers of another",
    only=("dashboard/*",),
    at="dashboard/pages/analytics/page.py",
    breach="import streamlit as st\n@st.cache_data\ndef sales():\n    return 1\n",
    twin="def sales(scope):\n    return 1\n",
)
def pages_do_not_cache(source: Source) -> Found:
    """Refuse `st.cache_*`: such a cache is shared by all users, and the reads are fast."""
    for node in source.nodes(ast.Attribute):
        name = source.dotted(node)
        if name.startswith("streamlit.cache_"):
            yield node, f"{name} : read again"


@rule(
    why="a mock of our own code kept its test green for a month after the code had changed",
    only=("tests/*",),
    at="tests/schedules/posts/test_deliveries.py",
    breach="from unittest.mock import patch\n",
    twin="from tests.fakes.platform import FakePlatform\n",
)
def our_code_is_not_mocked(source: Source) -> Found:
    """Refuse `unittest.mock` and replaced attributes of our packages. Fakes keep state behind the
    real interface."""
    for node in source.nodes(ast.ImportFrom, ast.Import):
        names = (
            [node.module or ""]
            if isinstance(node, ast.ImportFrom)
            else [alias.name for alias in node.names]
        )
        if any(name.startswith("unittest.mock") for name in names):
            yield node, "unittest.mock : a fake"
    for call, name in source.calls():
        if name.endswith("monkeypatch.setattr") and call.args:
            first = call.args[0]
            target = first.value if isinstance(first, ast.Constant) else source.dotted(first)
            if str(target).split(".")[0] in PACKAGES:
                yield call, f"replaces {target} : pass the collaborator in"


@cache
def package_of_tables() -> dict[str, str]:
    """Map each table to the package whose class declares it."""
    found = {}
    for source in product():
        for node in source.nodes(ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
            if names == ["__tablename__"] and isinstance(node.value, ast.Constant):
                found[str(node.value.value)] = source.package
    return found


@rule(
    why="a column renamed in one package broke a query in another, on the night of a release",
    but=("sandbox/*", "benchmarks/*", "demo/tour/*"),
    breach='NAMES = "SELECT name FROM creators WHERE id = :id"\n',
    twin='POSTS = "SELECT id FROM posts WHERE id = :id"\n',
)
def sql_stays_in_its_package(source: Source) -> Found:
    """Refuse SQL on a table of another package: call its functions or its queries. The sandbox has
    separate tables, in SQLite; a benchmark fills a table with a million rows; the tour compares the
    reports of the packages with the rows."""
    for node in source.strings():
        for match in SQL_TABLE.finditer(node.value):
            owner = package_of_tables().get(match[1])
            if owner not in {None, source.package}:
                yield node, f"SQL on {match[1]}, a table of {owner}"


@rule(
    why="an ignore without a code hid a second, real error on the same line",
    only=EVERYWHERE,
    but=("tests/architecture/rules/*",),
    breach="import xyz  # type: ignore\n",
    twin="import xyz  # type: ignore[import-untyped]  # ships no stubs\n",
)
def ignores_name_code_and_reason(source: Source) -> Found:
    """Require `# type: ignore[code]  # reason` and `# noqa: CODE  reason`."""
    for number, line in enumerate(source.lines, start=1):
        if "# type: ignore" in line and not re.search(r"# type: ignore\[[\w, -]+\]\s+# \S", line):
            yield number, "an ignore without its code or its reason"
        if "# noqa" in line and not re.search(r"# noqa: [A-Z]+\d+(, ?[A-Z]+\d+)*\s+\S", line):
            yield number, "a noqa without its code or its reason"


@rule(
    why="a form limit that trusted Content-Length took 15 MiB of chunks before sign-in",
    but=(
        "foundation/http/request_bodies.py",
        "web/api/common/authentication.py",  # counts against a budget of all uploads
        "web/mcp/server.py",  # reads a body whose size the API's entry point has limited
    ),
    breach="async def sign_in(request):\n    return await request.form()\n",
    twin="async def sign_in(request):\n    return await read_form(request.stream())\n",
)
def request_bodies_are_read_with_a_limit(source: Source) -> Found:
    """Refuse `request.form()`, `request.body()` and loops over `request.stream()`."""
    for node in source.nodes(ast.Await, ast.AsyncFor, ast.withitem):
        read = getattr(node, "value", None) or getattr(node, "iter", None)
        read = read or getattr(node, "context_expr", None)
        if not (isinstance(read, ast.Call) and isinstance(read.func, ast.Attribute)):
            continue
        *_, owner, called = ("", *source.dotted(read.func).split("."))
        if called in {"form", "body", "stream"} and owner.lstrip("_") == "request":
            yield read, f"request.{called}() : foundation.http.request_bodies"


@rule(
    why="five searches ended the same address in five places: one cut it, the next let more through",
    but=(
        "foundation/i18n/web_addresses.py",
        "gate/text/link_readings.py",  # all other schemes
        "demo/tour/browser.py",  # all other schemes
        "foundation/ops/telemetry.py",  # credentials in addresses of any scheme
        "gate/text/bare_hosts.py",  # names without a scheme
        # The following match one whole value, not addresses in a text.
        "dashboard/shell/actions.py",
        "workers/installation/container_env.py",
    ),
    breach='import re\n\n_LINK = re.compile(r"(?:https?://|www\\.)\\S+")\n',
    twin="def find_links(text):\n    return list_web_addresses(text)\n",
)
def addresses_are_found_by_one_module(source: Source) -> Found:
    """Refuse patterns of web addresses outside `foundation.i18n.web_addresses`."""
    for call, name in source.calls():
        module, _, function = name.rpartition(".")
        if module not in {"re", "regex"} or function not in _PATTERN_FUNCTIONS or not call.args:
            continue
        if _ANY_ADDRESS.search(_pattern_text(call.args[0])):
            yield call, "a pattern of addresses : foundation.i18n.web_addresses"


@rule(
    why="three exports escaped formulas in three ways, and one missed a leading blank",
    but=(
        "foundation/csv_tables.py",
        "benchmarks/publishing/bulk_import.py",  # writes a file that is only imported
    ),
    breach="import csv\n\ndef export(out, rows):\n    csv.writer(out).writerows(rows)\n",
    twin="def export(rows):\n    return render_csv_table(rows)\n",
)
def csv_is_written_by_one_function(source: Source) -> Found:
    """Refuse `csv.writer` and `csv.DictWriter` outside `foundation.csv_tables`."""
    for call, name in source.calls():
        if name in {"csv.writer", "csv.DictWriter"}:
            yield call, f"{name} : foundation.csv_tables.render_csv_table"


@rule(
    why="three readers of Retry-After took a date or a fraction for no wait at all",
    but=(
        "foundation/http/retry_after.py",
        "web/*",  # writes the header and passes its own on
    ),
    breach='def wait(reply):\n    return float(reply.headers.get("Retry-After", "0"))\n',
    twin="def wait(reply, now):\n    return read_retry_after(reply.headers, now=now)\n",
)
def requested_waits_have_one_reader(source: Source) -> Found:
    """Refuse reading the header `Retry-After` outside `foundation.http.retry_after`."""
    reads = [
        *(
            call
            for call in source.nodes(ast.Call)
            if isinstance(call.func, ast.Attribute) and call.func.attr == "get"
        ),
        *(part for part in source.nodes(ast.Subscript) if isinstance(part.ctx, ast.Load)),
    ]
    for read in reads:
        keys = read.args[:1] if isinstance(read, ast.Call) else [read.slice]
        if any(_is_retry_after(key) for key in keys):
            yield read, "reads Retry-After : foundation.http.retry_after.read_retry_after"


def _is_retry_after(key: ast.expr) -> bool:
    return isinstance(key, ast.Constant) and str(key.value).lower() == "retry-after"


@rule(
    why="the connect form and 66 others emptied their fields, or told why far away from them",
    only=("dashboard/*",),
    but=("dashboard/shell/forms.py",),
    breach="import streamlit as st\n\ndef draw():\n    with st.form('feed', clear_on_submit=True):\n"
    "        st.text_input('URL')\n",
    twin="from dashboard.shell import forms\n\ndef draw(page):\n"
    "    with forms.open_form(page, 'feed'):\n        st.text_input('URL')\n",
    at="dashboard/pages/planning/feeds.py",
)
def forms_are_opened_by_one_function(source: Source) -> Found:
    """Refuse `st.form` and `clear_on_submit`."""
    for call, name in source.calls():
        if name in {"streamlit.form", "streamlit.form_submit_button"} and not _is_custom_submit(
            call
        ):
            yield call, f"{name} : dashboard.shell.forms.open_form"
        if any(argument.arg == "clear_on_submit" for argument in call.keywords):
            yield call, "clear_on_submit : forms.set_on_success in the action"


def _is_custom_submit(call: ast.Call) -> bool:
    """Return True for a submit button with a handler of its own, inside `forms.open_form`."""
    return any(argument.arg == "on_click" for argument in call.keywords)


@rule(
    why="the reason of a refused press stood at the top of the page, far from the typed text",
    only=("dashboard/pages/*",),
    but=(
        "dashboard/pages/approvals/bulk_approval.py",  # its popover opens the fields
        "dashboard/pages/inbox/saved_replies.py",  # a search among buttons
    ),
    breach="def draw(page):\n    st.text_input('Name', key='name')\n"
    "    actions.action_button(page, 'save', act, right=right, key='save')\n",
    twin="def draw(page):\n    with forms.open_fields(page, 'name'):\n"
    "        st.text_input('Name', key='name')\n"
    "        actions.action_button(page, 'save', act, right=right, key='save')\n",
    at="dashboard/pages/team/page.py",
)
def typed_texts_and_their_buttons_are_forms(source: Source) -> Found:
    """Require `forms.open_form` or `forms.open_fields` in a function that draws a text field and a
    button that reads it."""
    for function in source.functions():
        called = {
            node.func.attr
            for node in ast.walk(function)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
        }
        draws = called & {"text_input", "text_area"} and called & {"action_button", "submit_button"}
        if draws and not called & {"open_form", "open_fields"}:
            yield function, f"{function.name} draws a text field outside a form"


@rule(
    why="a field that an action emptied stayed empty when its transaction then failed",
    only=("dashboard/pages/*",),
    but=(
        "dashboard/pages/compose/unsaved_changes.py",  # stores fields, empties none
        "dashboard/pages/studio/generation.py",  # begins a run before its transaction
    ),
    breach="def save(scope: Scope, press: UUID) -> None:\n    st.session_state[NAME] = ''\n",
    twin="def save(scope: Scope, press: UUID) -> None:\n    forms.set_on_success(NAME, '')\n",
    at="dashboard/pages/compose/snippets.py",
)
def actions_empty_fields_on_success(source: Source) -> Found:
    """Refuse assignments to `st.session_state` in a function that has a scope."""
    for function in source.functions():
        arguments = (*function.args.args, *function.args.kwonlyargs)
        if not any(_names_scope(one.annotation) for one in arguments):
            continue
        for node in ast.walk(function):
            if isinstance(node, ast.Assign) and any(map(_is_session_state, node.targets)):
                yield node, "st.session_state in an action : forms.set_on_success"


def _names_scope(annotation: ast.expr | None) -> bool:
    return isinstance(annotation, ast.Name) and annotation.id == "Scope"


def _is_session_state(target: ast.expr) -> bool:
    return isinstance(target, ast.Subscript) and ast.unparse(target.value) == "st.session_state"


@rule(
    why="a member changed an address alone with a second login: two actors can be one person",
    only=("gate/*", "schedules/approvals/*", "studio/library/*"),
    but=("gate/reviews/operator_requests.py",),  # officers of the installation have no principal
    breach="def change(scope, known):\n    if known.address_set_by == scope.actor:\n"
    "        raise Refused('contact.another_changes')\n",
    twin="def change(scope, known, member):\n"
    "    if principal_of_actor(scope, known.address_set_by) == member.principal_id:\n"
    "        raise Refused('contact.another_changes')\n",
    at="gate/consent/contact_addresses.py",
)
def members_are_compared_by_principal(source: Source) -> Found:
    """Refuse a comparison with the actor of a scope or with `member:<id>`, except with a constant
    and with a person who has no login."""
    for compare in source.nodes(ast.Compare):
        sides = [compare.left, *compare.comparators]
        if any(map(_is_member_actor, sides)) and not any(map(_is_other_actor, sides)):
            yield compare, f"{ast.unparse(compare)} : tenants.agencies.queries.principals_by_actor"


def _is_member_actor(node: ast.expr) -> bool:
    return ast.unparse(node).startswith("f'member:") or (
        isinstance(node, ast.Attribute) and node.attr == "actor"
    )


def _is_other_actor(node: ast.expr) -> bool:
    return ast.unparse(node).startswith("f'person:") or (
        isinstance(node, ast.Name) and node.id.isupper()
    )


_TEXT_READERS = frozenset(
    {"rate_texts", "detect_minor_statement", "mentions_minor", "describes_minor", "find_ages"}
)


@rule(
    why="eight modules rated texts with a subset of the rules, seven without the agency's own terms",
    but=(
        "gate/*",
        "subscribers/conversations/text_signals.py",  # messages that fans wrote
    ),
    breach="from gate.text.text_rating import rate_texts\n\ndef check(said, today):\n"
    "    return rate_texts([said], today=today)\n",
    twin="from gate.surfaces.decisions import judge_contents\n\ndef check(scope, content):\n"
    "    return judge_contents(scope, [content])\n",
)
def only_the_gate_reads_texts(source: Source) -> Found:
    """Refuse the readers of `gate.text` outside `gate/`: content is judged by `gate.surfaces`."""
    for node in source.nodes(ast.ImportFrom):
        for alias in node.names:
            if alias.name in _TEXT_READERS:
                yield node, f"imports {alias.name} : gate.surfaces.decisions.judge_contents"
    for call, name in source.calls():
        if name.rpartition(".")[2] in _TEXT_READERS:
            yield call, f"{name}( : gate.surfaces.decisions.judge_contents"
