"""What a run is measured on: translation directions with their images."""
