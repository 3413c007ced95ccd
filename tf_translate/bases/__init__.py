"""What several methods are built on: a base class for each family of methods."""
