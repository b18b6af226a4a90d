"""Optional packages, imported when first needed, with the install command when they are missing."""

from importlib import import_module
from types import ModuleType

from simulacra.errors import MissingExtra


def require(module: str, extra: str, purpose: str) -> ModuleType:
    """Import an optional package.

    Args:
        module: the module to import, such as "ncnn".
        extra: the extra of simulacra that installs it.
        purpose: what needs it, the subject of the sentence the user reads.

    Raises:
        MissingExtra: it is not installed, or is installed and broken; some packages raise RuntimeError or OSError then.
    """
    try:
        return import_module(module)
    except (ImportError, RuntimeError, OSError) as error:
        reason = "" if isinstance(error, ModuleNotFoundError) else f" ({error})"
        raise MissingExtra(
            f"{purpose} needs the package {module}, which does not import here{reason}; "
            f"type: pip install 'simulacra[{extra}]'"
        ) from error
