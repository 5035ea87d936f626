"""One of everything that somebody can have here, with the ids that lead to it."""

from dataclasses import dataclass

from sqlalchemy import select

from imatch.accounts.models import User, UserSession
from imatch.needs.models import Need
from imatch.pot.redemption import payees
from imatch.pot.redemption import service as redemptions
from tests.factories.matches import MatchFactory
from tests.factories.providers import ADVISORS
from tests.factories.redemptions import BANK, IBAN, RedemptionFactory


@dataclass(frozen=True)
class Belongings:
    ids: dict[str, object]  # by the names of parameters in paths
    need: Need
    need_token: str
    api_key: str


class BelongingsFactory(MatchFactory, RedemptionFactory):
    def belongings(self, owner: User, mark: str = "") -> Belongings:
        """A row of each kind for its owner; whatever a person wrote in it ends with `mark`."""
        profile = {"legal_name": f"Legal{mark}", "phone": f"555-{mark}"}
        provider = self.provider(user=owner, slug="ada", profile=profile)
        for name in ("Ben Example", "Cora Example"):
            self.provider(profile={"display_name": name})
        need, need_token = self.need_and_token(
            owner, needs_description=f"Words{mark} about vested shares."
        )
        match = self.match(need)
        key = self.api_key(owner, f"Key{mark}")
        self.session(owner, user_agent=f"Agent{mark}")
        sessions = select(UserSession.id).where(UserSession.user_id == owner.id)
        self.pot(owner, description=f"Pot{mark}")
        redemption = redemptions.file(self.db, owner.id, 200, BANK, key="1")
        payees.save(self.db, owner.id, name=owner.name, country="DE", account=IBAN)
        colleague = self.operator()
        hold = self.fraud_hold(owner, by=colleague, reason=f"Hold{mark}")
        order = self.purchase(owner, note=f"Seat{mark}")
        grant = self.grant(owner, by=colleague, reason=f"Grant{mark}")
        version = self.policy_proposal({"yearly_growth": 0.2}, by=colleague, reason=f"Policy{mark}")
        ids = {
            "category": ADVISORS,
            "name": ADVISORS,
            "slug": provider.slug,
            "number": 1,
            "token": "no-such-token",
            "question": "name",
            "message_id": 1,
            "key_id": key.row.id,
            "session_id": self.db.scalars(sessions).one(),
            "need_id": need.id,
            "match_id": match.id,
            "shortlist_id": match.shortlist_id,
            "provider_id": provider.id,
            "purchase_id": order.id,
            "grant_id": grant.id,
            "version_id": version.id,
            "option": "workshop",
            "block": "flow",
            "redemption_id": redemption.id,
            "user_id": owner.id,
            "hold_id": hold.id,
        }
        return Belongings(ids, need, need_token, key.key)
