"""How the tables arrive: their files, their `dataset.yml`, and the dirt in them."""
