"""A kind of argument that scripts share."""

import argparse


def whole_number(word: str) -> int:
    """Reads a count of at least 1, or says what is wrong with it."""
    if not word.isdigit() or int(word) < 1:
        raise argparse.ArgumentTypeError(f"must be a whole number of at least 1, got {word}")
    return int(word)
