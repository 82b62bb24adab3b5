from django.db import migrations, models


class Migration(migrations.Migration):
    """How far messages have been read for is asked for by others too; a new kind of message needs no change of the table."""

    dependencies = [
        ("adsum", "0032_scans_of_other_browsers"),
    ]

    operations = [
        migrations.RenameModel("Bookmark", "Cursor"),
        migrations.RenameModel("Told", "Processed"),
        migrations.RemoveConstraint("processed", "each_row_is_told_once"),
        migrations.AddConstraint(
            "processed", models.UniqueConstraint(fields=("source", "row"), name="each_row_is_processed_once")
        ),
        migrations.AlterField("message", "kind", models.CharField(max_length=40)),
    ]
