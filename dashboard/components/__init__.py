"""One folder a page, and shared/ for what several pages use."""
