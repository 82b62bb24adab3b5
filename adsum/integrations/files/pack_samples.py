"""The packs of a sample, made one after the other in the background, in one file."""

import io
import zipfile

from django.utils.translation import gettext as _
from django.utils.translation import override

from adsum.compliance import samples
from adsum.compliance.models import Sample, SampledStudent
from adsum.compliance.scopes import Scope
from adsum.core import vault
from adsum.core.cells import safe_filename
from adsum.core.errors import AdsumError
from adsum.core.jobs import enqueue
from adsum.core.turns import let_others_write
from adsum.integrations.files.packs import AUTHORITIES, evidence_of, files
from adsum.messages.services import language_of

PURPOSE = "evidence-sample/v1"


def begin(sample: Sample) -> None:
    """Have its packs made in the background; again, where that failed or its file was emptied."""
    samples.wait(sample)
    enqueue(make_packs, pk=sample.pk)


def make_packs(*, pk: int) -> str:
    """Make them, and keep the file for some days; returns the state. It may run twice: it makes the same facts."""
    sample = Sample.objects.select_related("drawn_by").get(pk=pk)
    if sample.state == Sample.State.DONE and sample.sealed:
        return sample.state
    try:
        with override(language_of(sample.drawn_by)):
            samples.keep(sample, vault.seal_bytes(_together(sample), purpose=PURPOSE))
    except Exception:
        samples.fail(sample)
        raise
    return sample.state


def _together(sample: Sample) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for one in SampledStudent.objects.filter(sample=sample).select_related("student").order_by("place"):
            made = evidence_of(one.student, Scope(sample.scope), at=sample.as_of)
            folder = safe_filename(f"{one.place:02d}", one.student.number, ending="d").removesuffix(".d")
            for name, content in files(made, at=sample.drawn_at, by=sample.drawn_by).items():
                archive.writestr(f"{folder}/{name}", content)
            samples.made(one, made.fingerprint)
            let_others_write()
        archive.writestr("sample.txt", _said(sample))
    return out.getvalue()


def _said(sample: Sample) -> str:
    """How it was drawn, to be drawn again: for whoever checks it."""
    lines = [
        f"For: {AUTHORITIES[Scope(sample.scope)]}",
        f"Drawn: {sample.drawn_at.isoformat()} from {sample.population} students",
        f"Seed: {sample.seed}",
        f"SHA-256 of the references of all of them, sorted, a line each: {sample.population_digest}",
        "The lot of each is SHA-256 of the seed, a line break and the reference; those with the smallest lots are drawn:",
    ]
    chosen = SampledStudent.objects.filter(sample=sample).select_related("student").order_by("place")
    lines += [f"{one.place}. {one.student.ref} {one.student.number} facts {one.fingerprint}" for one in chosen]
    return "".join(f"{line}\n" for line in lines)


def file_of(sample: Sample) -> bytes:
    """The file. Raises AdsumError `not_ready` while there is none."""
    if not sample.sealed:
        raise AdsumError("not_ready", _("These packs are not made yet, or their file was emptied. Have them made again."))
    return vault.reveal_bytes(bytes(sample.sealed), purpose=PURPOSE)
