"""A world of clinics lived through in simulated time, with every promise of delivery checked.

Deterministic: the same seed gives the same steps. It drives the real planner, outbox, providers and
gateway stand-in over loopback, and judges them by an account of its own (`oracle`), never by theirs.
"""

from sandbox.simulator.run import Wanted, simulate

__all__ = ["Wanted", "simulate"]
