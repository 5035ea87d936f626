"""The same load on django-hordak, another ledger, in a separate Python environment.

    python -m venv /somewhere/hordak
    /somewhere/hordak/bin/pip install django-hordak "psycopg[binary]"

`bench.ledger.speed --hordak-python /somewhere/hordak/bin/python` runs this on a database of the
same PostgreSQL server and reads the JSON that it prints.
"""

import argparse
import json
import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any
from urllib.parse import parse_qs, urlsplit

import django
from django.conf import settings

from bench.ledger import load


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("address")
    parser.add_argument("--clients", type=int, default=32)
    parser.add_argument("--seconds", type=float, default=3)
    parser.add_argument("--accounts", type=int, default=300)
    parser.add_argument("--one-account", action="store_true")
    options = parser.parse_args()
    _set_up(options.address)
    accounts = _accounts(options.accounts)
    times = load.run(_client(accounts, options.one_account), options.clients, options.seconds)
    print(json.dumps(asdict(times)))


def _set_up(address: str) -> None:
    parts = urlsplit(address)
    settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                "NAME": parts.path.lstrip("/"),
                "USER": parts.username or "",
                "PASSWORD": parts.password or "",
                "HOST": parse_qs(parts.query).get("host", [parts.hostname or ""])[0],
                "PORT": parts.port or "",
                "CONN_MAX_AGE": None,
            }
        },
        INSTALLED_APPS=["django.contrib.contenttypes", "mptt", "hordak"],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
        DEFAULT_CURRENCY="USD",
        CURRENCIES=["USD"],
    )
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 -- needs the settings

    call_command("migrate", verbosity=0)


def _accounts(count: int) -> list[Any]:
    from hordak.models import Account  # noqa: PLC0415

    existing = list(Account.objects.all())
    created = [
        Account.objects.create(
            name=f"Person {number}", type="AS", code=f"{number:05}", currencies=["USD"]
        )
        for number in range(len(existing), count)
    ]
    return existing + created


def _client(accounts: list[Any], one_account: bool) -> load.Client:
    from django.db import connection  # noqa: PLC0415
    from moneyed import Money  # noqa: PLC0415

    amount = Money(100, "USD")

    @contextmanager
    def client() -> Iterator[load.Call]:
        def call(rng: random.Random) -> object:
            payer, payee = rng.sample(accounts, 2)
            return (accounts[0] if one_account else payer).transfer_to(payee, amount)

        yield call
        connection.close()

    return client


if __name__ == "__main__":
    main()
