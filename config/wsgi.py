"""The web process."""

import os

from config import embedded, garbage
from config.charsets import as_utf8

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.ensure(postgres=True, redis=True)

from django.core.wsgi import get_wsgi_application  # noqa: E402  (settings read what ensure set)

application = as_utf8(get_wsgi_application())

from clinic.entry import refuse_unsafe_database  # noqa: E402

refuse_unsafe_database()
garbage.look_less_often()
