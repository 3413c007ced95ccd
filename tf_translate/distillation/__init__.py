"""Students: small generators that learn to translate as the generators of a method do."""
