"""The results of a simulation: weekly figures, outcomes by group, and checked claims."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from imatch.core import clock
from imatch.core.money import usd
from imatch.ledger import CASH, POT, SystemAccount
from imatch.ledger.auditing.audit import audit
from imatch.ledger.models import PotAccount
from imatch.ledger.queries import people_totals, system_balances
from imatch.operations.simulation.people import Group
from imatch.operations.simulation.plan import START, Plan
from imatch.operations.simulation.world import World
from imatch.pot.awards import service as awards
from imatch.pot.awards.models import AwardStatus, PotAward
from imatch.pot.models import PotRedemption, RedemptionStatus
from imatch.pot.policy import service as policy
from imatch.pot.reserve.coverage import coverage
from imatch.web import formats

WEEKS_PER_YEAR = 52
MAX_QUEUE_DAYS = 14
INFLATION_RANGE = (0.09, 0.11)


@dataclass(frozen=True, slots=True)
class SimulatedWeek:
    """Figures of the simulated POT economy at the end of a week, before its policy decision."""

    week: int
    day: date
    supply: int
    target: float
    treasury: int
    people: int
    burned: int
    redeemed: int
    clawed_back: int
    minted: int
    budget: int
    awarded: int  # out of the budget, in the week
    queued: int
    oldest_queued_days: float
    reserve_cents: int
    allowances_cents: int
    coverage: float | None
    commission_cents: int
    paid_out_cents: int
    attackers_net_cents: int


@dataclass(frozen=True, slots=True)
class GroupOutcome:
    """What a group earned and paid in total. Bought options count as spent, not as cash."""

    accounts: int
    earned: int
    spent: int
    left: int
    queued: int
    redeemed_cents: int
    commission_cents: int

    @property
    def net_cents(self) -> int:
        return self.redeemed_cents - self.commission_cents


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim about the economy, the measured value, and whether it holds."""

    claim: str
    found: str
    holds: bool


@dataclass(frozen=True, slots=True)
class SimulationResult:
    plan: Plan
    weeks: Sequence[SimulatedWeek]
    groups: dict[Group, GroupOutcome]
    checks: Sequence[Claim]
    facts: int
    transactions: int
    redemptions_paid: int
    redemptions_waiting: int
    redemptions_refused: int
    seconds: float = 0.0
    cpu_seconds: float = 0.0  # below `seconds` if other processes use the machine

    def as_dict(self) -> dict[str, object]:
        """The result as JSON-compatible values."""
        document = asdict(self)
        document["groups"] = {
            str(group): {**asdict(outcome), "net_cents": outcome.net_cents}
            for group, outcome in self.groups.items()
        }
        return document


class Measures:
    """Measures a world: the reserve and the queue daily, everything else weekly."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.weeks: list[SimulatedWeek] = []
        self.min_coverage: float | None = None
        self.min_surplus_cents = 0  # reserve minus all allowances
        self.max_queue_days = 0.0
        world.schedule_daily(self._measure, hour=22)

    def _measure(self) -> None:
        current = coverage(self.world.db)
        surplus_cents = (current.reserve - current.allowances).cents
        self.min_surplus_cents = min(self.min_surplus_cents, surplus_cents)
        if current.ratio is not None:
            self.min_coverage = min(current.ratio, self.min_coverage or current.ratio)
        self.max_queue_days = max(self.max_queue_days, self._queue_days())
        if self.world.day % 7 == 6:  # noqa: PLR2004 -- Sunday
            self._record_week()

    def _queue_days(self) -> float:
        oldest = awards.oldest_queued(self.world.db)
        return (clock.now() - oldest) / timedelta(days=1) if oldest else 0.0

    def _record_week(self) -> None:
        db = self.world.db
        pot, cash = system_balances(db, POT), system_balances(db, CASH)
        people, _held = people_totals(db, POT)
        allowances, _held_cents = people_totals(db, CASH)
        budget, run = policy.budget(db), policy.last_run(db)
        queued = db.scalar(
            select(func.sum(PotAward.amount)).where(PotAward.status == AwardStatus.QUEUED)
        )
        reserve = cash[SystemAccount.RESERVE]
        self.weeks.append(
            SimulatedWeek(
                week=self.world.day // 7 + 1,
                day=self.world.today.date(),
                supply=pot[SystemAccount.TREASURY] + people,
                target=float(run.inputs["target"]) if run else 0.0,
                treasury=pot[SystemAccount.TREASURY],
                people=people,
                burned=pot[SystemAccount.BURNED],
                redeemed=pot[SystemAccount.REDEEMED],
                clawed_back=pot[SystemAccount.CLAWED_BACK],
                minted=-pot[SystemAccount.MINT],
                budget=budget.total,
                awarded=budget.spent,
                queued=int(queued or 0),
                oldest_queued_days=round(self._queue_days(), 2),
                reserve_cents=reserve,
                allowances_cents=allowances,
                coverage=round(reserve / allowances, 4) if allowances else None,
                commission_cents=-cash[SystemAccount.PAYERS],
                paid_out_cents=cash[SystemAccount.PAID_OUT],
                attackers_net_cents=self._attackers_net_cents(),
            )
        )

    def _attackers_net_cents(self) -> int:
        outcomes = self.groups()
        return sum(
            outcome.net_cents for group, outcome in outcomes.items() if group is not Group.HONEST
        )

    def groups(self) -> dict[Group, GroupOutcome]:
        """The outcome of each group, summed over its accounts."""
        db = self.world.db
        accounts = {account.user_id: account for account in db.scalars(select(PotAccount))}
        paid = _sum_by_person(
            db,
            select(PotRedemption.user_id, func.sum(PotRedemption.payout_cents))
            .where(PotRedemption.status == RedemptionStatus.PAID)
            .group_by(PotRedemption.user_id),
        )
        queued = _sum_by_person(
            db,
            select(PotAward.user_id, func.sum(PotAward.amount))
            .where(PotAward.status == AwardStatus.QUEUED)
            .group_by(PotAward.user_id),
        )
        outcomes = {}
        for group in Group:
            people = self.world.population.of_group(group)
            ids = [person.user_id for person in people]
            group_accounts = [accounts[user_id] for user_id in ids if user_id in accounts]
            outcomes[group] = GroupOutcome(
                accounts=len(people),
                earned=sum(account.earned for account in group_accounts),
                spent=sum(account.spent for account in group_accounts),
                left=sum(account.balance for account in group_accounts),
                queued=sum(queued.get(user_id, 0) for user_id in ids),
                redeemed_cents=sum(paid.get(user_id, 0) for user_id in ids),
                commission_cents=sum(person.commission_cents for person in people),
            )
        return outcomes

    def checks(self) -> list[Claim]:
        """The claims of the POT economy, checked against the measurements."""
        outcomes = self.groups()
        checks = [
            Claim(
                f"{group.capitalize()} accounts net no cash",
                formats.money(usd(outcomes[group].net_cents)),
                outcomes[group].net_cents <= 0,
            )
            for group in (Group.FARM, Group.RING, Group.WASH)
            if outcomes[group].accounts
        ]
        min_coverage = self.min_coverage
        checks.append(
            Claim(
                "Coverage is never below 1.00",
                "no allowances"
                if min_coverage is None
                else f"lowest {formats.number(min_coverage, 3)}",
                self.min_surplus_cents >= 0,
            )
        )
        checks += [*self._run_checks(), *self._inflation_checks()]
        attacked = bool(self.world.plan.attackers)
        checks.append(
            Claim(
                "The oldest queued award waits two weeks at most"
                + (" (while attacked)" if attacked else ""),
                f"{formats.number(self.max_queue_days, 1)} days",
                self.max_queue_days <= MAX_QUEUE_DAYS,
            )
        )
        checks.append(self._audit_check())
        return checks

    def _run_checks(self) -> list[Claim]:
        """Every request during the run on the reserve is paid or not yet due."""
        behaviour = self.world.behaviour
        start = START + timedelta(days=behaviour.run_day)
        end = start + timedelta(days=behaviour.run_days)
        requests = self.world.db.scalars(
            select(PotRedemption).where(
                PotRedemption.requested_at >= start, PotRedemption.requested_at < end
            )
        ).all()
        if not requests:
            return []
        paid = [request for request in requests if request.status == RedemptionStatus.PAID]
        overdue = [
            request
            for request in requests
            if request.status != RedemptionStatus.PAID
            and request.due_at < self.world.today - timedelta(days=1)
        ]
        payouts = formats.money(sum((request.payout for request in paid), usd(0)))
        return [
            Claim(
                "Everybody in the run on the reserve is paid",
                f"{len(paid)} of {formats.plural(len(requests), 'request')}, {payouts}",
                not overdue,
            )
        ]

    def _inflation_checks(self) -> list[Claim]:
        checks = []
        for year in range(1, len(self.weeks) // WEEKS_PER_YEAR + 1):
            end = self.weeks[year * WEEKS_PER_YEAR - 1].supply
            start = (
                self.weeks[(year - 1) * WEEKS_PER_YEAR - 1].supply if year > 1 else _genesis(self)
            )
            rate = end / start - 1
            low, high = INFLATION_RANGE
            checks.append(
                Claim(
                    f"Total supply grows 9–11 % in year {year}",
                    formats.percent(rate, 2),
                    low <= rate <= high,
                )
            )
        return checks

    def _audit_check(self) -> Claim:
        """The ledger's audit of both books."""
        audits = [audit(self.world.db, book) for book in (POT, CASH)]
        findings, rows = (
            sum(getattr(result, field) for result in audits)
            for field in ("finding_count", "row_count")
        )
        return Claim(
            "The audit of both books finds nothing",
            f"{formats.plural(findings, 'finding')} in {formats.plural(rows, 'row')}",
            findings == 0,
        )


def _genesis(measures: Measures) -> int:
    return policy.current(measures.world.db).genesis_pot


def _sum_by_person(db: Session, query: Select[int, int]) -> dict[int, int]:
    return {int(user_id): int(amount) for user_id, amount in db.execute(query)}
