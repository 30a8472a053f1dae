"""Jobs: their life, their journal and the three services that handle them.

`domain` says which transitions there are and what follows a failure; `store_sql` makes each of
them one compare-and-set; `journal` numbers and keeps the events; `convert` translates to and from
the protocol; the servicers answer callers, other services and workers; `sweeper` and `reaper` heal
what got lost; `ports` is what the catalogue implements for all of this.
"""
