"""AutoGluon, and all that touches its inside: nothing else of this service imports it.

`session` surrounds a training, `search` runs it; `arguments` and `callback` are what AutoGluon is
given. The other modules each work around one behaviour of AutoGluon, and say which. They hold for
the versions in `version` only, so with another one this package cannot be imported. For each there
is a test of AutoGluon itself, which fails when the module is no longer needed.
"""

from omniscope_automl.engine.version import require_verified_version

require_verified_version()
