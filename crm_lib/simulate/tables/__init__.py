"""What a company would have on record of it, in Arrow tables, and the truth beside them."""
