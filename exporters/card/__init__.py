"""The text in a bundle for people: its card, and examples of how apps call it."""

from exporters.card.write import write_card

__all__ = ["write_card"]
