"""The attendance policy as everyone may read it, signed in or not: what is in force, since when, and what begins when."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from adsum.attendance.policies import DEFAULTS, policies
from adsum.attendance.policy_table import Policy
from adsum.engagement.accuracy import accuracy
from adsum.web.middleware import PersonRequest
from adsum.web.policy_terms import compared, for_students, scope_words


@require_safe
def policy(request: PersonRequest) -> HttpResponse:
    """The university's policy of today; below it the classes for which something else is true, what is to come, what was
    before, and how often reminders were wrong."""
    on = request.today
    rules = policies()
    current = rules.version_for(department=None, kind="", on=on)
    terms = current.terms if current is not None else DEFAULTS
    latest: dict[tuple[int | None, str], Policy] = {}
    for version in sorted(rules.versions, key=lambda one: one.valid_from):
        if version.valid_from <= on and (version.department_id or version.kind):
            latest[version.department_id, version.kind] = version
    exceptions = [
        (version, scope_words(version), [said for said in compared(version.terms, terms) if said.was])
        for version in latest.values()
        if not version.inherits
    ]
    coming = sorted((one for one in rules.versions if one.valid_from > on), key=lambda one: (one.valid_from, one.number))
    shown = {version.pk for version in latest.values()} | ({current.pk} if current is not None else set())
    earlier = sorted(
        (one for one in rules.versions if one.valid_from <= on and one.pk not in shown), key=lambda one: -one.number
    )
    context = {
        "earlier": [(one, scope_words(one)) for one in earlier],
        "version": current,
        "sections": for_students(terms),
        "exceptions": sorted(exceptions, key=lambda row: row[1]),
        "coming": [(one, scope_words(one)) for one in coming],
        "accuracy": accuracy(on),
    }
    return render(request, "adsum/policy.html", context)


@require_safe
def version(request: PersonRequest, number: int) -> HttpResponse:
    """One version that stands, in force or not: what a mark or a message refers to."""
    found = get_object_or_404(Policy.objects.standing().select_related("department"), number=number)
    context = {
        "version": found,
        "scope": scope_words(found),
        "sections": [] if found.inherits else for_students(found.terms),
        "began": found.valid_from <= request.today,
    }
    return render(request, "adsum/policy_version.html", context)
