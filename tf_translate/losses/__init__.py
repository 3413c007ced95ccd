"""The symbols of the papers' losses: plain means in float32, no weights, no scaling."""
