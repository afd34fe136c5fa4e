"""The speed of `crm_lib.btyd` beside its peers, measured: `make bench`."""
