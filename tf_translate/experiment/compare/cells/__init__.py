"""The cells of a comparison: which there are, their settings, state, and what they keep."""
