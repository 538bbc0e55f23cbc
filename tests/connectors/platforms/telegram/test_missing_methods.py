"""A 404 of the Bot API: only `getMe` proves that the token is invalid."""

from hypothesis import given
from hypothesis import strategies as st

from connectors.contract.connector import Response, Send
from connectors.contract.outcomes import Disconnected, Reauthorize
from connectors.platforms.telegram.account import check
from connectors.platforms.telegram.errors import outcome_of_failure

METHODS = st.from_regex(r"[a-z]{3,5}[A-Z][A-Za-z]{2,20}", fullmatch=True)
BODIES = st.sampled_from(
    [{"ok": False, "error_code": 404, "description": "Not Found"}, {"error": "missing"}, None, {}]
)


@given(METHODS, BODIES, st.booleans(), st.booleans())
def test_missing_method_does_not_disconnect_the_account(
    method: str, body: object, creates: bool, reader: bool
) -> None:
    answer = Response(method, 404, {}, body)
    outcome = outcome_of_failure(answer, creates=creates, reader=reader)
    assert not isinstance(outcome, Reauthorize | Disconnected)


@given(BODIES)
def test_get_me_404_requires_a_new_token(body: object) -> None:
    first = check("mia_bot", ())
    assert isinstance(first, Send)
    assert isinstance(check("mia_bot", (Response(first.step.name, 404, {}, body),)), Reauthorize)
