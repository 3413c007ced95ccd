"""Advice on methods: which fit the data of a user, in the order that measured results support."""
