"""What a run adds to its export: provenance, calibration images, norm variants."""
