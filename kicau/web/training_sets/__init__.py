"""Pages of training sets: define, build, hand out, and the pages for recipients."""
