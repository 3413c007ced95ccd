"""Prepares data sets of TensorFlow Datasets, and gives up at once where there is no network."""

import contextlib
import os
import queue
import threading
import time
from collections.abc import Iterator
from difflib import get_close_matches
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

from tf_translate.errors import DataError

_SECONDS_TO_ANSWER = 8.0
_MOST_HOSTS = 8


def import_tfds() -> ModuleType:
    """Imports the package; `DataError` if it is missing."""
    try:
        import tensorflow_datasets
    except ImportError as error:
        raise DataError(
            "tfds:NAME needs the package tensorflow-datasets: pip install tensorflow-datasets"
        ) from error
    return tensorflow_datasets


def prepare(name: str) -> Any:
    """Returns the builder of a prepared data set; downloads the data set first if needed.

    Raises:
        DataError: If the package or the data set is missing, or the data set cannot be prepared.
    """
    tfds = import_tfds()
    try:
        builder = tfds.builder(name)
        if _is_out_of_reach(builder):
            return _prepare_offline(builder, name)
        builder.download_and_prepare()
    except tfds.core.DatasetNotFoundError as error:
        known = tfds.list_builders(with_community_datasets=False)  # the others need a network
        near = get_close_matches(name.split("/")[0], known, n=1, cutoff=0.5)
        hint = f"; did you mean tfds:{near[0]}?" if near else ""
        raise DataError(f"TensorFlow Datasets has no data set {name!r}{hint}") from error
    except ImportError as error:
        raise DataError(f"tfds:{name} needs another package: {error}; install it") from error
    except DataError:
        raise
    except Exception as error:  # the download, the disk and the builder may raise anything
        reason = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise DataError(f"tfds:{name} cannot be prepared: {reason}") from error
    return builder


def _prepare_offline(builder: Any, name: str) -> Any:
    """Prepares a data set from files that were downloaded before."""
    downloads = os.path.join(builder.data_dir_root, "downloads")
    cause: Exception | None = None
    if any(files for _, _, files in os.walk(downloads)):
        try:
            with _without_retries():
                builder.download_and_prepare()
            return builder
        except Exception as error:  # as in `prepare`
            cause = error
    hosts = ", ".join(_hosts(builder))
    reason = str(cause or "").strip().partition("\n")[0]
    tried = f" (earlier downloads could not be prepared: {reason})" if reason else ""
    raise DataError(
        f"tfds:{name} is not in {builder.data_dir} and cannot be downloaded, as there is no "
        f"connection to {hosts}{tried}: prepare it where there is one and set TFDS_DATA_DIR to the "
        f"folder that holds {builder.name}"
    ) from cause


def _is_out_of_reach(builder: Any) -> bool:
    """Whether a data set must be downloaded and none of its hosts can be connected to."""
    if builder.data_path.exists():
        return False
    hosts = _hosts(builder)
    answers: queue.Queue[bool] = queue.Queue()
    for url in hosts.values():
        # Not a pool: the process must be able to end while a name server does not answer.
        threading.Thread(target=lambda u=url: answers.put(_answers(u)), daemon=True).start()
    end = time.monotonic() + _SECONDS_TO_ANSWER
    try:
        return bool(hosts) and not any(
            answers.get(timeout=max(0.0, end - time.monotonic())) for _ in hosts
        )
    except queue.Empty:
        return True


def _hosts(builder: Any) -> dict[str, str]:
    """Returns the hosts that a data set is downloaded from, each with one URL; the first few."""
    urls = [url for url in builder.url_infos or {} if url.startswith(("http://", "https://"))]
    first = {urlsplit(url).netloc: url for url in reversed(urls)}
    return dict(list(first.items())[-_MOST_HOSTS:])


def _answers(url: str) -> bool:
    """Whether a host answers, through the proxy if one is set; with what does not matter."""
    import requests

    try:
        requests.head(url, timeout=_SECONDS_TO_ANSWER, allow_redirects=False)
    except (requests.exceptions.SSLError, requests.ReadTimeout):
        return True
    except requests.ConnectionError:
        return False
    except Exception:  # let the download tell what is wrong
        return True
    return True


@contextlib.contextmanager
def _without_retries() -> Iterator[None]:
    """Makes a download that fails do so at once: TFDS tries 11 times within 4 minutes."""
    from tensorflow_datasets.core.download import downloader

    retries = downloader.MAX_RETRIES
    downloader.MAX_RETRIES = 0
    try:
        yield
    finally:
        downloader.MAX_RETRIES = retries
