"""Imports every domain's tables, so that the metadata is whole."""

import imatch.accounts.models
import imatch.categories.models
import imatch.content.models
import imatch.engagements.models
import imatch.jobs.models
import imatch.ledger.models
import imatch.mail.models
import imatch.matches.models
import imatch.needs.models
import imatch.pot.awards.models
import imatch.pot.models
import imatch.pot.policy.models
import imatch.pot.redemption.models
import imatch.pot.reserve.models
import imatch.pot.shop.models
import imatch.providers.models
import imatch.ratings.models
import imatch.referrals.models
import imatch.throttling.models  # noqa: F401 -- all are imported for their tables
from imatch.core.columns import Base

metadata = Base.metadata
