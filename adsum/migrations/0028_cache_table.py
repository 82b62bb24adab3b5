"""The table of the cache, which counts tries to sign in: it is no model's, so Django makes it by a command of its own. Where
it is there already nothing happens."""

from typing import Any

from django.core.management import call_command
from django.db import migrations


def make(_apps: Any, schema_editor: Any) -> None:
    call_command("createcachetable", database=schema_editor.connection.alias, verbosity=0)


class Migration(migrations.Migration):
    dependencies = [("adsum", "0027_feeds_last_poll")]
    operations = [migrations.RunPython(make, migrations.RunPython.noop)]
