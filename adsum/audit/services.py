"""The only way an event is written, given its place in the tree, and signed for; and the aliases under which events name
people."""

import os
from base64 import b64encode
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from time import monotonic
from typing import Any, NamedTuple

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.db.models import Max
from django.utils.translation import gettext as _

from adsum.audit import encoding
from adsum.audit.encoding import ERASE, LATE, Facts, hash_of, keys_of, mentions, proof_of_erasure, renamed
from adsum.audit.models import (
    APPEND_ONLY,
    AccessLog,
    Alias,
    Checkpoint,
    Event,
    Leaf,
    Node,
    Reconciliation,
    Verification,
    stored,
)
from adsum.audit.reconciliation import RECONCILED, Compared
from adsum.audit.tree import (
    COLUMNS,
    Tree,
    checkpoint_file,
    erasures,
    finders,
    note_of,
    open_alias,
    text_of,
    tokens_of,
    unsealed,
)
from adsum.core import ids, keyring
from adsum.core.errors import AdsumError
from adsum.core.signing import encrypt, tag
from adsum.core.turns import let_others_write

BATCH = 2_000
GONE_AFTER = timedelta(hours=1)
"""How long a number missing among the events may still belong to a transaction under way. Slower transactions should not
exist; the daily sweep finds their events."""
WITHHELD = {
    **{model._meta.db_table: "UPDATE, DELETE, TRUNCATE, TRIGGER" for model in (*APPEND_ONLY, Alias)},
    AccessLog._meta.db_table: "UPDATE, TRUNCATE, TRIGGER",
}
"""By table, what the database role that Adsum connects as may not do, where the database has roles. The owner of the tables
erases people. The role may delete looks that are old enough; a trigger makes sure that it deletes no others."""


class Entry(NamedTuple):
    """An event to be written: `subject` is `<kind>:<id>`."""

    verb: str
    subject: str
    detail: dict[str, Any]


def record(*, actor: str, verb: str, subject: str, at: datetime, **detail: Any) -> None:
    """Write one event. Call it inside the transaction of the change.

    People are given as everywhere else, as `person:<id>` or as a number under `student` or `person`; the event names them
    by alias. Nothing else in an event may identify a person.
    """
    record_all([Entry(verb, subject, detail)], actor=actor, at=at)


def record_all(entries: Iterable[Entry], *, actor: str, at: datetime) -> None:
    """Write many events of one actor at one time. Raises ValueError without an actor: every event needs one."""
    if not actor:
        raise ValueError("every event needs an actor")
    entries = list(entries)
    people = {pk for entry in entries for pk in mentions([entry.subject, entry.detail])} | set(mentions(actor))
    known = aliases(people)
    Event.objects.bulk_create(
        [
            Event(
                at=at,
                actor=renamed(actor, known),
                verb=entry.verb,
                subject=renamed(entry.subject, known),
                detail=renamed(entry.detail, known),
            )
            for entry in entries
        ],
        batch_size=BATCH,
    )


# Aliases

LOOKS_AGAIN = 30.0
"""Seconds after which a process checks whether another has erased a person: until then it may still use the old alias."""


class _Known:
    """The aliases this process has looked up, so that a check-in need not ask the database for them."""

    def __init__(self) -> None:
        self.erasures = 0
        self.forget()

    def forget(self) -> None:
        """Forget everything. The dictionaries are replaced, not emptied, because another thread may be reading them."""
        self.aliases: dict[int, str] = {}
        self.looked = monotonic()

    def still(self) -> dict[int, str]:
        """The aliases that may still be used."""
        if monotonic() - self.looked > LOOKS_AGAIN:
            self.looked, before, self.erasures = monotonic(), self.erasures, erasures()
            if self.erasures != before:
                self.forget()
        return self.aliases


_known = _Known()


def aliases(people: Collection[int]) -> Mapping[int, str]:
    """The alias of each of these people, made where there is none yet. Costs nothing for people met before."""
    known = _known.still()
    wanted = sorted(pk for pk in people if pk not in known)
    if not wanted:
        return known
    found: dict[int, str] = {}
    for start in range(0, len(wanted), BATCH):
        part = wanted[start : start + BATCH]
        found |= _find(part)
        # Two transactions may each make an alias for the same person; both are good, so neither waits for the other.
        made = {pk: _alias(pk) for pk in part if pk not in found}
        Alias.objects.bulk_create(made.values())
        found |= {pk: alias.token for pk, alias in made.items()}
    # Only committed aliases may be remembered: one that was rolled back would belong to no person.
    transaction.on_commit(lambda: known.update(found))
    return {**{pk: known[pk] for pk in people if pk in known}, **found}


def alias_of(person: int) -> str:
    """How events name one person: `person:<alias>`."""
    return f"person:{aliases([person])[person]}"


def warm() -> None:
    """Look up everyone's alias at once, so that a student's first scan costs no more than the second."""
    _known.erasures = erasures()
    for token, pk in ((alias.token, open_alias(alias)) for alias in Alias.objects.iterator(chunk_size=BATCH)):
        if pk is not None:
            _known.aliases.setdefault(pk, token)


def forget_known() -> None:
    """Forget every remembered alias: after an erasure or a rotation, and between tests."""
    _known.forget()


def _find(people: Iterable[int]) -> dict[int, str]:
    by_finder = {finder: pk for pk in people for finder in finders(pk)}
    rows = Alias.objects.filter(finder__in=by_finder).order_by("-token").values_list("finder", "token")
    return {by_finder[finder]: token for finder, token in rows}


def _alias(pk: int, token: str = "") -> Alias:
    kid, (seal, find) = next(iter(keyring.alias_keys().items()))
    token = token or ids.encode(int.from_bytes(os.urandom(16), "big"), 26)
    return Alias(
        token=token,
        kid=kid,
        finder=tag(find, str(pk).encode()).hex(),
        sealed=encrypt(seal, str(pk).encode(), about=token.encode()),
    )


@transaction.atomic
def erase(person: int, *, by: str, at: datetime) -> bool:
    """Destroy the aliases of one person, so that their events can no longer be identified. False when there was none.

    The events stay, and with them the tree. Other tables are not touched. Backups made before still hold the aliases, sealed,
    until the key that seals them is destroyed after `reseal` (docs/audit.md). Other processes learn of the erasure once its
    event is sealed.
    """
    return bool(erase_all([person], by=by, at=at))


def may_erase() -> bool:
    """Whether the role that this process connects as may destroy aliases: on PostgreSQL only the owner of the tables may."""
    if connection.vendor != "postgresql":
        return True
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_table_privilege(%s, 'DELETE')", [Alias._meta.db_table])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def erase_all(people: Collection[int], *, at: datetime, by: str = "system:retention") -> int:
    """The same of many people, with one event; how many aliases there were."""
    tokens = sorted({token for person in people for token in tokens_of(person)})
    if not tokens:
        return 0
    Alias.objects.filter(token__in=tokens).delete()
    transaction.on_commit(forget_known)
    # Named by hashes of what was destroyed, so that verification can tell an erasure from a loss.
    destroyed = [proof_of_erasure(token) for token in tokens]
    record(actor=by, verb=ERASE, subject=f"alias:{destroyed[0]}", at=at, destroyed=destroyed)
    return len(tokens)


@transaction.atomic
def reseal(*, by: str, at: datetime) -> int:
    """Seal every alias with the current key. Earlier keys can then be destroyed, after which old backups do not identify
    anyone. Returns how many were sealed with another key. Raises AdsumError `unreadable` when one cannot be read."""
    current = next(iter(keyring.alias_keys()))
    old = list(Alias.objects.exclude(kid=current).select_for_update())
    people = {alias.token: open_alias(alias) for alias in old}
    if unreadable := sum(pk is None for pk in people.values()):
        message = _("%(number)s aliases are sealed with a key that is not configured. Add it to ADSUM_ALIAS_KEYS first.")
        raise AdsumError("unreadable", message % {"number": unreadable})
    Alias.objects.filter(token__in=people).delete()
    Alias.objects.bulk_create([_alias(pk, token) for token, pk in people.items() if pk is not None], batch_size=BATCH)
    transaction.on_commit(forget_known)
    record(actor=by, verb="alias.reseal", subject=f"alias_key:{current}", at=at, number=len(old))
    return len(old)


@transaction.atomic
def audit_rotation(kid: str, *, by: str, at: datetime) -> None:
    """Note that a new key was made for checkpoints or aliases."""
    record(actor=by, verb="audit.new_key", subject=f"key:{kid}", at=at)


# The tree


def seal(*, at: datetime, sweep: bool = False) -> int:
    """Give every committed event that has none its place in the tree. Returns how many there were.

    Call it outside a transaction. Only one process at a time succeeds, because each place and each event is unique in the tree:
    of two at once, the second keeps nothing and finds its work done. `sweep` looks through all events ever written, not only
    the latest.
    """
    number = 0
    while done := _seal_some(at=at, sweep=sweep):
        number += done
        if done == BATCH:
            let_others_write()
    return number


def _seal_some(*, at: datetime, sweep: bool) -> int:
    head = Checkpoint.objects.order_by("-size", "-pk").first()
    size = head.size if head else 0
    settled = head.settled if head else 0
    rows = [Facts(*row) for row in unsealed(0 if sweep else settled).values_list(*COLUMNS)[:BATCH]]
    if not rows:
        return 0
    tiles = Tree().tiles(size)
    leaves: list[Leaf] = []
    nodes: list[Node] = []
    for event in rows:
        leaf = hash_of(event)
        keys = keys_of(event)
        leaves.append(
            Leaf(
                index=size + len(leaves),
                event_id=event.pk,
                hash=leaf,
                at=event.at,
                actor_key=keys.actor,
                verb_key=keys.verb,
                subject_key=keys.subject,
                about_key=keys.about,
            )
        )
        nodes += [Node(level=level, index=index, hash=node) for level, index, node in tiles.append(leaf)]
    last = max(rows[-1].pk, head.last_event if head else 0)
    try:
        with transaction.atomic():
            Leaf.objects.bulk_create(leaves)
            Node.objects.bulk_create(nodes)
            settled, complete = _settled(settled, rows, last, at), len(rows) < BATCH
            made = _sign(size + len(leaves), tiles.root(), last=last, settled=settled, complete=complete, at=at)
            made.save(force_insert=True)
    except IntegrityError:
        return 0  # another process is doing it
    return len(rows)


def _settled(settled: int, rows: list[Facts], last: int, at: datetime) -> int:
    """The id up to which no number is missing, or has been missing for so long that no transaction can still use it."""
    long_ago = Checkpoint.objects.filter(at__lte=at - GONE_AFTER).aggregate(last=Max("last_event"))["last"] or 0
    settled = max(settled, min(long_ago, last))
    there = set(Event.objects.filter(pk__gt=settled, pk__lte=rows[-1].pk).values_list("pk", flat=True))
    while settled + 1 in there:
        settled += 1
    return settled


def _sign(
    size: int, root: bytes, *, last: int, settled: int, complete: bool, at: datetime, published: bool = False
) -> Checkpoint:
    kid, signer = keyring.checkpoint_signer()
    made = Checkpoint(
        at=at,
        origin=signer.name,
        size=size,
        root=root,
        kid=kid,
        published=published,
        last_event=last,
        settled=settled,
        complete=complete,
    )
    made.signature = signer.sign(text_of(made))
    return made


@transaction.atomic
def _publish(*, by: str, at: datetime) -> Checkpoint:
    head = Checkpoint.objects.order_by("-size", "-pk").first()
    if head is None:
        raise AdsumError("empty", _("There is no event yet, so there is nothing to sign."))
    made = _sign(
        head.size,
        stored(head.root),
        last=head.last_event,
        settled=head.settled,
        complete=not unsealed(head.settled).filter(at__lt=at - LATE).exists(),
        at=at,
        published=True,
    )
    made.save(force_insert=True)
    record(actor=by, verb="checkpoint.publish", subject=f"checkpoint:{made.size}", at=at, root=b64encode(made.root).decode())
    return made


def publish(*, by: str, at: datetime) -> Checkpoint:
    """Seal the waiting events, sign the tree, and write the checkpoint to every folder from which copies are kept elsewhere.

    Call it outside a transaction. Raises AdsumError `empty` without any event, `folder` when one cannot be written to: the
    checkpoint is published all the same.
    """
    seal(at=at)
    made = _publish(by=by, at=at)
    refused = []
    for folder in settings.CHECKPOINT_FOLDERS:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / checkpoint_file(made)).write_text(note_of(made), encoding="utf-8")
        except OSError as refusal:
            refused.append(f"{folder}: {refusal.strerror}")
    if refused:
        message = _("The checkpoint is published, but it could not be kept here: %(folders)s.")
        raise AdsumError("folder", message % {"folders": ", ".join(refused)})
    return made


@transaction.atomic
def record_verification(
    finding: encoding.Finding | None, *, size: int, outside: int, by: str, at: datetime, since: int = 0
) -> Verification:
    """Keep what a verification found, of the whole log or from the place `since` on."""
    made = Verification.objects.create(
        at=at,
        by=by,
        size=size,
        since=since,
        outside=outside,
        wrong=finding.wrong if finding else "",
        place=finding.place if finding else None,
        event_id=finding.event if finding else None,
    )
    record(
        actor=by,
        verb="audit.verify",
        subject=f"verification:{made.pk}",
        at=at,
        size=size,
        since=since,
        outside=outside,
        wrong=made.wrong,
    )
    return made


@transaction.atomic
def record_reconciliation(
    compared: Compared, *, whole: bool, last_event: int, last_step: int, seconds: float, by: str, at: datetime
) -> Reconciliation:
    """Keep what a comparison of the tables with the log found."""
    first = compared.difference
    made = Reconciliation.objects.create(
        at=at,
        by=by,
        whole=whole,
        last_event=last_event,
        last_step=last_step,
        seconds=round(seconds, 1),
        compared=compared.counts,
        differs=first.differs if first else "",
        table=first.table if first else "",
        row=first.row if first else None,
        event_id=first.event if first else None,
        about=first.about if first else "",
    )
    record(
        actor=by,
        verb=RECONCILED,
        subject=f"reconciliation:{made.pk}",
        at=at,
        whole=whole,
        compared=compared.counts,
        differs=made.differs,
    )
    return made
