from django.db import migrations, models


class Migration(migrations.Migration):
    """How often what imports plan with has changed."""

    dependencies = [
        ("adsum", "0034_reconciled_up_to"),
    ]

    operations = [
        migrations.CreateModel(
            name="Generation",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveBigIntegerField(default=0)),
            ],
        ),
    ]
