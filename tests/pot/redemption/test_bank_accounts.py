"""Bank accounts as people write them: valid ones, and the faults of invalid ones."""

import pytest

from imatch.pot.redemption.bank_accounts import compact, faults

# Examples published by the standards and by banks; none belongs to a person.
PAYABLE = [
    ("DE", "DE89 3704 0044 0532 0130 00", ""),
    ("DE", "de89 3704 0044 0532 0130 00", ""),
    ("DE", "DE89-3704-0044-0532-0130-00", "DEUTDEFF"),
    ("GB", "GB29 NWBK 6016 1331 9268 19", ""),
    ("FR", "FR14 2004 1010 0505 0001 3M02 606", ""),
    ("NO", "NO93 8601 1117 947", ""),
    ("MT", "MT84 MALT 0110 0001 2345 MTLC AST0 01S", ""),
    ("XK", "XK05 1212 0123 4567 8906", "NCBVXKPR"),
    ("DE", "532013000", "deut de ff 500"),
    ("JP", "1234567", "BOTKJPJT"),
    ("JP", "AB12345678", "BOTKJPJT"),  # no country code: not an IBAN
    ("US", "0001-2345-6789", "021000021"),
    ("US", "12345678901234567", "322271627"),
]

UNPAYABLE = [
    ("DE", "DE89 3704 0044 0532 0130 0", "", "account", "has 22 characters, not 21"),
    (
        "DE",
        "DE51 3704 0044 0532 0130 0",
        "",
        "account",
        "has 22 characters, not 21",
    ),  # valid check digits
    ("DE", "DE89 3704 0044 0532 0130 000", "", "account", "has 22 characters, not 23"),
    ("DE", "DE89 3704", "DEUTDEFF", "account", "has 22 characters, not 8"),
    ("DE", "DE89 3704 0044 0532 0130 01", "", "account", "a mistake"),
    ("DE", "DE88 3704 0044 0532 0130 00", "", "account", "a mistake"),
    ("DE", "DE00 3704 0044 0532 0130 00", "", "account", "a mistake"),
    ("DE", "DE89 3704 0044 0532 013O 00", "", "account", "a mistake"),  # the letter O
    ("GB", "GB29 1234 6016 1331 9268 19", "", "account", "a mistake"),
    ("FR", "DE89 3704 0044 0532 0130 00", "", "account", "another country (DE)"),
    ("US", "US64 SVBK US6S 3300 9588 79", "021000021", "account", "No IBAN begins with US"),
    ("DE", "US64 SVBK US6S 3300 9588 79", "", "account", "No IBAN begins with US"),
    ("DE", "DE89 3704 0044 0532 0130 00", "12", "bank_code", "A BIC has 8 or 11"),
    ("DE", "532013000", "", "bank_code", "BIC of 8 or 11"),
    ("DE", "532013000", "DEUTDEFF1", "bank_code", "BIC of 8 or 11"),
    ("DE", "532013000", "DEUTZZFF", "bank_code", "BIC of 8 or 11"),
    ("DE", "532013000", "DEUTDEF\u0661", "bank_code", "BIC of 8 or 11"),
    ("DE", "123", "DEUTDEFF", "account", "4 to 34 letters and digits"),
    ("JP", "9" * 35, "BOTKJPJT", "account", "4 to 34 letters and digits"),
    ("JP", "1234\x00", "BOTKJPJT", "account", "4 to 34 letters and digits"),
    ("US", "1" * 18, "021000021", "account", "4 to 17 letters and digits"),
    ("US", "12345678", "021000022", "bank_code", "routing number"),
    ("US", "12345678", "02100002", "bank_code", "routing number"),
    ("US", "12345678", "000000000", "bank_code", "routing number"),
    ("US", "12345678", "500000005", "bank_code", "routing number"),  # of no district
    ("US", "12345678", "٠٢١٠٠٠٠٢١", "bank_code", "routing number"),
    ("US", "12345678", "DEUTDEFF", "bank_code", "routing number"),
]


@pytest.mark.parametrize(("country", "account", "bank_code"), PAYABLE)
def test_valid_accounts_have_no_faults(country: str, account: str, bank_code: str) -> None:
    assert faults(country, compact(account), compact(bank_code)) == {}


@pytest.mark.parametrize(("country", "account", "bank_code", "field", "words"), UNPAYABLE)
def test_invalid_accounts_name_the_field(
    country: str, account: str, bank_code: str, field: str, words: str
) -> None:
    problems = faults(country, compact(account), compact(bank_code))
    assert list(problems) == [field]
    assert words in problems[field]
