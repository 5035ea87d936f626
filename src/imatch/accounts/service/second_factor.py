"""The second factor: time-based one-time passwords (TOTP, RFC 6238) and recovery codes."""

import secrets
from dataclasses import dataclass

import pyotp
import segno
from sqlalchemy import delete, or_, update
from sqlalchemy.orm import Session

from imatch.accounts import queries
from imatch.accounts.models import RecoveryCode, User
from imatch.accounts.rules import (
    CODES_PER_USER,
    RECOVERY_CODES,
    TOTP_DRIFT_STEPS,
    TOTP_STEP_SECONDS,
)
from imatch.accounts.service import letters
from imatch.core.clock import now
from imatch.core.database import atomic
from imatch.core.errors import Conflict, FieldError, Invalid
from imatch.core.security import new_written_code, token_hash
from imatch.throttling import service as throttling

_ISSUER = "I MATCH"
_DIGITS = 6


class WrongCode(Invalid):
    code = "wrong_code"

    def __init__(self) -> None:
        message = "This code is wrong, was used already, or is too old. Take the next one."
        super().__init__(message, fields=(FieldError("code", message, "code"),))


class SecondFactorIsOn(Conflict):
    code = "second_factor_is_on"

    def __init__(self) -> None:
        super().__init__("Your second factor is on already. Switch it off to set up another one.")


class SecondFactorIsOff(Conflict):
    code = "second_factor_is_off"

    def __init__(self) -> None:
        super().__init__("There is no second factor to do this with. Set one up first.")


@dataclass(frozen=True, slots=True)
class SecondFactorSetup:
    """The secret for an authenticator app: a QR code (SVG) to scan, and a key to type."""

    qr_svg: str
    key: str


def begin(db: Session, user: User) -> None:
    """Store a new secret. It takes effect after `confirm`. Raises SecondFactorIsOn."""
    with atomic(db):
        user = queries.locked_user(db, user.id)
        _refuse_if_on(user)
        user.totp_secret = pyotp.random_base32()
        user.totp_last_step = None


def setup(user: User) -> SecondFactorSetup | None:
    """The secret that is not confirmed yet, or None."""
    if user.totp_secret is None or user.totp_confirmed_at is not None:
        return None
    uri = pyotp.TOTP(user.totp_secret).provisioning_uri(name=user.email, issuer_name=_ISSUER)
    qr = segno.make(uri, error="m", micro=False)
    # Attributes only, no style="": the content security policy forbids inline styles.
    svg = qr.svg_inline(omitsize=True, svgclass=None, light="#fff", dark="#000")
    groups = (user.totp_secret[i : i + 4] for i in range(0, len(user.totp_secret), 4))
    return SecondFactorSetup(svg, " ".join(groups))


def confirm(db: Session, user: User, code: str) -> list[str]:
    """Switch the second factor on. Returns the recovery codes; only their hashes are stored.

    Raises WrongCode, SecondFactorIsOn, SecondFactorIsOff, TooManyTries.
    """
    tries = admit(db, user)
    with atomic(db):
        user = queries.locked_user(db, user.id)
        _refuse_if_on(user)
        if user.totp_secret is None:
            raise SecondFactorIsOff
        if not _accept_app_code(db, user, _digits_of(code)):
            raise WrongCode
        throttling.forgive(db, tries)
        user.totp_confirmed_at = now()
        letters.credentials_changed(db, user.email, "a second factor is asked for from now on")
        return _new_recovery_codes(db, user)


def renew_recovery_codes(db: Session, user: User) -> list[str]:
    """Replace all recovery codes and return the new ones. Raises SecondFactorIsOff."""
    with atomic(db):
        user = queries.locked_user(db, user.id)
        if user.totp_confirmed_at is None:
            raise SecondFactorIsOff
        letters.credentials_changed(db, user.email, "new recovery codes were made")
        return _new_recovery_codes(db, user)


def switch_off(db: Session, user: User) -> None:
    """Remove the second factor and its recovery codes. Raises SecondFactorIsOff."""
    with atomic(db):
        user = queries.locked_user(db, user.id)
        if user.totp_confirmed_at is None:
            raise SecondFactorIsOff
        user.totp_secret = user.totp_confirmed_at = user.totp_last_step = None
        db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
        letters.credentials_changed(db, user.email, "the second factor was switched off")


def admit(db: Session, user: User) -> throttling.TryIds:
    """Count a try. Call it outside `atomic`, like `throttling.admit`. Raises TooManyTries."""
    return throttling.admit(db, (CODES_PER_USER, str(user.id)))


def accept(db: Session, user: User, code: str) -> None:
    """Use up a TOTP code or a recovery code. Raises WrongCode."""
    with atomic(db):
        if user.totp_confirmed_at is None:
            raise WrongCode
        if _accept_app_code(db, user, _digits_of(code)) or _accept_recovery_code(db, user, code):
            return
        raise WrongCode


def _accept_app_code(db: Session, user: User, digits: str) -> bool:
    if len(digits) != _DIGITS or user.totp_secret is None:
        return False
    totp = pyotp.TOTP(user.totp_secret, interval=TOTP_STEP_SECONDS)
    present = int(now().timestamp()) // TOTP_STEP_SECONDS
    for step in range(present - TOTP_DRIFT_STEPS, present + TOTP_DRIFT_STEPS + 1):
        if secrets.compare_digest(totp.generate_otp(step), digits):
            return _use_step(db, user, step)
    return False


def _use_step(db: Session, user: User, step: int) -> bool:
    """Record the time step; False if it or a later one was used. Of concurrent calls, one wins."""
    updated = db.execute(
        update(User)
        .where(User.id == user.id, or_(User.totp_last_step.is_(None), User.totp_last_step < step))
        .values(totp_last_step=step)
        .returning(User.id)
    ).all()
    return bool(updated)


def _accept_recovery_code(db: Session, user: User, code: str) -> bool:
    updated = db.execute(
        update(RecoveryCode)
        .where(
            RecoveryCode.user_id == user.id,
            RecoveryCode.code_hash == token_hash(_normalized(code)),
            RecoveryCode.used_at.is_(None),
        )
        .values(used_at=now())
        .returning(RecoveryCode.id)
    ).all()
    return bool(updated)


def _new_recovery_codes(db: Session, user: User) -> list[str]:
    codes = [new_written_code() for _ in range(RECOVERY_CODES)]
    db.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    db.add_all(
        RecoveryCode(user_id=user.id, code_hash=token_hash(_normalized(code))) for code in codes
    )
    return codes


def _refuse_if_on(user: User) -> None:
    if user.totp_confirmed_at is not None:
        raise SecondFactorIsOn


def _digits_of(code: str) -> str:
    digits = "".join(code.split())
    return digits if digits.isascii() and digits.isdigit() else ""


def _normalized(code: str) -> str:
    """A recovery code in its stored form: lower case, without dashes and spaces."""
    return "".join(character for character in code.lower() if character.isalnum())
