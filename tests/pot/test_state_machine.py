"""The books balance after any steps in any order, also concurrent and repeated ones."""

import itertools
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest
import time_machine
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from imatch.core.clock import now
from imatch.core.database import SessionLocal
from imatch.core.errors import DomainError
from imatch.ledger import (
    BOOKS,
    POT,
    HoldNotOpen,
    Movement,
    Phase,
    SystemAccount,
    TransactionType,
    capture,
    post,
    release,
)
from imatch.ledger.auditing.audit import audit
from imatch.ledger.queries import account, people_totals, system_balances
from imatch.ledger.sealing.seals import seal
from imatch.ledger.tasks import expire_holds
from imatch.pot.awards import clawbacks
from imatch.pot.errors import InsufficientPot
from imatch.pot.policy import service as policy
from imatch.pot.redemption import payouts
from imatch.pot.redemption import queries as redemption_queries
from imatch.pot.redemption import service as redemptions
from imatch.pot.reserve.coverage import coverage
from imatch.pot.service import POTService
from imatch.pot.shop import service as shop
from tests.factories import Make

PEOPLE = 3
CALLERS = 6
_keys = itertools.count(1)

person = st.integers(0, PEOPLE - 1)
amount = st.integers(1, 400)
chance = st.integers(0, 2**16)

pytestmark = [pytest.mark.both_databases, pytest.mark.usefixtures("cash_redemption_on")]


class Economy(RuleBasedStateMachine):
    """Real services beside a model that only knows what each person should have."""

    db: Session
    make: Make
    shift: Callable[[timedelta], None]

    def __init__(self) -> None:
        super().__init__()
        self.free: dict[int, int] = {}
        self.held: dict[int, int] = {}
        self.owed: Counter[int] = Counter()
        self.said: list[tuple[Callable[[], dict[str, object]], dict[str, object]]] = []
        self.holds: dict[int, tuple[int, int]] = {}  # hold id -> person, amount
        self.orders: dict[int, tuple[int, int]] = {}
        self.requests: dict[int, tuple[int, int]] = {}

    @initialize()
    def people(self) -> None:
        self.users = [self.make.redeemer(pot=0, covered_pot=300).id for _number in range(PEOPLE)]
        self.free = dict.fromkeys(self.users, 0)
        self.held = dict.fromkeys(self.users, 0)
        self.pot = POTService(self.db)

    @rule(who=person, pot=amount)
    def award(self, who: int, pot: int) -> None:
        act = partial(
            self.pot.award_pot, self.users[who], "community_help", pot, key=f"m{next(_keys)}"
        )
        self.said.append((act, act()))
        self._award(self.users[who], pot)

    @rule(who=person, pot=amount, burn=st.booleans())
    def spend(self, who: int, pot: int, burn: bool) -> None:
        user_id = self.users[who]
        act = partial(
            self.pot.spend_pot, user_id, "workshop", pot, key=f"m{next(_keys)}", burn=burn
        )
        if pot > self.free[user_id]:
            with pytest.raises(InsufficientPot):
                act()
            return
        self.said.append((act, act()))
        self.free[user_id] -= pot

    @precondition(lambda self: self.said)
    @rule(which=chance)
    def replay(self, which: int) -> None:
        act, first = self.said[which % len(self.said)]
        assert act() == first

    @precondition(lambda self: self.said)
    @rule(which=chance, pot=st.integers(500, 600))
    def reuse_a_key(self, which: int, pot: int) -> None:
        act, _first = self.said[which % len(self.said)]
        assert isinstance(act, partial)
        with pytest.raises(DomainError, match="key"):
            act.func(*act.args[:2], pot, **act.keywords)

    @rule(who=person, pot=amount, minutes=st.integers(1, 300))
    def hold(self, who: int, pot: int, minutes: int) -> None:
        user_id = self.users[who]
        if pot > self.free[user_id]:
            return
        movement = Movement(
            key=f"m{next(_keys)}",
            user_id=user_id,
            amount=-pot,
            counter_account=SystemAccount.BURNED,
            transaction_type=TransactionType.HOLD,
            category="workshop",
            phase=Phase.HOLD,
            expires_at=now() + timedelta(minutes=minutes),
        )
        self.holds[post(self.db, POT, movement).id] = (user_id, pot)
        self._hold(user_id, pot)

    @precondition(lambda self: self.holds)
    @rule(which=chance, part=st.integers(1, 100))
    def carry_out(self, which: int, part: int) -> None:
        hold_id = sorted(self.holds)[which % len(self.holds)]
        user_id, pot = self.holds[hold_id]
        taken = max(pot * part // 100, 1)
        try:
            capture(
                self.db,
                POT,
                hold_id,
                key=f"c{hold_id}",
                transaction_type=TransactionType.SPEND,
                amount=taken,
            )
        except HoldNotOpen:
            return  # it has expired, and the job has not run yet
        del self.holds[hold_id]
        self._release(user_id, pot)
        self.free[user_id] -= taken

    @precondition(lambda self: self.holds)
    @rule(which=chance)
    def give_back(self, which: int) -> None:
        hold_id = sorted(self.holds)[which % len(self.holds)]
        release(self.db, POT, hold_id, key=f"v{hold_id}")
        self._release(*self.holds.pop(hold_id))

    @rule(minutes=st.integers(1, 400))
    def time_passes(self, minutes: int) -> None:
        type(self).shift(timedelta(minutes=minutes))
        expire_holds()
        self.db.rollback()
        for hold_id in list(self.holds):
            row = self.db.get_one(POT.journal, hold_id)
            if row.expires_at is not None and row.expires_at <= now():
                self._release(*self.holds.pop(hold_id))

    @rule(who=person, pot=st.integers(50, 500))
    def order(self, who: int, pot: int) -> None:
        user_id = self.users[who]
        if pot <= self.free[user_id]:
            bought = shop.buy(self.db, user_id, "workshop", key=f"m{next(_keys)}", amount=pot)
            self.orders[bought.id] = (user_id, pot)
            self._hold(user_id, pot)

    @precondition(lambda self: self.orders)
    @rule(which=chance, delivered=st.booleans())
    def settle_order(self, which: int, delivered: bool) -> None:
        purchase_id = sorted(self.orders)[which % len(self.orders)]
        user_id, pot = self.orders.pop(purchase_id)
        self._release(user_id, pot)
        if delivered:
            shop.deliver(self.db, purchase_id)
            self.free[user_id] -= pot
        else:
            shop.cancel(self.db, purchase_id)
            self._pay_debt(user_id, pot)

    @rule(who=person, pot=st.integers(100, 250))
    def ask_for_cash(self, who: int, pot: int) -> None:
        user_id = self.users[who]
        try:
            request = redemptions.request(
                self.db, user_id, pot, "bank_transfer", key=f"m{next(_keys)}"
            )
        except DomainError:
            return
        self.requests[request.id] = (user_id, pot)
        self._hold(user_id, pot)

    @precondition(lambda self: self.requests)
    @rule(which=chance, pay=st.booleans())
    def settle_request(self, which: int, pay: bool) -> None:
        request_id = sorted(self.requests)[which % len(self.requests)]
        user_id, pot = self.requests[request_id]
        request = redemptions.locked(self.db, request_id)
        if pay:
            try:
                redemptions.approve(self.db, request_id, self.make.approver.id)
                self.make.due(request)
                payouts.mark_paid(self.db, request_id, self.make.payer.id, "B1")
            except DomainError:
                return
            self._release(user_id, pot)
            self.free[user_id] -= pot
        else:
            redemptions.cancel(self.db, user_id, request_id)
            self._release(user_id, pot)
            self._pay_debt(user_id, pot)
        del self.requests[request_id]

    @rule(who=person, pot=amount)
    def claw_back(self, who: int, pot: int) -> None:
        user_id = self.users[who]
        key = f"m{next(_keys)}"
        for _again in range(2):
            clawbacks.claw_back(self.db, user_id, pot, key=key, reason="fraud")
        taken = min(pot, self.free[user_id])
        self.free[user_id] -= taken
        self.owed[user_id] += pot - taken

    @rule(who=person, pot=amount)
    def spend_at_once(self, who: int, pot: int) -> None:
        user_id = self.users[who]
        self.db.rollback()

        def call(_number: int) -> str:
            with SessionLocal() as session:
                try:
                    POTService(session).spend_pot(user_id, "workshop", pot)
                except InsufficientPot:
                    return "refused"
            return "spent"

        with ThreadPoolExecutor(CALLERS) as pool:
            outcomes = Counter(pool.map(call, range(CALLERS)))
        affordable = min(self.free[user_id] // pot, CALLERS)
        assert outcomes["spent"] == affordable
        self.free[user_id] -= affordable * pot

    @rule(who=person, pot=amount)
    def award_once_at_once(self, who: int, pot: int) -> None:
        user_id = self.users[who]
        key = f"m{next(_keys)}"
        self.db.rollback()

        def call(_number: int) -> object:
            with SessionLocal() as session:
                award = POTService(session).award_pot(user_id, "community_help", pot, key=key)
            return award["transaction_id"]

        with ThreadPoolExecutor(CALLERS) as pool:
            assert len(set(pool.map(call, range(CALLERS)))) == 1
        self._award(user_id, pot)

    @rule()
    def seal_what_there_is(self) -> None:
        for book in BOOKS.values():
            seal(self.db, book)

    @invariant()
    def people_have_what_they_should(self) -> None:
        self.db.rollback()
        for user_id in self.free:
            row = account(self.db, POT, user_id)
            has = (row.balance - row.held, row.held) if row else (0, 0)
            assert has == (self.free[user_id], self.held[user_id])
            assert clawbacks.owed(self.db, user_id) == self.owed[user_id]

    @invariant()
    def books_balance(self) -> None:
        for book in BOOKS.values():
            people, held = people_totals(self.db, book)
            assert people + sum(system_balances(self.db, book).values()) == 0
            assert people >= held >= 0

    @invariant()
    def the_reserve_covers(self) -> None:
        covered = coverage(self.db)
        assert covered.reserve.cents >= covered.allowances.cents
        for user_id in self.free:
            standing = redemption_queries.standing(self.db, user_id)
            assert 0 <= standing.payout.cents <= standing.allowance.cents

    def teardown(self) -> None:
        self.db.rollback()
        for book in BOOKS.values():
            assert audit(self.db, book).findings == []
            keys = select(func.count() - func.count(book.journal.idempotency_key.distinct()))
            assert self.db.scalar(keys.select_from(book.journal)) == 0

    def _hold(self, user_id: int, pot: int) -> None:
        self.free[user_id] -= pot
        self.held[user_id] += pot

    def _award(self, user_id: int, pot: int) -> None:
        """Debts are paid first; only a released ledger hold can leave a debtor free POT."""
        had_nothing = self.free[user_id] == 0
        self.free[user_id] += pot
        if had_nothing:
            self._pay_debt(user_id, pot)

    def _pay_debt(self, user_id: int, returned: int) -> None:
        paid = min(returned, self.owed[user_id])
        self.owed[user_id] -= paid
        self.free[user_id] -= paid

    def _release(self, user_id: int, pot: int) -> None:
        self.free[user_id] += pot
        self.held[user_id] -= pot


def test_the_books_always_balance(db: Session, make: Make) -> None:
    policy.genesis(db)
    with time_machine.travel(now(), tick=False) as clock:
        machine = type(
            "Bound", (Economy,), {"db": db, "make": make, "shift": staticmethod(clock.shift)}
        )
        run_state_machine_as_test(
            machine,
            settings=settings(
                max_examples=10,
                derandomize=True,
                stateful_step_count=30,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )
