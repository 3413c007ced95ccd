"""Publishing what was measured into assets/results and the pages."""
