from django.db import migrations, models
from django.db.models import Q

LEFT = ["bounced", "delivered", "sent"]
SENT_HAS_WHEN = Q(state__in=LEFT, sent_at__isnull=False) | (~Q(state__in=LEFT) & Q(sent_at=None))
STATES = "waiting gathered sent delivered refused bounced muted held withdrawn lapsed stopped".split()


def refused(apps, schema_editor):
    """What had failed was refused: the same thing by the word that pages use."""
    apps.get_model("adsum", "Message").objects.using(schema_editor.connection.alias).filter(state="failed").update(state="refused")


def failed(apps, schema_editor):
    """Back to the fewer words there were."""
    messages = apps.get_model("adsum", "Message").objects.using(schema_editor.connection.alias)
    messages.filter(state="refused").update(state="failed")
    messages.filter(state__in=["delivered", "bounced"]).update(state="sent")
    messages.filter(state="gathered").update(state="waiting")
    messages.filter(state="stopped").update(state="withdrawn")
    messages.filter(state="muted").update(state="lapsed")


class Migration(migrations.Migration):
    """How far a message has come has more words, and each keeps the version of its wording."""

    dependencies = [
        ("adsum", "0036_alerts"),
    ]

    operations = [
        migrations.RenameField("message", "read_at", "opened_at"),
        migrations.AddField("message", "version", models.PositiveSmallIntegerField(default=1)),
        migrations.RemoveConstraint("message", "sent_message_has_when"),
        migrations.AlterField(
            "message", "state", models.CharField(choices=[(one, one) for one in STATES], default="waiting", max_length=10)
        ),
        migrations.RunPython(refused, failed),
        migrations.AddConstraint("message", models.CheckConstraint(condition=SENT_HAS_WHEN, name="sent_message_has_when")),
    ]
