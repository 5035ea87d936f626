"""How pages about money answer: for one person's eyes, and with what went wrong beside the form."""

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Any

from fastapi import Request
from starlette.responses import RedirectResponse, Response

from imatch.core.errors import DomainError
from imatch.web.rendering import render

_SEE_OTHER = 303
_LONGEST_NUMBER = 15


def private_page(
    request: Request, template: str, context: dict[str, Any], error: DomainError | None = None
) -> Response:
    """A page that no cache keeps. With an error it takes the error's status.

    Templates get `errors` for the summary and `faults`, the messages by field name.
    """
    fields = error.fields if error else ()
    summary = [(fault.control_id or fault.field, fault.message) for fault in fields]
    if error and not summary:
        summary = [("", error.message)]
    faults = {fault.field: fault.message for fault in fields}
    values = {"errors": summary, "faults": faults, **context}
    page = render(request, template, values, status=error.status if error else 200)
    page.headers["Cache-Control"] = "no-store"
    return page


def private_csv(rows: Iterable[Sequence[object]], name: str) -> Response:
    """A table as a file of this name."""
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return Response(
        text.getvalue(),
        media_type="text/csv; charset=utf-8",
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )


def go(path: str) -> Response:
    return RedirectResponse(path, _SEE_OTHER)


def whole_number(written: str) -> int:
    """The number as somebody writes it, "1,000" too; 0, which is refused, for anything else."""
    digits = "".join(written.split()).replace(",", "")
    readable = digits.isascii() and digits.isdigit() and len(digits) <= _LONGEST_NUMBER
    return int(digits) if readable else 0
