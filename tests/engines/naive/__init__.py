"""The analyses once more, by loops over plain rows, as one would do them by hand.

Nothing here is shared with `crm_lib` but the names of columns, stages and segments: what an engine
finds must be what a reader of the definitions finds.
"""
