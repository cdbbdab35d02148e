// Breaks if a fold reaches another feature, leaves its row or column, or takes another constant.
// RUN: quant-opt --fold-features="folds=input[1]=2,fc1[2]=0.5" %s | FileCheck %s
// RUN: quant-opt --fold-features="folds=input[0]=mean" %s | FileCheck %s --check-prefix=MEAN
// RUN: quant-opt --fold-features="folds=side=3" %s | FileCheck %s --check-prefix=WHOLE
// RUN: not quant-opt --fold-features="folds=inptu[1]=2" %s 2>&1 | FileCheck %s --check-prefix=NAME
// RUN: not quant-opt --fold-features="folds=input[3]=2" %s 2>&1 | FileCheck %s --check-prefix=INDEX
// RUN: not quant-opt --fold-features="folds=input[-1]=2" %s 2>&1 | FileCheck %s --check-prefix=INDEX
// RUN: not quant-opt --fold-features="folds=input[a]=2" %s 2>&1 | FileCheck %s --check-prefix=NUMBER
// RUN: not quant-opt --fold-features="folds=input[1]" %s 2>&1 | FileCheck %s --check-prefix=FORM
// RUN: not quant-opt --fold-features="folds=input[1]=nan" %s 2>&1 | FileCheck %s --check-prefix=VALUE
// RUN: not quant-opt --fold-features="folds=input[1]=1,input[1]=2" %s 2>&1 | FileCheck %s --check-prefix=TWICE
// RUN: not quant-opt --fold-features="folds=fc1=2" %s 2>&1 | FileCheck %s --check-prefix=LAYER
// RUN: not quant-opt --fold-features="folds=fc1[0]=mean" %s 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// RUN: not quant-opt --fold-features="folds=fc2[0]=1" %s 2>&1 | FileCheck %s --check-prefix=RESULT
// RUN: not quant-opt --fold-features="folds=input=1" %s 2>&1 | FileCheck %s --check-prefix=ALL
// NAME: no input or dense layer is named 'inptu'; the nearest are 'input'
// INDEX: 'input' has only 3 features, 0 to 2
// NUMBER: 'a' is no number of a feature
// FORM: write NAME=VALUE or NAME=mean
// VALUE: 'nan' is neither a finite number nor 'mean'
// TWICE: 'input[1]' is folded twice
// LAYER: 'fc1' is a layer; name one of its channels, fc1[0] to fc1[2]
// UNKNOWN: no mean was measured; give rows with --calibration, or a number
// RESULT: 'fc2' can't be folded: is a result of the network
// ALL: 'input' can't be folded: a layer that reads it would read nothing else

// fc1's bias [1, 2, 3] takes 2 * 10 of the column of input 1 and its third row
// goes; fc2's takes 0.5 * 5.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[I:.*]] = qnet.constant dense<[0, 2]> : tensor<2xi64>
// CHECK-DAG: %[[X:.*]] = qnet.gather %arg0, %[[I]] {axis = 1 : i64}
// CHECK-DAG: dense<{{\[}}[1.000000e+00, 1.000000e+00], [2.000000e+00, 2.000000e+00]]> : tensor<2x2xf32>
// CHECK-DAG: dense<[2.100000e+01, 2.200000e+01]> : tensor<2xf32>
// CHECK: qnet.dense %[[X]], {{.*}} -> tensor<?x2xf32>
// CHECK: qnet.concat {{.*}} -> tensor<?x3xf32>
// CHECK: dense<{{\[}}[3.000000e+00, 4.000000e+00, 7.000000e+00]]>
// CHECK: dense<2.500000e+00> : tensor<1xf32>

// MEAN: dense<[1.400000e+00, 2.800000e+00, 4.200000e+00]> : tensor<3xf32>

// The whole second input: 3 * 7 in fc2's bias, and nothing reads it.
// WHOLE: qnet.dense %arg0
// WHOLE-NOT: %arg1
// WHOLE: dense<2.100000e+01> : tensor<1xf32>
func.func @main(%x: tensor<?x3xf32> {qnet.name = "input", qnet.mean = array<f32: 0.4, 0.0, 0.0>}, %s: tensor<?x1xf32> {qnet.name = "side"}) -> tensor<?x1xf32> {
  %w = qnet.constant dense<[[1.0, 10.0, 1.0], [2.0, 10.0, 2.0], [3.0, 10.0, 3.0]]> : tensor<3x3xf32>
  %b = qnet.constant dense<[1.0, 2.0, 3.0]> : tensor<3xf32>
  %v = qnet.constant dense<[[3.0, 4.0, 5.0, 7.0]]> : tensor<1x4xf32>
  %h = qnet.dense %x, %w, %b {function = #qnet.fn<relu>} : (tensor<?x3xf32>, tensor<3x3xf32>, tensor<3xf32>) -> tensor<?x3xf32> loc("fc1")
  %c = qnet.concat %h, %s {axis = 1 : i64} : (tensor<?x3xf32>, tensor<?x1xf32>) -> tensor<?x4xf32> loc("join")
  %y = qnet.dense %c, %v : (tensor<?x4xf32>, tensor<1x4xf32>) -> tensor<?x1xf32> loc("fc2")
  return %y : tensor<?x1xf32>
}
