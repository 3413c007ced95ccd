"""Whether metrics fall with damage they claim to see: images damaged on purpose, measured."""
