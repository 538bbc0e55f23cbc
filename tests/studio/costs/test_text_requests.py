"""Costs of texts: with lost responses, crashes and repeats, the records match the requests to the
server."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from foundation.ids import uuid7
from foundation.money import Money, Price, parse_token_prices
from foundation.ops.settings import GeneratorsSettings
from generators.contract.engines import EngineError, SpendingNotAllowed, TextEngine
from generators.engines.text.ollama import OllamaEngine
from studio.costs import spending_caps
from studio.costs.spending_caps import CapReached
from studio.costs.text_requests import (
    FREE_BILLING,
    TEXTS_HELD_BACK,
    TextBilling,
    TextPurpose,
    TextSession,
)
from tenants.notices import notices
from tests.fakes.generators import ollama as fake
from tests.fakes.generators.ollama import FakeOllama, Fault, ScriptedAnswer
from tests.generators.builders import SCHEMA, a_text_job
from tests.studio.builders import CreatorStudio, create_studio

CHAT = "/api/chat"
PRICES = parse_token_prices("llama3.2 = 100/400 USD")
"""A price high enough that a few words cost something."""
BILLED = TextBilling(PRICES)


@pytest.fixture
def server() -> Iterator[FakeOllama]:
    with fake.serving() as found:
        yield found


def sitting(nova: CreatorStudio, billing: TextBilling = BILLED) -> TextSession:
    return TextSession(
        nova.services.tenant, nova.tenant_id, nova.creator_id, TextPurpose.KIT, uuid7(), billing
    )


def engine(url: str, of: TextSession, seconds: float = 5.0) -> TextEngine:
    return of.counted_engine(OllamaEngine(url, "llama3.2", seconds=seconds))


def books(nova: CreatorStudio) -> list[Any]:
    with nova.scope() as scope:
        return list(scope.run("SELECT * FROM text_requests ORDER BY id").all())


def test_each_request_is_recorded_with_the_counts_of_the_server(
    nova: CreatorStudio, server: FakeOllama
) -> None:
    of = sitting(nova)
    server.script.extend([ScriptedAnswer("no json"), ScriptedAnswer('{"text": "Bonjour"}')])
    written = engine(server.url, of).write(a_text_job(schema=SCHEMA))
    rows = books(nova)
    assert len(rows) == len(server.asked) == 2
    assert (written.tokens_in, written.tokens_out) == (
        sum(r.tokens_in for r in rows),
        sum(r.tokens_out for r in rows),
    )
    for row in rows:
        price = PRICES["llama3.2"].cost_of(row.tokens_in, row.tokens_out)
        assert (row.minor, row.currency, row.state) == (price.minor, "USD", "answered")
        assert row.seconds > 0
    with nova.scope() as scope:
        of.mark_used(scope)
        of.mark_used(scope)
    assert [row.state for row in books(nova)] == ["kept", "kept"]
    other = create_studio(nova.services)
    assert books(other) == []


def test_texts_count_against_the_monthly_cap_except_undelivered_requests(
    nova: CreatorStudio, server: FakeOllama
) -> None:
    engine(server.url, sitting(nova)).write(a_text_job())
    server.fail(CHAT, Fault(status=404))
    with pytest.raises(EngineError):
        engine(server.url, sitting(nova)).write(a_text_job())
    answered, unheard = books(nova)
    assert (answered.state, unheard.state) == ("answered", "unheard")
    cent = Price(Decimal(1), "USD")
    with nova.scope() as scope:
        assert spending_caps.monthly_budget(scope, "USD", {}).spent.minor == answered.minor > 0
        with pytest.raises(CapReached):
            spending_caps.check_spending(scope, cent, 1, {"USD": Money(int(answered.minor), "USD")})
        spending_caps.check_spending(scope, cent, 1, {"USD": Money(int(answered.minor) + 2, "USD")})
        assert spending_caps.monthly_budget(scope, "EUR", {}).spent.minor == 0


def test_text_beyond_the_cap_is_not_requested_until_the_cap_is_raised(
    nova: CreatorStudio, server: FakeOllama
) -> None:
    with nova.scope() as scope:
        spending_caps.set_spending_cap(scope, "USD", Money(0, "USD"))
    for _ in range(2):
        with pytest.raises(SpendingNotAllowed, match=r"spending\.cap_reached"):
            engine(server.url, sitting(nova)).write(a_text_job())
    assert (server.asked, books(nova)) == ([], [])
    with nova.scope() as scope:
        assert notices.list_open_causes(scope, TEXTS_HELD_BACK) == [TEXTS_HELD_BACK]
        spending_caps.set_spending_cap(scope, "USD", None)
    engine(server.url, sitting(nova, TextBilling(PRICES, {"USD": Money(20, "USD")}))).write(
        a_text_job()
    )
    with nova.scope() as scope:
        assert notices.list_open_causes(scope, TEXTS_HELD_BACK) == []
    assert [row.state for row in books(nova)] == ["answered"]


def test_concurrent_requests_stay_within_the_cap(nova: CreatorStudio, server: FakeOllama) -> None:
    billing = TextBilling(PRICES, {"USD": Money(350, "USD")})

    def asked(_: int) -> bool:
        try:
            sitting(nova, billing).request_ledger().record_request(
                "ollama", "llama3.2", 10_000, 0
            )  # # one dollar
        except SpendingNotAllowed:
            return False
        return True

    with ThreadPoolExecutor(4) as pool:
        taken = list(pool.map(asked, range(8)))
    with nova.scope() as scope:
        assert spending_caps.monthly_budget(scope, "USD", {}).spent.minor == 300
    assert (sum(taken), len(books(nova))) == (3, 3)
    sitting(nova, billing).request_ledger().record_request("ollama", "without a price", 10_000, 0)


def test_model_without_a_price_records_time_only(nova: CreatorStudio, server: FakeOllama) -> None:
    engine(server.url, sitting(nova, FREE_BILLING)).write(a_text_job())
    (row,) = books(nova)
    assert (row.minor, row.currency, row.state) == (None, None, "answered")
    assert row.seconds > 0
    assert row.tokens_in > 0


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (Fault(status=404), "unheard"),
        (Fault(status=429), "unheard"),
        (Fault(status=500), "lost"),
        (Fault(hang=True), "lost"),
    ],
    ids=repr,
)
def test_failed_request_counts_its_highest_possible_cost(
    nova: CreatorStudio, server: FakeOllama, fault: Fault, state: str
) -> None:
    server.fail(CHAT, fault)
    with pytest.raises(EngineError):
        engine(server.url, sitting(nova), seconds=0.4).write(a_text_job())
    (row,) = books(nova)
    assert (row.state, row.tokens_in) == (state, None)
    assert row.minor >= PRICES["llama3.2"].cost_of(5, 256).minor


def test_broken_response_is_lost_and_unreachable_server_costs_nothing(
    nova: CreatorStudio, server: FakeOllama
) -> None:
    server.script.append(ScriptedAnswer("Bonjour à vous", breaks_off=True))
    for url in (server.url, "http://127.0.0.1:9"):
        with pytest.raises(EngineError):
            engine(url, sitting(nova)).write(a_text_job())
    assert [row.state for row in books(nova)] == ["lost", "unheard"]


@pytest.mark.parametrize("at", ["asking", "answered"])
def test_crashed_request_is_counted_and_a_retry_is_another(
    nova: CreatorStudio, server: FakeOllama, at: str
) -> None:
    of, job = sitting(nova), a_text_job()
    tally = of.request_ledger()
    tally.record_request("ollama", "llama3.2", 10, 100)
    if at == "answered":
        tally.record_answer(10, 20)
        tally.record_answer(999, 999)  # # reported twice
        tally.record_lost()
    (row,) = books(nova)
    most = PRICES["llama3.2"].cost_of(10, 20 if at == "answered" else 100)
    assert (row.state, row.minor) == ("asked" if at == "asking" else "answered", most.minor)
    engine(server.url, again := sitting(nova)).write(job)
    with nova.scope() as scope:
        again.mark_used(scope)
    assert [one.state for one in books(nova)] == [row.state, "kept"]


tokens = st.integers(0, 10**7)
amounts = st.decimals(0, 10**4, places=4, allow_nan=False)


@given(amounts, amounts, st.tuples(tokens, tokens, tokens, tokens))
def test_split_tokens_never_cost_less_and_hardly_more(
    asked: Decimal, answered: Decimal, counts: tuple[int, int, int, int]
) -> None:
    a, b, c, d = counts
    price = parse_token_prices(f"m = {asked:f}/{answered:f} USD")["m"]
    whole, parts = (
        price.cost_of(a + c, b + d).minor,
        price.cost_of(a, b).minor + price.cost_of(c, d).minor,
    )
    assert 0 <= parts - whole <= Decimal("0.0001")
    exact = (price.input.minor * (a + c) + price.output.minor * (b + d)) / 1_000_000
    assert 0 <= whole - exact < Decimal("0.0001")


@pytest.mark.parametrize(
    "written", ["m = 1 USD", "m = 1/x USD", "= 1/2 USD", "m = 1/-2 USD", "m = 1/2 usd", "m"]
)
def test_unreadable_prices_are_refused_at_start(written: str) -> None:
    with pytest.raises(ValueError, match=r"price|currency"):
        GeneratorsSettings(text_prices=written)
