"""Pages for everyone, without signing in: the published checkpoints, the keys that verify them, and whether a receipt is good.
Nothing here writes."""

from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from adsum.attendance.models import Mark
from adsum.audit import tree
from adsum.core import keyring, receipts
from adsum.core.notes import LONGEST, BadNote
from adsum.web.entered import number_of

SHOWN = 60


def _text(content: str, name: str = "") -> HttpResponse:
    answer = HttpResponse(content, content_type="text/plain; charset=utf-8")
    if name:
        answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@require_safe
def checkpoints(request: HttpRequest) -> HttpResponse:
    """The newest published checkpoints, and the keys."""
    found = list(tree.published()[:SHOWN])
    context = {
        "checkpoints": found,
        "newest": tree.note_of(found[0]) if found else "",
        "keys": [str(one) for one in keyring.verifiers(settings.CHECKPOINT_ORIGIN)],
    }
    return render(request, "adsum/checkpoints/checkpoints.html", context)


@require_safe
def checkpoint(_request: HttpRequest, size: int) -> HttpResponse:
    """One of them, as a file."""
    found = tree.published().filter(size=size).first()
    if found is None:
        raise Http404
    return _text(tree.note_of(found), tree.checkpoint_file(found))


@require_safe
def keys(_request: HttpRequest) -> HttpResponse:
    """The verification keys, one on each line."""
    return _text("".join(f"{one}\n" for one in keyring.verifiers(settings.CHECKPOINT_ORIGIN)))


@require_http_methods(["GET", "HEAD", "POST"])
def receipt(request: HttpRequest) -> HttpResponse:
    """Is this receipt good? Pasted or uploaded; nothing of it is kept."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        file = request.FILES.get("file")
        text = file.read(LONGEST + 1).decode("utf-8", "replace") if file else request.POST.get("text", "")
        context["text"] = text[:LONGEST]
        try:
            checked = receipts.check(text, keyring.verifiers)
        except BadNote as wrong:
            context["wrong"] = str(wrong)
            return render(request, "adsum/checkpoints/receipt.html", context, status=422)
        context |= {
            "checked": checked,
            "facts": list(checked.facts.items()),
            "known": _known(checked),
            "since": _since(checked),
        }
    return render(request, "adsum/checkpoints/receipt.html", context)


def _known(checked: receipts.Checked) -> bool:
    """Whether its checkpoint is one that was published here."""
    found = tree.published().filter(size=checked.checkpoint.size)
    return any(bytes(one.root) == checked.checkpoint.root for one in found)


def _since(checked: receipts.Checked) -> str:
    """What became of the mark since; '' while it is what the receipt says."""
    status = str(checked.event.get("detail", {}).get("after", ""))
    student = tree.student_of(checked.event)
    session = number_of(str(checked.event.get("subject", "")).removeprefix("session:"))
    if student is None or session is None:
        return _("Whose mark it was can no longer be told here. The receipt was true at its time.")
    mark = Mark.objects.filter(student=student, session=session).first()
    if mark is None or mark.status == status:
        return ""
    return _("The mark was changed since. The receipt was true at its time.")
