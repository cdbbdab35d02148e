// Breaks if a function that an exporter spells out is not found: its parts would
// each be quantized.
// RUN: quant-opt --split-input-file --recognize-activation %s | FileCheck %s
// RUN: quant-opt --split-input-file --evaluate-main=digits=3 -o /dev/null %s > %t.before
// RUN: quant-opt --split-input-file --recognize-activation --evaluate-main=digits=3 -o /dev/null %s > %t.after
// RUN: diff %t.before %t.after

// CHECK-LABEL: func.func @main
// CHECK-NEXT: %[[R:.*]] = qnet.activation relu %arg0
// CHECK-NEXT: %[[S:.*]] = qnet.activation relu6 %arg0
// CHECK-NEXT: %[[C:.*]] = qnet.activation clip %arg0 {alpha = -1.000000e+00 : f32, beta = 6.000000e+00 : f32}
// CHECK-NEXT: %[[L:.*]] = qnet.activation clip %arg0 {alpha = -1.000000e+00 : f32}
// CHECK-NEXT: return %[[R]], %[[S]], %[[C]], %[[L]]
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %zero = qnet.constant dense<0.0> : tensor<f32>
  %six = qnet.constant dense<6.0> : tensor<4xf32>
  %low = qnet.constant dense<-1.0> : tensor<1x1xf32>
  %relu = qnet.max %zero, %x : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %positive = qnet.max %x, %zero : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %relu6 = qnet.min %positive, %six : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %below = qnet.min %x, %six : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %clip = qnet.max %below, %low : (tensor<?x4xf32>, tensor<1x1xf32>) -> tensor<?x4xf32>
  %lower = qnet.max %x, %low : (tensor<?x4xf32>, tensor<1x1xf32>) -> tensor<?x4xf32>
  return %relu, %relu6, %clip, %lower : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// PyTorch's SiLU, and Swish with a slope.
// CHECK-LABEL: func.func @main
// CHECK-NOT: qnet.mul
// CHECK-DAG: qnet.activation silu %arg0 : tensor
// CHECK-DAG: qnet.activation silu %arg0 {alpha = 1.500000e+00 : f32}
// CHECK-NOT: qnet.mul
// CHECK: return
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %slope = qnet.constant dense<1.5> : tensor<f32>
  %s = qnet.activation sigmoid %x : tensor<?x4xf32> -> tensor<?x4xf32>
  %y = qnet.mul %x, %s : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %sx = qnet.mul %slope, %x : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %s2 = qnet.activation sigmoid %sx : tensor<?x4xf32> -> tensor<?x4xf32>
  %z = qnet.mul %s2, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %z : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// PyTorch's GELU before opset 20: x / sqrt(2), erf, + 1, x *, * 0.5.
// CHECK-LABEL: func.func @main
// CHECK: %[[Y:.*]] = qnet.activation gelu %arg0
// CHECK-NEXT: return %[[Y]]
func.func @main(%x: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %root = qnet.constant dense<1.41421354> : tensor<f32>
  %one = qnet.constant dense<1.0> : tensor<f32>
  %half = qnet.constant dense<0.5> : tensor<f32>
  %a = qnet.div %x, %root : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %b = qnet.activation erf %a : tensor<?x4xf32> -> tensor<?x4xf32>
  %c = qnet.add %b, %one : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %d = qnet.mul %x, %c : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %e = qnet.mul %d, %half : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  return %e : tensor<?x4xf32>
}

// -----

// Keras's: (0.5 * x) * (1 + erf(x * 0.7071...)), and the tanh form, whose cube is
// a power or a product.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[Y:.*]] = qnet.activation gelu %arg0
// CHECK-DAG: %[[Z:.*]] = qnet.activation gelu_tanh %arg0
// CHECK-DAG: %[[V:.*]] = qnet.activation gelu_tanh %arg0
// CHECK: return %[[Y]], %[[Z]], %[[V]]
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %root = qnet.constant dense<0.707106769> : tensor<f32>
  %one = qnet.constant dense<1.0> : tensor<f32>
  %half = qnet.constant dense<0.5> : tensor<f32>
  %three = qnet.constant dense<3.0> : tensor<f32>
  %cubic = qnet.constant dense<0.044715> : tensor<f32>
  %factor = qnet.constant dense<0.797884583> : tensor<f32>
  %a = qnet.mul %x, %root : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %b = qnet.activation erf %a : tensor<?x4xf32> -> tensor<?x4xf32>
  %c = qnet.add %one, %b : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %h = qnet.mul %half, %x : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %y = qnet.mul %h, %c : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>

  %p = qnet.pow %x, %three : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %q = qnet.mul %cubic, %p : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %r = qnet.add %x, %q : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = qnet.mul %factor, %r : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %t = qnet.activation tanh %s : tensor<?x4xf32> -> tensor<?x4xf32>
  %u = qnet.add %one, %t : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %h2 = qnet.mul %half, %x : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %z = qnet.mul %h2, %u : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>

  %x2 = qnet.mul %x, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %x3 = qnet.mul %x2, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %q3 = qnet.mul %cubic, %x3 : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %r3 = qnet.add %x, %q3 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %s3 = qnet.mul %factor, %r3 : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %t3 = qnet.activation tanh %s3 : tensor<?x4xf32> -> tensor<?x4xf32>
  %u3 = qnet.add %one, %t3 : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %h3 = qnet.mul %x, %u3 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %v = qnet.mul %half, %h3 : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %y, %z, %v : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Mish, and three spellings of HardSwish.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[M:.*]] = qnet.activation mish %arg0
// CHECK-DAG: %[[A:.*]] = qnet.activation hard_swish %arg0
// CHECK-DAG: %[[B:.*]] = qnet.activation hard_swish %arg0
// CHECK-DAG: %[[C:.*]] = qnet.activation hard_swish %arg0
// CHECK: return %[[M]], %[[A]], %[[B]], %[[C]]
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %three = qnet.constant dense<3.0> : tensor<f32>
  %six = qnet.constant dense<6.0> : tensor<f32>
  %sixth = qnet.constant dense<0.166666672> : tensor<f32>
  %zero = qnet.constant dense<0.0> : tensor<f32>
  %sp = qnet.activation softplus %x : tensor<?x4xf32> -> tensor<?x4xf32>
  %t = qnet.activation tanh %sp : tensor<?x4xf32> -> tensor<?x4xf32>
  %m = qnet.mul %x, %t : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>

  %a3 = qnet.add %x, %three : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %a6 = qnet.activation clip %a3 {alpha = 0.0 : f32, beta = 6.0 : f32} : tensor<?x4xf32> -> tensor<?x4xf32>
  %am = qnet.mul %x, %a6 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %a = qnet.div %am, %six : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>

  %b3 = qnet.add %three, %x : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %b0 = qnet.max %b3, %zero : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %b6 = qnet.min %b0, %six : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %bs = qnet.mul %b6, %sixth : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %b = qnet.mul %bs, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>

  %h = qnet.activation hard_sigmoid %x {alpha = 0.166666672 : f32, beta = 0.5 : f32} : tensor<?x4xf32> -> tensor<?x4xf32>
  %c = qnet.mul %x, %h : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %m, %a, %b, %c : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[P:.*]] = qnet.activation softplus %arg0
// CHECK-DAG: %[[S:.*]] = qnet.activation sigmoid %arg0
// CHECK-DAG: %[[G:.*]] = qnet.activation softsign %arg0
// CHECK-DAG: %[[L:.*]] = qnet.activation leaky_relu %arg0 {alpha = 2.500000e-01 : f32}
// CHECK: return %[[P]], %[[S]], %[[G]], %[[L]]
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %one = qnet.constant dense<1.0> : tensor<f32>
  %slope = qnet.constant dense<0.25> : tensor<4xf32>
  %e = qnet.activation exp %x : tensor<?x4xf32> -> tensor<?x4xf32>
  %e1 = qnet.add %one, %e : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %softplus = qnet.activation log %e1 : tensor<?x4xf32> -> tensor<?x4xf32>
  %n = qnet.activation neg %x : tensor<?x4xf32> -> tensor<?x4xf32>
  %en = qnet.activation exp %n : tensor<?x4xf32> -> tensor<?x4xf32>
  %en1 = qnet.add %en, %one : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %sigmoid = qnet.div %one, %en1 : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %a = qnet.activation abs %x : tensor<?x4xf32> -> tensor<?x4xf32>
  %a1 = qnet.add %a, %one : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %softsign = qnet.div %x, %a1 : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %leaky = qnet.prelu %x, %slope : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %softplus, %sigmoid, %softsign, %leaky : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Powers and squares. The range of the test's values holds negative ones, whose
// root is NaN before and after.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[S:.*]] = qnet.activation square %arg0
// CHECK-DAG: %[[Q:.*]] = qnet.activation square %arg0
// CHECK-DAG: %[[I:.*]] = qnet.activation reciprocal %arg0
// CHECK: return %[[S]], %[[Q]], %[[I]]
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %two = qnet.constant dense<2.0> : tensor<f32>
  %one = qnet.constant dense<1.0> : tensor<f32>
  %p = qnet.pow %x, %two : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %m = qnet.mul %x, %x : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %r = qnet.div %one, %x : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  return %p, %m, %r : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Powers of no name: exp(y log x), one exponent or one for each feature; where
// some are whole, of |x|, with the sign of x where they are odd.
// CHECK-LABEL: func.func @main
// CHECK-DAG: %[[FEW:.*]] = qnet.constant dense<[5.000000e-01, 1.250000e+00, -7.500000e-01, 3.250000e+00]>
// CHECK-DAG: %[[WHOLE:.*]] = qnet.constant dense<[5.000000e-01, 2.000000e+00, 1.000000e+00, 0.000000e+00]>
// CHECK-DAG: %[[IS:.*]] = qnet.constant dense<[false, true, true, true]>
// CHECK-DAG: %[[ODD:.*]] = qnet.constant dense<[false, false, true, false]>
// CHECK-DAG: %[[NONE:.*]] = qnet.constant dense<[false, false, false, true]>
// CHECK: %[[LOG:.*]] = qnet.activation log %arg0
// CHECK: %[[MUL:.*]] = qnet.mul %[[LOG]], %[[FEW]]
// CHECK: %[[EXP:.*]] = qnet.activation exp %[[MUL]]
// CHECK: %[[ABS:.*]] = qnet.activation abs %arg0
// CHECK: %[[SIZE:.*]] = qnet.where %[[IS]], %[[ABS]], %arg0
// CHECK: %[[L:.*]] = qnet.activation log %[[SIZE]]
// CHECK: %[[M:.*]] = qnet.mul %[[L]], %[[WHOLE]]
// CHECK: %[[E:.*]] = qnet.activation exp %[[M]]
// CHECK: %[[C:.*]] = qnet.compare lt %arg0
// CHECK: %[[T:.*]] = qnet.and %[[C]], %[[ODD]]
// CHECK: %[[N:.*]] = qnet.activation neg %[[E]]
// CHECK: %[[S:.*]] = qnet.where %[[T]], %[[N]], %[[E]]
// CHECK: %[[POW:.*]] = qnet.where %[[NONE]], %{{.*}}, %[[S]]
// CHECK: return %[[EXP]], %[[POW]]
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %few = qnet.constant dense<[0.5, 1.25, -0.75, 3.25]> : tensor<4xf32>
  %whole = qnet.constant dense<[0.5, 2.0, 1.0, 0.0]> : tensor<4xf32>
  %p = qnet.pow %x, %few : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  %q = qnet.pow %x, %whole : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %p, %q : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// One whole exponent for all: products, and one over them.
// CHECK-LABEL: func.func @main
// CHECK: %[[X2:.*]] = qnet.activation square %arg0
// CHECK: %[[X4:.*]] = qnet.activation square %[[X2]]
// CHECK: %[[X5:.*]] = qnet.mul %arg0, %[[X4]]
// CHECK: %[[Y2:.*]] = qnet.activation square %arg0
// CHECK: %[[R:.*]] = qnet.activation reciprocal %[[Y2]]
// CHECK: return %[[X5]], %[[R]]
func.func @main(%x: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>) {
  %five = qnet.constant dense<5.0> : tensor<f32>
  %less = qnet.constant dense<-2.0> : tensor<4xf32>
  %p = qnet.pow %x, %five : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %q = qnet.pow %x, %less : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %p, %q : tensor<?x4xf32>, tensor<?x4xf32>
}

// -----

// Declined: almost a GELU (0.4), a product of two different values, crossed
// bounds, per-channel slopes.
// CHECK-LABEL: func.func @main
// CHECK: qnet.activation erf
// CHECK: qnet.activation sigmoid
// CHECK: qnet.mul
// CHECK: qnet.activation clip
// CHECK: qnet.prelu
func.func @main(%x: tensor<?x4xf32>, %z: tensor<?x4xf32>) -> (tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>) {
  %root = qnet.constant dense<0.707106769> : tensor<f32>
  %one = qnet.constant dense<1.0> : tensor<f32>
  %wrong = qnet.constant dense<0.4> : tensor<f32>
  %slopes = qnet.constant dense<[0.1, 0.2, 0.3, 0.4]> : tensor<4xf32>
  %a = qnet.mul %x, %root : (tensor<?x4xf32>, tensor<f32>) -> tensor<?x4xf32>
  %b = qnet.activation erf %a : tensor<?x4xf32> -> tensor<?x4xf32>
  %c = qnet.add %one, %b : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %h = qnet.mul %wrong, %x : (tensor<f32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %gelu = qnet.mul %h, %c : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %s = qnet.activation sigmoid %z : tensor<?x4xf32> -> tensor<?x4xf32>
  %gate = qnet.mul %x, %s : (tensor<?x4xf32>, tensor<?x4xf32>) -> tensor<?x4xf32>
  %clip = qnet.activation clip %x {alpha = 1.0 : f32, beta = -1.0 : f32} : tensor<?x4xf32> -> tensor<?x4xf32>
  %p = qnet.prelu %x, %slopes : (tensor<?x4xf32>, tensor<4xf32>) -> tensor<?x4xf32>
  return %gelu, %gate, %clip, %p : tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>, tensor<?x4xf32>
}
