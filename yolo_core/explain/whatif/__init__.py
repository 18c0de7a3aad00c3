"""What would have to be otherwise for an object or a slot to be assigned otherwise."""
