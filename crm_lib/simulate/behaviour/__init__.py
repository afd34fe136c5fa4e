"""What customers do, in NumPy columns: who they are, when they buy, what they put in the basket."""
