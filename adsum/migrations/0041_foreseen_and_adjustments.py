import django.db.models.deletion
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    """What is foreseen of students in classes, their standing adjustments, and how those who were away catch up."""

    dependencies = [
        ("adsum", "0040_help_desk"),
    ]

    operations = [
        migrations.AlterField(
            model_name='markchange',
            name='reason_code',
            field=models.CharField(blank=True, choices=[('seen_in_class', 'seen_in_class'), ('no_phone', 'no_phone'), ('kiosk', 'kiosk'), ('withdrawn', 'withdrawn'), ('scan_accepted', 'scan_accepted'), ('scan_trouble', 'scan_trouble'), ('not_in_class', 'not_in_class'), ('left_early', 'left_early'), ('wrong_student', 'wrong_student'), ('absence_agreed', 'absence_agreed'), ('absence_decided', 'absence_decided'), ('foreseen', 'foreseen'), ('other_group_agreed', 'other_group_agreed'), ('query_upheld', 'query_upheld'), ('paper_register', 'paper_register'), ('outage', 'outage'), ('undone', 'undone'), ('other', 'other')], max_length=24),
        ),
        migrations.AlterField(
            model_name='proposal',
            name='reason_code',
            field=models.CharField(choices=[('seen_in_class', 'seen_in_class'), ('no_phone', 'no_phone'), ('kiosk', 'kiosk'), ('withdrawn', 'withdrawn'), ('scan_accepted', 'scan_accepted'), ('scan_trouble', 'scan_trouble'), ('not_in_class', 'not_in_class'), ('left_early', 'left_early'), ('wrong_student', 'wrong_student'), ('absence_agreed', 'absence_agreed'), ('absence_decided', 'absence_decided'), ('foreseen', 'foreseen'), ('other_group_agreed', 'other_group_agreed'), ('query_upheld', 'query_upheld'), ('paper_register', 'paper_register'), ('outage', 'outage'), ('undone', 'undone'), ('other', 'other')], max_length=24),
        ),
        migrations.CreateModel(
            name='Adjustment',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('ref', models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ('extra_minutes', models.PositiveSmallIntegerField(default=0)),
                ('by_hand', models.BooleanField(default=False)),
                ('exempt_from', models.CharField(blank=True, choices=[('lecture', 'lecture'), ('seminar', 'seminar'), ('tutorial', 'tutorial'), ('lab', 'lab'), ('workshop', 'workshop'), ('supervision', 'supervision'), ('exam', 'exam'), ('other', 'other')], max_length=20)),
                ('other_contact', models.BooleanField(default=False)),
                ('instruction', models.CharField(blank=True, max_length=200)),
                ('starts_on', models.DateField()),
                ('ends_on', models.DateField(blank=True, null=True)),
                ('review_on', models.DateField(blank=True, null=True)),
                ('source', models.CharField(blank=True, max_length=40)),
                ('source_id', models.CharField(blank=True, max_length=200)),
                ('made_at', models.DateTimeField()),
                ('ended_at', models.DateTimeField(null=True)),
                ('ended_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('made_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('student', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(('extra_minutes__gt', 0), ('by_hand', True), models.Q(('exempt_from', ''), _negated=True), ('other_contact', True), models.Q(('instruction', ''), _negated=True), _connector='OR'), name='adjustment_says_something'), models.CheckConstraint(condition=models.Q(('extra_minutes__lte', 120)), name='adjustment_adds_at_most'), models.UniqueConstraint(condition=models.Q(('source', ''), _negated=True), fields=('source', 'source_id'), name='one_adjustment_per_source_id')],
            },
        ),
        migrations.CreateModel(
            name='CatchUp',
            fields=[
                ('session', models.OneToOneField(on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='+', serialize=False, to='adsum.classsession')),
                ('note', models.CharField(blank=True, max_length=500)),
                ('link', models.URLField(blank=True, max_length=500)),
                ('at', models.DateTimeField()),
                ('by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('note', ''), _negated=True), models.Q(('link', ''), _negated=True), _connector='OR'), name='catch_up_says_something')],
            },
        ),
        migrations.CreateModel(
            name='Foreseen',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('says', models.CharField(choices=[('told', 'told'), ('under_decision', 'under_decision'), ('authorised', 'authorised'), ('elsewhere', 'elsewhere'), ('on_placement', 'on_placement'), ('suspended', 'suspended')], max_length=16)),
                ('origin', models.CharField(choices=[('absence', 'absence'), ('placement', 'placement'), ('suspension', 'suspension'), ('swap', 'swap')], max_length=12)),
                ('ref', models.UUIDField()),
                ('made_at', models.DateTimeField()),
                ('session', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='adsum.classsession')),
                ('student', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'indexes': [models.Index(fields=['student', 'session'], name='foreseen_by_student')],
                'constraints': [models.UniqueConstraint(fields=('ref', 'student', 'session'), name='one_foreseen_per_ref_student_and_session')],
            },
        ),
    ]
