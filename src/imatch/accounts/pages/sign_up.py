"""Pages to sign up, one question a page, and to confirm the e-mail address.

Earlier answers are stored in a cookie, so that Back and a reload lose nothing and no URL contains
them. The password comes last and is never stored between pages.
"""

from typing import Annotated
from urllib.parse import parse_qsl, urlencode

from fastapi import APIRouter, Cookie, Depends, Query, Request
from starlette.responses import Response

from imatch.accounts.deps import OptionalUser, ThisBrowser
from imatch.accounts.models import AccountType, EmailedLink, LinkPurpose
from imatch.accounts.pages.forms import ACCOUNT, TextInForm, signed_in_to
from imatch.accounts.service import links, profile, sign_up
from imatch.core.errors import DomainError, NotFound
from imatch.core.settings import get_settings
from imatch.web.deps import Db
from imatch.web.forms import act_or_show, go, private_page

router = APIRouter(include_in_schema=False)

SIGN_UP = "/sign-up"
COOKIE = "imatch_sign_up"
_COOKIE_SECONDS = 60 * 60
_TYPES = [
    (AccountType.SEEKER, "I look for a professional", "Say what you need and see who fits."),
    (AccountType.PROVIDER, "I am a professional", "Show what you offer to people who look for it."),
    (AccountType.BOTH, "Both", "Find professionals, and offer your own services."),
]
_PATHS = {
    "account_type": SIGN_UP,
    "name": f"{SIGN_UP}/name",
    "email": f"{SIGN_UP}/email",
    "password": f"{SIGN_UP}/password",
}
_QUESTIONS = list(_PATHS)


def _stored_answers(
    cookie: Annotated[str, Cookie(alias=COOKIE, include_in_schema=False)] = "",
) -> dict[str, str]:
    """The valid answers in this browser's cookie."""
    answers = dict(parse_qsl(cookie))
    return {
        name: answers[name]
        for name in _QUESTIONS[:-1]
        if name in answers and _is_valid(name, answers)
    }


def _is_valid(question: str, answers: dict[str, str]) -> bool:
    try:
        sign_up.check({question: answers[question]})
    except sign_up.BadSignUp:
        return False
    return True


SignUpAnswers = Annotated[dict[str, str], Depends(_stored_answers)]


@router.get(SIGN_UP)
def first_question(
    request: Request,
    user: OptionalUser,
    answers: SignUpAnswers,
    account_type: Annotated[str, Query(alias="type")] = "",
) -> Response:
    if user is not None:
        return go(ACCOUNT)
    if account_type in sign_up.OPEN_TYPES:  # the linking page asked already
        return _next_page(answers, "account_type", account_type)
    return _question(request, "account_type", {"account_type": AccountType.SEEKER, **answers})


@router.get(SIGN_UP + "/{question}")
def next_question(
    request: Request, user: OptionalUser, answers: SignUpAnswers, question: str
) -> Response:
    if question not in _QUESTIONS[1:]:
        raise NotFound("There is no such page.")
    if user is not None:
        return go(ACCOUNT)
    unanswered = _first_unanswered(question, answers)
    return go(_PATHS[unanswered]) if unanswered else _question(request, question, answers)


@router.post(SIGN_UP)
def keep_account_type(
    request: Request, answers: SignUpAnswers, account_type: TextInForm = ""
) -> Response:
    return _store(request, answers, "account_type", account_type)


@router.post(SIGN_UP + "/name")
def keep_name(request: Request, answers: SignUpAnswers, name: TextInForm = "") -> Response:
    return _store(request, answers, "name", name)


@router.post(SIGN_UP + "/email")
def keep_email(request: Request, answers: SignUpAnswers, email: TextInForm = "") -> Response:
    return _store(request, answers, "email", email)


@router.post(SIGN_UP + "/password")
def open_account(
    request: Request,
    db: Db,
    browser: ThisBrowser,
    answers: SignUpAnswers,
    password: TextInForm = "",
) -> Response:
    unanswered = _first_unanswered("password", answers)
    if unanswered:
        message = "What you typed before is not kept any more. Please give it again."
        return _question(request, unanswered, answers, sign_up.BadSignUp(message))
    return act_or_show(
        lambda: sign_up.sign_up(db, **answers, password=password, browser=browser),
        show=lambda error: _question(request, "password", answers, error),
        then=lambda _: _delete_answers(go("/check-mail?for=sign-up")),
    )


def _store(request: Request, answers: dict[str, str], question: str, text: str) -> Response:
    """Store the answer and go to the next question, or show this one again with the error."""
    return act_or_show(
        lambda: sign_up.check({question: text}),
        show=lambda error: _question(request, question, {**answers, question: text}, error),
        then=lambda _: _next_page(answers, question, text),
    )


def _next_page(answers: dict[str, str], question: str, text: str) -> Response:
    response = go(_PATHS[_QUESTIONS[_QUESTIONS.index(question) + 1]])
    response.set_cookie(
        COOKIE,
        urlencode({**answers, question: text.strip()}),
        max_age=_COOKIE_SECONDS,
        path=SIGN_UP,
        httponly=True,
        samesite="lax",
        secure=get_settings().secure_cookies,
    )
    return response


def _delete_answers(response: Response) -> Response:
    response.delete_cookie(
        COOKIE, path=SIGN_UP, httponly=True, samesite="lax", secure=get_settings().secure_cookies
    )
    return response


def _first_unanswered(question: str, answers: dict[str, str]) -> str | None:
    """The first unanswered question before this one."""
    before = _QUESTIONS[: _QUESTIONS.index(question)]
    return next((name for name in before if name not in answers), None)


def _question(
    request: Request, question: str, answers: dict[str, str], error: DomainError | None = None
) -> Response:
    number = _QUESTIONS.index(question) + 1
    context = {
        "question": question,
        "path": _PATHS[question],
        "number": number,
        "total": len(_QUESTIONS),
        "back": _PATHS[_QUESTIONS[number - 2]] if number > 1 else "",
        "answers": {**dict.fromkeys(_QUESTIONS, ""), **answers},
        "types": _TYPES,
    }
    return private_page(request, "accounts/sign_up.html", context, error)


@router.get("/check-mail")
def check_mail(request: Request, reason: Annotated[str, Query(alias="for")] = "") -> Response:
    """The page after every form that may send mail; the same whether or not an account exists."""
    settings = get_settings()
    local_outbox = not (settings.production or settings.smtp_host)
    context = {"reason": reason, "local_outbox": local_outbox}
    return private_page(request, "accounts/check_mail.html", context)


@router.get("/confirm/{token}")
def confirm_form(request: Request, db: Db, token: str) -> Response:
    link, _ = links.find(db, token, LinkPurpose.CONFIRM_EMAIL, LinkPurpose.CHANGE_EMAIL)
    return private_page(request, "accounts/confirm.html", _confirm_context(link))


@router.post("/confirm/{token}")
def confirm(
    request: Request, db: Db, browser: ThisBrowser, token: str, password: TextInForm = ""
) -> Response:
    link, _ = links.find(db, token, LinkPurpose.CONFIRM_EMAIL, LinkPurpose.CHANGE_EMAIL)
    context = _confirm_context(link)

    def show(error: DomainError) -> Response:
        return private_page(request, "accounts/confirm.html", context, error)

    if link.purpose == LinkPurpose.CHANGE_EMAIL:
        return act_or_show(
            lambda: profile.confirm_new_email(db, token=token),
            show=show,
            then="/account?saved=email",
        )
    return act_or_show(
        lambda: sign_up.confirm_email(db, token=token, password=password, browser=browser),
        show=show,
        then=lambda signed_in: signed_in_to(signed_in, "/account?saved=confirmed", "/sign-in/code"),
    )


def _confirm_context(link: EmailedLink) -> dict[str, object]:
    return {"new_address": link.purpose == LinkPurpose.CHANGE_EMAIL, "email": link.sent_to}
