"""A loss of one's own against a published one, slot by slot."""
