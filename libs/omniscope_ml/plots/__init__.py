"""Plots of a model's results, one module each; `style` is how all look, `drawing` draws them all.

They are drawn from the results alone, so that whoever has these can draw them again.
"""
