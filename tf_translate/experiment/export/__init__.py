"""What a run adds to its bundle: provenance, calibration images and norm variants."""
