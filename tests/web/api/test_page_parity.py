"""Parity of the pages and the API for posts: neither gains an action unless the other is
considered."""

import ast

from tests.architecture.tree import ROOT
from tests.web.api.common.test_authentication import OPERATIONS
from tests.web.api.page_operations import ELSEWHERE, OVER_API, PERSON

PAGES = (
    "approvals",
    "calendar",
    "channels",
    "compose",
    "creators",
    "planning",
    "post_detail",
    "posts",
    "queue",
    "reports",
    "settings.app_webhooks",
    "settings.webhooks",
)
OF_STOPS = frozenset(
    {
        "settings.emergency_stop._request_emergency_stop",
        "settings.emergency_stop._request_stop_change",
    }
)
"""The only other actions of the Settings page that concern posts."""

FORM = ["Scope", "UUID"]
"""Last parameter types of an action: the open scope and the ID that makes it run once."""

CHECKS = frozenset(
    {"_check_own_delivery", "apply_preview", "_run_with_channel_check", "run_and_forget"}
)
"""Functions with the same signature that only check or wrap an action."""


def acts() -> set[str]:
    """Return every action of these pages: functions that take a scope and an ID, or the page for an
    action on several items, and return what was done."""
    found = set()
    pages = ROOT / "dashboard" / "pages"
    for path in sorted(pages.rglob("*.py")):
        module = ".".join(path.relative_to(pages).with_suffix("").parts)
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and _is_act(node):
                found.add(f"{module}.{node.name}")
    return {one for one in found if one.startswith(PAGES)} | (found & OF_STOPS)


def _is_act(node: ast.FunctionDef) -> bool:
    handed = [
        ast.unparse(each.annotation) if each.annotation else "" for each in node.args.args[-2:]
    ]
    returned = ast.unparse(node.returns) if node.returns is not None else ""
    batch = handed[-1:] == ["PageContext"] and returned == "Message"
    return batch or (
        handed == FORM
        and returned in {"Message", "Message | None", "None", "bool"}
        and node.name not in CHECKS
    )


def test_every_page_action_has_an_operation_or_a_reason() -> None:
    assert acts() == OVER_API.keys()


def test_every_named_operation_exists_and_reasons_are_not_empty() -> None:
    known = {f"{one.method} {one.path}" for one in OPERATIONS}
    for act, said in OVER_API.items():
        reason = next((one for one in (PERSON, ELSEWHERE) if said.startswith(one)), "")
        assert said in known or len(said) > len(reason) > 0, act
    assert {one for one in known if "/stops" in one} == {"GET /stops", "POST /stops"}, (
        "a key ends no stop"
    )
