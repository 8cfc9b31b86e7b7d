class EmbeddedServerError(RuntimeError):
    """An embedded server cannot be had. ``str()`` says why, and what a person can do."""
