"""POT, what is bought for it, and what operators do about it."""

from datetime import datetime
from typing import Any

from sqlalchemy import select

from imatch import POTService
from imatch.accounts.models import User
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.pot import holds
from imatch.pot.awards import clawbacks, grants
from imatch.pot.awards.models import PotGrant
from imatch.pot.models import PotFraudHold
from imatch.pot.policy import service as policy
from imatch.pot.policy import versions
from imatch.pot.policy.models import PotPolicyRun, PotPolicyVersion
from imatch.pot.shop import service as shop
from imatch.pot.shop.models import PotPurchase
from tests.factories.accounts import AccountFactory


class PotFactory(AccountFactory):
    def pot(
        self,
        person: User | int,
        pot: int = 1_000,
        category: str = "community_help",
        **details: Any,  # noqa: ANN401 -- any of an award's details
    ) -> None:
        """Give somebody POT."""
        POTService(self.db).award_pot(_id(person), category, pot, **details)

    def buyer(self, pot: int = 1_000, **columns: Any) -> User:  # noqa: ANN401 -- any column
        """Somebody with POT to spend."""
        person = self.user(**columns)
        self.pot(person, pot)
        return person

    def purchase(
        self,
        buyer: User | int,
        option: str = "workshop",
        *,
        key: str | None = None,
        **details: Any,  # noqa: ANN401 -- amount, note and what it is for
    ) -> PotPurchase:
        """Something bought, by default an order that waits for an operator."""
        key = key or f"purchase-{self.number()}"
        return shop.buy(self.db, _id(buyer), option, key=key, **details)

    def debt(self, person: User | int, pot: int = 70) -> None:
        """Take back POT that somebody has spent already."""
        key = f"debt-{self.number()}"
        clawbacks.claw_back(self.db, _id(person), pot, key=key, reason="Fraud")

    def grant(
        self, person: User | int, *, by: User, pot: int = 5, reason: str = "A hole"
    ) -> PotGrant:
        """A grant that waits for a second operator."""
        person_id = _id(person)
        return grants.propose(self.db, person_id, pot, "bug_report", reason, operator_id=by.id)

    def fraud_hold(self, person: User | int, *, by: User, reason: str = "A ring") -> PotFraudHold:
        return holds.place_hold(self.db, _id(person), by.id, reason)

    def weekly_budget(self, pot: int, moment: datetime | None = None) -> None:
        """What awards may cost in the week of a moment (by default the present one)."""
        policy.genesis(self.db)
        week = policy.monday_of(moment or now())
        with atomic(self.db):
            version = policy.current_version(self.db)
            assert version is not None
            run = self.db.scalar(select(PotPolicyRun).where(PotPolicyRun.week == week))
            if run is None:
                run = PotPolicyRun(week=week, policy_version_id=version.id, inputs={}, minted=0)
                self.db.add(run)
            run.award_budget = pot

    def policy_proposal(
        self, numbers: dict[str, object], *, by: User, reason: str = "Another course."
    ) -> PotPolicyVersion:
        """A policy with other numbers that waits for a second operator."""
        return versions.propose(self.db, operator_id=by.id, edits=numbers, reason=reason)

    def policy(self, **numbers: object) -> PotPolicyVersion:
        """A policy with other numbers, in effect from now on."""
        first, second = self.operators()
        proposal = self.policy_proposal(numbers, by=first)
        return versions.approve(self.db, proposal.id, operator_id=second.id)


def _id(person: User | int) -> int:
    return person if isinstance(person, int) else person.id
