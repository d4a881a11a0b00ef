"""What the pictures show: a stocked workspace, by subject."""
