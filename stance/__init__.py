"""Label English sentences of news, diplomacy and politics as offer, accusation, denial or condition.

Start with ``from stance.predict import predict, Predictor``.
"""

from stance import registration
from stance.labels import LABELS
from stance.version import __version__

__all__ = ["LABELS", "__version__"]

registration.arrange()
