from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("adsum", "0067_duties_say_what_was_found")]

    operations = [
        migrations.AddField(model_name="display", name="seen_at", field=models.DateTimeField(null=True)),
    ]
