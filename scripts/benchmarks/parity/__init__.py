"""Parity: two training steps of every method beside an independent computation of them."""
