"""How the shipped samples and test fixtures are made."""
