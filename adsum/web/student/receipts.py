"""The receipt a student can keep: a small file that proves their mark, also without us."""

from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpResponse
from django.utils.timezone import localtime
from django.utils.translation import override
from django.views.decorators.http import require_safe

from adsum.accounts.models import Person
from adsum.attendance.models import Mark
from adsum.audit import tree
from adsum.core import keyring, notes, receipts
from adsum.timetable.models import ClassSession
from adsum.web.guards import for_roles
from adsum.web.middleware import PersonRequest
from adsum.web.student import STUDENTS
from adsum.web.student.record import own_class, proof_of_mark
from adsum.web.templatetags.adsum_ui import kind_label, status_label


def receipt_text(student: Person, session: ClassSession, mark: Mark, proof: tree.Proof) -> str:
    """The receipt, in English whatever the language of the page: it may be read anywhere."""
    with override("en-gb"):
        facts = [
            ("University", settings.UNIVERSITY),
            ("Student", student.display_name),
            ("Student number", student.number),
            ("Module", f"{session.module.code} {session.module.title}"),
            ("Class", f"{kind_label(session.kind)}, {session.title}"),
            ("When", f"{localtime(session.starts_at):%A %d %B %Y, %H:%M}–{localtime(session.ends_at):%H:%M}"),
            ("Mark", status_label(mark.status)),
            ("Seen", f"{localtime(mark.at):%d %B %Y, %H:%M:%S %Z}"),
            ("Class reference", str(session.ref)),
        ]
    _kid, signer = keyring.checkpoint_signer()
    text = receipts.statement([(name, value) for name, value in facts if value], proof.event)
    signed = notes.write_note(text, signer.verifier, signer.sign(text))
    return receipts.write(signed, proof.index, proof.steps, tree.note_of(proof.checkpoint))


@require_safe
@for_roles(STUDENTS)
def receipt(request: PersonRequest, ref: UUID) -> HttpResponse:
    """The receipt of the student's own mark in a class, as a file."""
    one = own_class(request, ref)
    proof = proof_of_mark(request.user, one.session, one.mark)
    if proof is None or one.mark is None:
        raise Http404
    text = receipt_text(request.user, one.session, one.mark, proof)
    answer = HttpResponse(text, content_type="text/plain; charset=utf-8")
    name = f"adsum-{one.session.module.code}-{localtime(one.session.starts_at):%Y-%m-%d}"
    plain = "".join(sign for sign in name if sign.isascii() and (sign.isalnum() or sign in "-."))
    answer["Content-Disposition"] = f'attachment; filename="{plain}.txt"'
    return answer
