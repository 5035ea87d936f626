"""Scheduled jobs of the POT economy."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.database import SessionLocal
from imatch.core.events import announce
from imatch.core.logs import log
from imatch.facts.people import SecondFactorKept
from imatch.jobs import job
from imatch.jobs.run_each import run_each
from imatch.pot.awards import clawbacks
from imatch.pot.awards import service as awards
from imatch.pot.awards.models import PotAward
from imatch.pot.policy import service as policy
from imatch.pot.reserve import service as reserve
from imatch.pot.shop import service as shop

SECOND_FACTOR_KEPT_DAYS = 30


@job("pay_queued_awards", cron="7 * * * *")
def pay_queued_awards() -> None:
    """Pay queued awards while the weekly budget lasts."""
    with SessionLocal() as db:
        awards.pay_queue(db)


@job("settle_purchases", cron="23 * * * *")
def settle_purchases() -> None:
    """Renew or end expired purchases, and refund orders not delivered in time."""
    with SessionLocal() as db:
        shop.settle_due(db)


@job("decide_the_weeks_pot", cron="2 * * * *")
def decide_the_weeks_pot() -> None:
    """Mint and set the award budget of the week, and pay queued awards.

    Runs every hour, because no worker may be running when a week begins.
    """
    with SessionLocal() as db:
        if policy.is_due(db):
            run = policy.run_week(db)
            log().info(
                "pot_week_decided",
                week=run.week.isoformat(),
                minted=run.minted,
                award_budget=run.award_budget,
                **run.inputs,
            )
            awards.pay_queue(db)


@job("settle_debts", cron="37 * * * *")
def settle_debts() -> None:
    """Pay the debts of people who have free POT."""
    with SessionLocal() as db:
        clawbacks.settle_open_debts(db)


@job("clear_commissions", cron="13 4 * * *")
def clear_commissions() -> None:
    """Clear due commission: grant its allowances."""
    with SessionLocal() as db:
        reserve.clear_due(db)


@job("notice_second_factors", cron="53 4 * * *")
def notice_second_factors() -> None:
    """Announce second factors that were kept for SECOND_FACTOR_KEPT_DAYS."""
    with SessionLocal() as db:
        run_each(
            db,
            "second_factor",
            _unrewarded_second_factors(db),
            lambda user_id: announce(db, SecondFactorKept(user_id)),
        )


def _unrewarded_second_factors(db: Session) -> list[int]:
    """The ids of people who kept a second factor and have no award for it."""
    rewarded = select(PotAward.user_id).where(PotAward.rule == "security_setup")
    user_ids = select(User.id).where(
        User.totp_confirmed_at <= now() - timedelta(days=SECOND_FACTOR_KEPT_DAYS),
        User.active,
        User.id.not_in(rewarded),
    )
    return list(db.scalars(user_ids.order_by(User.id)))
