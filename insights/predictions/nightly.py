"""The nightly computation of an agency's predictions, and the installation of their packages."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from uuid import UUID

from sqlmodel import select

from channels.accounts.queries import list_creator_channels
from foundation.db.database import OpenScope, Scope
from foundation.db.tables import stored_message
from foundation.errors import BadInput, GreenroomError, LeaseLost
from foundation.i18n.translation import Message
from foundation.ops import telemetry
from foundation.outbox import outbox
from foundation.outbox.heartbeat import Heartbeat, heartbeat
from insights.predictions import analysis_packages, storage
from insights.predictions.events import AnalysisPackagesDue, PredictionsDue
from insights.predictions.fan_predictions import (
    FAN_TASKS,
    FanResult,
    compute_fan_predictions,
    list_scored_fans,
    read_fan_facts,
)
from insights.predictions.forecasts import Series, collect_series, compute_forecasts
from insights.predictions.models import PredictionSetup
from insights.predictions.pack_predictions import predict_packs, read_pack_facts
from insights.predictions.rank_models import collect_past_posts, fit_rank_model
from insights.predictions.result_facts import collect_results
from insights.predictions.states import PredictionTask, SetupState
from schedules.suggestions.shared.results import store_results
from subscribers.catalog.recommendations import replace_recommendations
from subscribers.fans.scores import replace_scores
from tenants.agencies.queries import Creator, list_creators

PREDICTING = "system:predictions"
DEADLINE_SECONDS = 600
log = telemetry.get_logger("insights.predictions.nightly")


def compute_predictions(event: PredictionsDue, *, tenant: OpenScope, home: Path) -> None:
    """Compute all predictions of an agency. Repeating it replaces them.

    Without the packages of the extra `analysis`, forecasts use the simple methods and leads the
    rule. Where one kind of prediction fails, the earlier ones are kept and the others are computed.
    """
    with tenant(event.tenant_id, PREDICTING) as scope:
        creators = list_creators(scope)
    if analysis_packages.is_installed(home):
        _store_state(tenant, event.tenant_id, SetupState.INSTALLED, None)
    tenant_id = event.tenant_id
    with heartbeat() as pulse:
        _run_step(pulse, None, partial(_predict_forecasts, tenant, tenant_id, creators, home))
        for creator in creators:
            for step in (
                partial(_predict_fans, tenant, tenant_id, creator, home),
                partial(_predict_packs, tenant, tenant_id, creator, home),
                partial(_fit_ranks, tenant, tenant_id, creator),
                partial(_store_results, tenant, tenant_id, creator),
            ):
                _run_step(pulse, creator, step)


def _run_step(pulse: Heartbeat, creator: Creator | None, step: partial[None]) -> None:
    """Run a step; its failure is logged and does not end the steps after it. Raises LeaseLost."""
    pulse.check_lease()
    try:
        step()
    except LeaseLost:
        raise
    except GreenroomError as error:
        _log_failure(step.func.__name__, creator, error)


def _log_failure(step: str, creator: Creator | None, error: GreenroomError) -> None:
    log.warning(
        "predictions.failed",
        step=step,
        creator=str(creator.id) if creator is not None else "",
        error=telemetry.describe_error(error),
    )


def _predict_forecasts(
    tenant: OpenScope, tenant_id: UUID, creators: Sequence[Creator], home: Path
) -> None:
    """Compute the forecasts of all creators together: starting a process takes longer than most
    series."""
    task = PredictionTask.FORECAST
    ids = []
    series: list[Series] = []
    with tenant(tenant_id, PREDICTING) as scope:
        for one in creators:
            try:
                series += collect_series(scope, one)
            except BadInput as error:  # the creator's zone is invalid
                _log_failure("collect_series", one, error)
                continue
            ids.append(one.id)
        stored = storage.load_predictions(scope, ids, task)
        now = scope.now
    before = {(one.creator_id, one.subject): one for one in stored}
    found = compute_forecasts(series, before, home=home, now=now)
    with tenant(tenant_id, PREDICTING) as scope:
        storage.store_predictions(scope, ids, [task], found)


def _predict_fans(tenant: OpenScope, tenant_id: UUID, creator: Creator, home: Path) -> None:
    with tenant(tenant_id, PREDICTING) as scope:
        facts = read_fan_facts(scope, creator)
        now = scope.now
    has_packages = analysis_packages.is_installed(home)
    found = compute_fan_predictions(facts, home=home, now=now, has_packages=has_packages)
    with tenant(tenant_id, PREDICTING) as scope:
        _store_fans(scope, creator, found)


def _store_fans(scope: Scope, creator: Creator, found: list[FanResult]) -> None:
    predictions = [one.prediction for one in found]
    storage.store_predictions(scope, [creator.id], FAN_TASKS, predictions)
    for task, scores in list_scored_fans(found).items():
        replace_scores(scope, creator.id, task, scores)


def _predict_packs(tenant: OpenScope, tenant_id: UUID, creator: Creator, home: Path) -> None:
    with tenant(tenant_id, PREDICTING) as scope:
        facts = read_pack_facts(scope, creator)
        now = scope.now
    found = predict_packs(facts, home=home, now=now)
    with tenant(tenant_id, PREDICTING) as scope:
        predictions = [found.prediction] if found is not None else []
        storage.store_predictions(scope, [creator.id], [PredictionTask.PACKS], predictions)
        replace_recommendations(
            scope, creator.id, found.recommendations if found is not None else ()
        )


def _fit_ranks(tenant: OpenScope, tenant_id: UUID, creator: Creator) -> None:
    with tenant(tenant_id, PREDICTING) as scope:
        past = [
            collect_past_posts(scope, creator.id, one.id)
            for one in list_creator_channels(scope, creator.id)
        ]
        now = scope.now
    found = [fit_rank_model(creator.id, one, now) for one in past]
    with tenant(tenant_id, PREDICTING) as scope:
        storage.store_predictions(scope, [creator.id], [PredictionTask.RANKS], found)


def _store_results(tenant: OpenScope, tenant_id: UUID, creator: Creator) -> None:
    with tenant(tenant_id, PREDICTING) as scope:
        store_results(scope, creator.id, collect_results(scope, creator))


def request_packages(scope: Scope) -> None:
    """Queue the installation of the packages. A second request changes nothing while one runs."""
    setup = _find_setup(scope)
    if setup is None:
        setup = PredictionSetup(tenant_id=scope.tenant_id, state="", package="")
    elif setup.state == SetupState.INSTALLING:
        return
    setup.state = SetupState.INSTALLING
    setup.installed = setup.total = 0
    setup.package = ""
    setup.reason = None
    scope.add(setup)
    due = AnalysisPackagesDue(scope.tenant_id, scope.tenant_id)
    outbox.put(scope, due, dedupe=f"packages:{scope.tenant_id}")


def install_packages(event: AnalysisPackagesDue, *, tenant: OpenScope, home: Path) -> None:
    """Install the packages, store the progress, and queue the predictions that need them."""
    report = partial(_store_progress, tenant, event.tenant_id)
    with heartbeat():
        try:
            analysis_packages.install_packages(home, report)
        except GreenroomError as error:
            _store_state(tenant, event.tenant_id, SetupState.FAILED, error.message)
            return
    _store_state(tenant, event.tenant_id, SetupState.INSTALLED, None)
    with tenant(event.tenant_id, PREDICTING) as scope:
        due = PredictionsDue(event.tenant_id, event.tenant_id)
        outbox.put(scope, due, dedupe=f"predictions:{event.tenant_id}")


def fail_installation(event: AnalysisPackagesDue, *, tenant: OpenScope) -> None:
    """Record that the installation was given up, so that it can be requested again."""
    _store_state(tenant, event.tenant_id, SetupState.FAILED, Message("analysis.interrupted", {}))


def _store_progress(
    tenant: OpenScope, tenant_id: UUID, installed: int, total: int, package: str
) -> None:
    with tenant(tenant_id, PREDICTING) as scope:
        setup = _find_setup(scope)
        if setup is not None:
            setup.installed = installed
            setup.total = total
            setup.package = package
            scope.add(setup)


def _store_state(
    tenant: OpenScope, tenant_id: UUID, state: SetupState, reason: Message | None
) -> None:
    with tenant(tenant_id, PREDICTING) as scope:
        setup = _find_setup(scope)
        if setup is None:
            setup = PredictionSetup(tenant_id=tenant_id, state=state, package="")
        setup.state = state
        setup.reason = stored_message(reason)
        scope.add(setup)


def _find_setup(scope: Scope) -> PredictionSetup | None:
    statement = select(PredictionSetup).where(PredictionSetup.tenant_id == scope.tenant_id)
    return scope.session.exec(statement).one_or_none()


@dataclass(frozen=True)
class SetupProgress:
    """The installation of the packages: the number installed of all, and the one in progress."""

    state: SetupState
    installed: int
    total: int
    package: str
    reason: Message | None


def load_setup(scope: Scope) -> SetupProgress | None:
    """Return the installation that the agency requested, or None."""
    row = _find_setup(scope)
    if row is None:
        return None
    reason = Message.from_json(row.reason) if row.reason else None
    return SetupProgress(SetupState(row.state), row.installed, row.total, row.package, reason)
