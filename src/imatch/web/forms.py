"""The page kit: show a form with its errors, run an act or show the form again, send a file."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from imatch.core.errors import DomainError, FieldError, Gone, NotFound
from imatch.web.errors import retry_headers
from imatch.web.rendering import render

CSV = "text/csv; charset=utf-8"
_SEE_OTHER = 303
_LONGEST_NUMBER = 15

ActResult = TypeVar("ActResult")


def private_page(
    request: Request,
    template: str,
    context: dict[str, Any],
    error: DomainError | None = None,
    *,
    status: int = 200,
) -> Response:
    """Render a page with no-store. With an error it has the error's status and Retry-After.

    Templates get `errors`, the summary as (control id, message), and `faults`, the messages by
    control id. An error about no field stands in the summary alone.
    """
    fields = error.fields if error else ()
    errors = [(fault.control_id, fault.message) for fault in fields]
    if error and not errors:
        errors = [("", error.message)]
    faults = {fault.control_id: fault.message for fault in fields}
    values = {"errors": errors, "faults": faults, **context}
    page = render(request, template, values, status=error.status if error else status)
    page.headers.update(retry_headers(error))
    return uncached(page)


def act_or_show(
    act: Callable[[], ActResult],
    *,
    show: Callable[[DomainError], Response],
    then: str | Callable[[ActResult], Response],
) -> Response:
    """Run the act, then go to a path or answer with what `then` makes of the act's result.

    When the act raises an error, `show` answers with the form as it was typed. Two kinds pass to
    the error page: something is not there (NotFound, Gone), or another page, such as the one to
    sign in, puts it right.
    """
    try:
        result = act()
    except (NotFound, Gone):
        raise
    except DomainError as error:
        if error.remedy_path:
            raise
        return show(error)
    return go(then) if isinstance(then, str) else then(result)


def at_field(error: DomainError, control_id: str) -> DomainError:
    """The error as one about this control, which then shows its message."""
    error.fields = (FieldError(control_id, error.message, control_id),)
    return error


def go(path: str) -> Response:
    """Redirect (303) after a form, so that a reload does not submit it again."""
    return RedirectResponse(path, _SEE_OTHER)


def uncached(response: Response) -> Response:
    """Mark the response as no-store."""
    response.headers["Cache-Control"] = "no-store"
    return response


def private_file(response: Response, name: str) -> Response:
    """Mark the response as a download with this file name and as no-store."""
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return uncached(response)


def private_csv(rows: Iterable[Sequence[object]], name: str) -> Response:
    """Rows as a CSV download."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return private_file(Response(text.getvalue(), media_type=CSV), name)


def whole_number(written: str) -> int:
    """Parse a number as people type it ("1,000"); 0, which forms refuse, for other text."""
    digits = "".join(written.split()).replace(",", "")
    readable = digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER
    return int(digits) if readable else 0
