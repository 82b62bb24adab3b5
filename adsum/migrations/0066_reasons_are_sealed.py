"""Reasons of absences, and what staff were worried about, are sealed with the student's own key, as words about them are."""

from django.db import migrations

from adsum.core.sealed import SealedText

REASONS = {"AbsenceRequest": "category", "Concern": "worry"}


def seal(apps, schema_editor):
    """A row at a time, as every row is sealed: by saving it."""
    for name, column in REASONS.items():
        for row in apps.get_model("adsum", name).objects.using(schema_editor.connection.alias).iterator(chunk_size=500):
            if getattr(row, column):
                row.save(update_fields=[column])


class Migration(migrations.Migration):
    dependencies = [("adsum", "0065_erasure_answers_request")]

    operations = [
        migrations.AlterField(
            model_name="absencerequest",
            name="category",
            field=SealedText(keep="cases", max_length=40, person="student_id"),
        ),
        migrations.AlterField(
            model_name="concern",
            name="worry",
            field=SealedText(keep="cases", max_length=16, person="student_id"),
        ),
        migrations.RunPython(seal, migrations.RunPython.noop),
    ]
