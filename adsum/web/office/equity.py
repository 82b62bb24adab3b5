"""Equity of reminders: sums by monitoring group, for the team and the data-protection officer; and the file with the groups,
which an administrator brings in and no page shows."""

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_safe

from adsum.accounts.rules import Role
from adsum.engagement.equity import brought, equity_of, months_over
from adsum.engagement.published import LEAST
from adsum.integrations.imports.monitoring_csv import bring_monitoring
from adsum.web.acts import act_of
from adsum.web.charts import lengths
from adsum.web.entered import day_of
from adsum.web.files import bring, file_form
from adsum.web.guards import for_roles_everywhere
from adsum.web.middleware import PersonRequest

SEES_EQUITY = frozenset({Role.ATTENDANCE_TEAM, Role.DATA_PROTECTION})
BRINGS_GROUPS = frozenset({Role.ADMINISTRATOR})
COLUMNS = gettext_lazy("A CSV with the columns student, characteristic and group: a row for each student and characteristic.")


@require_safe
@for_roles_everywhere(SEES_EQUITY)
def equity(request: PersonRequest) -> HttpResponse:
    """How many students of each group had a reminder in a month that is over, where ten or more are meant."""
    months = months_over(request.today)
    month = day_of(request.GET.get("month", ""))
    month = month if month in months else months[0]
    there = brought()
    found = equity_of(month) if there.students else {}
    context = {
        "there": there,
        "month": month,
        "months": [(f"{one}", date_format(one, "F Y"), one == month) for one in months],
        "tables": [
            (name, table, list(zip(table.rows, lengths([row.share for row in table.rows]), strict=True)))
            for name, table in found.items()
        ],
        "least": LEAST,
    }
    return render(request, "adsum/office/equity.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@for_roles_everywhere(BRINGS_GROUPS)
def groups(request: PersonRequest) -> HttpResponse:
    """Bring the groups in. What there is already is said in numbers alone."""
    form = file_form(request, COLUMNS)
    done = bring(form, lambda content, name: bring_monitoring(content, name, act=act_of(request)))
    context = {"form": form, "brought": done, "there": brought()}
    failed = request.method == "POST" and done is None
    return render(request, "adsum/admin/monitoring.html", context, status=422 if failed else 200)
