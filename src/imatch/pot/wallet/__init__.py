"""The wallet: a person's balance, transactions and options, as pages and as API."""
