"""Real servers without an installation: PostgreSQL and Redis, started by the project itself.

``ensure()`` is for entry points, ``throwaway_servers()`` for tests, ``reset()`` for starting
over, ``provision()`` for a server that somebody else runs. None of them needs Django.
"""

from config.embedded.errors import EmbeddedServerError
from config.embedded.installation import ensure, reset
from config.embedded.roles import ProvisionError, provision
from config.embedded.throwaway import Servers, throwaway_servers

__all__ = [
    "EmbeddedServerError",
    "ProvisionError",
    "Servers",
    "ensure",
    "provision",
    "reset",
    "throwaway_servers",
]
