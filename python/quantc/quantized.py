"""A compiled network as a Python object."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ._native import Library
from .arrays import read_npy, write_npy
from .batches import dense
from .comparison import Comparison
from .cpu import missing_features
from .data import Rows, data_argument
from .description import description
from .errors import QuantcError
from .frontend import Frontend
from .manifest import C_NAME, Manifest, Tensor, add_to_manifest, read_manifest
from .report import ReportRows, write_report
from .table import html_of, text_of
from .tool import run_tool
from .tuning import Frontier

__all__ = ["Quantized", "Source", "load", "reference"]

FILE_SUFFIXES = (".so", ".o", ".h", ".mlirbc", ".json")  # the manifest last: it vouches for the others


@dataclass(frozen=True)
class Source:
    """What a network was compiled from, kept to compile it again under another name and to compare it with.

    Attributes
    ----------
    model : Path
        The ONNX file.
    options : tuple of str
        The tool's options, but for where to write and under which name.
    frontend : Frontend or None
        How rows and results are translated; the manifest keeps it.
    """

    model: Path
    options: tuple[str, ...]
    frontend: Frontend | None = None

    def compile(self, folder: Path, name: str, progress: Callable[[str, int, int], None] | None = None) -> Path:
        """Compile into `folder` and return the library's path."""
        run_tool(["compile", self.model, *self.options, "-o", folder, "--name", name, "--progress=json"], progress)
        if self.frontend is not None:
            add_to_manifest(folder / f"{name}.json", "frontend", self.frontend.record())
        return folder / f"{name}.so"


class Quantized:
    """A network compiled to integers, ready to run. Made by `quantize` and `load`.

    Attributes
    ----------
    name : str
        Its name: that of its files and of its C functions.
    inputs, outputs : tuple of Tensor
        Names and row shapes, in the order in which `predict` takes and gives them.
    manifest : dict
        All that the compiler recorded: layers, parameters, sizes, digests.
    path : Path
        The shared library.
    """

    def __init__(
        self,
        path: Path,
        *,
        source: Source | None = None,
        owned_folder: Path | None = None,
        runs_here: bool = True,
    ) -> None:
        self.path = path
        self._manifest = read_manifest(path.with_suffix(".json"))
        self._source = source
        self._frontend = _frontend_of(self._manifest)
        if owned_folder is not None:
            weakref.finalize(self, shutil.rmtree, owned_folder, ignore_errors=True)
        features = self._manifest.data.get("features")
        self._missing = missing_features(features) if isinstance(features, list) else []
        opens = runs_here and not self._missing
        self._call: Callable[..., Any] = _open(path, self._manifest) if opens else self._foreign
        self._gives_arrays = self._frontend is None and not any(tensor.classes for tensor in self.outputs)

    @property
    def name(self) -> str:
        return self._manifest.name

    @property
    def inputs(self) -> tuple[Tensor, ...]:
        return self._manifest.inputs

    @property
    def outputs(self) -> tuple[Tensor, ...]:
        return self._manifest.outputs

    @property
    def manifest(self) -> dict[str, Any]:
        return self._manifest.data

    def predict(self, *inputs: Rows) -> Any:
        """Run the network.

        Parameters
        ----------
        *inputs : array of real numbers, shape (rows, ...)
            One for each of the network's inputs. C-contiguous float32 arrays are read in place, others are converted;
            sparse matrices, Dask collections and iterators of batches are read block by block. A network made from a
            scikit-learn estimator takes the estimator's rows: an array or a data frame.

        Returns
        -------
        ndarray of float32, shape (rows, ...), or a tuple of them
            One for each output; int32 or int64 where the model gives classes as numbers, str where it gives their
            names. Every call makes new arrays; calls may run in several threads at once. A network made from a
            scikit-learn estimator gives what its ``predict`` does, or a transformer's ``transform``.

        Raises
        ------
        ValueError
            If a shape is not the network's, or the inputs differ in rows.
        TypeError
            If an input holds anything but real numbers, or the number of inputs is not the network's.
        QuantcError
            If a data frame has other columns than the estimator was fitted on, or a cell what it cannot take.
        """
        if self._gives_arrays and len(inputs) == 1 and type(inputs[0]) is np.ndarray:
            return self._call(inputs[0])  # one row of a small network takes less time than all that may be asked below
        return self._translated(self._call, inputs)

    __call__ = predict

    def predict_proba(self, *inputs: Rows) -> Any:
        """Probabilities of the classes, shape (rows, classes), of a classifier that has them."""
        return self._scores(inputs, "probability", "predict_proba")

    def decision_function(self, *inputs: Rows) -> Any:
        """Scores of the classes, shape (rows, classes), or (rows,) for two, of a classifier without probabilities."""
        return self._scores(inputs, "decision", "decision_function")

    def _scores(self, inputs: tuple[Rows, ...], kind: str, method: str) -> Any:
        if self._frontend is None:
            raise QuantcError(f"{method} is of networks made from a scikit-learn classifier; predict gives all outputs")
        return self._frontend.scores(self._call, inputs, kind, method)

    def _translated(self, call: Callable[..., Any], inputs: tuple[Rows, ...]) -> Any:
        """What `call`, which takes and gives the program's arrays, makes of the user's rows."""
        if self._frontend is not None:
            return self._frontend.predict(call, inputs)
        return _decoded(self.outputs, call(*(dense(value, "input") for value in inputs)))

    def save(self, folder: str | os.PathLike[str], name: str | None = None) -> Path:
        """Write the library, object, header, manifest and integer network into `folder`.

        Parameters
        ----------
        folder : path
            Made if it is not there.
        name : str, optional
            The files' name and the prefix of the C functions, a C name; by default the name it has. Another name
            means compiling again, which only an object from `quantize` can.

        Returns
        -------
        Path
            The shared library's path, for `load`; the object's, for a target that has no shared library here.
        """
        name = self.name if name is None else name
        if not isinstance(name, str) or not C_NAME.fullmatch(name):
            raise ValueError(f"name: {name!r} is no C name (letters, digits and _, not starting with a digit)")
        target = Path(os.path.abspath(folder))
        target.mkdir(parents=True, exist_ok=True)
        if name == self.name:
            _copy_artifacts(self.path, target, name)
        elif self._source is None:
            raise ValueError(
                f"name: this network was loaded as {self.name!r}, and its C functions carry that name; "
                f"save it as {self.name!r}, or compile the model again under the name {name!r}"
            )
        else:
            with tempfile.TemporaryDirectory(prefix="quantc-") as scratch:
                _copy_artifacts(self._source.compile(Path(scratch), name), target, name)
        library = target / f"{name}.so"
        return library if library.is_file() else library.with_suffix(".o")

    def compare(
        self,
        x: Rows,
        labels: ArrayLike | str | os.PathLike[str] | None = None,
        model: str | os.PathLike[str] | None = None,
        *,
        culprits: bool = False,
        calibration: Rows | None = None,
        noise: bool = False,
        seed: int = 0,
        influence: bool = False,
    ) -> Comparison:
        """Compare with the float network, layer by layer.

        Parameters
        ----------
        x : array of shape (rows, ...), mapping of input name to array, or path of a data file
            The rows to run on both.
        labels : array of int, shape (rows,), or path, optional
            What the rows should be classified as; adds both accuracies.
        model : path, optional
            The float ONNX model; needed for an object from `load`, known to one from `quantize`.
        culprits : bool
            Rank what the output's error comes from, by undoing one thing at a time.
        calibration : array, mapping or path, optional
            With `culprits`: the rows that the network was calibrated on, to compile it with repairs and measure them.
        noise : bool
            Measure both networks under noise, dropped features and values out of range.
        seed : int
            Of the noise; the same seed gives the same figures.
        influence : bool
            Measure which input features and neurons matter to the float network's output.

        Returns
        -------
        Comparison
        """
        if calibration is not None and not culprits:
            raise ValueError("calibration: is for the repairs of culprits; give culprits=True too")
        float_model = self._float_model(model)
        if float_model is None:
            raise ValueError("model: a loaded network does not know its float model; give compare(x, model=PATH)")
        with tempfile.TemporaryDirectory(prefix="quantc-") as scratch:
            command: list[str | os.PathLike[str]] = ["compare", float_model, self.path]
            command += ["--input", data_argument(x, Path(scratch), "input", self._frontend), "--json"]
            if labels is not None:
                command += ["--labels", data_argument(labels, Path(scratch), "labels", self._frontend)]
            if calibration is not None:
                command += ["--calibration", data_argument(calibration, Path(scratch), "calibration", self._frontend)]
            command += [flag for flag, on in (("--culprits", culprits), ("--influence", influence)) if on]
            command += ["--noise", f"--seed={int(seed)}"] if noise else []
            text = run_tool(command)
        try:
            data = json.loads(text)
        except ValueError as error:
            raise QuantcError(f"the compiler's comparison is not JSON: {error}") from error
        if not isinstance(data, dict):
            raise QuantcError("the compiler's comparison is no JSON object")
        return Comparison(data)

    def influence(
        self,
        x: Rows,
        model: str | os.PathLike[str] | None = None,
    ) -> Comparison:
        """Which input features and neurons matter to the output: the same as ``compare(x, influence=True)``."""
        return self.compare(x, model=model, influence=True)

    def report(
        self,
        path: str | os.PathLike[str],
        x: Rows | None = None,
        labels: ArrayLike | str | os.PathLike[str] | None = None,
        calibration: Rows | None = None,
        model: str | os.PathLike[str] | None = None,
        *,
        frontier: Frontier | str | os.PathLike[str] | None = None,
        times: bool = True,
    ) -> Path:
        """Write one HTML page with all that is known of the network: it loads nothing, so it can be sent as it is.

        Parameters
        ----------
        path : path
            The page. It appears whole or not at all.
        x : array of shape (rows, ...), mapping of input name to array, or path of a data file, optional
            The rows to compare with float on. Without it, those that `quantize` was given: the validation rows, or
            else calibration rows, of which without labels up to 4,096 are taken; the page says which.
        labels : array of int, shape (rows,), or path, optional
            What the rows should be classified as, or of a network of one output the values it should give. Without
            `x`, those that `quantize` was given serve too.
        calibration : array, mapping or path, optional
            The rows to show the distribution of values on; by default those that `quantize` was given.
        model : path, optional
            The float ONNX model; known to an object from `quantize`. Without it, one from `load` gives a page without
            what compares with float.
        frontier : Frontier or path, optional
            What `tune` gave, or the folder that ``quantc tune`` wrote.
        times : bool
            Whether calls are timed, for some seconds.

        Returns
        -------
        Path
            The page's path.
        """
        float_model = self._float_model(model)
        if float_model is None and any(value is not None for value in (x, labels, calibration)):
            raise ValueError("model: a loaded network does not know its float model; give report(..., model=PATH)")
        options = self._source.options if self._source is not None else ()
        rows = ReportRows(x, labels, calibration, options, self._frontend)
        return write_report(self.path.with_suffix(".json"), path, float_model, rows, frontier, times)

    def _float_model(self, model: str | os.PathLike[str] | None) -> Path | None:
        """What to compare with: the model that is given, or the one that this was compiled from."""
        if model is not None:
            return Path(os.path.abspath(model))
        return self._source.model if self._source is not None else None

    def clipped(self, reset: bool = False) -> dict[str, int]:
        """How many values each layer clipped to its range, in all calls of this object so far.

        Values are clipped where a row leads outside what the calibration rows led to.

        Parameters
        ----------
        reset : bool
            Begin again from zero after this.

        Returns
        -------
        dict of str to int
            By the name of the layer, or of the input, that stores the values.

        Raises
        ------
        QuantcError
            If the network does not count: `quantize` and ``quantc compile`` do so on demand only.
        """
        if not self._manifest.clipped:
            raise QuantcError(
                "this network does not count clipped values",
                remedy="compile it with quantize(..., count_clipped=True) or `quantc compile --count-clipped`",
            )
        if not isinstance(self._call, Library):
            self._call()  # says why it does not run here
        return dict(zip(self._manifest.clipped, self._call.clipped(reset), strict=True))  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return text_of(description(self._manifest))

    def _repr_html_(self) -> str:
        """What a notebook shows."""
        return html_of(description(self._manifest))

    def __reduce__(self) -> tuple[Any, ...]:
        """Its files, which another process writes out again. Like any pickle, load it only if you trust it."""
        files = {suffix: self.path.with_suffix(suffix) for suffix in FILE_SUFFIXES}
        return _restored, (self.name, {suffix: path.read_bytes() for suffix, path in files.items() if path.is_file()})

    def _foreign(self, *inputs: Rows) -> Any:
        target = self._manifest.target or "another target"
        if self._missing:
            target = f"a CPU with {', '.join(self._missing)}, which this one lacks,"
        raise QuantcError(
            f"this network was compiled for {target} and does not run here",
            remedy="quantc.reference(q, x) gives the same bits on any machine",
        )


def _restored(name: str, files: Mapping[str, bytes]) -> Quantized:
    """What was pickled, in a folder of its own; it has lost the model that it was compiled from, as one from `load`."""
    folder = Path(tempfile.mkdtemp(prefix="quantc-"))
    try:
        for suffix, content in files.items():
            (folder / f"{name}{suffix}").write_bytes(content)
        return Quantized(folder / f"{name}.so", owned_folder=folder, runs_here=".so" in files)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def load(path: str | os.PathLike[str]) -> Quantized:
    """Open a compiled network.

    Parameters
    ----------
    path : path
        The shared library, ``OUT/N.so``; its manifest ``OUT/N.json`` lies beside it. A library is a program: load
        only one that you trust.

    Returns
    -------
    Quantized

    Raises
    ------
    FileNotFoundError
        If the library or the manifest is not there.
    QuantcError
        If they are not a library of this machine and its manifest.
    """
    library = Path(os.path.abspath(path))
    if not library.is_file():
        raise FileNotFoundError(f"no compiled network at {library}")
    if library.suffix != ".so":
        raise ValueError(f"path: {library.name} is no compiled network; give the .so file that lies beside its .json")
    return Quantized(library)


def reference(q: Quantized, *inputs: Rows) -> Any:
    """Run a network in the reference interpreter, which defines what every compiled program must give.

    Parameters
    ----------
    q : Quantized
    *inputs : array of real numbers, shape (rows, ...)
        As `Quantized.predict` takes them.

    Returns
    -------
    ndarray, shape (rows, ...), or a tuple of them
        The same bits as ``q.predict(*inputs)``, slowly.
    """
    network = q.path.with_suffix(".mlirbc")
    if not network.is_file():
        raise FileNotFoundError(
            f"no integer network at {network}; `quantc compile` writes it beside the library, keep them together"
        )
    names = [tensor.name for tensor in q.inputs]
    return q._translated(lambda *arrays: run_interpreter(network, arrays, names, len(q.outputs)), inputs)


def run_interpreter(network: Path, inputs: Sequence[ArrayLike], input_names: Sequence[str], outputs: int) -> Any:
    """Run `network` (ONNX, float; or MLIR) in the interpreter: one array, or a tuple where there are several."""
    if len(inputs) != len(input_names):
        raise TypeError(f"this network has {len(input_names)} inputs ({', '.join(input_names)}), got {len(inputs)}")
    with tempfile.TemporaryDirectory(prefix="quantc-") as scratch:
        folder = Path(scratch)
        command: list[str | os.PathLike[str]] = ["run", network]
        for index, (value, name) in enumerate(zip(inputs, input_names, strict=True)):
            command += ["--input", write_npy(folder / f"input{index}.npy", value, f"input {name!r}")]
        results = [folder / f"output{index}.npy" for index in range(outputs)]
        for result in results:
            command += ["--output", result]
        run_tool(command)
        arrays: list[NDArray[Any]] = [read_npy(result) for result in results]
    return arrays[0] if outputs == 1 else tuple(arrays)


def _frontend_of(manifest: Manifest) -> Frontend | None:
    shape = manifest.inputs[0].row_shape
    features = shape[0] if len(manifest.inputs) == 1 and len(shape) == 1 else -1
    return Frontend.of_manifest(manifest.data, features, len(manifest.outputs))


def _decoded(outputs: Sequence[Tensor], results: Any) -> Any:
    """The network's arrays with the names of classes in place of their indices."""
    if not any(tensor.classes for tensor in outputs):
        return results
    arrays = results if isinstance(results, tuple) else (results,)
    decoded = tuple(tensor.decoded(array) for tensor, array in zip(outputs, arrays, strict=True))
    return decoded if isinstance(results, tuple) else decoded[0]


def _open(path: Path, manifest: Manifest) -> Library:
    digests = manifest.data.get("digests")
    recorded = digests.get("shared") if isinstance(digests, dict) else None
    # The shapes are the manifest's: with another library's, the program would read and write past the arrays.
    if recorded is not None and recorded != hashlib.sha256(path.read_bytes()).hexdigest():
        raise QuantcError(
            "not the library that its manifest describes", where=str(path), remedy="compile the model again"
        )
    try:
        return Library(
            os.fspath(path),
            manifest.name,
            [(tensor.name, tensor.row_shape) for tensor in manifest.inputs],
            [(tensor.name, tensor.row_shape, tensor.dtype) for tensor in manifest.outputs],
            len(manifest.clipped),
        )
    except (RuntimeError, ValueError) as error:
        raise QuantcError(str(error)) from error


def _copy_artifacts(library: Path, folder: Path, name: str) -> None:
    """Copy the files of one network; each appears whole or not at all, the manifest last."""
    with _scratch_in(folder) as scratch:
        present = [s for s in FILE_SUFFIXES if library.with_suffix(s).is_file()]
        for suffix in present:
            shutil.copyfile(library.with_suffix(suffix), scratch / f"{name}{suffix}")
        for suffix in present:
            os.replace(scratch / f"{name}{suffix}", folder / f"{name}{suffix}")


@contextmanager
def _scratch_in(folder: Path) -> Iterator[Path]:
    """A temporary folder on the same file system as `folder`, so that files can be moved out of it."""
    with tempfile.TemporaryDirectory(prefix=".quantc-", dir=folder) as scratch:
        yield Path(scratch)
