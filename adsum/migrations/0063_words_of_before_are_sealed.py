"""Words that were written before students had keys of their own are sealed with them."""

from django.db import migrations

WORDS = {
    "AbsenceRequest": ("text",),
    "AbsenceDecision": ("words",),
    "CaseStep": ("words",),
    "Contacted": ("words",),
    "Concern": ("words",),
    "Conduct": ("words", "answer", "reasons"),
}
LEADS_BY = {"AbsenceDecision": ("request",), "CaseStep": ("case",)}


def seal(apps, schema_editor):
    """A row at a time, as every row is sealed: by saving it."""
    for name, columns in WORDS.items():
        rows = apps.get_model("adsum", name).objects.select_related(*LEADS_BY.get(name, ()))
        for row in rows.iterator(chunk_size=500):
            if any(getattr(row, column) for column in columns):
                row.save(update_fields=columns)


class Migration(migrations.Migration):
    dependencies = [("adsum", "0062_words_sealed_by_student")]

    operations = [migrations.RunPython(seal, migrations.RunPython.noop)]
