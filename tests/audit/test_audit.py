"""The event log: every event in the tree once, in order; every change of it seen, and the first place named."""

import random
from datetime import timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pymerkle import InmemoryTree

from adsum.audit import encoding, services, tree
from adsum.audit.encoding import Wrong, encode, hash_of
from adsum.audit.models import APPEND_ONLY, Checkpoint, Event, Leaf, Node
from adsum.audit.verification import Outside, Result, verify
from adsum.core import merkle
from adsum.core.errors import AdsumError
from tests.kit.log import BY, MINUTE, kept, log, superuser, unconstrained, write
from tests.kit.world import NINE

pytestmark = pytest.mark.django_db


def found(*outside: Outside) -> tuple[Any, ...] | None:
    finding = verify(outside).finding
    return finding and (finding.wrong, finding.place, finding.event)


# The tree


def test_sealing_gives_each_event_its_place_in_the_order_of_ids():
    events = write(5)
    assert services.seal(at=NINE) == 5
    assert services.seal(at=NINE) == 0
    assert list(Leaf.objects.order_by("index").values_list("index", "event_id")) == list(enumerate(events))
    other = InmemoryTree(algorithm="sha256")
    for event in Event.objects.order_by("pk"):
        other.append_entry(encode(event.facts))
    head = Checkpoint.objects.get()
    assert (head.size, bytes(head.root)) == (5, other.get_root())


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.integers(1, 300), min_size=1, max_size=5))
def test_the_stored_tree_is_that_of_pymerkle_however_it_grew(sizes: list[int]):
    with transaction.atomic():
        log(*sizes)
        hashes = [bytes(one) for one in Leaf.objects.order_by("index").values_list("hash", flat=True)]
        assert [bytes(one.root) for one in Checkpoint.objects.order_by("size")] == [
            merkle.root_of(hashes[: sum(sizes[: n + 1])]) for n in range(len(sizes))
        ]
        grown, size = tree.Tree(), len(hashes)
        for index in {0, size // 2, size - 1}:
            proof = grown.inclusion(index, size)
            assert merkle.root_from_inclusion(hashes[index], index, size, proof) == grown.root(size) == merkle.root_of(hashes)
        for old in {1, max(1, size // 2), size}:
            assert merkle.is_consistent(old, grown.root(old), size, grown.root(size), grown.consistency(old, size))
        assert verify().finding is None
        transaction.set_rollback(True)


def test_three_levels_of_tiles(monkeypatch: pytest.MonkeyPatch):
    """With tiles of two hashes a small log reaches every level."""
    for module in (merkle, tree):
        monkeypatch.setattr(module, "HEIGHT", 1)
        monkeypatch.setattr(module, "WIDTH", 2)
    log(*range(1, 9))
    hashes = [bytes(one) for one in Leaf.objects.order_by("index").values_list("hash", flat=True)]
    assert set(Node.objects.values_list("level", flat=True)) == {1, 2, 3, 4, 5}
    grown = tree.Tree()
    for size in range(1, 37):
        assert grown.root(size) == merkle.root_of(hashes[:size])
        for index in range(size):
            assert merkle.root_from_inclusion(hashes[index], index, size, grown.inclusion(index, size)) == grown.root(size)
    assert verify().finding is None


def test_a_proof_costs_six_queries_at_most(django_assert_max_num_queries: Any):
    log(700)
    with django_assert_max_num_queries(6):
        tree.Tree().inclusion(3, 700)
    with django_assert_max_num_queries(6):
        tree.Tree().consistency(259, 700)


@pytest.mark.parametrize("sizes", [(5,), (5, 5, 5, 5)])
def test_sealing_one_event_costs_the_same_however_long_the_log_is(sizes: tuple[int, ...], django_assert_num_queries: Any):
    log(*sizes)
    write(1)
    with django_assert_num_queries({"sqlite": 11, "postgresql": 11}[connection.vendor]):
        assert services.seal(at=NINE + timedelta(minutes=9)) == 1


def test_an_event_that_becomes_visible_late_is_neither_skipped_nor_sealed_twice():
    """A transaction that began first and ended last: on PostgreSQL its events have lower numbers than those seen before."""
    write(1)
    services.seal(at=NINE - timedelta(hours=2))
    ids = write(5)
    with superuser() as cursor:
        slow = Event.objects.get(pk=ids[2])
        cursor.execute("DELETE FROM adsum_event WHERE id = %s", [ids[2]])
    services.seal(at=NINE)
    assert Checkpoint.objects.latest("size").settled == ids[1], "one number is missing: what comes after it is looked at again"
    slow.save(force_insert=True)
    write(2, at=NINE + MINUTE)
    assert services.seal(at=NINE + MINUTE) == 3
    order = list(Leaf.objects.order_by("index").values_list("event_id", flat=True))[1:]
    assert order == [*ids[:2], *ids[3:], ids[2], ids[4] + 1, ids[4] + 2]
    assert Checkpoint.objects.latest("size").settled == ids[4] + 2
    assert verify().finding is None


def test_a_number_that_stays_missing_is_given_up_after_an_hour_and_found_by_the_sweep_all_the_same():
    ids = write(3)
    with superuser() as cursor:
        slow = Event.objects.get(pk=ids[0])
        cursor.execute("DELETE FROM adsum_event WHERE id = %s", [ids[0]])
    services.seal(at=NINE)
    write(1, at=NINE + timedelta(hours=2))
    services.seal(at=NINE + timedelta(hours=2))
    assert Checkpoint.objects.latest("size").settled == ids[2] + 1
    slow.save(force_insert=True)
    assert services.seal(at=NINE + timedelta(hours=2)) == 0
    assert services.seal(at=NINE + timedelta(hours=2), sweep=True) == 1


def test_of_two_sealers_at_once_the_second_keeps_nothing(monkeypatch: pytest.MonkeyPatch):
    log(3)
    write(2)
    by_the_other = []

    class Overtaken(tree.Tree):
        """Between reading and writing, another process does the same work."""

        def tiles(self, size: int) -> merkle.Tiles:
            tiles = super().tiles(size)
            monkeypatch.setattr(services, "Tree", tree.Tree)
            by_the_other.append(services.seal(at=NINE))
            return tiles

    monkeypatch.setattr(services, "Tree", Overtaken)
    assert services.seal(at=NINE) == 0
    assert by_the_other == [2]
    assert Leaf.objects.count() == 5
    assert verify().finding is None


# Verification: a superuser, and what is named


def test_an_untouched_log_is_good():
    log(300, 40, 1)
    write(2)
    assert verify([kept()]) == Result(size=343, checkpoints=6, waiting=1, finding=None)


def test_an_empty_log_is_good():
    assert verify() == Result()
    with pytest.raises(AdsumError) as nothing:
        services.publish(by=BY, at=NINE)
    assert nothing.value.code == "empty"


@pytest.mark.parametrize("place", [0, 7, 299])
@pytest.mark.parametrize(
    ("column", "value"), [("actor", "person:0"), ("verb", "mark.other"), ("subject", "thing:9999"), ("detail", '{"n":-1}')]
)
def test_an_altered_event_is_named(place: int, column: str, value: str):
    events = log(256, 44)
    with superuser() as cursor:
        cursor.execute(f"UPDATE adsum_event SET {column} = %s WHERE id = %s", [value, events[place]])
        cursor.execute("UPDATE adsum_event SET verb = 'late.one' WHERE id = %s", [events[299]])
    assert found() == (Wrong.ALTERED, place, events[place])


def test_an_altered_time_is_named():
    events = log(9)
    with superuser():
        Event.objects.filter(pk=events[4]).update(at=NINE + timedelta(microseconds=1))
    assert found() == (Wrong.ALTERED, 4, events[4])


@pytest.mark.parametrize("place", [0, 5])
def test_a_removed_event_is_named(place: int):
    events = log(5, 5)
    with superuser() as cursor:
        cursor.execute("DELETE FROM adsum_event WHERE id = %s", [events[place]])
    assert found() == (Wrong.REMOVED, place, events[place])


def test_an_event_removed_with_its_leaf_is_named_by_the_one_before():
    events = log(5, 5)
    with superuser() as cursor:
        cursor.execute("DELETE FROM adsum_event WHERE id = %s", [events[6]])
        cursor.execute("DELETE FROM adsum_leaf WHERE event_id = %s", [events[6]])
    assert found() == (Wrong.REMOVED, 6, events[5])


def test_the_point_of_truncation_is_named():
    events = log(5, 5)
    with superuser() as cursor:
        cursor.execute("DELETE FROM adsum_event WHERE id >= %s", [events[7]])
    assert found() == (Wrong.TRUNCATED, 7, events[7])
    with superuser() as cursor:
        cursor.execute("DELETE FROM adsum_leaf WHERE event_id >= %s", [events[7]])
    assert found() == (Wrong.TRUNCATED, 7, events[6])


def test_truncated_with_the_whole_tree_only_a_checkpoint_from_outside_knows():
    events = log(5, 5)
    outside = kept("november.txt")
    with superuser() as cursor:
        cursor.execute("DELETE FROM adsum_checkpoint WHERE size > 5")
        cursor.execute("DELETE FROM adsum_leaf WHERE event_id > %s", [events[4]])
        cursor.execute("DELETE FROM adsum_event WHERE id > %s", [events[4]])
    assert found() is None, "nothing here remembers"
    finding = verify([outside]).finding
    assert finding
    assert (finding.wrong, finding.place, finding.event, finding.checkpoint) == (Wrong.TRUNCATED, 5, events[4], "november.txt")


def test_a_swapped_pair_is_named():
    events = log(6, 6)
    with superuser() as cursor:
        cursor.execute("UPDATE adsum_leaf SET event_id = -1 WHERE event_id = %s", [events[2]])
        cursor.execute("UPDATE adsum_leaf SET event_id = %s WHERE event_id = %s", [events[2], events[4]])
        cursor.execute("UPDATE adsum_leaf SET event_id = %s WHERE event_id = -1", [events[4]])
    assert found() == (Wrong.REORDERED, 2, events[4])


@pytest.mark.parametrize(("one", "other"), [(6, 7), (6, 9), (7, 11), (10, 11), (6, 11)])
def test_a_pair_swapped_with_its_leaves_is_named(one: int, other: int):
    """The leaves go along with their events: only the root of the checkpoint after them knows."""
    events = log(6, 6, 6)
    with superuser() as cursor:
        cursor.execute('UPDATE adsum_leaf SET "index" = -1 WHERE event_id = %s', [events[one]])
        cursor.execute('UPDATE adsum_leaf SET "index" = %s WHERE event_id = %s', [one, events[other]])
        cursor.execute('UPDATE adsum_leaf SET "index" = %s WHERE event_id = %s', [other, events[one]])
    wrong, place, event = found() or (None, None, None)
    assert (wrong, place, event) == (Wrong.REORDERED, one, events[other])


def test_an_event_put_between_two_others_is_named():
    events = log(4, 4)
    inserted = write(1, verb="forged.event")[0]
    with superuser() as cursor:
        for index in range(7, 2, -1):
            cursor.execute('UPDATE adsum_leaf SET "index" = %s WHERE "index" = %s', [index + 1, index])
        _leaf_of(Event.objects.get(pk=inserted), 3)
    assert found() == (Wrong.INSERTED, 3, inserted)
    assert events


def _leaf_of(event: Event, index: int) -> None:
    keys = encoding.keys_of(event.facts)
    Leaf.objects.create(
        index=index,
        event_id=event.pk,
        hash=hash_of(event.facts),
        at=event.at,
        actor_key=keys.actor,
        verb_key=keys.verb,
        subject_key=keys.subject,
        about_key=keys.about,
    )


def test_an_event_dated_back_is_named():
    log(4)
    later = NINE + timedelta(days=30)
    write(1, at=later)
    services.seal(at=later)
    forged = write(1, at=NINE)[0]
    assert found() == (Wrong.INSERTED, 5, forged)
    services.seal(at=later + MINUTE)
    assert found() == (Wrong.INSERTED, 5, forged)


def test_a_log_that_waited_to_be_sealed_for_weeks_is_good(monkeypatch: pytest.MonkeyPatch):
    """No worker ran: nothing was signed meanwhile, so nothing contradicts these events."""
    monkeypatch.setattr(services, "BATCH", 3)
    log(4)
    write(10, at=NINE + timedelta(days=1))
    services.seal(at=NINE + timedelta(days=30))
    assert verify().finding is None


@pytest.mark.parametrize("number", [0, -5])
def test_an_event_below_one_cannot_be_and_without_the_constraint_is_named(number: int):
    events = log(4)
    write(1)
    forged = Event.objects.latest("pk").pk
    with superuser() as cursor:
        with pytest.raises(IntegrityError), transaction.atomic():
            cursor.execute("UPDATE adsum_event SET id = %s WHERE id = %s", [number, forged])
        with unconstrained(cursor):
            cursor.execute("UPDATE adsum_event SET id = %s WHERE id = %s", [number, forged])
            assert found() == (Wrong.INSERTED, 4, number)
            cursor.execute("UPDATE adsum_event SET id = %s WHERE id = %s", [forged, number])
            cursor.execute("UPDATE adsum_event SET id = %s WHERE id = %s", [number, events[3]])
            assert found() == (Wrong.REMOVED, 3, events[3])
            cursor.execute("UPDATE adsum_event SET id = %s WHERE id = %s", [events[3], number])


def test_all_of_it_rewritten_is_found_between_two_checkpoints():
    """The event, its leaf and every node are changed together, and the checkpoints with them, but for their signature."""
    events = log(5, 5, 5)
    with superuser() as cursor:
        cursor.execute("UPDATE adsum_event SET verb = 'forged' WHERE id = %s", [events[7]])
        event = Event.objects.get(pk=events[7])
        Leaf.objects.filter(event_id=event.pk).update(hash=hash_of(event.facts), verb_key=encoding.keys_of(event.facts).verb)
    finding = verify().finding
    assert finding
    assert finding[:4] == (Wrong.REWRITTEN, 5, events[5], 10)
    with superuser():
        for checkpoint in Checkpoint.objects.filter(size__gt=5):
            Checkpoint.objects.filter(pk=checkpoint.pk).update(root=tree.Tree().root(checkpoint.size))
    assert found() == (Wrong.UNSIGNED, 9, events[9])


@pytest.mark.parametrize("column", ["actor_key", "verb_key", "subject_key", "about_key"])
def test_an_event_hidden_from_the_search_is_named(column: str):
    events = log(5)
    with superuser() as cursor:
        cursor.execute(f"UPDATE adsum_leaf SET {column} = 1 WHERE event_id = %s", [events[3]])
    assert found() == (Wrong.TREE, 3, events[3])


def test_a_damaged_node_is_named():
    log(600)
    with superuser():
        Node.objects.filter(level=8, index=1).update(hash=bytes(32))
    finding = verify().finding
    assert finding
    assert finding[:4] == (Wrong.TREE, 256, None, 512)


def test_yesterdays_backup_is_noticed_by_todays_checkpoint():
    """T-AUD-3: restored to yesterday, and life went on: all that is here agrees with itself."""
    log(5)
    yesterday = kept("yesterday.txt")
    backup = {model: model.objects.latest("pk").pk for model in (Event, Leaf, Checkpoint)}
    log(4, 3)
    today = kept("today.txt")
    with superuser():
        for model, last in backup.items():
            model.objects.filter(pk__gt=last).delete()
    assert found() is None
    assert found(yesterday) is None
    assert found(today)[0] == Wrong.TRUNCATED  # type: ignore[index]
    write(20, at=NINE + timedelta(hours=1))
    services.seal(at=NINE + timedelta(hours=1))
    assert found(yesterday) is None
    finding = verify([today, yesterday]).finding
    assert finding
    assert (finding.wrong, finding.place, finding.until, finding.checkpoint) == (
        Wrong.ROLLED_BACK,
        yesterday.checkpoint.size,
        today.checkpoint.size,
        "today.txt",
    )


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 2**32))
def test_whatever_a_superuser_does_the_first_place_is_named(seed: int):
    """One of everything at a random place, in a log sealed at random: never missed, never named behind the damage."""
    chance = random.Random(seed)
    with transaction.atomic():
        events = log(*(chance.randint(1, 9) for _ in range(4)))
        assert found() is None
        place = chance.randrange(len(events))
        deed = chance.choice(
            ["UPDATE adsum_event SET subject = 'forged' WHERE id = %s", "DELETE FROM adsum_event WHERE id = %s"]
        )
        with superuser() as cursor:
            cursor.execute(deed, [events[place]])
        wrong = found()
        assert wrong
        assert wrong[1:] == (place, events[place])
        transaction.set_rollback(True)


def test_verification_looks_at_so_many_events_at_a_time(django_assert_num_queries: Any, monkeypatch: pytest.MonkeyPatch):
    log(100)
    steps: list[tuple[int, int]] = []
    monkeypatch.setattr("adsum.audit.verification.CHUNK", 40)
    verify(progress=lambda done, of: steps.append((done, of)))
    assert steps == [(40, 100), (80, 100), (100, 100)]


# Append-only, also by accident


@pytest.mark.parametrize(
    ("model", "column"),
    [(Event, "verb"), (Leaf, "verb_key"), (Node, "level"), (Checkpoint, "kid")],
    ids=lambda one: str(one)[-20:],
)
def test_what_is_written_is_neither_changed_nor_removed(model: Any, column: str):
    assert model in APPEND_ONLY
    log(256)
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.all().delete()
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        model.objects.update(**{column: 7})
