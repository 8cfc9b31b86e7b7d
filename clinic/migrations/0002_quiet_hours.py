"""Quiet hours as SQL functions: planner, claim and preview must not each have their own idea."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION is_quiet(at timestamptz, tz text, quiet_from time, quiet_to time)
RETURNS boolean LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE
        WHEN quiet_from <= quiet_to
        THEN (at AT TIME ZONE tz)::time >= quiet_from AND (at AT TIME ZONE tz)::time < quiet_to
        ELSE (at AT TIME ZONE tz)::time >= quiet_from OR (at AT TIME ZONE tz)::time < quiet_to
    END
$$;

-- The evening on which the quiet hours around `at` began.
CREATE FUNCTION quiet_since(at timestamptz, tz text, quiet_from time)
RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT ((at AT TIME ZONE tz)::date
            - CASE WHEN (at AT TIME ZONE tz)::time < quiet_from THEN 1 ELSE 0 END
            + quiet_from) AT TIME ZONE tz
$$;
"""
BACKWARD = """
DROP FUNCTION is_quiet(timestamptz, text, time, time);
DROP FUNCTION quiet_since(timestamptz, text, time);
"""


class Migration(migrations.Migration):
    dependencies = [("clinic", "0001_initial")]

    operations = [migrations.RunSQL(FORWARD, BACKWARD)]
