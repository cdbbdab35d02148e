// If this fails, hidden channels are ordered although nothing is gained, or two layers disagree on the order.
// RUN: quant-opt %s --pair-channels=isa=avx2 --split-input-file | FileCheck %s
// RUN: quant-opt %s --pair-channels=isa=avx2 --select-kernels="isa=avx2 kernel=gemm_u8s8s16_4x16x8_avx2" --verify-narrow-sums --split-input-file | FileCheck %s --check-prefix=KERNELS
// RUN: quant-opt %s --pair-channels=isa=dotprod --split-input-file | FileCheck %s --check-prefix=SAME
// RUN: not quant-opt %s --pair-channels=isa=z80 --split-input-file 2>&1 | FileCheck %s --check-prefix=UNKNOWN
// UNKNOWN: error: pair-channels: no instruction set is named 'z80'

// Activations up to 255: positive weights of a sum may add up to 128. Inputs 0, 1, 4 and 5 share one, 2, 3, 6 and 7 the
// other, where 100 + 100 would be too much. Each gets one of them, and the first layer gives its outputs in that order.
// (Up to eight channels have a panel that adds two products, where nothing is too much.)
// CHECK-LABEL: func.func @order
// CHECK-DAG: %[[W:.*]] = qnet.constant dense<{{\[}}[10], [14], [11], [15], [12], [16], [13], [17]]> : tensor<8x1xi8>
// CHECK-DAG: %[[B:.*]] = qnet.constant dense<[0, 4, 1, 5, 2, 6, 3, 7]> : tensor<8xi32>
// CHECK-DAG: %[[M:.*]] = qnet.constant dense<[5.000000e-01, 7.500000e-01, 2.500000e-01, 3.750000e-01, 1.250000e-01, 8.750000e-01, 6.250000e-02, 6.250000e-01]> : tensor<8xf32>
// CHECK: %[[H:.*]] = qnet.qdense %{{.*}}, %[[W]], %[[B]], %[[M]] :
// CHECK: %[[W2:.*]] = qnet.constant dense<{{\[}}[100, 1, 100, 2, 20, 3, 20, 4], [100, 1, 100, 2, 20, 3, 20, 4],{{.*}}> : tensor<9x8xi8>
// CHECK: qnet.qdense %[[H]], %[[W2]],
// KERNELS-LABEL: func.func @order
// KERNELS-NOT: visits
// KERNELS: return
// SAME-LABEL: func.func @order
// No sum of 16 bits, no other order.
// SAME: qnet.constant dense<{{\[}}[10], [11], [12], [13], [14], [15], [16], [17]]> : tensor<8x1xi8>
// SAME-NOT: constant {{.*}} : tensor<8x1xi8>
// SAME: return
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @order(%q: tensor<?x1x!q>) -> tensor<?x9xf32> {
  %w = qnet.constant dense<[[10], [11], [12], [13], [14], [15], [16], [17]]> : tensor<8x1xi8>
  %b = qnet.constant dense<[0, 1, 2, 3, 4, 5, 6, 7]> : tensor<8xi32>
  %m = qnet.constant dense<[0.5, 0.25, 0.125, 0.0625, 0.75, 0.375, 0.875, 0.625]> : tensor<8xf32>
  %w2 = qnet.constant dense<[[100, 100, 20, 20, 1, 2, 3, 4],
                            [100, 100, 20, 20, 1, 2, 3, 4],
                            [100, 100, 20, 20, 1, 2, 3, 4],
                            [100, 100, 20, 20, 1, 2, 3, 4],
                            [100, 100, 20, 20, 1, 2, 3, 4],
                            [100, 100, 20, 20, 1, 2, 3, 4],
                            [100, 100, 20, 20, 1, 2, 3, 4],
                            [100, 100, 20, 20, 1, 2, 3, 4],
                            [100, 100, 20, 20, 1, 2, 3, 4]]> : tensor<9x8xi8>
  %b2 = qnet.constant dense<0> : tensor<9xi32>
  %m2 = qnet.constant dense<0.5> : tensor<9xf32>
  %h = qnet.qdense %q, %w, %b, %m
    : (tensor<?x1x!q>, tensor<8x1xi8>, tensor<8xi32>, tensor<8xf32>) -> tensor<?x8x!q>
  %y = qnet.qdense %h, %w2, %b2, %m2
    : (tensor<?x8x!q>, tensor<9x8xi8>, tensor<9xi32>, tensor<9xf32>) -> tensor<?x9xf32>
  return %y : tensor<?x9xf32>
}

// -----

// Nothing has too much as it is.
// CHECK-LABEL: func.func @fits
// CHECK: qnet.constant dense<{{\[}}[100, 20, 20, 20, 1, 2, 100, 4]]> : tensor<1x8xi8>
// CHECK-NOT: constant {{.*}} : tensor<1x8xi8>
// CHECK: return
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @fits(%q: tensor<?x1x!q>) -> tensor<?x1xf32> {
  %w = qnet.constant dense<1> : tensor<8x1xi8>
  %b = qnet.constant dense<0> : tensor<8xi32>
  %m = qnet.constant dense<0.5> : tensor<8xf32>
  %w2 = qnet.constant dense<[[100, 20, 20, 20, 1, 2, 100, 4]]> : tensor<1x8xi8>
  %b2 = qnet.constant dense<0> : tensor<1xi32>
  %m2 = qnet.constant dense<0.5> : tensor<1xf32>
  %h = qnet.qdense %q, %w, %b, %m
    : (tensor<?x1x!q>, tensor<8x1xi8>, tensor<8xi32>, tensor<8xf32>) -> tensor<?x8x!q>
  %y = qnet.qdense %h, %w2, %b2, %m2
    : (tensor<?x8x!q>, tensor<1x8xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  return %y : tensor<?x1xf32>
}

// -----

// Somebody else reads the channels too.
// CHECK-LABEL: func.func @shared
// CHECK: qnet.constant dense<{{\[}}[100, 100, 20, 20, 1, 2, 3, 4]]> : tensor<1x8xi8>
// CHECK-NOT: constant {{.*}} : tensor<1x8xi8>
// CHECK: return
!q = !quant.uniform<u8:f32, 0.5:0>
func.func @shared(%q: tensor<?x1x!q>) -> (tensor<?x1xf32>, tensor<?x8xf32>) {
  %w = qnet.constant dense<1> : tensor<8x1xi8>
  %b = qnet.constant dense<0> : tensor<8xi32>
  %m = qnet.constant dense<0.5> : tensor<8xf32>
  %w2 = qnet.constant dense<[[100, 100, 20, 20, 1, 2, 3, 4]]> : tensor<1x8xi8>
  %b2 = qnet.constant dense<0> : tensor<1xi32>
  %m2 = qnet.constant dense<0.5> : tensor<1xf32>
  %h = qnet.qdense %q, %w, %b, %m
    : (tensor<?x1x!q>, tensor<8x1xi8>, tensor<8xi32>, tensor<8xf32>) -> tensor<?x8x!q>
  %y = qnet.qdense %h, %w2, %b2, %m2
    : (tensor<?x8x!q>, tensor<1x8xi8>, tensor<1xi32>, tensor<1xf32>) -> tensor<?x1xf32>
  %d = qnet.dequantize %h : tensor<?x8x!q> -> tensor<?x8xf32>
  return %y, %d : tensor<?x1xf32>, tensor<?x8xf32>
}
