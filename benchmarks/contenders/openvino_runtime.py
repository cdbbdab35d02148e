"""OpenVINO on the CPU: the float model, NNCF's int8, and ONNX Runtime's QDQ model, each reshaped to the batch.

A call copies the rows into the request's own input tensor and its results out of the output tensor: of the ways that
the Python interface offers, the quickest by a third for the smallest network.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import openvino
from networks import MODEL_FILE, Floats, read_network

from contenders import Predict

NNCF_FILE = "nncf.xml"
QDQ_FILE = "openvino-qdq.onnx"
SETTINGS = {
    "PERFORMANCE_HINT": "LATENCY",
    "INFERENCE_NUM_THREADS": 1,
    "NUM_STREAMS": 1,
    "INFERENCE_PRECISION_HINT": "f32",  # as every other float contender; the CPUs timed so far have no bf16 anyway
    "ENABLE_CPU_PINNING": False,
}


def prepare(folder: Path, form: str) -> None:
    """Quantize, for the integer forms."""
    if form == "int8":
        import nncf  # noqa: PLC0415 - only this form needs it
        from nncf.quantization.advanced_parameters import AdvancedQuantizationParameters  # noqa: PLC0415
        from nncf.quantization.range_estimator import RangeEstimatorParametersSet  # noqa: PLC0415

        # By default the range is a mean over batches, here of one row, which would cut off most of what the rows have.
        advanced = AdvancedQuantizationParameters(activations_range_estimator_params=RangeEstimatorParametersSet.MINMAX)
        model = openvino.Core().read_model(folder / MODEL_FILE)
        rows = read_network(folder).calibration
        dataset: Any = nncf.Dataset([row[np.newaxis] for row in rows])
        quantized = nncf.quantize(model, dataset, subset_size=len(rows), advanced_parameters=advanced)
        openvino.save_model(quantized, folder / NNCF_FILE, compress_to_fp16=False)
    elif form == "int8 QDQ":
        from contenders.onnx_runtime import write_qdq  # noqa: PLC0415 - only this form needs ONNX Runtime

        write_qdq(folder, folder / QDQ_FILE)


def load(folder: Path, form: str, batch: int) -> Predict:
    """Compile for exactly `batch` rows, which is quicker than a batch that may change."""
    core = openvino.Core()
    file = {"float": MODEL_FILE, "int8": NNCF_FILE, "int8 QDQ": QDQ_FILE}[form]
    model = core.read_model(folder / file)
    model.reshape([batch, read_network(folder).rows.shape[1]])
    request: Any = core.compile_model(model, "CPU", SETTINGS).create_infer_request()
    input_view = request.get_input_tensor().data
    output_view = request.get_output_tensor().data

    def predict(x: Floats) -> Floats:
        input_view[:] = x
        request.infer(share_outputs=True)
        result: Floats = output_view.copy()
        return result

    return predict
