"""The speed of `crm_lib` beside its floor and its peers, measured: `make bench`."""
