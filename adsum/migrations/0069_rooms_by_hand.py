from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("adsum", "0068_screens_are_heard")]

    operations = [
        migrations.AddField(model_name="room", name="by_hand", field=models.BooleanField(default=False)),
    ]
