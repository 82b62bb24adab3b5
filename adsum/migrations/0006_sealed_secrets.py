"""Client secrets of sign-in providers are kept encrypted from now on, and one table remembers SAML assertions."""

from django.db import migrations, models

from adsum.core import vault

PURPOSE = "client-secret/v1"


def seal_secrets(apps, _schema_editor):
    for app in apps.get_model("socialaccount", "SocialApp").objects.exclude(secret=""):
        app.settings = app.settings | {"secret": vault.seal(app.secret, purpose=PURPOSE)}
        app.secret = ""
        app.save(update_fields=["secret", "settings"])


def reveal_secrets(apps, _schema_editor):
    for app in apps.get_model("socialaccount", "SocialApp").objects.all():
        if sealed := app.settings.pop("secret", ""):
            app.secret = vault.reveal(sealed, purpose=PURPOSE)
            app.save(update_fields=["secret", "settings"])


class Migration(migrations.Migration):
    dependencies = [
        ("adsum", "0005_registers_to_complete"),
        ("socialaccount", "0006_alter_socialaccount_extra_data"),
    ]

    operations = [
        migrations.CreateModel(
            name="UsedAssertion",
            fields=[
                ("fingerprint", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("expires_at", models.DateTimeField(db_index=True)),
            ],
        ),
        migrations.RunPython(seal_secrets, reveal_secrets),
    ]
