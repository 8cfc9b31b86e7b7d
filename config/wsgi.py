"""The web process."""

import gc
import os

from config import embedded
from config.charsets import as_utf8

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
embedded.ensure(postgres=True, redis=True)

from django.core.wsgi import get_wsgi_application  # noqa: E402  (settings read what ensure set)

application = as_utf8(get_wsgi_application())

from clinic.entry import refuse_unsafe_database  # noqa: E402

refuse_unsafe_database()

# What is loaded by now stays to the end, and pages leave little behind that is bound in circles:
# looking for it less often takes a quarter off a page (`python -m bench.one_clinic`).
gc.collect()
gc.freeze()
gc.set_threshold(20_000, 20, 20)
