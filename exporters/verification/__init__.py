"""Whether what is in a bundle still does what the original function did."""
