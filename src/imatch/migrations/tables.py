"""The metadata of every domain's tables."""

from imatch.core.columns import Base
from imatch.wiring import domains

domains()  # loading the domains defines their tables
metadata = Base.metadata
