"""The table of possible changes of state, kept by the database."""

from django.db import migrations

from messaging.life import create


class Migration(migrations.Migration):
    dependencies = [("messaging", "0001_initial")]

    operations = [
        migrations.RunSQL(create(), "DROP TRIGGER message_keeps_its_life ON messaging_message")
    ]
