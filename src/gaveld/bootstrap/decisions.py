"""Puts together what decisions are used for once they are made: histories, backtests, retention."""

from datetime import datetime, timedelta
from functools import partial

from gavel.v1 import user_service_pb2
from sqlalchemy.ext.asyncio import AsyncEngine

from gaveld.adapters.rules import CelConditionCompiler
from gaveld.adapters.storage.backtest_progress import SqlBacktestProgress
from gaveld.adapters.storage.decisions import SqlDecisionStore
from gaveld.adapters.storage.forgetting import forgetting
from gaveld.adapters.storage.usage import SqlUsageStore
from gaveld.adapters.storage.users import SqlUserStore
from gaveld.application.backtest import BacktestPolicy
from gaveld.application.manage_policies import ManagePolicies
from gaveld.application.retention import EraseExpired, EraseOverdue
from gaveld.application.submit_backtest import RunBacktest, SubmitBacktest
from gaveld.application.users import ForgetUser, GetUser
from gaveld.bootstrap.parts import Parts
from gaveld.bootstrap.review_queue import review_item_store
from gaveld.transport.grpc.backtest_servicer import BacktestServicer
from gaveld.transport.grpc.converters.backtests import BacktestMessages
from gaveld.transport.grpc.converters.users import nameless
from gaveld.transport.grpc.services import Service
from gaveld.transport.grpc.user_servicer import UserServicer
from gaveld.transport.rest import callback_words


def user_store(engine: AsyncEngine) -> SqlUserStore:
    """Return the users' histories, which forgets a user in every table."""
    return SqlUserStore(engine, [forgetting(nameless, callback_words.nameless)])


def user_service(parts: Parts) -> Service:
    """Return the service of users' histories."""
    users = user_store(parts.engine)
    descriptor = user_service_pb2.DESCRIPTOR.services_by_name["UserService"]
    return Service(descriptor, UserServicer(GetUser(users), ForgetUser(users)), "review")


def backtest_progress(parts: Parts) -> SqlBacktestProgress:
    """Return what knows how far backtests are."""
    return SqlBacktestProgress(parts.engine)


def backtest_servicer(parts: Parts) -> BacktestServicer:
    """Return what answers for backtests, beside what answers for policies."""
    policies = ManagePolicies(parts.judging.history, parts.judging.check_policy)
    return BacktestServicer(policies, SubmitBacktest(parts.jobs, parts.dispatcher))


def run_backtest(parts: Parts) -> RunBacktest:
    """Return what does backtests."""
    backtest = BacktestPolicy(
        SqlDecisionStore(parts.engine), parts.judging.history, CelConditionCompiler()
    )
    return RunBacktest(backtest, BacktestMessages(), backtest_progress(parts))


def erase_overdue(parts: Parts) -> EraseOverdue:
    """Return the chore that erases what is over."""
    stores: dict[str, EraseExpired] = {
        "decisions": SqlDecisionStore(parts.engine).erase_expired,
        "users": user_store(parts.engine).erase_expired,
        "backtests": backtest_progress(parts).erase_expired,
        "review_items": review_item_store(parts).erase_expired,
        "callbacks": partial(parts.deliveries.erase_words, strip=callback_words.without_words),
        "usage": partial(_erase_usage, parts),
    }
    return EraseOverdue(stores, parts.telemetry)


async def _erase_usage(parts: Parts, now: datetime) -> int:
    first_kept = now.date() - timedelta(days=parts.settings.usage.keep_days)
    return await SqlUsageStore(parts.engine).erase(before=first_kept)
