"""The parts of one training step: shared forward passes, order of sums, variants, checks."""
