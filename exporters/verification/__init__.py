"""Checks that the files of a bundle still compute what the original function did."""
