"""Makes transformers' Auto classes, and so ``pipeline``, open the folders that stance trains.

``import stance`` must neither load transformers, which takes seconds, nor leave the Auto classes unaware of our head.
So the registration waits: it happens when transformers loads its Auto classes, or at once if it already has.
"""

from importlib import import_module

import wrapt

_REGISTERED_WITH = {
    "transformers.models.auto.configuration_auto": "stance.network_config",
    "transformers.models.auto.modeling_auto": "stance.network",
}
"""Module of Auto classes -> our module, which registers its class with them when it is imported."""


def arrange() -> None:
    """Arranges the registration; cheap, and harmless when repeated."""
    for auto_module in _REGISTERED_WITH:
        wrapt.register_post_import_hook(lambda module: import_module(_REGISTERED_WITH[module.__name__]), auto_module)
