"""What a release brings: its bill of materials, and the look at what is vulnerable."""
