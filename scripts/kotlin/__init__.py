"""Compiles and runs the Kotlin examples of bundles."""
