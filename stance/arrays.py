"""Named arrays on disk, as safetensors."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from numpy.typing import NDArray
from safetensors.numpy import save

from stance.files import replacing


def write_arrays(path: Path, arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str] | None = None) -> None:
    """Writes arrays to a file, whole or not at all.

    It may be read by whoever may read the files beside it; what safetensors opens by itself only its owner may read.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(save(dict(arrays), None if metadata is None else dict(metadata)))
