"""One-off studies, run by hand; nothing imports them."""
