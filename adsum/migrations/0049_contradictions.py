import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """What two records say of a student and cannot both be so."""

    dependencies = [
        ("adsum", "0048_known_browsers"),
    ]

    operations = [
        migrations.CreateModel(
            name='Contradiction',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('present_although_away', 'present_although_away'), ('two_rooms', 'two_rooms'), ('many_changes', 'many_changes')], max_length=24)),
                ('found_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField(null=True)),
                ('other', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='adsum.classsession')),
                ('seen_by', models.ForeignKey(db_index=False, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='adsum.classsession')),
                ('student', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('seen_at', None)), fields=['found_at'], name='contradiction_waiting')],
                'constraints': [models.UniqueConstraint(fields=('kind', 'student', 'session'), name='one_contradiction_of_a_kind'), models.CheckConstraint(condition=models.Q(models.Q(('seen_at', None), ('seen_by', None)), models.Q(('seen_at__isnull', False), ('seen_by__isnull', False)), _connector='OR'), name='contradiction_seen_has_who_and_when')],
            },
        ),
    ]
