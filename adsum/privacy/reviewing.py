"""An officer looks through what the self-service leaves out, text by text, before it is handed over."""

from collections.abc import Mapping

from django.db import transaction
from django.utils.translation import gettext as _

from adsum.attendance.weighing import Act
from adsum.audit import services as audit_log
from adsum.core.errors import AdsumError
from adsum.privacy.models import ReviewedText, RightsRequest
from adsum.privacy.rights_rules import UNDER_WAY, Decision, Ground, Kind
from adsum.privacy.subject_access import Held, Place, Verdict, held_texts


def verdicts_of(request: RightsRequest) -> dict[Place, Verdict]:
    """What is decided so far (one query)."""
    return {
        Place(one.table, one.row, one.column): Verdict(
            Decision(one.decision), Ground(one.ground) if one.ground else None, one.redacted
        )
        for one in ReviewedText.objects.filter(request=request)
    }


def undecided(request: RightsRequest) -> list[Held]:
    """The texts about which nothing is decided yet."""
    known = verdicts_of(request)
    return [one for one in held_texts(request.person) if one.place not in known]


@transaction.atomic
def decide_texts(request: RightsRequest, decisions: Mapping[Place, Verdict], *, act: Act) -> int:
    """Keep what an officer decided about some texts, in place of what they decided before; how many.

    Raises AdsumError `moved_on` when the request is answered, `needs_ground` for what is kept back without one, `needs_text`
    for a redaction that leaves nothing, `own` for a person's own file.
    """
    request = RightsRequest.objects.select_for_update(of=("self",)).select_related("person").get(pk=request.pk)
    if request.person_id == act.by.pk:
        raise AdsumError("own", _("This is about your own data: a colleague looks through it."))
    if request.kind != Kind.ACCESS or request.state not in UNDER_WAY:
        raise AdsumError("moved_on", _("This has moved on meanwhile. Reload the page to see how it stands."))
    there = {one.place for one in held_texts(request.person)}
    rows = []
    for place, verdict in decisions.items():
        if place not in there:
            continue
        if verdict.decision != Decision.RELEASE and verdict.ground is None:
            raise AdsumError("needs_ground", _("Choose the ground for each text that you black out or keep back."))
        if verdict.decision == Decision.REDACT and not verdict.redacted.strip():
            raise AdsumError("needs_text", _("Leave something of a text that you black out in part, or keep it back whole."))
        rows.append(
            ReviewedText(
                request=request,
                table=place.table,
                row=place.row,
                column=place.column,
                decision=verdict.decision,
                ground=verdict.ground or "" if verdict.decision != Decision.RELEASE else "",
                redacted=verdict.redacted.strip() if verdict.decision == Decision.REDACT else "",
                by=act.by,
                at=act.at,
            )
        )
    ReviewedText.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["request", "table", "row", "column"],
        update_fields=["decision", "ground", "redacted", "by", "at"],
    )
    if rows:
        kept = sum(one.decision != Decision.RELEASE for one in rows)
        audit_log.record(
            actor=act.by.actor,
            verb="rights.review",
            subject=f"rights:{request.ref}",
            at=act.at,
            texts=len(rows),
            kept_back=kept,
        )
    return len(rows)
