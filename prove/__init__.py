"""Proofs by real processes: `make prove`. See docs/proof.md."""
