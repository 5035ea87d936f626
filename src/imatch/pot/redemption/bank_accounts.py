"""Validate bank accounts: IBANs and BICs by the ISO rules, US routing numbers by the ABA's."""

import re

from imatch.core.countries import country_names

_IBAN_START = re.compile(r"([A-Z]{2})[0-9]{2}.*")
_ACCOUNT = re.compile(r"[A-Z0-9]{4,34}")
_US_ACCOUNT = re.compile(r"[A-Z0-9]{4,17}")  # the length of the ACH field
_BIC_TERM = "BIC of 8 or 11 letters and digits"
_ROUTING_NUMBER_TERM = "routing number of nine digits"
# A routing number of the American Bankers Association (ABA): a prefix and seven digits. The prefix
# is one of the twelve Federal Reserve districts, plus 20 for thrifts or 60 for electronic payments.
_ROUTING_NUMBER_PATTERN = re.compile(r"(0[1-9]|1[0-2]|2[1-9]|3[0-2]|6[1-9]|7[0-2])[0-9]{7}")
_ROUTING_WEIGHTS = (3, 7, 1) * 3


def compact(written: str) -> str:
    """The account number or bank code in capitals, without spaces and hyphens."""
    return "".join(written.split()).replace("-", "").upper()


def faults(country: str, account: str, bank_code: str) -> dict[str, str]:
    """The faults of an account at a bank in this country, as text by field; empty if it is valid.

    Expects values from `compact`. An account that begins with a country code and two digits is
    treated as an IBAN and needs no bank code.
    """
    iban_start = _IBAN_START.fullmatch(account)
    if iban_start and iban_start[1] in country_names():
        return _faults_of_iban(country, account, bank_code)
    if country == "US":
        return _faults_of_us_account(account, bank_code)
    if not _ACCOUNT.fullmatch(account):
        return {"account": "Write an IBAN, or an account number of 4 to 34 letters and digits."}
    return {} if _is_bic(bank_code) else {"bank_code": f"Write your bank's {_BIC_TERM}."}


def _faults_of_iban(country: str, account: str, bank_code: str) -> dict[str, str]:
    if fault := _fault_of_iban(account):
        return {"account": fault}
    if account[:2] != country:
        return {"account": f"This IBAN is of another country ({account[:2]})."}
    if bank_code and not _is_bic(bank_code):
        return {"bank_code": "A BIC has 8 or 11 letters and digits. An IBAN needs none."}
    return {}


def _fault_of_iban(account: str) -> str:
    # Imported lazily: it costs 10 MB and 50 ms, and only new payout details need it.
    from schwifty import IBAN, exceptions  # noqa: PLC0415

    iban = IBAN(account, allow_invalid=True)
    try:
        iban.validate()
    except exceptions.InvalidCountryCode:
        return f"No IBAN begins with {account[:2]}. Write the account number."
    except exceptions.InvalidLength:
        expected, written = iban.spec.iban_length, len(account)
        return f"An IBAN that begins with {account[:2]} has {expected} characters, not {written}."
    except exceptions.SchwiftyException:
        return "This IBAN has a mistake in it: look at each character."
    return ""


def _is_bic(code: str) -> bool:
    from schwifty import BIC, exceptions  # noqa: PLC0415 -- as above

    bic = BIC(code, allow_invalid=True)
    try:
        return bic.validate(enforce_swift_compliance=True)
    except exceptions.InvalidCountryCode:  # schwifty lacks Kosovo, which is not in ISO 3166
        return bic.country_code in country_names()
    except exceptions.SchwiftyException:
        return False


def _faults_of_us_account(account: str, bank_code: str) -> dict[str, str]:
    if not _US_ACCOUNT.fullmatch(account):
        return {"account": "Write an account number of 4 to 17 letters and digits."}
    if not _is_routing_number(bank_code):
        return {"bank_code": f"Write your bank's {_ROUTING_NUMBER_TERM}."}
    return {}


def _is_routing_number(code: str) -> bool:
    """Check the prefix and the ABA checksum: digits weighted 3, 7, 1 sum to a multiple of 10."""
    if not _ROUTING_NUMBER_PATTERN.fullmatch(code):
        return False
    weighted = zip(code, _ROUTING_WEIGHTS, strict=True)
    return sum(int(digit) * weight for digit, weight in weighted) % 10 == 0
