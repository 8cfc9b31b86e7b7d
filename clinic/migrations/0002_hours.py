"""Quiet hours and working days as SQL functions: planner, claim and preview must not differ."""

from django.db import migrations

QUIET = """
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

-- `at` itself, or the morning on which the quiet hours around it end.
CREATE FUNCTION after_quiet(at timestamptz, tz text, quiet_from time, quiet_to time)
RETURNS timestamptz LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
    SELECT CASE WHEN is_quiet(at, tz, quiet_from, quiet_to)
        THEN ((at AT TIME ZONE tz)::date
              + CASE WHEN (at AT TIME ZONE tz)::time >= quiet_to THEN 1 ELSE 0 END
              + quiet_to) AT TIME ZONE tz
        ELSE at
    END
$$;
"""
# Everybody sees their own clinic's closures only, the planner all; so these say the same for both.
WORKING = """
CREATE FUNCTION is_closed(day date, of_clinic bigint)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT extract(isodow FROM day) = 5 OR EXISTS (
        SELECT 1 FROM clinic_closure c
         WHERE c.clinic_id = of_clinic AND c.last_day >= day AND c.first_day <= day)
$$;

-- The first day on which the clinic works, from `day` on; four months ahead where it never does.
CREATE FUNCTION working_day(day date, of_clinic bigint)
RETURNS date LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE opens date := day;
BEGIN
    -- A loop, for it stops at the first one; SQL would ask about all the four months.
    WHILE opens < day + 120 AND is_closed(opens, of_clinic) LOOP
        opens := opens + 1;
    END LOOP;
    RETURN opens;
END
$$;

-- When a text that can wait may go: not in quiet hours, and after closed days from ten o'clock on,
-- even when it fell due in the last closed night. Whoever takes texts before ten only has quiet
-- hours again at ten, and then perhaps a closed day: so it goes on until neither is in the way.
CREATE FUNCTION working_moment(
    at timestamptz, tz text, quiet_from time, quiet_to time, of_clinic bigint)
RETURNS timestamptz LANGUAGE plpgsql STABLE PARALLEL SAFE AS $$
DECLARE goes timestamptz := at;
        day date := (at AT TIME ZONE tz)::date;
        last_day date := day + 120;
BEGIN
    WHILE day < last_day LOOP
        IF is_closed(day, of_clinic) THEN
            goes := (working_day(day, of_clinic) + time '10:00') AT TIME ZONE tz;
        ELSIF is_quiet(goes, tz, quiet_from, quiet_to) THEN
            goes := after_quiet(goes, tz, quiet_from, quiet_to);
        ELSE
            EXIT;
        END IF;
        day := (goes AT TIME ZONE tz)::date;
    END LOOP;
    RETURN goes;
END
$$;

-- The first working day on which a given minute of the day, kept inside 10:00-19:00, is at or
-- after `at`.
CREATE FUNCTION usual_moment(at timestamptz, tz text, minute integer, of_clinic bigint)
RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT (working_day(
                here::date + CASE WHEN here::date + usual < here THEN 1 ELSE 0 END, of_clinic)
            + usual) AT TIME ZONE tz
      FROM (SELECT at AT TIME ZONE tz AS here,
                   make_interval(mins => least(greatest(coalesce(minute, 600), 600), 1140)) AS usual) x
$$;

-- At the last door: whether a text that can wait must, because the clinic is closed today, or was
-- until this morning and the text has been waiting since.
CREATE FUNCTION is_held_back(at timestamptz, tz text, due_at timestamptz, of_clinic bigint)
RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT is_closed(here::date, of_clinic)
        OR (here::time < time '10:00' AND (due_at AT TIME ZONE tz)::date < here::date
            AND is_closed(here::date - 1, of_clinic))
      FROM (SELECT at AT TIME ZONE tz AS here) x
$$;
"""
BACKWARD = """
DROP FUNCTION is_held_back, usual_moment, working_moment, working_day, is_closed;
DROP FUNCTION after_quiet, quiet_since, is_quiet;
"""


class Migration(migrations.Migration):
    dependencies = [("clinic", "0001_initial")]

    operations = [migrations.RunSQL(QUIET + WORKING, BACKWARD)]
