#!/usr/bin/env python
"""Entry point of every command: servers first, then Django."""

import os
import sys

#: Commands that talk to no database.
WITHOUT_DATABASE = {
    "makemigrations",
    "makemessages",
    "collectstatic",
    "check",
    "help",
    "provision",
    "simulate",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    command = sys.argv[1] if len(sys.argv) > 1 else "help"
    if command not in WITHOUT_DATABASE:
        from config import embedded, env

        env.load_dotenv()
        if not os.environ.get("DATABASE_URL"):
            os.environ["PEYGIR_EMBEDDED"] = "1"
        embedded.ensure(postgres=True, redis=command == "demo")

    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
