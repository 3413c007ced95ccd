"""Compiling and running the Kotlin examples of bundles."""
