"""E-mails about accounts."""

from urllib.parse import urlencode

from sqlalchemy.orm import Session

from imatch.core.settings import get_settings
from imatch.mail import service as mail


def confirm_address(db: Session, recipient: str, name: str, token: str) -> None:
    mail.send(
        db,
        recipient=recipient,
        subject="Confirm your address",
        text=f"Hello {name},\n\n"
        "confirm that this address is yours, and your I MATCH account is ready:\n\n"
        f"{_url(f'/confirm/{token}')}\n\n"
        "The link works for three days. You will be asked for the password that you chose.\n"
        "If you did not sign up, ignore this message: without it nobody can use the account.\n",
    )


def already_registered(db: Session, recipient: str) -> None:
    mail.send(
        db,
        recipient=recipient,
        subject="You already have an account",
        text="Hello,\n\nsomebody, probably you, gave this address at I MATCH for a new account or "
        "as a new address. It already belongs to an account, and nothing was changed.\n\n"
        f"Sign in: {_url('/sign-in')}\n"
        f"Forgot the password: {_url('/recover')}\n\n"
        "If it was not you, there is nothing to do.\n",
    )


def sign_in_link(db: Session, recipient: str, token: str, next_path: str) -> None:
    url = _url(f"/sign-in/link/{token}?{urlencode({'next': next_path})}")
    mail.send(
        db,
        recipient=recipient,
        subject="Your sign-in link",
        text="Hello,\n\nthis link signs you in to I MATCH:\n\n"
        f"{url}\n\n"
        "It works once, for 15 minutes. If you did not ask for it, ignore this message.\n",
    )


def reset_link(db: Session, recipient: str, token: str) -> None:
    mail.send(
        db,
        recipient=recipient,
        subject="Choose a new password",
        text="Hello,\n\nwith this link you choose a new password for I MATCH:\n\n"
        f"{_url(f'/reset/{token}')}\n\n"
        "It works once, for one hour, and signs you out everywhere else. If you did not ask for "
        "it, ignore this message: your password stays as it is.\n",
    )


def credentials_changed(db: Session, recipient: str, what: str) -> None:
    """Tell the owner about a change. `what` completes "your account was changed: ..."."""
    mail.send(
        db,
        recipient=recipient,
        subject="Your account was changed",
        text=f"Hello,\n\nyour I MATCH account was changed: {what}.\n\n"
        "If it was not you, choose a new password at once, then look through your account's "
        f"browsers and API keys:\n{_url('/recover')}\n",
    )


def confirm_new_address(db: Session, recipient: str, token: str) -> None:
    mail.send(
        db,
        recipient=recipient,
        subject="Confirm your new address",
        text="Hello,\n\nconfirm that I MATCH may use this address for your account from now on:\n\n"
        f"{_url(f'/confirm/{token}')}\n\n"
        "The link works for three days. If you did not ask for it, ignore this message.\n",
    )


def _url(path: str) -> str:
    return get_settings().base_url + path
