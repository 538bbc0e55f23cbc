"""The audit log is complete by rule: tables record the changes of members, buttons and write
operations record their use, and everything recorded has a text in both languages."""

import ast
from collections.abc import Iterator

import pytest
from sqlalchemy import Connection, create_engine, text

from foundation.i18n.translation import LANGUAGES, load_catalogue
from tenants.audit_areas import AUDIT_AREAS
from tests.architecture.test_tables import PACKAGE_OF
from tests.architecture.tree import Source, product
from tests.conftest import Cluster
from web.api.admin.audit_log import AreaName

EXEMPT_PACKAGES = {
    "gate": "its decisions are in the decision log, and its functions record each judgment",
    "insights": "computed from other tables",
    "foundation": "queues of processes",
    "web": "written by platforms, visitors and keys; the API records each call",
}
EXEMPT = {
    "audit_changes": "the log itself",
    "audit_entries": "the log itself",
    "inbox_marks": "what a member has read",
    "member_presences": "pages that a member has open",
    "hook_calls": "calls of webhooks, not of members",
    "login_failures": "attempts of strangers",
    "login_links": "recorded by the function that creates them",
    "login_sessions": "sign-ins, which the list of sessions shows",
    "login_ties": "recorded with the agency that is created",
    "mails": "outgoing messages",
    "notices": "closed by the action that settles them",
    "notifications": "what a member has read",
    "passkey_asks": "steps of a sign-in",
    "passkeys": "recorded when added, removed or copied",
    "principals": "created with a member",
    "second_factors": "recorded with the member",
    "sightings": "devices of sign-ins",
    "vault_keys": "keys of the installation",
    "age_checks": "of fans",
    "app_days": "counted requests",
    "app_limits": "counted requests",
    "attempts": "requests to platforms",
    "call_subscriptions": "of platforms",
    "fan_roles": "of fans",
    "fan_scores": "computed from sales and messages",
    "message_sentiments": "computed from messages",
    "pack_recommendations": "computed from sales",
    "script_test_fans": "drawn by a test, whose row is recorded",
    "handover_saves": "files of a manual task, whose row is recorded",
    "heard_counts": "counted by platforms",
    "lent_files": "temporary addresses of files",
    "lent_reads": "temporary addresses of files",
    "link_clicks": "clicks of visitors",
    "links": "created with a post or an acquisition link",
    "link_salts": "keys of a day for the clicks of visitors",
    "link_visitors": "clicks of visitors",
    "acquisition_touches": "of fans",
    "invite_counts": "read from platforms",
    "invite_joins": "read from platforms",
    "listen_cursors": "of listeners",
    "permit_uses": "of publishing",
    "rate_buckets": "counted requests",
    "remark_cursors": "of listeners",
    "request_costs": "counted requests",
    "tokens": "secrets of a channel, whose row is recorded",
    "delivery_moves": "a log of deliveries, whose rows are recorded",
    "feed_entries": "read from feeds",
    "creator_results": "computed from metrics",
    "idea_rounds": "suggestions, which decide nothing",
    "picture_words": "suggestions, which decide nothing",
    "post_prints": "computed from posts",
    "repeat_words": "recorded by the function that confirms a duplicate",
    "slot_uses": "computed from slots and deliveries",
    "timing_trials": "computed from slots and deliveries",
    "text_kits": "suggestions, which decide nothing",
    "unsaved_posts": "text that a member is typing",
    "engine_orders": "purchases of a run, whose row is recorded",
    "erased_pictures": "kept after an erasure, which is recorded",
    "home_pictures": "results of remote workers",
    "autonomy_changes": "a log of personas, whose rows are recorded",
    "conversation_summaries": "written by a model; the deletion by a member is recorded",
    "engine_checks": "results of tests, which are recorded",
    "persona_trials": "text that a member is typing",
    "routine_steps": "follow from routines, whose rows are recorded",
    "setup_links": "exist before an agency does",
    "home_runs": "leases of remote workers",
    "look_scores": "computed from images",
    "text_requests": "costs of suggestions",
    "voice_lists": "read from engines",
    "voice_samples": "computed from voices",
    "composings": "text that a member is typing",
    "conversation_reads": "what a member has read",
    "conversation_moves": "a log of conversations, whose rows are recorded",
    "earning_readings": "read from platforms",
    "entitlements": "follow from payments",
    "fan_facts": "counted",
    "fan_identities": "of fans",
    "fulfilments": "follow from payments",
    "ledger_entries": "follow from payments, payouts and statements",
    "ledger_transactions": "follow from payments, payouts and statements",
    "messages": "texts of conversations; a message of a member begins as a draft",
    "rail_lines": "read from platforms",
    "rail_readings": "read from platforms",
    "safety_events": "of fans",
    "statement_lines": "lines of a statement, whose row is recorded",
    "subscription_months": "follow from payments",
}
"""Tables whose changes are not recorded by triggers, each with its reason."""

UNLABELED = {
    "dashboard/pages/approvals/client_links.py": "changes approval_links",
    "dashboard/pages/calendar/drag_and_drop.py": "changes deliveries",
    "dashboard/pages/compose/media_picker.py": "changes creations and uploads",
    "dashboard/pages/compose/page.py": "changes posts and deliveries",
    "dashboard/pages/compose/unsaved_changes.py": "stores text that is being typed; changes posts",
    "dashboard/pages/inbox/comment_panel.py": "stores text that is being typed",
    "dashboard/pages/inbox/conversation_panel.py": "stores text that is being typed",
    "dashboard/pages/planning/calendar_subscriptions.py": "changes calendar_addresses",
    "dashboard/pages/planning/import_export.py": "changes imports",
    "dashboard/pages/post_detail/series_actions.py": "changes series and posts",
    "dashboard/pages/queue/page.py": "changes slots",
    "dashboard/pages/persona/card_import.py": "reads a file into the form",
    "dashboard/pages/settings/agency.py": "changes agency_logos",
    "dashboard/pages/settings/api_keys.py": "changes api_keys",
    "dashboard/pages/settings/webhooks.py": "changes hooks",
    "dashboard/pages/studio/library/gallery.py": "changes uploads",
    "dashboard/pages/system/remote_workers.py": "changes machines",
}
"""Pages that run an action without the label of a button: what the triggers record instead."""


@pytest.fixture(scope="module")
def recorded(cluster: Cluster) -> dict[str, set[str]]:
    """Return the recorded tables with the columns whose values are stored."""
    engine = create_engine(cluster.url("postgres", "house"))
    with engine.connect() as connection:
        found = _recorded_tables(connection)
    engine.dispose()
    return found


def _recorded_tables(connection: Connection) -> dict[str, set[str]]:
    rows = connection.execute(
        text(
            "SELECT tgrelid::regclass::text AS name, count(*) AS many,"
            " min(encode(tgargs, 'hex')) AS columns FROM pg_trigger JOIN pg_proc p ON p.oid = tgfoid"
            " WHERE p.proname = 'record_changes' GROUP BY tgrelid"
        )
    ).all()
    assert {row.many for row in rows} == {3}, "insert, update and delete"
    return {
        row.name: set(filter(None, bytes.fromhex(row.columns).decode().split("\0"))) for row in rows
    }


def test_every_table_is_recorded_or_exempt(recorded: dict[str, set[str]]) -> None:
    own = {name for name, package in PACKAGE_OF.items() if package not in EXEMPT_PACKAGES}
    assert own - recorded.keys() == EXEMPT.keys() & own
    assert EXEMPT.keys() <= own
    assert not EXEMPT.keys() & recorded.keys()


def test_recorded_values_contain_no_secrets_and_no_texts(recorded: dict[str, set[str]]) -> None:
    unsafe = {"body", "password_hash", "secret", "box", "token", "email", "address", "letter"}
    unsafe |= {"credential", "digest", "display_name", "note", "examples", "card", "rules"}
    assert {name: columns & unsafe for name, columns in recorded.items() if columns & unsafe} == {}
    assert "words" not in recorded["saved_answers"] | recorded["comments"] | recorded["speeches"]


@pytest.mark.parametrize("language", LANGUAGES)
def test_everything_recorded_has_a_text(recorded: dict[str, set[str]], language: str) -> None:
    known = load_catalogue(language)
    wanted = {f"audit.item.{name}" for name in recorded}
    wanted |= {f"audit.field.{column}" for columns in recorded.values() for column in columns}
    wanted |= {f"audit_log.area.{area}" for area in AUDIT_AREAS}
    assert wanted - known.keys() == set()


def test_every_recorded_table_is_in_one_area(recorded: dict[str, set[str]]) -> None:
    listed = [name for area in AUDIT_AREAS.values() for name in area.item_kinds]
    assert sorted(listed) == sorted(recorded)
    assert set(AreaName.__args__) == AUDIT_AREAS.keys()  # type: ignore[attr-defined]  # a Literal


def _unlabeled(source: Source) -> Iterator[ast.AST]:
    """Yield each use of `run_action` without a label."""
    for call in source.nodes(ast.Call):
        names = {keyword.arg for keyword in call.keywords}
        if _is_run_action(call.func) and "label" not in names:
            yield call
        for keyword in call.keywords:
            if keyword.arg in {"on_click", "on_change"} and _is_run_action(keyword.value):
                given = next((k.value for k in call.keywords if k.arg == "kwargs"), None)
                if given is None or "'label'" not in ast.unparse(given):
                    yield call


def _is_run_action(node: ast.AST) -> bool:
    return ast.unparse(node).rpartition(".")[2] == "run_action"


def test_every_press_is_recorded_by_its_label_or_its_changes() -> None:
    found = {source.path for source in product() if any(_unlabeled(source))}
    assert found == UNLABELED.keys()


def test_press_without_label_is_found() -> None:
    planted = Source(
        "dashboard/planted.py",
        "st.button('x', on_click=actions.run_action, args=(act, right, key))\n"
        "st.button('y', on_click=run_action, args=(), kwargs={'label': 'a.b'})\n"
        "actions.run_action(act, right, key, label='a.b')\n",
    )
    assert len(list(_unlabeled(planted))) == 1


def _called_names(node: ast.AST) -> set[str]:
    return {
        ast.unparse(one.func).rpartition(".")[2]
        for one in ast.walk(node)
        if isinstance(one, ast.Call)
    }


def _unrecorded_routes(source: Source) -> list[str]:
    """Return the write operations of a module whose function passes no change to `ApiCall`."""
    functions = list(source.nodes(ast.FunctionDef))
    calls = {node.name: _called_names(node) for node in functions}
    applying = {"apply", "apply_once"}
    while more := {name for name, used in calls.items() if used & applying} - applying:
        applying |= more
    found = []
    for node in functions:
        decorators = " ".join(ast.unparse(one) for one in node.decorator_list)
        if not any(f"routes.{way}(" in decorators for way in ("post", "put", "patch", "delete")):
            continue
        if node.name not in applying:
            found.append(node.name)
    return found


def test_every_write_operation_of_the_api_is_recorded() -> None:
    operations = [one for one in product() if one.path.startswith("web/api/")]
    assert {one.path: found for one in operations if (found := _unrecorded_routes(one))} == {}


def test_write_operation_without_record_is_found() -> None:
    planted = Source(
        "web/api/planted.py",
        "@routes.post('/x')\ndef write(call):\n    return call.read(ask)\n"
        "@routes.post('/y')\ndef change(call):\n    return call.apply_once(act)\n",
    )
    assert _unrecorded_routes(planted) == ["write"]
