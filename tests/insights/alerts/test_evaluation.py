"""Alerts: opened once for each rule and series, updated, closed by themselves, and notified once."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from foundation.db.bulk_insert import insert_rows
from foundation.ids import uuid7
from foundation.ops import clock
from insights.alerts import alerts, evaluation, rules
from insights.alerts.alerts import Alert
from insights.alerts.models import AlertRow
from insights.alerts.states import AlertDirection, AlertEnd, AlertKind, AlertRoute
from insights.rollups.models import CreatorDay, SalesDay
from tests.insights.builders import CreatorHistory
