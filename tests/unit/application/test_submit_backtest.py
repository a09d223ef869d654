"""Backtests as jobs: stored once, done in a worker, and told of as they go on."""

from dataclasses import replace
from datetime import timedelta

import pytest

from gaveld.application.backtest import BacktestPlan, BacktestPolicy
from gaveld.application.operations import Operations
from gaveld.application.submit_backtest import BacktestRequest, RunBacktest, SubmitBacktest
from gaveld.domain.backtests import BacktestReport
from gaveld.domain.decision_records import Records
from gaveld.domain.errors import AlreadyExists, ErrorReason
from gaveld.domain.jobs import Job, JobKind, Steps
from tests.content_house import Conditions
from tests.decisions import NOON, POLICY, decided
from tests.fakes.backtest_progress import FakeBacktestProgress
from tests.fakes.decisions import FakeDecisions
from tests.fakes.job_dispatcher import FakeJobDispatcher
from tests.fakes.jobs import FakeJobStore
from tests.fakes.policies import FakePolicyHistory

REQUEST = BacktestRequest("shop", "r-1", b"payload", b"\1" * 32)


class Papers:
    """``BacktestPapers`` for one plan."""

    def read(self, project: str, payload: bytes) -> BacktestPlan:
        assert payload == b"payload"
        return BacktestPlan(project, POLICY, NOON, NOON + timedelta(days=1))

    def answer(self, report: BacktestReport) -> bytes:
        return f"{report.decision_count} tried".encode()


async def test_a_backtest_is_stored_and_told_of_once():
    """Law: a repeat is the same job, of which workers hear once; another question is refused."""
    jobs, dispatcher = FakeJobStore(), FakeJobDispatcher()
    submit = SubmitBacktest(jobs, dispatcher)
    first = await submit(REQUEST)
    assert (first.kind, first.project, first.payload) == (JobKind.BACKTEST, "shop", b"payload")
    assert (await submit(REQUEST)).id == first.id
    assert dispatcher.words.qsize() == 1
    with pytest.raises(AlreadyExists) as caught:
        await submit(replace(REQUEST, asked_sha256=b"\2" * 32))
    assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED


async def test_a_worker_tells_how_far_it_is_and_writes_nothing_else():
    """Law: whoever asks hears the last word of the worker; the answer alone is kept."""
    store, progress, jobs = FakeDecisions(), FakeBacktestProgress(), FakeJobStore()
    for number in range(3):
        store.record(Records(decided(str(number))))
    backtest = BacktestPolicy(store, FakePolicyHistory(POLICY), Conditions())
    job: Job = await SubmitBacktest(jobs, FakeJobDispatcher())(REQUEST)
    operations = Operations(jobs, progress)
    assert (await operations.get("shop", job.id)).steps is None
    answer, records = await RunBacktest(backtest, Papers(), progress)(job)
    assert (answer, records) == (b"3 tried", Records())
    assert progress.told == [(job.id, Steps(0, 3))]
    assert (await operations.get("shop", job.id)).steps == Steps(0, 3)
    assert (await Operations(jobs).get("shop", job.id)).steps is None
