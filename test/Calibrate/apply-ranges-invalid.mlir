// A file of ranges is input like any other: every fault is one clear message.
// RUN: split-file %s %t
// RUN: not quant-opt --apply-ranges=ranges=%t/none.json %t/model.mlir 2>&1 | FileCheck %s --check-prefix=NONE
// RUN: not quant-opt --apply-ranges=ranges=%t/text.json %t/model.mlir 2>&1 | FileCheck %s --check-prefix=TEXT
// RUN: not quant-opt --apply-ranges=ranges=%t/format.json %t/model.mlir 2>&1 | FileCheck %s --check-prefix=FORMAT
// RUN: not quant-opt --apply-ranges=ranges=%t/version.json %t/model.mlir 2>&1 | FileCheck %s --check-prefix=VERSION
// RUN: not quant-opt --apply-ranges=ranges=%t/order.json %t/model.mlir 2>&1 | FileCheck %s --check-prefix=ORDER
// RUN: not quant-opt --apply-ranges=ranges=%t/crossed.json %t/model.mlir 2>&1 | FileCheck %s --check-prefix=CROSSED
// RUN: not quant-opt --apply-ranges=ranges=%t/count.json %t/model.mlir 2>&1 | FileCheck %s --check-prefix=COUNT
// RUN: not quant-opt --apply-ranges=ranges=%t/name.json %t/model.mlir 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not quant-opt --apply-ranges=ranges=%t/huge.json %t/model.mlir 2>&1 | FileCheck %s --check-prefix=HUGE
// RUN: not quant-opt --apply-ranges=ranges=%t/deep.json %t/model.mlir 2>&1 | FileCheck %s --check-prefix=DEEP

// NONE: the file of ranges '{{.*}}none.json' cannot be read
// TEXT: is no JSON
// FORMAT: is no file of ranges: it lacks "format": "quantc-ranges"
// VERSION: is of another version than 1; calibrate again
// ORDER: tensors[0] must have "tensor": 0: the tensors stand in their order, none left out
// CROSSED: tensors[0] ('x') needs "min" and "max", two finite numbers, the smaller first
// COUNT: there are ranges of 0 values, but the graph has 1 observed values; they belong to another model
// NAME: the range of tensor 0 ('other') was given where the graph has 'x'
// HUGE: the range of tensor 0 ('x') is [0.000000e+00, 1.000000e+39]; it must be two finite numbers
// DEEP: nests too deep for a file of ranges

//--- model.mlir
func.func @main(%x: tensor<?x2xf32> {qnet.name = "x"}) -> tensor<?x2xf32> {
  return %x : tensor<?x2xf32>
}
//--- text.json
{"format":
//--- format.json
[]
//--- version.json
{"format": "quantc-ranges", "version": 2, "tensors": []}
//--- order.json
{"format": "quantc-ranges", "version": 1, "tensors": [{"tensor": 1, "name": "x", "min": 0, "max": 1}]}
//--- crossed.json
{"format": "quantc-ranges", "version": 1, "tensors": [{"tensor": 0, "name": "x", "min": 1, "max": 0}]}
//--- count.json
{"format": "quantc-ranges", "version": 1, "tensors": []}
//--- name.json
{"format": "quantc-ranges", "version": 1, "tensors": [{"tensor": 0, "name": "other", "min": 0, "max": 1}]}
//--- huge.json
{"format": "quantc-ranges", "version": 1, "tensors": [{"tensor": 0, "name": "x", "min": 0, "max": 1e39}]}
//--- deep.json
[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]
