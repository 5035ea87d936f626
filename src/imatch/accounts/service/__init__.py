"""Operations that write accounts, one module for each use case."""

from imatch.accounts.service.personal_data import erase, export
from imatch.accounts.service.profile import become_provider

__all__ = ["become_provider", "erase", "export"]
