from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("adsum", "0033_cursors_and_kinds"),
    ]

    operations = [
        migrations.AddField(
            model_name="reconciliation",
            name="last_step",
            field=models.BigIntegerField(default=0),
        ),
    ]
