"""The command `tf-translate`."""
