"""The door between a command line and a plain function: Hydra composes the config, errors become one short message.

Exit status: 0 done; 1 it stopped, and the message says why; 2 done, but something was left out, which is told; 3 done,
and the answer is no; 130 interrupted.
"""

import dataclasses
import io
import logging
import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import hydra
from hydra.core.config_store import ConfigStore
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import ConfigAttributeError, ConfigKeyError, MissingMandatoryValue, OmegaConfBaseException

from stance.errors import ConfigError, StanceError, did_you_mean
from stance.progress import on_terminal

C = TypeVar("C")
_EXPECTED = (StanceError, HydraException, OmegaConfBaseException, OSError)
CONFIGS = Path(__file__).parents[1] / "configs"


def run(task: Callable[[C, Path], int | float | None], schema: type[C], config_name: str) -> NoReturn:
    """Composes ``configs/<config_name>.yaml`` with the command line, checks it against ``schema``, and runs the task.

    Args:
        task: takes the config and the run's folder; returns the exit status if it is not 0 (an int), or how good the
            outcome is, for a sweeper that looks for the best (a float).
        schema: the dataclass of the config; the YAML file includes it as ``schema``.
        config_name: which file.
    """
    if int(os.environ.get("RANK", "0")):  # of several processes that train together the first one speaks
        sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (until the process ends)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever the locale: what a pipe gets is a file of ours
            stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="backslashreplace")
    full_errors = "HYDRA_FULL_ERROR" in os.environ
    # Hydra would print errors in its own way and exit; so it lets them out, and they are told here.
    os.environ["HYDRA_FULL_ERROR"] = "1"
    level = logging.INFO if on_terminal() else logging.WARNING
    logging.basicConfig(format="%(message)s", level=level, stream=sys.stderr)
    ConfigStore.instance().store(name="schema", node=schema)
    OmegaConf.register_new_resolver("folder_name", lambda path: Path(path).name, replace=True)
    outcome: list[int | Exception] = []

    def main(composed: DictConfig) -> float | None:
        try:
            config: Any = OmegaConf.to_object(composed)
            _refuse_additions(config, schema)
            done = task(config, Path(HydraConfig.get().runtime.output_dir))
        except BrokenPipeError:  # who reads has had enough, as ``head`` has
            sys.stdout = sys.stderr = Path(os.devnull).open("w")  # noqa: SIM115 (nothing is left to be told)
            outcome.append(0)
            return None
        except _EXPECTED as error:  # kept from Hydra, which would print its own account of it
            outcome.append(error)
            return None
        if isinstance(done, float):
            return done
        outcome.append(done or 0)
        return None

    try:
        hydra.main(version_base="1.3", config_path=str(CONFIGS), config_name=config_name)(main)()
    except _EXPECTED as error:
        outcome.append(error)
    except KeyboardInterrupt:
        _stop("Interrupted. Run it again: training, and labelling into a folder, go on where they stopped.", 130)
    errors = [error for error in outcome if isinstance(error, Exception)]
    if errors and full_errors:
        raise errors[0]
    if errors:
        _stop(_message(errors[0], schema), 1)
    sys.exit(max((status for status in outcome if isinstance(status, int)), default=0))


def _refuse_additions(config: Any, schema: type[Any], prefix: str = "") -> None:
    # Hydra's +key=value may add what no dataclass has; it would be carried along and never read.
    known = {field.name for field in dataclasses.fields(config)}
    for name, value in vars(config).items():
        if name not in known:
            raise ConfigError(f"There is no setting '{prefix}{name}': {did_you_mean(prefix + name, _settings(schema))}")
        if dataclasses.is_dataclass(value):
            _refuse_additions(value, schema, f"{prefix}{name}.")


def _stop(message: str, status: int) -> NoReturn:
    sys.stderr.write(f"{message}\n")
    sys.exit(status)


def _message(error: Exception, schema: type[Any]) -> str:
    """One short message: what is wrong, with which setting, and the near name if one was misspelt."""
    if isinstance(error, MissingMandatoryValue):
        return f"A setting is missing: give {error.full_key}=<value>."
    if isinstance(error, OSError) and not isinstance(error, HydraException):
        return f"{error.filename or 'The system'}: {error.strerror or error}."
    cause = error.__cause__ if isinstance(error.__cause__, OmegaConfBaseException) else error
    settings = _settings(schema)
    refused = re.match(r"Could not override '([^']+)'", str(error))
    if refused:
        key = refused.group(1)
        if key.rpartition(".")[0] in settings:
            return f"To add to '{key.rpartition('.')[0]}', write a plus sign before it: +{key}=<value>"
        inside = [setting for setting in settings if setting.startswith(f"{key}.")]
        if inside:
            return f"'{key}' is a group of settings, not one; it has: {', '.join(inside)}"
        return f"There is no setting '{key}': {did_you_mean(key, settings)}"
    if isinstance(cause, OmegaConfBaseException):
        key = cause.full_key or ""
        if isinstance(cause, ConfigKeyError | ConfigAttributeError):
            return f"There is no setting '{key}': {did_you_mean(key, settings)}"
        return f"{key}: {str(cause).splitlines()[0]}"
    told = str(error).split("Config search path")[0]
    return told.strip() if isinstance(error, StanceError) else " ".join(told.split())


def _settings(schema: type[Any], prefix: str = "") -> list[str]:
    """The dotted names of all settings of a schema."""
    names: list[str] = []
    for field in dataclasses.fields(schema):
        if isinstance(field.type, type) and dataclasses.is_dataclass(field.type):
            names.extend(_settings(field.type, f"{prefix}{field.name}."))
        else:
            names.append(prefix + field.name)
    return names
