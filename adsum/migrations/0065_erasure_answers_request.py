import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("adsum", "0064_disclosures_whose_words_have_ended")]

    operations = [
        migrations.AddField(
            model_name="erasure",
            name="request",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="erasures",
                to="adsum.rightsrequest",
            ),
        ),
    ]
