"""Build a person with a row in every table that stores personal data."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, ApiKey, EmailedLink, RecoveryCode, User, UserSession
from imatch.content.models import Content
from imatch.core.database import atomic
from imatch.engagements.models import Engagement
from imatch.ledger import CASH, POT, Movement, SystemAccount, TransactionType, post
from imatch.mail.models import MailMessage
from imatch.matches.models import Match, Shortlist
from imatch.needs.models import Need
from imatch.pot.awards.models import PotAward, PotDebt, PotGrant, PotOnceEarned
from imatch.pot.models import PotFraudHold, PotRedemption
from imatch.pot.policy.models import PotPolicyVersion
from imatch.pot.redemption.models import PotPayee
from imatch.pot.reserve.models import PotCommission
from imatch.pot.shop.models import PotPurchase
from imatch.ratings.models import Rating
from imatch.referrals.models import Referral
from imatch.throttling.models import SignInAttempt
from tests.factories import Make

MARKER = "Unmistakable Marker"
ADDRESS = "unmistakable@example.org"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_DAY = timedelta(days=1)


class Everything:
    """A person with a row for every column that can reference them, and another person likewise.

    Rows with two sides exist in both directions, so that every column is covered.
    """

    def __init__(self, db: Session, make: Make) -> None:
        self.db = db
        self.make = make
        self.user = make.user(email=ADDRESS, name=MARKER, account_type=AccountType.BOTH)
        self.other = make.user(account_type=AccountType.BOTH)
        self.ids: dict[int, dict[str, int]] = {}
        for user, text in ((self.user, MARKER), (self.other, "nobody")):
            self._account(user, text)
            self._market(user, text)
        self._shared()
        for user, other, text in ((self.user, self.other, MARKER), (self.other, self.user, "-")):
            self._pot(user, other, text)

    def save(self, *rows: object) -> None:
        with atomic(self.db):
            self.db.add_all(rows)

    def _account(self, user: User, text: str) -> None:
        later = NOON + _DAY
        self.save(
            UserSession(
                user_id=user.id, token_hash=f"s{user.id}", expires_at=later, user_agent=text
            ),
            ApiKey(user_id=user.id, name=text, prefix="imk_", key_hash=f"k{user.id}"),
            RecoveryCode(user_id=user.id, code_hash=f"r{user.id}"),
            EmailedLink(
                user_id=user.id,
                purpose="change_email",
                sent_to=f"new-{user.email}",
                token_hash=f"l{user.id}",
                expires_at=later,
            ),
            MailMessage(recipient=user.email, subject=text, text=text),
            MailMessage(recipient=f"new-{user.email}", subject="Confirm", text=text),
            SignInAttempt(subject_hash=f"h{user.id}"),
        )

    def _market(self, user: User, text: str) -> None:
        provider = self.make.provider(
            user=user, slug=text.lower().replace(" ", "-"), profile={"display_name": text}
        )
        need = Need(
            user_id=user.id,
            category_id=provider.category_id,
            answers={"values": {"needs_description": text}, "importance": {}},
            token_hash=f"n{user.id}",
        )
        self.save(need, Content(author_user_id=user.id, kind="tip", title=text, body=text))
        self.ids[user.id] = {"provider": provider.id, "need": need.id}

    def _shared(self) -> None:
        for user, other in ((self.user, self.other), (self.other, self.user)):
            need, provider = self.ids[user.id]["need"], self.ids[other.id]["provider"]
            shortlist = Shortlist(
                seeker_id=need, seed=1, considered=2, passed=1, answers_hash="0", removed=[]
            )
            self.save(shortlist)
            match = Match(
                shortlist_id=shortlist.id,
                seeker_id=need,
                provider_id=provider,
                position=1,
                fit=50,
                explanation={"said": MARKER},
            )
            self.save(match)
            engagement = Engagement(match_id=match.id, seeker_id=need, provider_id=provider)
            self.save(
                engagement,
                Referral(referrer_user_id=user.id, referred_user_id=other.id, code="c"),
            )
            for rater, rated in ((user, other), (other, user)):
                self.save(
                    Rating(
                        engagement_id=engagement.id,
                        rater_user_id=rater.id,
                        rated_user_id=rated.id,
                        stars=5,
                        review=MARKER,
                    )
                )

    def _pot(self, user: User, other: User, text: str) -> None:
        for book, system, kind in (
            (POT, SystemAccount.TREASURY, TransactionType.EARN),
            (CASH, SystemAccount.RESERVE, TransactionType.ALLOWANCE),
        ):
            post(
                self.db,
                book,
                Movement(
                    key=f"{book.name}:{user.id}",
                    user_id=user.id,
                    amount=1_000,
                    counter_account=system,
                    transaction_type=kind,
                    category="community_help",
                ),
            )
        version = PotPolicyVersion(
            numbers={}, reason="Less", proposed_by=user.id, decided_by=other.id, status="rejected"
        )
        self.save(
            version,
            PotAward(
                key=f"a{user.id}", user_id=user.id, rule="x", amount=1, award_class="A",
                status="paid",
            ),
            PotGrant(
                user_id=user.id, amount=1, category="x", reason=text, proposed_by=other.id,
                status="rejected",
            ),
            PotGrant(
                user_id=other.id, amount=1, category="x", reason="-", proposed_by=user.id,
                decided_by=other.id, status="rejected",
            ),
            PotOnceEarned(
                address_hash=f"h{user.id}", rule="x", user_id=user.id, forget_at=NOON + _DAY
            ),
            PotDebt(key=f"d{user.id}", user_id=user.id, owed=7, reason=text),
            PotPurchase(
                key=f"p{user.id}", user_id=user.id, option="x", amount=1, status="delivered",
                note=text,
            ),
            PotPayee(user_id=user.id, details={"name": text}, verified_by=other.id),
            PotFraudHold(user_id=user.id, reason=text, placed_by=other.id, lifted_by=other.id),
            PotRedemption(
                key=f"r{user.id}", user_id=user.id, pot_amount=1, payout_cents=80,
                payment_method="bank_transfer", status="rejected", pot_hold_id=0, due_at=NOON,
                reason=text, decided_by=other.id,
            ),
            PotRedemption(
                key=f"q{user.id}", user_id=user.id, pot_amount=1, payout_cents=80,
                payment_method="bank_transfer", status="rejected", pot_hold_id=0, due_at=NOON,
                paid_by=other.id,
            ),
            *(
                PotCommission(
                    engagement_id=user.id * 10 + number, deal_cents=1, commission_cents=1,
                    paid_at=NOON, clears_at=NOON, **{"provider_user_id": other.id, **sides},
                )
                for number, sides in enumerate(self._sides(user, other))
            ),
        )  # fmt: skip

    def _sides(self, user: User, other: User) -> Iterator[dict[str, int]]:
        nobody = self.make.user()
        for column in ("provider_user_id", "seeker_user_id"):
            yield {"provider_user_id": nobody.id, "seeker_user_id": nobody.id, column: user.id}
        for column in ("provider_referrer_user_id", "seeker_referrer_user_id"):
            yield {"seeker_user_id": other.id, column: user.id}
