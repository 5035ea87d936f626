"""Somebody who has a row in every table that can have one of a person."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from sqlalchemy.orm import Session

from imatch.accounts.models import AccountType, ApiKey, EmailedLink, RecoveryCode, User, UserSession
from imatch.content.models import Content
from imatch.core.database import atomic
from imatch.engagements.models import Engagement
from imatch.ledger import CASH, POT, Movement, post
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
from tests.make import Make

MARKER = "Unmistakable Marker"
ADDRESS = "unmistakable@example.org"
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
_DAY = timedelta(days=1)


class Everything:
    """A person with a row behind every column that can be theirs, and somebody else with as many.

    In the rows of a kind that has two sides each is on both, so that no column goes unproved.
    """

    def __init__(self, db: Session, make: Make) -> None:
        self.db = db
        self.make = make
        self.user = make.user(email=ADDRESS, name=MARKER, account_type=AccountType.BOTH)
        self.other = make.user(account_type=AccountType.BOTH)
        self.ids: dict[int, dict[str, int]] = {}
        for one, suffix in ((self.user, MARKER), (self.other, "nobody")):
            self._account(one, suffix)
            self._market(one, suffix)
        self._shared()
        for one, two, words in ((self.user, self.other, MARKER), (self.other, self.user, "-")):
            self._pot(one, two, words)

    def save(self, *rows: object) -> None:
        with atomic(self.db):
            self.db.add_all(rows)

    def _account(self, one: User, words: str) -> None:
        later = NOON + _DAY
        self.save(
            UserSession(
                user_id=one.id, token_hash=f"s{one.id}", expires_at=later, user_agent=words
            ),
            ApiKey(user_id=one.id, name=words, prefix="imk_", key_hash=f"k{one.id}"),
            RecoveryCode(user_id=one.id, code_hash=f"r{one.id}"),
            EmailedLink(
                user_id=one.id,
                purpose="change_email",
                sent_to=f"new-{one.email}",
                token_hash=f"l{one.id}",
                expires_at=later,
            ),
            MailMessage(recipient=one.email, subject=words, text=words),
            MailMessage(recipient=f"new-{one.email}", subject="Confirm", text=words),
            SignInAttempt(subject_hash=f"h{one.id}"),
        )

    def _market(self, one: User, words: str) -> None:
        provider = self.make.provider(
            user=one, slug=words.lower().replace(" ", "-"), profile={"display_name": words}
        )
        need = Need(
            user_id=one.id,
            category_id=provider.category_id,
            answers={"values": {"needs_description": words}, "importance": {}},
            token_hash=f"n{one.id}",
        )
        self.save(need, Content(author_user_id=one.id, kind="tip", title=words, body=words))
        self.ids[one.id] = {"provider": provider.id, "need": need.id}

    def _shared(self) -> None:
        for one, two in ((self.user, self.other), (self.other, self.user)):
            need, provider = self.ids[one.id]["need"], self.ids[two.id]["provider"]
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
            done = Engagement(match_id=match.id, seeker_id=need, provider_id=provider)
            self.save(done, Referral(referrer_user_id=one.id, referred_user_id=two.id, code="c"))
            for rater, rated in ((one, two), (two, one)):
                self.save(
                    Rating(
                        engagement_id=done.id,
                        rater_user_id=rater.id,
                        rated_user_id=rated.id,
                        stars=5,
                        review=MARKER,
                    )
                )

    def _pot(self, one: User, two: User, words: str) -> None:
        for book, system, kind in ((POT, "treasury", "earn"), (CASH, "reserve", "allowance")):
            post(
                self.db,
                book,
                Movement(
                    key=f"{book.name}:{one.id}",
                    user_id=one.id,
                    amount=1_000,
                    counter_account=system,
                    transaction_type=kind,
                    category="community_help",
                ),
            )
        version = PotPolicyVersion(
            numbers={}, reason="Less", proposed_by=one.id, decided_by=two.id, status="rejected"
        )
        self.save(
            version,
            PotAward(
                key=f"a{one.id}", user_id=one.id, rule="x", amount=1, award_class="A", status="paid"
            ),
            PotGrant(
                user_id=one.id, amount=1, category="x", reason=words, proposed_by=two.id,
                status="rejected",
            ),
            PotGrant(
                user_id=two.id, amount=1, category="x", reason="-", proposed_by=one.id,
                decided_by=two.id, status="rejected",
            ),
            PotOnceEarned(
                address_hash=f"h{one.id}", rule="x", user_id=one.id, forget_at=NOON + _DAY
            ),
            PotDebt(key=f"d{one.id}", user_id=one.id, owed=7, reason=words),
            PotPurchase(
                key=f"p{one.id}", user_id=one.id, option="x", amount=1, status="delivered",
                note=words,
            ),
            PotPayee(user_id=one.id, details={"name": words}, verified_by=two.id),
            PotFraudHold(user_id=one.id, reason=words, placed_by=two.id, lifted_by=two.id),
            PotRedemption(
                key=f"r{one.id}", user_id=one.id, pot_amount=1, payout_cents=80,
                payment_method="bank_transfer", status="rejected", pot_hold_id=0, due_at=NOON,
                reason=words, decided_by=two.id,
            ),
            PotRedemption(
                key=f"q{one.id}", user_id=one.id, pot_amount=1, payout_cents=80,
                payment_method="bank_transfer", status="rejected", pot_hold_id=0, due_at=NOON,
                paid_by=two.id,
            ),
            *(
                PotCommission(
                    engagement_id=one.id * 10 + number, deal_cents=1, commission_cents=1,
                    paid_at=NOON, clears_at=NOON, **{"provider_user_id": two.id, **sides},
                )
                for number, sides in enumerate(self._sides(one, two))
            ),
        )  # fmt: skip

    def _sides(self, one: User, two: User) -> Iterator[dict[str, int]]:
        nobody = self.make.user()
        for column in ("provider_user_id", "seeker_user_id"):
            yield {"provider_user_id": nobody.id, "seeker_user_id": nobody.id, column: one.id}
        for column in ("provider_referrer_user_id", "seeker_referrer_user_id"):
            yield {"seeker_user_id": two.id, column: one.id}
