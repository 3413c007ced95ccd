"""The type of a command-line argument that counts something."""

import argparse


def whole_number(text: str) -> int:
    """Parses an integer of at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {text}")
    return int(text)
