"""Packages: the folders of files that jobs make, whatever is in them.

`verifier` compares a package with its manifest (`package`) and signs it (`signing`), `download`
streams it as a tar (`archive`), `rows` deletes it and brings it back, `purger` removes it for
good. Models and artifacts share them.
"""
