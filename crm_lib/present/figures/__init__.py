"""Figures: each function draws a small frame that was made for it and returns the axes it drew on."""
