from datetime import UTC, datetime

from django.db import migrations, models

import adsum.attendance.digests


def keep_events(apps, schema_editor):
    """On SQLite a constraint makes a table anew, without its triggers: events are append-only again."""
    if schema_editor.connection.vendor == "sqlite":
        for verb in ("UPDATE", "DELETE"):
            schema_editor.execute(
                f"CREATE TRIGGER IF NOT EXISTS adsum_event_no_{verb.lower()} BEFORE {verb} ON adsum_event "
                "BEGIN SELECT RAISE(ABORT, 'adsum_event is append-only'); END"
            )


def begin(apps, schema_editor):
    """What there is already has no digests: the log says so, once, and up to where."""
    changes, grants = apps.get_model("adsum", "MarkChange").objects, apps.get_model("adsum", "RoleGrant").objects
    steps, roles = (some.aggregate(last=models.Max("id"))["last"] or 0 for some in (changes, grants))
    if steps or roles:
        apps.get_model("adsum", "Event").objects.create(
            at=datetime.now(UTC),
            actor="system:upgrade",
            verb="record.begin",
            subject="log:record",
            detail={"steps": steps, "grants": roles},
        )


DIFFERS = ["unrecorded", "different", "lost", "out_of_order", "miscounted"]


class Migration(migrations.Migration):

    dependencies = [
        ("adsum", "0030_feeds_that_wait"),
    ]

    operations = [
        migrations.CreateModel(
            name="LookSeal",
            fields=[
                ("day", models.DateField(primary_key=True, serialize=False)),
                ("salt", models.CharField(max_length=32)),
            ],
        ),
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("at", models.DateTimeField(db_index=True)),
                ("by", models.CharField(max_length=64)),
                ("whole", models.BooleanField()),
                ("last_event", models.BigIntegerField()),
                ("seconds", models.FloatField()),
                ("compared", models.JSONField(default=dict)),
                ("differs", models.CharField(blank=True, choices=[(one, one) for one in DIFFERS], max_length=16)),
                ("table", models.CharField(blank=True, max_length=32)),
                ("row", models.BigIntegerField(null=True)),
                ("event_id", models.BigIntegerField(null=True)),
                ("about", models.CharField(blank=True, max_length=96)),
            ],
        ),
        migrations.AddField(
            model_name="markchange",
            name="salt",
            field=models.CharField(blank=True, db_default="", default="", editable=False, max_length=16),
        ),
        migrations.AlterField(
            model_name="markchange",
            name="salt",
            field=models.CharField(
                blank=True, db_default="", default=adsum.attendance.digests.new_salt, editable=False, max_length=16
            ),
        ),
        migrations.AddConstraint(
            model_name="event",
            constraint=models.CheckConstraint(condition=models.Q(("id__gt", 0)), name="event_ids_begin_at_one"),
        ),
        migrations.RunPython(keep_events, keep_events),
        migrations.RunPython(begin, migrations.RunPython.noop),
    ]
