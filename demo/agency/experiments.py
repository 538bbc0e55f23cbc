"""Experiments of the demo agency: a finished test of bot scripts."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from demo.agency.history import HistoryInput
from foundation.db.database import Scope
from foundation.ids import derived_uuid
from insights.analysis import script_test_verdicts
from subscribers.history.history_import import PastFan
from subscribers.replies import persona, script_tests
from subscribers.replies.script_tests import ScriptTestRequest

WINDOW_DAYS = 14
GREETINGS = {"fr": "Salut ! Dis-moi ce qui te plaît.", "en": "Hi! Tell me what you like."}


def write_demo_script_test(scope: Scope, stage: HistoryInput, fans: Sequence[PastFan]) -> None:
    """Write a finished test of another greeting on a creator's fans; creators with few fans have
    none. The active persona was kept, so that the demo's bot answers as before."""
    tested = [(one.id, one.since) for one in fans]
    passed = sum(at < scope.now - timedelta(days=WINDOW_DAYS) for _, at in tested)
    if passed < script_tests.MIN_FANS:
        return
    key = derived_uuid(stage.creator_id, "script-test")
    version = replace(stage.part.persona, greeting=GREETINGS[stage.part.persona.languages[0]])
    other = persona.create_persona_version(scope, stage.creator_id, version, key=key)
    wanted = ScriptTestRequest((other,), "buyers", passed, WINDOW_DAYS)
    test_id = script_tests.start_script_test(
        scope, stage.creator_id, wanted, key=key, by=scope.actor
    )
    script_tests.import_past_fans(scope, test_id, tested)
    script_test_verdicts.end_script_test(scope, test_id, keep="a")
